"""The supervisor's side of the socket pairs: passes frames from worker to worker and never waits for one.

Every question gets exactly one answer: that of its process, or that the process is gone. A worker that is started
again never sees an answer to a question of its predecessor.
"""

from __future__ import annotations

import selectors
import socket

from msgspec import Struct

from vaultlike.server.frames import Buffer, Frame, Kind, encode

PIECE = 256 * 1024  # bytes read or written at a time
MAX_WAITING = 256 * 1024 * 1024  # bytes for one worker that does not read; more, and it counts as hung


class Line(Struct, eq=False):
    """The supervisor's end of one worker's socket pair. `asked`: questions to it, by who asked and their number."""

    worker: int
    sock: socket.socket
    received: Buffer
    waiting: Buffer
    asked: set[tuple[int, int]]


class Relay:
    """All lines; `take` returns what workers say to the supervisor itself."""

    def __init__(self, selector: selectors.BaseSelector) -> None:
        self._selector = selector
        self._lines: dict[int, Line] = {}
        self.hung: set[int] = set()  # workers that do not read what is sent to them, or do not seal when told to

    def line(self, worker: int) -> Line | None:
        """A worker's line as long as it is there."""
        return self._lines.get(worker)

    def add(self, worker: int, sock: socket.socket) -> None:
        """A worker that has just been started."""
        sock.setblocking(False)
        line = Line(worker, sock, Buffer(), Buffer(), set())
        self._lines[worker] = line
        self._selector.register(sock, selectors.EVENT_READ, line)

    def remove(self, worker: int) -> None:
        """A worker that is gone: whoever waits for it is told. Safe to repeat."""
        line = self._lines.pop(worker, None)
        if line is None:
            return
        self.hung.discard(worker)
        self._selector.unregister(line.sock)
        line.sock.close()
        for buffer in (line.received, line.waiting):
            buffer.drop(len(buffer))
        for other in self._lines.values():
            other.asked = {(asker, number) for asker, number in other.asked if asker != worker}
        for asker, number in line.asked:
            self._send(asker, Frame(Kind.GONE, worker, number))

    def close(self) -> None:
        """Closes every line, without a word: for the end, and in a process that has just been forked."""
        for line in self._lines.values():
            line.sock.close()
        self._lines.clear()

    def take(self, line: Line, events: int) -> list[Frame]:
        """Moves what can be moved on a line that is ready; frames for the supervisor, with their worker as `peer`.

        Raises ConnectionError when the worker is gone, BadFrame when it cannot be understood.
        """
        if events & selectors.EVENT_WRITE:
            self._flush(line)
        if not events & selectors.EVENT_READ:
            return []
        try:
            data = line.sock.recv(PIECE)
        except BlockingIOError:
            return []
        if not data:
            raise ConnectionResetError("the worker has closed its line")
        line.received.add(data)
        own: list[Frame] = []
        for frame in line.received.frames():
            if frame.kind in (Kind.READY, Kind.FAILED):
                frame.peer = line.worker
                own.append(frame)
            elif frame.kind is Kind.KILL:
                self.hung.add(frame.peer)
            else:
                self._pass(line, frame)
        return own

    def _pass(self, line: Line, frame: Frame) -> None:
        target, frame.peer = frame.peer, line.worker
        if frame.kind is Kind.ASK:
            other = self._lines.get(target)
            if other is None or other is line:
                self._send(line.worker, Frame(Kind.GONE, target, frame.number))
                return
            other.asked.add((line.worker, frame.number))
            self._send(target, frame)
        elif (target, frame.number) in line.asked:
            line.asked.discard((target, frame.number))
            self._send(target, frame)

    def _send(self, worker: int, frame: Frame) -> None:
        line = self._lines.get(worker)
        if line is None:
            return
        if len(line.waiting) > MAX_WAITING:
            self.hung.add(worker)
            return
        line.waiting.add(encode(frame))
        self._flush(line)

    def _flush(self, line: Line) -> None:
        try:
            while len(line.waiting):
                line.waiting.drop(line.sock.send(line.waiting.first(PIECE)))
        except BlockingIOError:
            pass
        except OSError:
            line.waiting.drop(len(line.waiting))  # it is gone, which its end of file tells as well
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if len(line.waiting) else 0)
        self._selector.modify(line.sock, wanted, line)
