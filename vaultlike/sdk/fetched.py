"""What an outbound call brings back: an answer, or a typed failure that names the host and never a secret."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import msgspec

from vaultlike.errors import Upstream

T = TypeVar("T")


class EgressError(Upstream):
    """An outbound call that gave no usable answer. `reason` names method, host and path, never query, header or body.

    `transient`: whether asking again soon can help.
    """

    transient = False

    def __init__(self, where: str, what: str) -> None:
        super().__init__(reason=f"{where}: {what}")


class UrlRefused(EgressError):
    """The URL, a header or the setting of a call is one that we do not send."""


class AddressRefused(EgressError):
    """The host resolves to addresses that the server's settings, or the guard of a mount, forbid."""


class ConnectionFailed(EgressError):
    """No connection, or it broke before the answer was complete."""

    transient = True


class NameNotFound(ConnectionFailed):
    """The host name does not resolve."""


class TimedOut(EgressError):
    """No complete answer within the time given."""

    transient = True


class TlsFailed(EgressError):
    """The other side's certificate or TLS is not acceptable, or our CA for it cannot be used."""


class TooBig(EgressError):
    """The answer exceeds the size limit of the call."""


class BadStatus(EgressError):
    """A complete answer with a status that the caller does not want."""

    def __init__(self, where: str, status: int) -> None:
        super().__init__(where, f"answered with status {status}")


class BadAnswer(EgressError):
    """A complete answer that cannot be understood: not HTTP, not JSON, not the fields we need."""


class Fetched(msgspec.Struct, frozen=True):
    """A complete answer of any status, redirects included. `where` is `METHOD scheme://host/path` for texts."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    where: str

    def __repr__(self) -> str:
        return f"Fetched({self.where!r}, status={self.status}, {len(self.body)} bytes)"

    def expect(self, *statuses: int) -> Fetched:
        """Itself when the status is one of these (default 200). Raises BadStatus."""
        if self.status not in (statuses or (200,)):
            raise BadStatus(self.where, self.status)
        return self

    def json(self, type: type[T]) -> T:
        """The body as a Struct (or any type msgspec knows). Raises BadAnswer for HTML, garbage, missing fields."""
        try:
            return msgspec.json.decode(self.body, type=type)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            kind = self.headers.get("Content-Type", "no content type")[:64]
            raise BadAnswer(self.where, f"status {self.status}, {kind!r}, not the JSON we need: {error}") from None
