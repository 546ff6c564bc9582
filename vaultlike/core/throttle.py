"""Holds requests to the rate limits (spec/vault-api.md 2.11): so many of one caller in each interval.

All processes of a server count together (`windows`); each node counts for itself, as each node of the reference does: a
limit protects a server from too much work, it is no fact about a caller. Callers are addresses or, where a rule says
so, entities.
"""

from __future__ import annotations

import math

from vaultlike.clock import Clock
from vaultlike.core.windows import Windows
from vaultlike.errors import TooMany
from vaultlike.meters import LIMITED, Meters
from vaultlike.system.rate_limits import Quotas, RateLimit


class RateLimited(TooMany):
    """A refusal by a rule; `recorded`: whether the audit is told, which whoever floods the server could fill."""

    def __init__(self, recorded: bool, text: str, *, reason: str, headers: dict[str, str] | None) -> None:
        super().__init__(text, reason=reason, headers=headers)
        self.recorded = recorded


class Throttle:
    """Counts for one server."""

    def __init__(self, clock: Clock, windows: Windows, meters: Meters) -> None:
        self._clock, self._windows, self._meters = clock, windows, meters

    def count(self, rule: RateLimit, path: str, address: str, entity: str, quotas: Quotas) -> None:
        """Counts one request of an address, made by an entity ("" for none); `quotas` holds the settings of all rules.

        Raises RateLimited when whoever the rule looks at has used up the interval or is blocked.
        """
        who, rate = rule.caller(address, entity)
        key = f"{rule.name}\0{rule.path}\0{rate}\0{rule.interval}\0{who}"
        count = math.ceil(rate)
        wait = self._windows.take(key, self._clock.monotonic(), count, rule.interval, rule.block_interval)
        if wait <= 0:
            return
        self._meters.add(LIMITED)
        seconds = max(1, math.ceil(wait))
        raise RateLimited(
            quotas.log_refusals,
            f'request path "{path}": rate limit quota exceeded',
            reason=f"{who or 'all callers together'} exceeded the rate limit {rule.name}",
            headers=_headers(count, seconds) if quotas.show_headers else None,
        )


def _headers(count: int, wait: int) -> dict[str, str]:
    return {
        "Retry-After": str(wait),
        "X-Ratelimit-Limit": str(count),
        "X-Ratelimit-Remaining": "0",
        "X-Ratelimit-Reset": str(wait),
    }
