"""Who has how much left of a rate limit: a table of fixed size in memory that all processes of one server can share.

The supervisor makes it before it forks, so that a limit is one number however many workers answer. Each entry lives in
one of a few slots that its key's digest chooses; a file lock on just these slots, which the kernel drops when a process
dies, makes counting exact. Where all are taken, the one whose interval ends first is forgotten.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import struct
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import blake2b

SLOT = struct.Struct("<16sddI4x")  # digest, end of the interval, end of the blocking (monotonic seconds), requests left
WAYS = 8  # slots that a key can be in
BUCKETS = 8192
BUCKET = SLOT.size * WAYS


class Windows:
    """65,536 intervals of callers, in 2.5 MiB that are taken as they are used."""

    def __init__(self, random: Callable[[int], bytes], *, shared: bool = False) -> None:
        """`shared`: for processes that are forked later; `random` makes the digests ones that nobody can aim at."""
        self._salt = random(16)
        self._file = -1
        if shared:
            self._file = os.memfd_create("rate limits") if hasattr(os, "memfd_create") else _unnamed()
            os.ftruncate(self._file, BUCKET * BUCKETS)
        self._table = mmap.mmap(self._file, BUCKET * BUCKETS)

    def take(self, key: str, now: float, count: int, interval: float, block: float) -> float:
        """Counts one request of `key`, which has `count` in each `interval` seconds and none for `block` seconds after.

        0 when it may go on, else the seconds until the next one may. `now` in monotonic seconds.
        """
        digest = blake2b(key.encode("utf-8", "surrogatepass"), digest_size=16, key=self._salt).digest()
        place = int.from_bytes(digest[:4]) % BUCKETS * BUCKET
        with self._locked(place):
            slots = list(SLOT.iter_unpack(self._table[place : place + BUCKET]))
            number = next((at for at, slot in enumerate(slots) if slot[0] == digest), -1)
            ends_at = blocked_until = 0.0
            left = 0
            if number >= 0:
                _, ends_at, blocked_until, left = slots[number]
            else:
                number = min(range(WAYS), key=lambda at: max(slots[at][1], slots[at][2]))
            if now >= ends_at and now >= blocked_until:
                ends_at, left = now + interval, count
            wait = 0.0
            if left > 0 and now >= blocked_until:
                left -= 1
            else:
                if block and now >= blocked_until:
                    blocked_until = now + block
                wait = max(ends_at, blocked_until) - now
            SLOT.pack_into(self._table, place + number * SLOT.size, digest, ends_at, blocked_until, left)
        return wait

    @contextmanager
    def _locked(self, place: int) -> Iterator[None]:
        if self._file < 0:
            yield
            return
        fcntl.lockf(self._file, fcntl.LOCK_EX, BUCKET, place)  # held for microseconds: nobody waits inside
        try:
            yield
        finally:
            fcntl.lockf(self._file, fcntl.LOCK_UN, BUCKET, place)


def _unnamed() -> int:
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())
