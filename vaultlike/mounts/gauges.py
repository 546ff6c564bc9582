"""What the backends of all mounts show to monitoring, of this process and of the others that serve with it.

Each process posts its own every few seconds, so that whichever is asked can tell of all. Bounded: a mount shows so many
numbers and no more, and a backend that fails at it is left out.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from itertools import islice

import msgspec
from msgspec import Struct, structs
from structlog.typing import FilteringBoundLogger

from vaultlike.board import Board
from vaultlike.mounts.router import Mount
from vaultlike.sdk import Gauge
from vaultlike.sdk.gauge import MAX_VALUE

PERIOD = 10.0  # seconds between two posts of a process
OF_A_MOUNT = 200  # gauges
OF_A_PROCESS = 2000


class Shown(Struct, frozen=True):
    """A number as it is shown, with its full name and all of its labels."""

    name: str
    value: float
    help: str
    labels: dict[str, str] = {}


Mounts = Callable[[], Iterable[tuple[str, Mount]]]
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[Shown]).decode


class Gauges:
    """The gauges of the running mounts. `mounts`: those of this process, each with the path of its namespace."""

    def __init__(self, mounts: Mounts, board: Board, log: FilteringBoundLogger) -> None:
        self._mounts, self._board, self._log = mounts, board, log
        self._told: set[str] = set()  # accessors of mounts whose trouble is in the log

    async def post(self) -> None:
        """Lets the other processes know."""
        if self._board.processes > 1:
            self._post(self._own())

    def clear(self) -> None:
        """This process shows nothing any more."""
        self._board.post(b"")

    def all(self) -> list[Shown]:
        """Of every process; with several, each number has the label `worker`."""
        own = self._own()
        if self._board.processes == 1:
            return own
        self._post(own)
        found: list[Shown] = []
        for worker, note in self._board.notes():
            for one in _decode(note):
                found.append(structs.replace(one, labels={**one.labels, "worker": str(worker)}))
        return found

    def _post(self, own: list[Shown]) -> None:
        note = _encode(own)
        while not self._board.fits(note):
            own = own[: len(own) // 2]
            note = _encode(own)
        self._board.post(note)

    def _own(self) -> list[Shown]:
        return list(islice(self._each(), OF_A_PROCESS))

    def _each(self) -> Iterator[Shown]:
        for namespace, mount in self._mounts():
            if mount.backend is None:
                continue
            where = {"namespace": namespace or "root", "mount": mount.entry.path}
            try:
                given = [_shown(gauge, where) for gauge in islice(mount.backend.gauges(), OF_A_MOUNT)]
            except Exception as problem:  # monitoring goes on without this mount
                if mount.entry.accessor not in self._told:
                    self._told.add(mount.entry.accessor)
                    self._log.warning("mount shows no gauges", mount=mount.entry.path, problem=repr(problem))
                continue
            once = {(one.name, frozenset(one.labels.items())): one for one in given}  # monitoring refuses doubles
            yield from (one for one in once.values() if math.isfinite(one.value))


def _shown(gauge: Gauge, where: dict[str, str]) -> Shown:
    labels = {name: value[:MAX_VALUE] for name, value in gauge.labels}
    return Shown(f"vault.mount.{gauge.name}", float(gauge.value), gauge.help[:MAX_VALUE], {**where, **labels})
