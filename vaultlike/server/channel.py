"""A worker's end of its socket pair: questions to the other workers and answers to theirs. Knows frames, not what
they mean."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable

from structlog.typing import FilteringBoundLogger

from vaultlike.server.frames import HEAD, BadFrame, Frame, Kind, decode_head, encode

Answerer = Callable[[bytes], Awaitable[bytes]]


class PeerGone(Exception):
    """The other process cannot answer."""


class PeerSilent(PeerGone):
    """The other process may be there, but it failed or took too long."""


class Channel:
    """One per worker, for as long as it lives."""

    def __init__(self, sock: socket.socket, log: FilteringBoundLogger) -> None:
        self._sock, self._log = sock, log
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._waiting: dict[int, asyncio.Future[bytes]] = {}
        self._answering: set[asyncio.Task[None]] = set()
        self._number = 0

    async def open(self) -> None:
        """To be awaited before anything else."""
        self._reader, self._writer = await asyncio.open_connection(sock=self._sock)

    async def close(self) -> None:
        """Sends what was told, and ends. Safe to repeat."""
        if self._writer is not None:
            self._writer.close()
            with contextlib.suppress(OSError):
                await self._writer.wait_closed()

    async def run(self, answer: Answerer) -> None:
        """Reads until the supervisor is gone. `answer` makes an answer of a question."""
        reader = self._reader
        assert reader is not None
        try:
            while True:
                size, frame = decode_head(await reader.readexactly(HEAD.size))
                frame.payload = await reader.readexactly(size)
                self._take(frame, answer)
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        except BadFrame as problem:
            self._log.error("the supervisor cannot be understood", problem=str(problem))
        finally:
            for future in self._waiting.values():
                if not future.done():
                    future.set_exception(PeerGone("the supervisor is gone"))

    async def ask(self, peer: int, payload: bytes, timeout: float) -> bytes:
        """What another worker answers within `timeout` seconds. Raises PeerGone, PeerSilent."""
        self._number = number = (self._number + 1) & 0xFFFFFFFF
        future: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._waiting[number] = future
        try:
            self.tell(Frame(Kind.ASK, peer, number, payload))
            async with asyncio.timeout(timeout):
                return await future
        except (TimeoutError, BadFrame):
            raise PeerSilent(f"worker {peer} does not answer") from None
        finally:
            del self._waiting[number]

    def tell(self, frame: Frame) -> None:
        """Sends a frame. Raises PeerGone when there is nobody to send to, BadFrame."""
        if self._writer is None or self._writer.is_closing():
            raise PeerGone("the supervisor is gone")
        self._writer.write(encode(frame))

    def _take(self, frame: Frame, answer: Answerer) -> None:
        if frame.kind is Kind.ASK:
            task = asyncio.create_task(self._answer(frame, answer))
            self._answering.add(task)
            task.add_done_callback(self._answering.discard)
            return
        future = self._waiting.get(frame.number)
        if future is None or future.done():
            return  # the answer to a question that nobody asks any more
        if frame.kind is Kind.ANSWER and frame.payload:
            future.set_result(frame.payload)
        elif frame.kind is Kind.ANSWER:
            future.set_exception(PeerSilent(f"worker {frame.peer} failed"))
        else:
            future.set_exception(PeerGone(f"worker {frame.peer} is gone"))

    async def _answer(self, frame: Frame, answer: Answerer) -> None:
        payload = b""  # "cannot be answered"
        try:
            payload = await answer(frame.payload)
        except Exception as problem:  # the process that asked must not wait
            self._log.error("no answer for another worker", exc_info=problem)
        try:
            self.tell(Frame(Kind.ANSWER, frame.peer, frame.number, payload))
        except (PeerGone, BadFrame) as problem:
            self._log.warning("an answer for another worker is lost", problem=str(problem))
