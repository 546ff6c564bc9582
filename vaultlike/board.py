"""A page for each process of a server, which the others can read: what is too varied for a row of numbers (`meters`).

In memory that the supervisor makes before it forks; a page costs nothing until something is posted on it.
"""

from __future__ import annotations

import mmap
import struct
import zlib

PAGE = 256 * 1024  # bytes for a process, head included
_HEAD = struct.Struct("<II")  # length, CRC of what follows it
_TRIES = 3


class Board:
    """The pages of `processes`; each process takes one and writes on no other."""

    def __init__(self, processes: int = 1) -> None:
        self.processes = max(processes, 1)
        self._memory = mmap.mmap(-1, self.processes * PAGE)
        self._start = 0

    def take_page(self, process: int) -> None:
        """Makes the page of that number, 0 at first, this process' own; what a dead process left there is gone."""
        self._start = process * PAGE
        self.post(b"")

    def fits(self, note: bytes) -> bool:
        """Whether there is room for it."""
        return len(note) <= PAGE - _HEAD.size

    def post(self, note: bytes) -> None:
        """Replaces what this process has posted. `note` must fit."""
        assert self.fits(note)
        at = self._start
        self._memory[at : at + _HEAD.size + len(note)] = _HEAD.pack(len(note), zlib.crc32(note)) + note

    def notes(self) -> list[tuple[int, bytes]]:
        """What each process has posted, by its number; one that is being written just now may be left out."""
        found = []
        for process in range(self.processes):
            for _ in range(_TRIES):
                note = self._read(process * PAGE)
                if note is not None:
                    break
            if note:
                found.append((process, note))
        return found

    def _read(self, at: int) -> bytes | None:
        length, check = _HEAD.unpack(self._memory[at : at + _HEAD.size])
        if length > PAGE - _HEAD.size:
            return None
        note = self._memory[at + _HEAD.size : at + _HEAD.size + length]
        return note if zlib.crc32(note) == check else None
