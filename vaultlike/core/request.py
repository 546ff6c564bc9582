"""A request as it reaches the core, and what the core answers. Filled by `http`, or by any other caller."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, TypeAlias

from msgspec import Struct

from vaultlike.errors import TooLarge
from vaultlike.sdk import Raw, Reply

MAX_STRANGER = 1024 * 1024  # bytes of a body on a path that needs no token
Verb: TypeAlias = Literal["read", "list", "scan", "write", "patch", "delete", "help", "header"]


class Request(Struct, kw_only=True):
    """One request. `decode` gives the body (or query) as an object; it raises BadJson."""

    id: str
    verb: Verb
    path: str  # canonical, without `/v1/`
    decode: Callable[[], dict[str, object]]
    render: Callable[[Outcome], bytes | None]  # an answer's body as the wire has it; None where it has none
    token: str = ""
    namespace: str = ""
    remote: str = ""
    headers: Mapping[str, str]
    peer_certificate: bytes | None = None
    wrap_ttl: int = 0  # seconds; 0 = not asked for
    simulated: bool = False
    uncounted: bool = False  # a further step of a request that has spent its use, or a renewal by the second API
    size: int = 0  # bytes of the body, not decoded yet

    def modest(self) -> None:
        """Raises TooLarge for a body that nobody needs who has not shown a token: decoding multiplies its size."""
        if self.size > MAX_STRANGER:
            raise TooLarge(reason=f"a body of {self.size} bytes on a path without a token; at most {MAX_STRANGER}")

    def __repr__(self) -> str:
        return f"Request(id={self.id!r}, verb={self.verb!r}, path={self.path!r})"


def lists_nothing(reply: Reply) -> bool:
    """Whether the answer of a list has no keys, and nothing else to show."""
    data = reply.data
    if data is None or reply.auth is not None or reply.wrap_info is not None:
        return False
    if isinstance(data, Struct):
        return hasattr(data, "keys") and not data.keys
    return not data.get("keys") and len(data) <= ("keys" in data)


def finds_nothing(verb: str, reply: Reply) -> bool:
    """Whether nothing is there to be listed or told, a 404. A SCAN of nothing and warnings are answers of their own."""
    return verb == "list" and not reply.warnings and lists_nothing(reply)


class Outcome(Struct, kw_only=True):
    """What came of a request, ready to be rendered."""

    request_id: str
    verb: Verb
    reply: Reply | Raw | None
    mount_type: str = ""
    inject: bool = False
