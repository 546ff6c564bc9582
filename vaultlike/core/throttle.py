"""Counts requests against the rate limits (spec/vault-api.md 2.11): an address has so many in each interval.

Each process counts for itself, as each node of the reference does: a limit protects a server from too much work, it is
no fact about a caller. What is remembered is bounded; the address that was quiet longest is forgotten first.
"""

from __future__ import annotations

import math

from cachetools import LRUCache
from msgspec import Struct

from vaultlike.clock import Clock
from vaultlike.errors import TooMany
from vaultlike.system.rate_limits import RateLimit

REMEMBERED = 50_000  # pairs of rule and address


class _Window(Struct):
    ends_at: float  # monotonic seconds
    left: int
    blocked_until: float = 0.0


class Throttle:
    """The windows of one process."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._windows: LRUCache[tuple[str, str, float, int, str], _Window] = LRUCache(REMEMBERED)

    def count(self, rule: RateLimit, path: str, address: str, *, show_headers: bool = False) -> None:
        """Counts one request. Raises TooMany when the address has used up its interval or is blocked."""
        now = self._clock.monotonic()
        key = (rule.name, rule.path, rule.rate, rule.interval, address)
        window = self._windows.get(key)
        if window is None or (now >= window.ends_at and now >= window.blocked_until):
            window = _Window(now + rule.interval, math.ceil(rule.rate))
        self._windows[key] = window
        if window.left > 0 and now >= window.blocked_until:
            window.left -= 1
            return
        if rule.block_interval and now >= window.blocked_until:
            window.blocked_until = now + rule.block_interval
        wait = max(1, math.ceil(max(window.ends_at, window.blocked_until) - now))
        raise TooMany(
            f'request path "{path}": rate limit quota exceeded',
            reason=f"{address} exceeded the rate limit {rule.name}",
            headers=_headers(rule, wait) if show_headers else None,
        )


def _headers(rule: RateLimit, wait: int) -> dict[str, str]:
    return {
        "Retry-After": str(wait),
        "X-Ratelimit-Limit": str(math.ceil(rule.rate)),
        "X-Ratelimit-Remaining": "0",
        "X-Ratelimit-Reset": str(wait),
    }
