"""`identity/entity`, `identity/entity/id/:id`, `identity/entity/name/:name` (spec/vault-api.md 6.1)."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType
from msgspec.structs import replace

from vaultlike.builtin.identity.part import ATTEMPTS, Conflict, Part, nullable
from vaultlike.builtin.identity.rendering import mount_facts, show_entity
from vaultlike.errors import Invalid, Unavailable
from vaultlike.identity.entity import Entity, EntityAlias, EntityBody
from vaultlike.identity.rules import check_metadata, check_name, clean_policies
from vaultlike.sdk import Answer, Call, Paging, delete, list_, read, write
from vaultlike.storage.engine import InsertEntity
from vaultlike.types import Names, Pairs


class EntityFields(Struct, kw_only=True):
    """What an entity write may name; what it does not name stays."""

    id: Annotated[str, Meta(description="The entity's id, to update one.")] = ""
    name: Annotated[str, Meta(description="The entity's name, unique whatever its case.")] = ""
    metadata: Annotated[Pairs | UnsetType, Meta(description="Free key-value pairs; replaces all of them.")] = UNSET
    policies: Annotated[Names | UnsetType, Meta(description="Policies that the entity's tokens get.")] = UNSET
    disabled: Annotated[bool | UnsetType, Meta(description="Whether the entity's tokens are refused.")] = UNSET


class BatchDelete(Struct, kw_only=True):
    """The body of a batch delete."""

    entity_ids: Annotated[Names, Meta(description="Ids of the entities to delete.")] = ()


class EntityPaths(Part):
    """Reading and writing entities."""

    @write("entity")
    async def write_entity(self, call: Call, body: EntityFields) -> Answer:
        """Creates an entity, or updates the one with this id or name."""
        return await self._write(call, body)

    @write("entity/id/{id:any}")
    async def write_by_id(self, call: Call, body: EntityFields) -> Answer:
        """Updates the entity with this id."""
        return await self._write(call, body)

    @write("entity/name/{name:rest}")
    async def write_by_name(self, call: Call, body: EntityFields) -> Answer:
        """Creates or updates the entity with this name."""
        return await self._write(call, body, by_name=True)

    async def _write(self, call: Call, body: EntityFields, *, by_name: bool = False) -> Answer:
        check_name(body.name, "entity name")
        for _ in range(ATTEMPTS):
            entity = await self._target(call, body)
            if by_name and entity is not None and entity.name.lower() != body.name.lower():
                # who may write this name alone is not to take over the entity of another
                raise Invalid("the id is not the one of the entity with this name")
            try:
                if entity is None:
                    return await self._create(call, body)
                await self._core.identity.save_entity(entity, self._merged(call, body, entity.body), body.name)
                return None
            except Conflict:  # somebody was faster, or the name is taken
                self._core.identity.forget()
        raise Unavailable("too many concurrent writes to the same entity")

    async def _target(self, call: Call, body: EntityFields) -> Entity | None:
        """The entity that a write is about; None to make one. Raises Invalid where id and name disagree."""
        store = self._core.identity
        named = await store.entity_by_name(call.namespace, body.name) if body.name else None
        if not body.id:
            return named
        entity = await store.entity(body.id)
        if entity is None:
            raise Invalid("entity not found from id")
        if named is not None and named.id != entity.id:
            raise Invalid("entity name is already in use")
        return entity

    def _merged(self, call: Call, body: EntityFields, old: EntityBody) -> EntityBody:
        new = replace(old, updated_at=self._core.clock.now(), automatic=False)
        if body.metadata is not UNSET:
            new = replace(new, metadata=nullable(call, "metadata", body.metadata))
            check_metadata(new.metadata)
        if body.policies is not UNSET:
            new = replace(new, policies=clean_policies(body.policies))
        if body.disabled is not UNSET:
            new = replace(new, disabled=body.disabled)
        return new

    async def _create(self, call: Call, body: EntityFields) -> Answer:
        store = self._core.identity
        blank = store.new_entity(call.namespace, body.name)
        full = self._merged(call, body, blank.body)
        await store.add(InsertEntity(store.entity_row(blank.row, full), bump=True))
        return {"id": blank.id, "name": blank.name, "aliases": None}

    # Reading

    @read("entity/id/{id:any}")
    async def read_by_id(self, call: Call) -> Answer:
        """Reads an entity."""
        return await self._show(await self._core.identity.entity(call.params["id"]))

    @read("entity/name/{name:rest}")
    async def read_by_name(self, call: Call) -> Answer:
        """Reads an entity by its name, whatever its case."""
        return await self._show(await self._core.identity.entity_by_name(call.namespace, call.name))

    async def _show(self, entity: Entity | None) -> Answer:
        return None if entity is None else await show_entity(self._core, entity)

    @list_("entity/id/")
    async def list_ids(self, call: Call, body: Paging) -> Answer:
        """Lists the ids of all entities, with their names and aliases."""
        entities = await self._core.identity.entities(call.namespace, body.after, max(body.limit, 0))
        if not entities:
            return None
        aliases = await self._aliases(call, entities, whole=not body.after and body.limit <= 0)
        info: dict[str, object] = {}
        for entity in entities:
            shown: dict[str, object] = {"name": entity.name}
            if own := aliases.get(entity.id):
                shown["aliases"] = [self._brief(alias) for alias in own]
            info[entity.id] = shown
        return {"keys": list(info), "key_info": info}

    async def _aliases(self, call: Call, entities: list[Entity], *, whole: bool) -> dict[str, list[EntityAlias]]:
        if not whole:
            return {entity.id: list(await self._core.identity.aliases_of(entity.id)) for entity in entities}
        found: dict[str, list[EntityAlias]] = {}
        for alias in await self._core.identity.aliases(call.namespace):
            found.setdefault(alias.row.entity, []).append(alias)
        return found

    def _brief(self, alias: EntityAlias) -> dict[str, object]:
        row = alias.row
        return {"id": row.id, "name": row.name, "mount_accessor": row.mount, **mount_facts(self._core, row.mount)}

    @list_("entity/name/")
    async def list_names(self, call: Call) -> Answer:
        """Lists the names of all entities, in the order of their ids."""
        names = [entity.name for entity in await self._core.identity.entities(call.namespace)]
        return {"keys": names} if names else None

    # Deleting

    @delete("entity/id/{id:any}")
    async def delete_by_id(self, call: Call) -> None:
        """Deletes an entity with its aliases; its tokens are refused from then on."""
        await self._delete(call.params["id"])

    @delete("entity/name/{name:rest}")
    async def delete_by_name(self, call: Call) -> None:
        """Deletes the entity with this name."""
        entity = await self._core.identity.entity_by_name(call.namespace, call.name)
        if entity is not None:
            await self._delete(entity.id)

    @write("entity/batch-delete")
    async def batch_delete(self, call: Call, body: BatchDelete) -> None:
        """Deletes several entities; unknown ids are no obstacle."""
        if not body.entity_ids:
            raise Invalid("missing entity ids to delete")
        await self._delete(*body.entity_ids)

    async def _delete(self, *ids: str) -> None:
        known = [entity for identity in ids if (entity := await self._core.identity.entity(identity)) is not None]
        ids = tuple(entity.id for entity in known)
        await self._core.identity.delete_entities(ids)
        await self._core.groups.forget_entities(ids)
        for entity in known:
            await self._core.groups.note_members(entity.id, (), {group for group, _ in entity.body.external})
