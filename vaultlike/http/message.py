"""What passes between the HTTP layer and whoever answers: one request in, one answer out. No sockets, no Vault."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

import msgspec


class Incoming(msgspec.Struct, gc=False):
    """A request, complete with its body. `raw_path` and `query` are ASCII and undecoded as they stood on the wire.

    `headers` ignores the case of names. `remote` is the client's IP address ("" on a unix socket), taken from
    X-Forwarded-For only behind an authorized proxy. `peer_certificate` is DER. `listener` is the address the request
    came in by.
    """

    method: str
    raw_path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    remote: str
    peer_certificate: bytes | None
    secure: bool
    listener: str = ""

    def __repr__(self) -> str:
        return f"Incoming({self.method} {self.raw_path!r})"


class Outgoing(msgspec.Struct, gc=False):
    """An answer. `content_type` is sent exactly as given; `headers` come on top of the listener's own."""

    status: int
    body: bytes = b""
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()

    def __repr__(self) -> str:
        return f"Outgoing(status={self.status}, {len(self.body)} bytes)"


class Streaming(Outgoing):
    """An answer whose body comes in `parts` until they end or the client goes; the connection ends with it."""

    parts: AsyncIterator[bytes] | None = None


Handler = Callable[[Incoming], Awaitable[Outgoing]]


class Refused(Exception):
    """A request that never reaches the handler: `status` and a public text that repeats nothing the client sent."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


def refusal(status: int, *texts: str) -> Outgoing:
    """An answer in the error shape of the wire (spec/vault-api.md 1.9)."""
    return Outgoing(status, msgspec.json.encode({"errors": texts}))
