"""`identity/entity-alias`: the names under which auth mounts know an entity (spec/vault-api.md 6.1)."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType
from msgspec.structs import replace

from vaultlike.builtin.identity.part import ATTEMPTS, Conflict, Part, nullable
from vaultlike.builtin.identity.rendering import mount_facts, show_alias
from vaultlike.errors import Invalid, Unavailable
from vaultlike.identity.entity import AliasBody, EntityAlias
from vaultlike.identity.rules import MAX_VALUE, check_metadata, check_name
from vaultlike.sdk import Answer, Call, Paging, delete, list_, read, write
from vaultlike.sdk.conversion import go_quote
from vaultlike.storage.engine import AliasRow, InsertAlias, InsertEntity, Op
from vaultlike.types import Pairs


class AliasFields(Struct, kw_only=True):
    """What an alias write may name; what it does not name stays."""

    id: Annotated[str, Meta(description="The alias' id, to update one.")] = ""
    name: Annotated[str, Meta(description="The name at the mount.")] = ""
    canonical_id: Annotated[str, Meta(description="The entity that the alias stands for.")] = ""
    entity_id: Annotated[str, Meta(description="Old word for canonical_id.")] = ""
    mount_accessor: Annotated[str, Meta(description="Accessor of the mount that knows the name.")] = ""
    custom_metadata: Annotated[Pairs | UnsetType, Meta(description="Free key-value pairs; logins leave them.")] = UNSET


class AliasPaths(Part):
    """Reading and writing entity aliases."""

    @write("entity-alias")
    async def write_alias(self, call: Call, body: AliasFields) -> Answer:
        """Creates an alias, or updates the one with this id or this mount and name."""
        return await self._write(call, body)

    @write("entity-alias/id/{id:any}")
    async def write_by_id(self, call: Call, body: AliasFields) -> Answer:
        """Updates the alias with this id."""
        return await self._write(call, body)

    async def _write(self, call: Call, body: AliasFields) -> Answer:
        check_name(body.name, "alias name")
        body.canonical_id = body.canonical_id or body.entity_id
        for _ in range(ATTEMPTS):
            alias = await self._target(call, body)
            try:
                if alias is None:
                    return await self._create(call, body)
                return await self._update(call, body, alias)
            except Conflict:
                self._core.identity.forget()
        raise Unavailable("too many concurrent writes to the same alias")

    async def _target(self, call: Call, body: AliasFields) -> EntityAlias | None:
        """The alias that a write is about; None to make one."""
        if body.id:
            alias = await self._core.identity.alias(body.id)
            if alias is None:
                raise Invalid("invalid alias ID provided")
            return alias
        if not body.name or not body.mount_accessor:
            raise Invalid("'id' or 'mount_accessor' and 'name' must be provided")
        self._check_mount(body.mount_accessor)
        return await self._core.identity.alias_by_name(call.namespace, body.mount_accessor, body.name)

    def _check_mount(self, accessor: str) -> None:
        if self._core.router.by_accessor(accessor) is None:
            raise Invalid(f'invalid mount accessor "{accessor[:256]}"')

    def _custom(self, call: Call, body: AliasFields, old: dict[str, str] | None) -> dict[str, str] | None:
        if body.custom_metadata is UNSET:
            return old
        custom = nullable(call, "custom_metadata", body.custom_metadata)
        check_metadata(custom)
        if empty := next((key for key, text in (custom or {}).items() if not text), None):
            raise Invalid(
                f"custom_metadata validation failed: length of value for key {go_quote(empty)} is 0 "
                f"but must be 0 < len(value) <= {MAX_VALUE}"
            )
        return custom

    async def _create(self, call: Call, body: AliasFields) -> Answer:
        store = self._core.identity
        custom = self._custom(call, body, {})
        ops: list[Op] = []
        if body.canonical_id:
            entity = await store.entity(body.canonical_id)
            if entity is None:
                raise Invalid("invalid canonical ID")
            if await self._at_mount(entity.id, body.mount_accessor):
                raise Invalid("Alias already exists for requested entity and mount accessor")
        else:
            entity = store.new_entity(call.namespace)
            ops.append(InsertEntity(entity.row))
        alias = store.new_alias(call.namespace, body.mount_accessor, body.name, entity.id, custom_metadata=custom)
        await store.add(*ops, InsertAlias(alias.row, bump=True))
        return {"id": alias.row.id, "canonical_id": entity.id}

    async def _at_mount(self, entity: str, mount: str) -> EntityAlias | None:
        found = await self._core.identity.aliases_of(entity)
        return next((alias for alias in found if alias.row.mount == mount), None)

    async def _update(self, call: Call, body: AliasFields, alias: EntityAlias) -> Answer:
        old = alias.row
        row = replace(old, name=body.name or old.name, mount=body.mount_accessor or old.mount,
                      entity=body.canonical_id or old.entity)  # fmt: skip
        custom = self._custom(call, body, alias.body.custom_metadata)
        if row == old and custom == alias.body.custom_metadata:
            return None
        await self._check_move(call, old, row)
        now = self._core.clock.now()
        changed: AliasBody = replace(alias.body, custom_metadata=custom, updated_at=now, automatic=False)
        await self._core.identity.save_alias(alias, row, changed)
        return {"id": row.id, "canonical_id": row.entity}

    async def _check_move(self, call: Call, old: AliasRow, new: AliasRow) -> None:
        """Refuses a change that would leave an entity with two aliases of one mount, or two aliases with one name."""
        if new.mount != old.mount:
            self._check_mount(new.mount)
        if new.entity != old.entity and await self._core.identity.entity(new.entity) is None:
            raise Invalid("given 'canonical_id' is not associated with an entity")
        if (new.mount, new.entity) != (old.mount, old.entity):
            other = await self._at_mount(new.entity, new.mount)
            if other is not None and other.row.id != new.id:
                raise Invalid(
                    "Alias cannot be updated as the entity already has an alias for the given 'mount_accessor' "
                )
        if (new.mount, new.name) != (old.mount, old.name):
            other = await self._core.identity.alias_by_name(call.namespace, new.mount, new.name)
            if other is not None and other.row.id != new.id:
                raise Invalid("alias name is already in use at this mount")

    @read("entity-alias/id/{id:any}")
    async def read_by_id(self, call: Call) -> Answer:
        """Reads an alias."""
        alias = await self._core.identity.alias(call.params["id"])
        if alias is None:
            return None
        seen = await self._core.identity.last_seen(alias.row.entity)
        return {**show_alias(self._core, alias, seen), "namespace_id": self._core.namespace.shown_id}

    @delete("entity-alias/id/{id:any}")
    async def delete_by_id(self, call: Call) -> None:
        """Deletes an alias; its entity stays."""
        await self._core.identity.delete_alias(call.params["id"])

    @list_("entity-alias/id/")
    async def list_ids(self, call: Call, body: Paging) -> Answer:
        """Lists the ids of all aliases."""
        info = {
            alias.row.id: {
                "name": alias.row.name,
                "canonical_id": alias.row.entity,
                "mount_accessor": alias.row.mount,
                **mount_facts(self._core, alias.row.mount),
                "metadata": alias.body.metadata,
                "custom_metadata": alias.body.custom_metadata,
                "local": alias.body.local,
            }
            for alias in await self._core.identity.aliases(call.namespace, after=body.after, limit=max(body.limit, 0))
        }
        return {"keys": list(info), "key_info": info} if info else None
