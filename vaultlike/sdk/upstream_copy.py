"""A copy of something that somebody else publishes and changes now and then: a key set, a discovery document.

Owns when to fetch: time to live, stale while the publisher is down (with a hard cap), one fetch in flight, a pause
after a failure, and rate-limited early refreshes. Knows nothing of what is fetched.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

import msgspec

from vaultlike.clock import Clock
from vaultlike.errors import Upstream, VaultlikeError
from vaultlike.sdk.single_flight import SingleFlight

T = TypeVar("T")


class Freshness(msgspec.Struct, frozen=True, kw_only=True):
    """The times of a copy, all in seconds."""

    ttl: float = 3600.0  # younger: served without a question
    stale_cap: float = 86_400.0  # older: not served, whatever the publisher's state
    pause: float = 10.0  # after a failed fetch, nothing is fetched for so long
    refresh_interval: float = 30.0  # at most one early refresh (unknown key id) in so long
    patience: float = 1.0  # how long a request waits for a refresh when a stale copy would do
    wait: float = 0.0  # how long a request waits for the end of a pause or interval, to be served after it
    absent: float = 60.0  # a key id that a fetch has shown to be absent causes no other fetch for so long


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """How one publisher is doing, for operators. Times are Unix seconds, 0 for never."""

    url: str
    last_success_at: float = 0.0
    last_failure_at: float = 0.0
    last_error: str = ""
    error_kind: str = ""  # the class of the last error: one of a few, whatever the publisher does
    failing: bool = False  # the last fetch failed
    failures: int = 0  # fetches that failed since the last that did not
    age: float = 0.0  # seconds since the copy in use was fetched
    fetches: int = 0
    keys: int = 0  # usable keys in the copy
    skipped: int = 0  # entries that were not usable


class UpstreamCopy(Generic[T]):
    """The last good copy and the rules above. `fetch` raises a VaultlikeError when it cannot deliver."""

    def __init__(self, url: str, fetch: Callable[[], Awaitable[T]], clock: Clock, times: Freshness) -> None:
        self._url = url
        self._fetch = fetch
        self._clock = clock
        self._times = times
        self._flight: SingleFlight[T] = SingleFlight()
        self._copy: T | None = None
        self._copied_at = self._failed_at = self._asked_at = float("-inf")  # monotonic
        self._error = ""
        self._health = Health(url=url)

    async def get(self) -> T:
        """The copy, fetched when there is none young enough. Raises Upstream when there is none to serve."""
        now = self._clock.monotonic()
        copy, age = self._copy, now - self._copied_at
        if copy is not None and 0 <= age < self._times.ttl:
            return copy
        usable = copy is not None and age < self._times.stale_cap
        paused = now - self._failed_at < self._times.pause
        if copy is not None and usable:
            if not paused:
                # A healthy publisher answers within our patience; one that hangs must not hold up every login.
                done, _ = await asyncio.wait({self._flight.start("", self._work)}, timeout=self._times.patience)
                if done and self._copy is not None:
                    return self._copy
            return copy
        if paused:
            free = await self._outlast(self._failed_at + self._times.pause - now)
            if self._copy is not None and self._copy is not copy:
                return self._copy  # fetched while this request waited
            if not free:
                raise Upstream(reason=f"{self._error} (next attempt in at most {self._times.pause:g} s)")
        return await self._flight.run("", self._work)

    async def _outlast(self, seconds: float) -> bool:
        """Waits for the end of a pause where that is near enough. True when the publisher may be asked now."""
        if seconds > self._times.wait:
            return False
        started = self._health.fetches
        await self._clock.sleep(max(seconds, 0.0))
        # Of all that waited the first one asks and the others join it; when it has its answer already, so have they.
        return self._health.fetches == started or self._flight.running("") is not None

    async def newer(self, than: T, *, wait: bool = False) -> T | None:
        """A copy other than `than`, fetched early unless one was asked for within `refresh_interval`.

        With `wait` the end of that interval is waited for, where it is as near as the times allow.

        None when there is none to be had now. Raises Upstream when the publisher failed at the last attempt, because
        then nobody knows whether there is one.
        """
        if self._copy is not None and self._copy is not than:
            return self._copy
        now = self._clock.monotonic()
        early = self._asked_at + self._times.refresh_interval - now
        if self._flight.running("") is None and early > 0:
            free = wait and await self._outlast(early)
            if self._copy is not None and self._copy is not than:
                return self._copy  # fetched while this request waited
            if not free:
                if self._failed_at > self._copied_at:
                    raise Upstream(reason=self._error)
                return None
        return await self._flight.run("", self._work)

    def peek(self) -> T | None:
        """The copy as it is, young or old, without fetching."""
        return self._copy

    def health(self) -> Health:
        """How the publisher is doing now."""
        age = self._clock.monotonic() - self._copied_at if self._copy is not None else 0.0
        return msgspec.structs.replace(self._health, age=age)

    async def close(self) -> None:
        """Stops a fetch that is under way."""
        await self._flight.close()

    async def _work(self) -> T:
        self._asked_at = self._clock.monotonic()
        fetches = self._health.fetches + 1
        try:
            copy = await self._fetch()
        except VaultlikeError as error:
            self._failed_at, self._error = self._clock.monotonic(), error.reason
            self._health = msgspec.structs.replace(
                self._health,
                last_failure_at=self._clock.now(),
                last_error=error.reason,
                error_kind=type(error).__name__,
                failing=True,
                failures=self._health.failures + 1,
                fetches=fetches,
            )
            if isinstance(error, Upstream):
                raise
            raise Upstream(reason=f"{self._url}: {error.reason}") from None
        self._copy, self._copied_at, self._failed_at = copy, self._clock.monotonic(), float("-inf")
        self._health = msgspec.structs.replace(
            self._health, last_success_at=self._clock.now(), failing=False, failures=0, fetches=fetches
        )
        return copy
