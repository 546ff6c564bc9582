"""`identity/group-alias`: the names under which auth mounts know external groups (spec/vault-api.md 6.2)."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct
from msgspec.structs import replace

from vaultlike.builtin.identity.group_fields import show_alias
from vaultlike.builtin.identity.part import Part
from vaultlike.builtin.identity.rendering import mount_facts
from vaultlike.errors import Invalid
from vaultlike.identity.group import EXTERNAL, Group, GroupAlias, GroupIndex
from vaultlike.identity.groups import Edit
from vaultlike.identity.rules import check_name
from vaultlike.sdk import Answer, Call, delete, list_, read, write


class GroupAliasFields(Struct, kw_only=True):
    """The body of a group alias write; an update names the name and the mount again."""

    id: Annotated[str, Meta(description="The alias' id, to update one.")] = ""
    name: Annotated[str, Meta(description="The group's name at the mount.")] = ""
    mount_accessor: Annotated[str, Meta(description="Accessor of the mount that knows the name.")] = ""
    canonical_id: Annotated[str, Meta(description="The external group; one is made where it is left out.")] = ""


class GroupAliasPaths(Part):
    """Reading and writing group aliases."""

    @write("group-alias")
    async def write_alias(self, call: Call, body: GroupAliasFields) -> Answer:
        """Gives an external group its alias, or updates the alias with this id."""
        return await self._write(body)

    @write("group-alias/id/{id:any}")
    async def write_by_id(self, call: Call, body: GroupAliasFields) -> Answer:
        """Updates the alias with this id."""
        return await self._write(body)

    async def _write(self, body: GroupAliasFields) -> Answer:
        if body.id and (await self._core.groups.index()).with_alias(body.id) is None:
            raise Invalid("invalid group alias ID")
        check_name(body.name, "alias name")
        if not body.name:
            raise Invalid("missing alias name")
        if not body.mount_accessor:
            raise Invalid("missing mount_accessor")
        if self._core.router.by_accessor(body.mount_accessor) is None:
            raise Invalid(f'invalid mount accessor "{body.mount_accessor[:256]}"')
        answer: dict[str, object] = {}

        def decide(index: GroupIndex) -> Edit:
            answer.clear()
            edit, group = self._decide(index, body)
            if edit.puts:
                assert group.alias is not None
                answer.update(id=group.alias.id, canonical_id=group.id)
            return edit

        await self._core.groups.change(decide)
        return answer or None

    def _decide(self, index: GroupIndex, body: GroupAliasFields) -> tuple[Edit, Group]:
        store = self._core.groups
        owner = index.with_alias(body.id) if body.id else None
        if body.id and owner is None:
            raise Invalid("invalid group alias ID")
        group = owner
        if body.canonical_id:
            group = index.by_id.get(body.canonical_id)
            if group is None:
                raise Invalid("invalid group ID given in 'canonical_id'")
        if group is None:
            group = store.new_group("", EXTERNAL)
        if group.kind != EXTERNAL:
            raise Invalid("alias can't be set on an internal group")
        known = index.aliased(body.mount_accessor, body.name)
        if known is not None and (owner is None or known.id != owner.id):
            raise Invalid("combination of mount and group alias name is already in use")
        now = self._core.clock.now()
        if owner is None or owner.alias is None:
            alias = GroupAlias(
                id=store.new_id(), name=body.name, mount=body.mount_accessor, created_at=now, updated_at=now
            )
        else:
            if owner.id == group.id and (owner.alias.name, owner.alias.mount) == (body.name, body.mount_accessor):
                return Edit(), group
            alias = replace(owner.alias, name=body.name, mount=body.mount_accessor, updated_at=now)
        group = store.touched(group, alias=alias)
        puts = [group]
        if owner is not None and owner.id != group.id:
            puts.insert(0, store.touched(owner, alias=None))
        return Edit(puts), group

    @read("group-alias/id/{id:any}")
    async def read_by_id(self, call: Call) -> Answer:
        """Reads a group alias."""
        group = (await self._core.groups.index()).with_alias(call.params["id"])
        if group is None or group.alias is None:
            return None
        shown = show_alias(self._core, group, group.alias)
        return {**shown, "custom_metadata": None, "local": False, "namespace_id": self._core.namespace.shown_id}

    @delete("group-alias/id/{id:any}")
    async def delete_by_id(self, call: Call) -> None:
        """Takes a group's alias away: logins no longer decide who is in it, and nobody is."""

        def decide(index: GroupIndex) -> Edit:
            group = index.with_alias(call.params["id"])
            return Edit() if group is None else Edit([self._core.groups.touched(group, alias=None)])

        await self._core.groups.change(decide)

    @list_("group-alias/id/")
    async def list_ids(self, call: Call) -> Answer:
        """Lists the ids of all group aliases."""
        groups = (await self._core.groups.index()).by_id.values()
        aliases = sorted(
            ((group.alias, group) for group in groups if group.alias is not None), key=lambda pair: pair[0].id
        )
        info = {
            alias.id: {
                "name": alias.name,
                "canonical_id": group.id,
                "mount_accessor": alias.mount,
                **mount_facts(self._core, alias.mount),
                "metadata": None,
                "custom_metadata": None,
                "local": False,
            }
            for alias, group in aliases
        }
        return {"keys": list(info), "key_info": info} if info else None
