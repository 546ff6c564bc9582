"""Owns the configured seals together: any of them opens, each has its own wrap of the one root key. Knows no storage.

No active seal means Shamir: people. A disabled seal is one that was used before; it opens once more to migrate.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec

from vaultlike.errors import Upstream
from vaultlike.seal.envelope import NotOpened
from vaultlike.seal.key import Key
from vaultlike.seal.records import SealRecord, Wrap
from vaultlike.seal.sealtype import NEVER, AutoSeal, KeyServiceFailed, Shamir, wrapped_by


class Rewrapped(msgspec.Struct, frozen=True):
    """The wraps as they should be now, and what is still wrong with them, for the log."""

    wraps: tuple[Wrap, ...]
    problems: tuple[str, ...]


class Seals:
    """What the server's `seal` stanzas say. Names are unique."""

    def __init__(self, active: Sequence[AutoSeal] = (), disabled: Sequence[AutoSeal] = ()) -> None:
        self.active = tuple(active)
        self.disabled = tuple(disabled)

    @property
    def automatic(self) -> bool:
        """Whether the server opens without people."""
        return bool(self.active)

    @property
    def kind(self) -> str:
        """What seal-status calls it: the first active seal's kind."""
        return self.active[0].kind if self.active else Shamir.kind

    def migrating(self, record: SealRecord) -> bool:
        """Whether the configuration asks for another seal than the one the server was left with."""
        if record.recovery is None:
            return self.automatic
        if not self.automatic:
            return bool(self.disabled)
        used = any(wrapped_by(seal, record.wraps) for seal in self.active)
        return not used and any(wrapped_by(seal, record.wraps) for seal in self.disabled)

    async def wrap(self, root: Key) -> tuple[Wrap, ...]:
        """The root key by every active seal. Raises KeyServiceFailed when one of them cannot: none is left out."""
        return tuple([await seal.wrap(root) for seal in self.active])

    async def open(self, wraps: Sequence[Wrap]) -> Key:
        """The root key by whichever active seal answers first. Raises KeyServiceFailed when one of those that cannot
        open may do so later, else NotOpened."""
        return await _first(self.active, wraps)

    async def open_old(self, wraps: Sequence[Wrap]) -> Key:
        """As `open`, by the disabled seals."""
        return await _first(self.disabled, wraps)

    async def rewrap(self, root: Key, wraps: Sequence[Wrap]) -> Rewrapped:
        """Wraps for active seals that have none or an outdated one; others' are dropped once every active seal has its
        own. A seal that does not answer keeps what it has."""
        made: list[Wrap] = []
        problems: list[str] = []
        complete = True
        for seal in self.active:
            mine = wrapped_by(seal, wraps)
            try:
                made.append(mine if mine is not None and await seal.current(mine) else await seal.wrap(root))
            except Upstream as problem:
                problems.append(problem.reason)
                if mine is None:
                    complete = False
                else:
                    made.append(mine)
        if not complete:
            made += [each for each in wraps if each not in made]
        return Rewrapped(tuple(made), tuple(problems))

    async def tend(self) -> float:
        """Lets every active seal keep what it needs alive; seconds until the next time."""
        return min(await asyncio.gather(*(seal.tend() for seal in self.active)), default=NEVER)


async def _first(seals: Sequence[AutoSeal], wraps: Sequence[Wrap]) -> Key:
    tasks = [asyncio.create_task(seal.unwrap(wraps), name=f"seal {seal.name}") for seal in seals]
    failures: list[Upstream | NotOpened] = []
    opened: Key | None = None
    try:
        for done in asyncio.as_completed(tasks):
            try:
                opened = await done
                break
            except (Upstream, NotOpened) as problem:
                failures.append(problem)
    finally:
        for task in tasks:
            task.cancel()
        for root in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(root, Key) and root is not opened:
                root.wipe()
    if opened is not None:
        return opened
    reason = "; ".join(problem.reason for problem in failures) or "no seal is configured that could open"
    for failure in failures:
        if isinstance(failure, KeyServiceFailed):
            failure.reason = reason
            raise failure
    raise NotOpened(reason=reason)
