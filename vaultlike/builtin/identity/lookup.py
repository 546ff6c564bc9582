"""`identity/lookup/entity` and `identity/lookup/group`: finding one by any of its keys (spec/vault-api.md 6.3)."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from vaultlike.builtin.identity.group_fields import show_group
from vaultlike.builtin.identity.part import Part
from vaultlike.builtin.identity.rendering import show_entity
from vaultlike.errors import Invalid
from vaultlike.identity.entity import Entity, EntityAlias
from vaultlike.identity.group import Group, GroupIndex
from vaultlike.sdk import Answer, Call, write


class LookupFields(Struct, kw_only=True):
    """Exactly one way to name what is looked for."""

    id: Annotated[str | UnsetType, Meta(description="Its id.")] = UNSET
    name: Annotated[str | UnsetType, Meta(description="Its name.")] = UNSET
    alias_id: Annotated[str | UnsetType, Meta(description="The id of an alias of it.")] = UNSET
    alias_name: Annotated[str | UnsetType, Meta(description="The name of an alias of it; with its mount.")] = UNSET
    alias_mount_accessor: Annotated[str | UnsetType, Meta(description="The accessor of that alias' mount.")] = UNSET

    def check(self) -> None:
        """Raises Invalid unless there is exactly one way."""
        by_alias = (self.alias_name is not UNSET) + (self.alias_mount_accessor is not UNSET)
        ways = sum(item is not UNSET for item in (self.id, self.name, self.alias_id)) + bool(by_alias)
        if ways == 0:
            raise Invalid("query parameter not supplied")
        if ways > 1:
            raise Invalid("query parameter conflict; please supply distinct set of query parameters")
        if by_alias == 1:
            raise Invalid("both 'alias_name' and 'alias_mount_accessor' needs to be set")


class LookupPaths(Part):
    """Looking up entities and groups; what is not found is a 204."""

    @write("lookup/entity")
    async def lookup_entity(self, call: Call, body: LookupFields) -> Answer:
        """Finds an entity by id, name or alias."""
        body.check()
        entity = await self._entity(call, body)
        return None if entity is None else await show_entity(self._core, entity)

    async def _entity(self, call: Call, body: LookupFields) -> Entity | None:
        store = self._core.identity
        if body.id is not UNSET:
            return await store.entity(body.id)
        if body.name is not UNSET:
            return await store.entity_by_name(call.namespace, body.name)
        alias: EntityAlias | None
        if body.alias_id is not UNSET:
            alias = await store.alias(body.alias_id)
        else:
            assert body.alias_name is not UNSET and body.alias_mount_accessor is not UNSET
            alias = await store.alias_by_name(call.namespace, body.alias_mount_accessor, body.alias_name)
        return None if alias is None else await store.entity(alias.row.entity)

    @write("lookup/group")
    async def lookup_group(self, call: Call, body: LookupFields) -> Answer:
        """Finds a group by id, name or alias."""
        body.check()
        index = await self._core.groups.index()
        group = _group(index, body)
        return None if group is None else await show_group(self._core, index, group)


def _group(index: GroupIndex, body: LookupFields) -> Group | None:
    if body.id is not UNSET:
        return index.by_id.get(body.id)
    if body.name is not UNSET:
        return index.named(body.name)
    if body.alias_id is not UNSET:
        return index.with_alias(body.alias_id)
    assert body.alias_name is not UNSET and body.alias_mount_accessor is not UNSET
    return index.aliased(body.alias_mount_accessor, body.alias_name)
