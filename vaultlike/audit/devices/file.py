"""The file device: one JSON line per write, appended. `stdout` and `discard` are special paths.

A local regular file is written on the spot: one `write` of a whole line to a file opened for appending, so that
several processes never mix their lines. Everything that can make its writer wait (pipes, terminals, network file
systems) is written by a thread of its own.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Awaitable

from vaultlike.audit.devices.remote import is_remote
from vaultlike.audit.devices.waiting import WaitingWriter

_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY


class FileDevice:
    """Appends to `path`; `mode` 0 leaves the permissions of an existing file. Raises OSError when it cannot open."""

    def __init__(self, path: str, mode: int) -> None:
        self._path, self._mode = path, mode
        self._fd = -1
        self._torn = False  # the last write stopped inside a line
        self._waiting: WaitingWriter | None = None
        self._open()

    def write(self, line: bytes) -> Awaitable[None] | None:
        """Appends a line. Raises OSError (disk full, closed)."""
        if self._waiting is not None:
            return self._waiting.write(line)
        if self._fd < 0:
            if self._path == "discard":
                return None
            raise OSError("the audit file is closed")
        self._append(line)
        return None

    def _append(self, line: bytes) -> None:
        if self._torn:
            line = b"\n" + line
        written = os.write(self._fd, line)
        if written < len(line):
            self._torn = True
            written += os.write(self._fd, line[written:])
            if written < len(line):
                raise OSError("the audit file took only a part of a line")
        self._torn = False

    def reopen(self) -> None:
        """Opens the path anew. Raises OSError, and the old file stays open."""
        if self._path not in ("stdout", "discard"):
            self._open()

    def close(self) -> None:
        """Closes the file."""
        if self._waiting is not None:
            self._waiting.close()
        elif self._fd >= 0:
            os.close(self._fd)
        self._fd, self._waiting = -1, None

    def _open(self) -> None:
        if self._path == "discard":
            return
        fd = os.dup(1) if self._path == "stdout" else self._open_path()
        try:
            regular = stat.S_ISREG(os.fstat(fd).st_mode)
            direct = regular and not is_remote(self._path)
            if not regular and self._path != "stdout":
                os.set_blocking(fd, True)
        except BaseException:
            os.close(fd)
            raise
        self.close()
        self._torn = False
        if direct:
            self._fd = fd
        else:
            self._waiting = WaitingWriter(fd)

    def _open_path(self) -> int:
        if not os.path.isabs(self._path):
            raise OSError("the path of an audit file is absolute")
        os.makedirs(os.path.dirname(self._path), mode=0o700, exist_ok=True)
        fd = os.open(self._path, _FLAGS, self._mode or 0o600)
        try:
            known = os.fstat(fd)
            if stat.S_ISREG(known.st_mode):
                if known.st_mode & 0o111:
                    raise PermissionError("an audit file must not be executable")
                if self._mode and stat.S_IMODE(known.st_mode) != self._mode:
                    os.fchmod(fd, self._mode)
        except BaseException:
            os.close(fd)
            raise
        return fd
