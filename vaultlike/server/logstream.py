"""Where log lines go: a file that can be reopened, or standard error, which nobody may be reading.

A parent that never drains its child's pipe would stop a server that writes to it (spec/vault-api.md 8.1): lines to
standard error are written by a thread of their own, and dropped and counted once too many wait.
"""

from __future__ import annotations

import io
import os
import select
import threading
from collections import deque

MAX_WAITING = 1024 * 1024  # bytes
ATOMIC = 4096  # bytes that a pipe takes in one piece (PIPE_BUF): lines of several processes do not mix
FLUSH = 1.0  # seconds that the last lines get at the end


class PatientStream(io.TextIOBase):
    """A text stream over a file descriptor whose `write` never waits."""

    def __init__(self, descriptor: int, max_waiting: int = MAX_WAITING) -> None:
        self._descriptor, self._limit = descriptor, max_waiting
        self._lines: deque[bytes] = deque()
        self._size = self.lost = 0
        self._busy = False
        self._change = threading.Condition()
        self._thread: threading.Thread | None = None

    def writable(self) -> bool:
        """True."""
        return True

    def write(self, text: str) -> int:
        """Takes the text; drops it when too much is waiting."""
        data = text.encode(errors="replace")
        with self._change:
            if self._size + len(data) > self._limit:
                self.lost += 1
                return len(text)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="log", daemon=True)
                self._thread.start()
            self._lines.append(data)
            self._size += len(data)
            self._change.notify_all()
        return len(text)

    def settle(self, timeout: float = FLUSH) -> bool:
        """Waits until everything is written, at most `timeout` seconds; whether it is."""
        with self._change:
            return self._change.wait_for(lambda: not self._lines and not self._busy, timeout)

    def _run(self) -> None:
        while True:
            with self._change:
                self._busy = False
                self._change.notify_all()
                self._change.wait_for(lambda: bool(self._lines))
                data, self._busy = b"".join(self._lines), True
                self._lines.clear()
                self._size, lost, self.lost = 0, self.lost, 0
            if lost:
                data += f"({lost} log lines were lost: nobody read them)\n".encode()
            try:
                while data:
                    data = data[os.write(self._descriptor, data[: _piece(data)]) :]
            except OSError:
                continue  # nobody will ever read it; the next lines may find another reader


class PromptStream(io.TextIOBase):
    """A text stream over a file descriptor for a process that has no threads: what cannot be written now is dropped."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def writable(self) -> bool:
        """True."""
        return True

    def write(self, text: str) -> int:
        """Writes the text as far as nobody has to be waited for."""
        data = text.encode(errors="replace")
        try:
            while data and select.select((), (self._descriptor,), (), 0)[1]:
                data = data[os.write(self._descriptor, data[: _piece(data)]) :]
        except OSError:
            pass  # nobody will ever read it; the next lines may find another reader
        return len(text)


def _piece(data: bytes) -> int:
    """How much of `data` to write at once: whole lines, as many as a pipe takes in one piece."""
    if len(data) <= ATOMIC:
        return len(data)
    return data.rfind(b"\n", 0, ATOMIC) + 1 or ATOMIC


def open_file(path: str) -> io.TextIOWrapper:
    """A log file for appending, mode 0600 when it is new, line by line. Raises OSError."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    return io.TextIOWrapper(os.fdopen(descriptor, "wb"), encoding="utf-8", errors="replace", line_buffering=True)
