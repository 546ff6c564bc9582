"""Answers that a client may have already: `ETag`, and 304 where `If-None-Match` names it (RFC 9110 13.1.2).

The tag is keyed: who reads it in a log cannot try out what a short secret was. It is the same on all nodes, as agents
take a new one for a change.
"""

from __future__ import annotations

from hashlib import blake2b

import msgspec

from vaultlike.errors import Sealed
from vaultlike.http.infisical.ask import Ask
from vaultlike.http.message import Outgoing

_encode = msgspec.json.Encoder().encode
_JSON = "application/json; charset=utf-8"


def conditional(ask: Ask, answer: object) -> Outgoing:
    """`answer` as JSON with its tag, or 304 without a body. Raises Sealed."""
    core = ask.server.core
    if core is None:
        raise Sealed
    body = _encode(answer)
    tag = f'"{blake2b(body, digest_size=16, key=core.tag_key).hexdigest()}"'
    wanted = ask.incoming.headers.get("If-None-Match", "")
    headers = (("ETag", tag),)
    if wanted and _names(wanted, tag):
        return Outgoing(304, b"", _JSON, headers)
    return Outgoing(200, body, _JSON, headers)


def _names(wanted: str, tag: str) -> bool:
    """Weak comparison: `W/` does not matter."""
    return any(one.strip().removeprefix("W/") in (tag, "*") for one in wanted.split(","))
