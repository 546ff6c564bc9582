"""Which headers pass between a client and a mounted plugin: those that the mount's settings name, both ways
(`passthrough_request_headers`, `allowed_response_headers`; spec/vault-api.md 2.2).

The server's own mounts see everything. The token never reaches a plugin, whatever is named.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import UNSET
from multidict import CIMultiDict

from vaultlike.mounts.entry import MountEntry
from vaultlike.mounts.table import SINGLETONS
from vaultlike.sdk import Raw, Reply

# What a plugin's page says about itself to keep its reader safe: dropping it would help nobody.
PROTECTIVE = frozenset((
    "cache-control", "content-security-policy", "referrer-policy", "x-content-type-options", "x-frame-options",
))  # fmt: skip
_NOTHING: Mapping[str, str] = CIMultiDict()


def seen_by(entry: MountEntry, headers: Mapping[str, str], token: str) -> Mapping[str, str]:
    """The request headers that a mount may see; `token` is the one that the request came with."""
    if entry.kind in SINGLETONS:
        return headers
    names = entry.config.passthrough_request_headers
    if names is UNSET:
        return _NOTHING
    seen: CIMultiDict[str] = CIMultiDict()
    for name in names:
        value = headers.get(name)
        if value is None or name.lower() == "x-vault-token" or (token and token in value):
            continue
        seen[name] = value
    return seen


def limit_answer(entry: MountEntry, reply: Reply | Raw | None) -> None:
    """Drops what a mount may not send."""
    if reply is None or not reply.headers or entry.kind in SINGLETONS:
        return
    names = entry.config.allowed_response_headers
    allowed = PROTECTIVE if names is UNSET else PROTECTIVE | {name.lower() for name in names}
    reply.headers = tuple((name, value) for name, value in reply.headers if name.lower() in allowed)
