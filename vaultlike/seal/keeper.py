"""Owns what an automatic seal needs while the server runs: opening until it works, tokens, wraps of added seals.

It opens once: whoever seals the server afterwards wants it sealed until the next start.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from structlog.typing import FilteringBoundLogger

from vaultlike.clock import Clock
from vaultlike.errors import Sealed, Upstream, VaultlikeError
from vaultlike.seal.barrier import Barrier
from vaultlike.seal.custodian import Custodian
from vaultlike.seal.seals import Seals
from vaultlike.seal.sealtype import NEVER

REWRAP = 600.0  # seconds between looks at whether every seal has its present wrap
FIRST_RETRY, LAST_RETRY = 5.0, 60.0  # seconds between attempts to open
_PAUSE = 1.0  # seconds: no turn follows another sooner


class Keeper:
    """One per process. `opened` takes the barrier when the seal has opened by itself."""

    def __init__(
        self,
        custodian: Custodian,
        seals: Seals,
        clock: Clock,
        log: FilteringBoundLogger,
        opened: Callable[[Barrier], Awaitable[None]],
    ) -> None:
        self._custodian, self._seals, self._clock, self._log, self._opened = custodian, seals, clock, log, opened
        self._open = False
        self._failures = 0
        self._rewrap_at = self._tend_at = float("-inf")
        self._turning = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Opens, or begins to try again and again. Raises NotOpened: the configured keys are other ones, which no
        waiting changes."""
        if not self._seals.automatic:
            return
        if not self._open:
            await self._try()
        self._task = asyncio.create_task(self._loop(), name="seal keeper")

    async def stop(self) -> None:
        """Ends the attempts. Safe to repeat."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    @property
    def trying(self) -> bool:
        """Whether it still wants to open by itself."""
        return self._seals.automatic and not self._open

    def settle(self) -> None:
        """Opens nothing from here on: another process of this server did, or somebody sealed it."""
        self._open, self._failures = True, 0

    async def turn(self) -> float:
        """Does what is due; seconds until the next time. One turn at a time."""
        async with self._turning:
            return await self._turn()

    async def _turn(self) -> float:
        now = self._clock.monotonic()
        if not self._open:
            await self._try()
        if self._custodian.barrier is not None and now >= self._rewrap_at:
            self._rewrap_at = now + REWRAP
            await self._rewrap()
        if now >= self._tend_at:
            self._tend_at = now + await self._seals.tend()
        due = [self._tend_at - now, self._rewrap_at - now if self._custodian.barrier is not None else NEVER]
        if not self._open:
            due.append(min(FIRST_RETRY * 2.0 ** min(max(self._failures - 1, 0), 10), LAST_RETRY))
        return max(min(due), _PAUSE)

    async def _try(self) -> None:
        """One attempt. An uninitialised server, and one before its migration, stays as it is."""
        barrier = self._custodian.barrier  # there is one after an initialisation or a migration
        try:
            barrier = barrier or await self._custodian.auto_unseal()
        except Upstream as problem:
            self._failures += 1
            self._log.error("sealed: cannot unseal, trying again", problem=problem.reason, attempt=self._failures)
            return
        if barrier is not None:
            await self._opened(barrier)
            self._open, self._failures = True, 0

    async def _rewrap(self) -> None:
        try:
            for problem in await self._custodian.rewrap():
                self._log.warning("root key not wrapped anew", problem=problem)
        except Sealed:
            return  # somebody sealed the server meanwhile
        except VaultlikeError as problem:
            self._log.warning("root key not wrapped anew", problem=problem.reason)

    async def _loop(self) -> None:
        while True:
            try:
                delay = await self.turn()
            except Exception as problem:  # the next turn may succeed; the loop must live
                self._log.error("seal keeper failed", problem=repr(problem))
                delay = LAST_RETRY
            await asyncio.sleep(min(delay, REWRAP))  # real time: the pace of the work, not its meaning
