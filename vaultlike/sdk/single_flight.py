"""Many ask for the same thing, one goes to get it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class SingleFlight(Generic[T]):
    """At most one running coroutine per key; all who ask meanwhile get its result or its exception."""

    def __init__(self) -> None:
        self._running: dict[Hashable, asyncio.Task[T]] = {}

    async def run(self, key: Hashable, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """The result of `work`, started now or by somebody before. A cancelled waiter does not stop the work."""
        return await asyncio.shield(self.start(key, work))

    def start(self, key: Hashable, work: Callable[[], Coroutine[Any, Any, T]]) -> asyncio.Task[T]:
        """The running task of `key`, started if there is none. Await it through `asyncio.shield` or `asyncio.wait`."""
        task = self._running.get(key)
        if task is None:
            task = self._running[key] = asyncio.get_running_loop().create_task(work())
            task.add_done_callback(lambda done: self._landed(key, done))
        return task

    def running(self, key: Hashable) -> asyncio.Task[T] | None:
        """The task of `key` when one is under way."""
        return self._running.get(key)

    def __len__(self) -> int:
        return len(self._running)

    def _landed(self, key: Hashable, task: asyncio.Task[T]) -> None:
        if self._running.get(key) is task:
            del self._running[key]
        if not task.cancelled():
            task.exception()  # looked at here, so that a failure nobody waited for is no noise in the log

    async def close(self) -> None:
        """Cancels what is under way and waits for its end."""
        tasks = list(self._running.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
