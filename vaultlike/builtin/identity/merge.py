"""`identity/entity/merge`: several entities become one, which takes over their aliases (spec/vault-api.md 6.1)."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Struct
from msgspec.structs import replace

from vaultlike.builtin.identity.part import ATTEMPTS, Conflict, Part
from vaultlike.builtin.identity.rendering import mount_facts
from vaultlike.errors import Invalid, Unavailable
from vaultlike.identity.entity import Entity, EntityAlias
from vaultlike.sdk import Call, write
from vaultlike.storage.engine import DeleteAlias, DeleteEntity, Op, PutAlias, PutEntity
from vaultlike.types import Names

MAX_MERGE = 1000  # entities at once


class MergeFields(Struct, kw_only=True):
    """The body of a merge."""

    from_entity_ids: Annotated[Names, Meta(description="Ids of the entities to merge; they are deleted.")] = ()
    to_entity_id: Annotated[str, Meta(description="Id of the entity that stays.")] = ""
    force: Annotated[bool, Meta(description="Kept for old clients: there are no MFA secrets to overwrite.")] = False
    conflicting_alias_ids_to_keep: Annotated[
        Names, Meta(description="Of two aliases at one mount, the ids of those to keep.")
    ] = ()


class MergePaths(Part):
    """Merging entities. Neither metadata nor policies of the merged ones are taken over."""

    @write("entity/merge")
    async def merge(self, call: Call, body: MergeFields) -> None:
        """Merges entities into one."""
        sources = tuple(dict.fromkeys(identity for identity in body.from_entity_ids if identity))
        self._check(body, sources)
        for _ in range(ATTEMPTS):
            into, merged = await self._entities(body, sources)
            aliases = await self._aliases(into, merged, set(body.conflicting_alias_ids_to_keep))
            await self._core.identity.note_merge(sources, into.id)
            try:
                await self._core.identity.add(*self._writes(into, merged, *aliases))
            except Conflict:
                continue  # the store has forgotten what it knew
            await self._follow(into, merged)
            return
        raise Unavailable("too many concurrent writes to the same entities")

    async def _follow(self, into: Entity, merged: list[Entity]) -> None:
        """The groups of the merged entities are the other's now."""
        await self._core.groups.replace_entities([entity.id for entity in merged], into.id)
        for entity in merged:
            external = {group for group, _ in entity.body.external}
            await self._core.groups.note_members(into.id, external)
            await self._core.groups.note_members(entity.id, (), external)

    def _check(self, body: MergeFields, sources: tuple[str, ...]) -> None:
        if not body.to_entity_id:
            raise Invalid("missing entity id to merge to")
        if not sources:
            raise Invalid("missing entity ids to merge from")
        if len(sources) > MAX_MERGE:
            raise Invalid(f"at most {MAX_MERGE} entities can be merged at once")

    async def _entities(self, body: MergeFields, sources: tuple[str, ...]) -> tuple[Entity, list[Entity]]:
        into = await self._core.identity.entity(body.to_entity_id)
        if into is None:
            raise Invalid("entity id to merge to is invalid")
        if into.id in sources:
            raise Invalid("to_entity_id should not be present in from_entity_ids")
        merged = []
        for identity in sources:
            entity = await self._core.identity.entity(identity)
            if entity is None:
                raise Invalid("entity id to merge from is invalid")
            merged.append(entity)
        return into, merged

    async def _aliases(
        self, into: Entity, merged: list[Entity], keep: set[str]
    ) -> tuple[list[EntityAlias], list[EntityAlias]]:
        """The aliases that move, and those that go. Raises Invalid where two of one mount would remain."""
        by_mount: dict[str, list[EntityAlias]] = {}
        owners = {entity.id: entity for entity in (into, *merged)}
        for entity in owners.values():
            for alias in await self._core.identity.aliases_of(entity.id):
                by_mount.setdefault(alias.row.mount, []).append(alias)
        stays, goes, clashes = [], [], []
        for found in by_mount.values():
            kept = [alias for alias in found if alias.row.id in keep] if len(found) > 1 else found
            if len(kept) != 1:
                clashes += found
                continue
            stays += kept
            goes += [alias for alias in found if alias is not kept[0]]
        if clashes:
            # the contract wants a list here, where every other error has a mapping
            facts: Any = [self._clash(alias, owners[alias.row.entity]) for alias in clashes]
            raise Invalid(
                "the entities have aliases at the same mount: name in conflicting_alias_ids_to_keep exactly one "
                "of them for each mount",
                data=facts,
            )
        return [alias for alias in stays if alias.row.entity != into.id], goes

    def _clash(self, alias: EntityAlias, entity: Entity) -> dict[str, object]:
        facts = mount_facts(self._core, alias.row.mount)
        return {
            "alias": alias.row.name,
            "alias_id": alias.row.id,  # what a request to keep one of them names
            "entity": entity.name,
            "entity_id": entity.id,
            "mount": facts.get("mount_type", ""),
            "mount_accessor": alias.row.mount,
            "mount_path": facts.get("mount_path", ""),
        }

    def _writes(
        self, into: Entity, merged: list[Entity], moving: list[EntityAlias], going: list[EntityAlias]
    ) -> list[Op]:
        store, now = self._core.identity, self._core.clock.now()
        ops: list[Op] = [DeleteAlias(alias.row.id) for alias in going]
        for alias in moving:
            merged_from = (*alias.body.merged_from, alias.row.entity)
            body = replace(alias.body, merged_from=merged_from, updated_at=now)
            row = store.alias_row(replace(alias.row, entity=into.id), body)
            ops.append(PutAlias(row, expect=alias.row.version))
        ids = tuple(entity.id for entity in merged)
        external = {pair for entity in (into, *merged) for pair in entity.body.external}
        changed = replace(
            into.body,
            merged_ids=(*into.body.merged_ids, *ids),
            external=tuple(sorted(external)),
            updated_at=now,
            automatic=False,
        )
        ops.append(PutEntity(store.entity_row(into.row, changed), expect=into.row.version))
        # last: deleting an entity deletes the aliases that still point to it
        return [*ops, *(DeleteEntity(identity) for identity in ids)]
