"""Waiting for the end of a pause: who comes soon after a failure is served after it, and nobody fetches twice."""

from __future__ import annotations

import asyncio

import pytest

from vaultlike.clock import FakeClock
from vaultlike.errors import Upstream
from vaultlike.sdk.upstream_copy import Freshness, UpstreamCopy

TIMES = Freshness(pause=1.0, refresh_interval=1.0, wait=1.0)


class Publisher:
    """Fails as often as told, then publishes a new object each time."""

    def __init__(self, failures: int = 0) -> None:
        self.failures, self.asked = failures, 0

    async def fetch(self) -> object:
        self.asked += 1
        await asyncio.sleep(0)
        if self.asked <= self.failures:
            raise Upstream(reason="down")
        return object()


async def test_longer_pauses_are_not_waited_for() -> None:
    publisher = Publisher(failures=1)
    copy = UpstreamCopy("u", publisher.fetch, FakeClock(), Freshness(pause=10.0, wait=1.0))
    for _ in range(3):
        with pytest.raises(Upstream):
            await copy.get()
    assert publisher.asked == 1


async def test_all_that_wait_share_one_fetch_and_its_failure() -> None:
    publisher = Publisher(failures=2)
    copy = UpstreamCopy("u", publisher.fetch, FakeClock(), TIMES)
    with pytest.raises(Upstream):
        await copy.get()
    outcomes = await asyncio.gather(*(copy.get() for _ in range(50)), return_exceptions=True)
    assert all(isinstance(outcome, Upstream) for outcome in outcomes)
    assert publisher.asked == 2


async def test_who_waits_is_served() -> None:
    publisher, clock = Publisher(failures=1), FakeClock()
    copy = UpstreamCopy("u", publisher.fetch, clock, TIMES)
    with pytest.raises(Upstream):
        await copy.get()
    first = await copy.get()
    assert await copy.newer(first) is None  # without waiting
    second = await copy.newer(first, wait=True)
    assert second is not None and second is not first
    assert publisher.asked == 3
