"""A writer for targets that can make it wait: a thread of its own writes what has gathered, the event loop never waits.

The thread is a daemon, so that a target which hangs for ever does not keep the server from ending. Owns no time-out:
who awaits a line decides how long.
"""

from __future__ import annotations

import asyncio
import os
import queue
import threading

MAX_WAITING = 4096  # lines that wait at most; more are refused

_Item = tuple[bytes, asyncio.AbstractEventLoop, "asyncio.Future[None]"]


class WaitingWriter:
    """Writes lines to a file descriptor, which it owns, in order."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._queue: queue.Queue[_Item | None] = queue.Queue(MAX_WAITING)
        threading.Thread(target=self._run, name="audit writer", daemon=True).start()

    def write(self, line: bytes) -> asyncio.Future[None]:
        """Done when the line is written. Raises OSError when too many wait already."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        try:
            self._queue.put_nowait((line, loop, done))
        except queue.Full:
            raise OSError("the audit device is stuck: too many lines wait for it") from None
        return done

    def close(self) -> None:
        """Ends the thread once it has written what waits; closes the descriptor then."""
        try:
            self._queue.put_nowait(None)
        except queue.Full:
            while True:  # it is stuck: forget what waits, so that it ends when it comes back
                try:
                    self._queue.get_nowait()
                except queue.Empty:
                    break
            self._queue.put_nowait(None)

    def _run(self) -> None:
        while (item := self._queue.get()) is not None:
            line, loop, done = item
            problem: OSError | None = None
            try:
                view = memoryview(line)
                while view:
                    view = view[os.write(self._fd, view) :]
            except OSError as error:
                problem = error
            try:
                loop.call_soon_threadsafe(_settle, done, problem)
            except RuntimeError:  # the loop has ended
                break
        os.close(self._fd)


def _settle(done: asyncio.Future[None], problem: OSError | None) -> None:
    if done.done():
        return
    if problem is None:
        done.set_result(None)
    else:
        done.set_exception(problem)
