"""Entities and aliases in the database, and the identity step of a login.

A login of a known alias costs one read, and now and then (SEEN_STEP) one number written in the login's own transaction;
a new one adds two rows to it.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Iterable
from typing import Protocol

from cachetools import LRUCache
from msgspec import Struct, structs

from vaultlike.clock import Clock
from vaultlike.identity import entity as records
from vaultlike.identity.entity import AliasBody, Entity, EntityAlias, EntityBody
from vaultlike.storage.engine import (
    AliasRow,
    DeleteAlias,
    DeleteEntity,
    Engine,
    EntityRow,
    InsertAlias,
    InsertEntity,
    Op,
    PruneEntity,
    PutAlias,
    PutEntity,
    SeeAlias,
)
from vaultlike.storage.view import Put, View

MAX_MERGES = 16  # how often an entity can have been merged on
SEEN_STEP = 3600  # seconds: a login is written down unless the last one that was is younger


class Sealer(Protocol):
    """What the store needs of the barrier."""

    def seal(self, context: bytes, plaintext: bytes) -> bytes: ...
    def open(self, context: bytes, sealed: bytes) -> bytes: ...


def _context(kind: str, row: EntityRow | AliasRow) -> bytes:
    """What binds a sealed part to its row: its kind, its namespace below the root, its id (of one length)."""
    return f"{kind}:{row.namespace}:{row.id}".encode() if row.namespace else f"{kind}:{row.id}".encode()


class Recognised(Struct, frozen=True):
    """Who logged in, and the writes that belong into the login's transaction."""

    entity: Entity
    alias: EntityAlias
    ops: tuple[Op, ...] = ()
    changed: bool = False  # whether more is written than that it was seen
    joined: tuple[str, ...] = ()  # external groups that this login adds, by id
    left: tuple[str, ...] = ()  # and those that it takes away


