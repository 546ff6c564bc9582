"""What was asked of the emulator: counters per endpoint and the last requests, without credentials.

Owns counting only. Tests use it to show what a server did *not* ask for.
"""

from __future__ import annotations

from collections import Counter, deque

from msgspec import Struct

_KEEP = 1000


class Seen(Struct, frozen=True, kw_only=True):
    """One request: no Authorization header, no body."""

    endpoint: str
    method: str
    path: str
    query: str
    user_agent: str
    status: int


class Ledger:
    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._seen: deque[Seen] = deque(maxlen=_KEEP)

    def count(self, endpoint: str) -> None:
        self._counts[endpoint] += 1

    def note(self, seen: Seen) -> None:
        self._seen.append(seen)

    def counters(self) -> dict[str, int]:
        """Requests per endpoint since the start or reset; outgoing ones: `issuer_discovery`, `issuer_jwks`."""
        return dict(self._counts)

    def requests(self) -> list[Seen]:
        """The last 1000 answered requests, oldest first."""
        return list(self._seen)

    def reset(self) -> None:
        self._counts.clear()
        self._seen.clear()
