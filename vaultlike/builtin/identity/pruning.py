"""Deletes entities that logins made and that nobody used for a time: what a mount's `prune_entities_after` asks for.

Owns who may go. A login of somebody who was pruned makes a new entity, with a new id. That nobody is deleted who logs
in at the same moment is the storage operation's promise.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import UNSET

from vaultlike.identity.entity import Entity, EntityAlias
from vaultlike.identity.store import SEEN_STEP
from vaultlike.services import Services

BATCH = 200  # aliases looked at, and entities deleted, at once
BATCHES = 25  # a turn and mount; what is left waits for the next turn


class Pruning:
    """The pruning of one namespace; remembers how far it has come."""

    def __init__(self, services: Services) -> None:
        self._core = services
        self._after: dict[str, tuple[float, str]] = {}  # by the mount's accessor

    async def turn(self) -> int:
        """Goes on with every mount that wants it; returns how many entities were deleted."""
        limits = self._limits()
        self._after = {mount: after for mount, after in self._after.items() if mount in limits}
        return sum([await self._mount(mount, limits) for mount in limits])

    def _limits(self) -> dict[str, float]:
        """By accessor: who was not seen since then is stale.

        Never before a batch token of the last login can have ended, which no row tells of. SEEN_STEP is for logins that
        were not written down, and more than any two clocks differ.
        """
        core = self._core
        limits = {}
        for mount in core.router.mounts():
            span = mount.entry.config.prune_entities_after
            if span is not UNSET:
                limits[mount.entry.accessor] = core.clock.now() - max(span, core.max_ttl(mount.entry)) - SEEN_STEP
        return limits

    async def _mount(self, mount: str, limits: dict[str, float]) -> int:
        total = 0
        for _ in range(BATCHES):
            after = self._after.get(mount, (0.0, ""))
            page = await self._core.identity.unseen(self._core.namespace.id, mount, limits[mount], after, BATCH)
            if not page:
                self._after.pop(mount, None)  # from the start again: tokens end, policies are taken away
                return total
            self._after[mount] = (page[-1].seen_at or 0.0, page[-1].id)
            total += await self._prune(dict.fromkeys(row.entity for row in page), limits)
        return total

    async def _prune(self, ids: Iterable[str], limits: dict[str, float]) -> int:
        identity, groups = self._core.identity, self._core.groups
        index = await groups.index()
        stale: list[tuple[Entity, float]] = []
        for entity in [await identity.fresh(one) for one in ids]:
            if entity is None or index.members_of(entity.id) or not _may_go(entity):
                continue
            seen = _last_seen(await identity.fresh_aliases(entity.id), limits)
            if seen is not None:
                stale.append((entity, seen))
        gone = await identity.prune(stale)
        for entity in gone:
            await groups.note_members(entity.id, (), {group for group, _ in entity.body.external})
        return len(gone)


def _may_go(entity: Entity) -> bool:
    """Whether an entity has nothing that somebody gave it by hand."""
    body = entity.body
    return body.automatic and not (body.policies or body.metadata or body.disabled or body.merged_ids)


def _last_seen(aliases: Iterable[EntityAlias], limits: dict[str, float]) -> float | None:
    """When an entity was last seen, if that is too long ago at each of its mounts."""
    times = []
    for alias in aliases:
        seen, limit = alias.row.seen_at, limits.get(alias.row.mount)
        if not alias.body.automatic or seen is None or limit is None or seen >= limit:
            return None
        times.append(seen)
    return max(times, default=None)