class IdentityStore:
    """Entities and aliases of one namespace. Cached entities are dropped when the generation moves (`forget`)."""

    def __init__(
        self, engine: Engine, sealer: Sealer, clock: Clock, random: Callable[[int], bytes], namespace: str = ""
    ) -> None:
        self._engine, self._sealer, self._clock, self._random = engine, sealer, clock, random
        self._namespace = namespace  # by id: what is of another one is not found here
        self._merged = View(
            engine, sealer, namespace, "identity/merged/"
        )  # <merged entity's id>: the id of its successor
        self.forget()

    def forget(self) -> None:
        """Drops what is cached; called when the generation moved and on seal.

        Who is reading a row right now keeps it in the old cache, where nobody finds it.
        """
        self._entities: LRUCache[str, Entity] = LRUCache(20_000)
        self._aliases: LRUCache[str, tuple[EntityAlias, ...]] = LRUCache(20_000)

    def new_id(self) -> str:
        """A fresh UUID."""
        return str(uuid.UUID(bytes=self._random(16), version=4))

    # Opening and sealing rows

    def open_entity(self, row: EntityRow) -> Entity:
        """The entity of a row."""
        return Entity(row, records.decode_entity(self._sealer.open(_context("entity", row), row.sealed)))

    def open_alias(self, row: AliasRow) -> EntityAlias:
        """The alias of a row."""
        return EntityAlias(row, records.decode_alias(self._sealer.open(_context("alias", row), row.sealed)))

    def entity_row(self, row: EntityRow, body: EntityBody) -> EntityRow:
        """The row with a new sealed part."""
        return structs.replace(row, sealed=self._sealer.seal(_context("entity", row), records.encode(body)))

    def alias_row(self, row: AliasRow, body: AliasBody) -> AliasRow:
        """The row with a new sealed part."""
        return structs.replace(row, sealed=self._sealer.seal(_context("alias", row), records.encode(body)))

    def new_entity(self, namespace: str, name: str = "", **facts: object) -> Entity:
        """An entity that is not stored yet; its name defaults to `entity_<8 hex>`."""
        now = self._clock.now()
        body = EntityBody(created_at=now, updated_at=now, **facts)  # type: ignore[arg-type]
        row = EntityRow(self.new_id(), namespace, name or f"entity_{self._random(4).hex()}", b"")
        return Entity(self.entity_row(row, body), body)

    def new_alias(
        self, namespace: str, mount: str, name: str, entity: str, *, seen_at: float | None = None, **facts: object
    ) -> EntityAlias:
        """An alias that is not stored yet; `mount` is the mount's accessor."""
        now = self._clock.now()
        body = AliasBody(created_at=now, updated_at=now, **facts)  # type: ignore[arg-type]
        row = AliasRow(self.new_id(), namespace, mount, name, entity, b"", seen_at=seen_at)
        return EntityAlias(self.alias_row(row, body), body)

    # The identity step of a login

    async def recognise(
        self, namespace: str, mount: str, name: str, metadata: dict[str, str], groups: Collection[str] = ()
    ) -> Recognised:
        """The entity behind an alias name of a mount, made on first sight; nothing is written here.

        `groups` are the ids of the external groups that the login is in. Racing first logins meet at the alias' unique
        key: the loser's commit is a Conflict, and it asks again.
        """
        now = self._clock.now()
        found = await self._engine.login_identity(namespace, mount, name)
        if found is None:
            external = tuple(sorted((group, mount) for group in groups))
            entity = self.new_entity(namespace, external=external, automatic=True)
            alias = self.new_alias(
                namespace, mount, name, entity.id, seen_at=now, metadata=metadata or None, automatic=True
            )
            ops: tuple[Op, ...] = (InsertEntity(entity.row), InsertAlias(alias.row))
            return Recognised(entity, alias, ops, True, tuple(groups))
        alias = self.open_alias(found[0])
        entity = self.open_entity(found[1])
        ops = ()
        before = {group for group, at in entity.body.external if at == mount}
        member = records.joined(entity.body, mount, groups)
        if member is not entity.body:
            entity = Entity(self.entity_row(entity.row, member), member)
            ops = (PutEntity(entity.row, expect=entity.row.version),)
        if (alias.body.metadata or {}) != metadata:
            body = structs.replace(alias.body, metadata=metadata or None, updated_at=now)
            alias = EntityAlias(self.alias_row(alias.row, body), body)
            ops = (*ops, PutAlias(alias.row))
        changed = bool(ops)
        if alias.row.seen_at is None or now - alias.row.seen_at >= SEEN_STEP:
            ops = (*ops, SeeAlias(alias.row.id, now))
        return Recognised(entity, alias, ops, changed, tuple(set(groups) - before), tuple(before - set(groups)))

    # Reading

    async def entity(self, identity: str) -> Entity | None:
        """An entity by id, from the cache where possible; treat it as immutable."""
        if not identity:
            return None
        cache = self._entities
        known = cache.get(identity)
        if known is None:
            row = await self._engine.entity(identity)
            if row is None or row.namespace != self._namespace:
                return None
            known = cache[identity] = self.open_entity(row)
        return known

    async def standing(self, identity: str) -> Entity | None:
        """The entity that a token's entity id stands for now: itself, or the one that it was merged into."""
        for _ in range(MAX_MERGES):
            entity = await self.entity(identity)
            if entity is not None or not identity:
                return entity
            successor = await self._merged.get(identity)
            if successor is None:
                return None
            identity = successor.decode()
        return None

    async def note_merge(self, ids: Iterable[str], into: str) -> None:
        """Remembers where entities are merged into; counts only once they are gone."""
        await self._merged.commit([Put(identity, into.encode()) for identity in ids])

    async def entity_by_name(self, namespace: str, name: str) -> Entity | None:
        """An entity by name, whatever its case."""
        row = await self._engine.entity_by_name(namespace, name)
        return self.open_entity(row) if row else None

    async def entities(self, namespace: str, after: str = "", limit: int = 0) -> list[Entity]:
        """Entities by id."""
        return [self.open_entity(row) for row in await self._engine.entities(namespace, after, limit)]

    async def aliases_of(self, entity: str) -> tuple[EntityAlias, ...]:
        """The aliases of an entity, from the cache where possible."""
        cache = self._aliases
        known = cache.get(entity)
        if known is None:
            known = cache[entity] = tuple(self.open_alias(row) for row in await self._engine.aliases_of(entity))
        return known

    async def alias(self, identity: str) -> EntityAlias | None:
        """An alias by id."""
        row = await self._engine.alias_by_id(identity)
        return self.open_alias(row) if row is not None and row.namespace == self._namespace else None

    async def alias_by_name(self, namespace: str, mount: str, name: str) -> EntityAlias | None:
        """An alias by its mount's accessor and its name."""
        row = await self._engine.alias(namespace, mount, name)
        return self.open_alias(row) if row else None

    async def aliases(
        self, namespace: str, mount: str | None = None, after: str = "", limit: int = 0
    ) -> list[EntityAlias]:
        """Aliases by id."""
        return [self.open_alias(row) for row in await self._engine.aliases(namespace, mount, after, limit)]

    async def fresh(self, identity: str) -> Entity | None:
        """An entity by id, as it is stored now."""
        row = await self._engine.entity(identity)
        return self.open_entity(row) if row is not None and row.namespace == self._namespace else None

    async def fresh_aliases(self, entity: str) -> list[EntityAlias]:
        """The aliases of an entity, as they are stored now."""
        return [self.open_alias(row) for row in await self._engine.aliases_of(entity)]

    async def last_seen(self, entity: str) -> dict[str, float]:
        """When each alias of an entity last logged in (Unix seconds, to within SEEN_STEP), by the alias' id.

        Read afresh: being seen is no change of configuration that a cache would hear of.
        """
        rows = await self._engine.aliases_of(entity)
        return {row.id: row.seen_at for row in rows if row.seen_at is not None}

    async def unseen(
        self, namespace: str, mount: str, before: float, after: tuple[float, str], limit: int
    ) -> list[AliasRow]:
        """A page of a mount's aliases that did not log in since a moment; as the engine's `unseen_aliases`."""
        return await self._engine.unseen_aliases(namespace, mount, before, after, limit)

    # Writing; a Conflict (name taken, row changed meanwhile) goes through to the caller

    async def add(self, *ops: Op) -> None:
        """Commits writes made of the rows above."""
        try:
            await self._engine.commit(list(ops))
        finally:  # also when cancelled: it may have happened
            self.forget()

    async def save_entity(self, entity: Entity, body: EntityBody, name: str = "") -> None:
        """Replaces an entity's sealed part (and name) unless it changed meanwhile."""
        row = structs.replace(entity.row, name=name or entity.row.name)
        await self.add(PutEntity(self.entity_row(row, body), expect=entity.row.version))

    async def save_alias(self, alias: EntityAlias, row: AliasRow, body: AliasBody) -> None:
        """Replaces an alias unless it changed meanwhile."""
        await self.add(PutAlias(self.alias_row(row, body), expect=alias.row.version))

    async def delete_entities(self, ids: Iterable[str]) -> None:
        """Deletes entities and their aliases; absent ones are fine."""
        known = [identity for identity in dict.fromkeys(ids) if await self.entity(identity) is not None]
        if known:
            await self.add(*(DeleteEntity(identity) for identity in known))

    async def prune(self, stale: Iterable[tuple[Entity, float]]) -> list[Entity]:
        """Deletes entities that nobody has used since: each with when it was last seen. Returns those that are gone.

        One that logged in meanwhile, changed or has a token stays.
        """
        found = list(stale)
        ops = [PruneEntity(entity.id, entity.row.version, seen_at) for entity, seen_at in found]
        try:
            results = await self._engine.commit(ops) if ops else []
        finally:
            self.forget()
        return [entity for (entity, _), gone in zip(found, results, strict=True) if gone]

    async def delete_alias(self, identity: str) -> None:
        """Deletes an alias; absent is fine."""
        if await self.alias(identity) is not None:
            await self.add(DeleteAlias(identity))
