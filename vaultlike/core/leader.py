"""Periodic work. Mostly one node does it for all: elected by a row lock in the database, never by configuration."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from msgspec import Struct
from structlog.typing import FilteringBoundLogger

from vaultlike.clock import Clock
from vaultlike.storage.engine import Engine, TryLock

Work = Callable[[], Awaitable[None]]


class _Job(Struct):
    period: float  # seconds
    name: str
    work: Work
    alone: bool = True


class Leader:
    """Runs each job about every `period` seconds on whichever node holds its lock."""

    def __init__(self, engine: Engine, clock: Clock, log: FilteringBoundLogger, random: Callable[[int], bytes]) -> None:
        self._engine, self._clock, self._log = engine, clock, log
        self._owner = random(16).hex()
        self._jobs: list[_Job] = []
        self._tasks: list[asyncio.Task[None]] = []

    def every(self, period: float, name: str, work: Work) -> None:
        """Declares a job; takes effect at `start`."""
        self._jobs.append(_Job(period, name, work))

    def everywhere(self, period: float, name: str, work: Work) -> None:
        """Declares a job that every process does for itself; takes effect at `start`."""
        self._jobs.append(_Job(period, name, work, alone=False))

    async def start(self) -> None:
        """Starts the jobs' loops."""
        self._tasks = [asyncio.create_task(self._loop(job), name=f"job {job.name}") for job in self._jobs]

    async def stop(self) -> None:
        """Ends the loops; a running job is cancelled at its next await."""
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        self._tasks = []

    async def run(self, name: str) -> bool:
        """Runs one job now, if this node can hold the lock of one that needs it; returns whether it ran."""
        return await self._turn(next(job for job in self._jobs if job.name == name))

    async def _loop(self, job: _Job) -> None:
        while True:
            await asyncio.sleep(job.period)  # real time: the pace of the work, not its meaning
            try:
                await self._turn(job)
            except Exception as problem:  # the next turn may succeed; the loop must live
                self._log.error("periodic work failed", job=job.name, problem=repr(problem))

    async def _turn(self, job: _Job) -> bool:
        if not job.alone:
            await job.work()
            return True
        now = self._clock.now()
        lock = TryLock(f"job/{job.name}", self._owner, now + 3 * job.period, now)
        (held,) = await self._engine.commit([lock])
        if held:
            await job.work()
        return bool(held)
