"""`identity/group`, `identity/group/id/:id`, `identity/group/name/:name` (spec/vault-api.md 6.2)."""

from __future__ import annotations

from msgspec import UNSET
from msgspec.structs import replace

from vaultlike.builtin.identity.group_fields import GroupFields, brief_alias, show_group
from vaultlike.builtin.identity.part import Part, nullable
from vaultlike.errors import Invalid
from vaultlike.identity.group import EXTERNAL, INTERNAL, Group, GroupIndex
from vaultlike.identity.groups import Edit
from vaultlike.identity.rules import check_metadata, check_name, clean_policies
from vaultlike.sdk import Answer, Call, delete, list_, read, write

MAX_MEMBERS = 50_000  # of one group, so that its document stays far below what storage takes


class GroupPaths(Part):
    """Reading and writing groups."""

    @write("group")
    async def write_group(self, call: Call, body: GroupFields) -> Answer:
        """Creates a group, or updates the one with this id or name."""
        return await self._write(call, body)

    @write("group/id/{id:any}")
    async def write_by_id(self, call: Call, body: GroupFields) -> Answer:
        """Updates the group with this id."""
        return await self._write(call, body)

    @write("group/name/{name:rest}")
    async def write_by_name(self, call: Call, body: GroupFields) -> Answer:
        """Creates or updates the group with this name."""
        body.id = UNSET
        return await self._write(call, body)

    async def _write(self, call: Call, body: GroupFields) -> Answer:
        if body.id == "":
            raise Invalid("empty group ID")
        if body.id and body.id not in (await self._core.groups.index()).by_id:
            raise Invalid("invalid group ID")
        if body.name == "":
            raise Invalid("empty group name")
        check_name(body.name or "", "group name")
        facts = self._facts(call, body)
        if body.member_entity_ids is not UNSET:
            await self._check_entities(body)
        made: list[Group] = []

        def decide(index: GroupIndex) -> Edit:
            made.clear()
            old = _target(index, body)
            group = old or self._core.groups.new_group(body.name or "", body.type or INTERNAL)
            new = self._core.groups.touched(group, **facts)
            _check(index, body, old, new)
            if old is None:
                made.append(new)
            return Edit([new, *_of_other_parents(index, old, new)])

        await self._core.groups.change(decide)
        return {"id": made[0].id, "name": made[0].name} if made else None

    def _facts(self, call: Call, body: GroupFields) -> dict[str, object]:
        facts: dict[str, object] = {}
        if body.name is not UNSET:
            facts["name"] = body.name
        if body.policies is not UNSET:
            facts["policies"] = clean_policies(body.policies)
        if body.metadata is not UNSET:
            metadata = nullable(call, "metadata", body.metadata)
            check_metadata(metadata)
            facts["metadata"] = metadata
        if body.member_entity_ids is not UNSET:
            facts["members"] = tuple(dict.fromkeys(identity for identity in body.member_entity_ids if identity))
        if body.member_group_ids is not UNSET:
            facts["groups"] = tuple(dict.fromkeys(identity for identity in body.member_group_ids if identity))
        return facts

    async def _check_entities(self, body: GroupFields) -> None:
        assert body.member_entity_ids is not UNSET
        if len(body.member_entity_ids) > MAX_MEMBERS:
            raise Invalid(f"a group has at most {MAX_MEMBERS} member entities")
        if body.type == EXTERNAL:
            return  # refused with its own text
        for identity in body.member_entity_ids:
            if identity and await self._core.identity.entity(identity) is None:
                raise Invalid(f'invalid entity ID "{identity[:64]}"')

    # Reading

    @read("group/id/{id:any}")
    async def read_by_id(self, call: Call) -> Answer:
        """Reads a group."""
        index = await self._core.groups.index()
        return await self._show(index, index.by_id.get(call.params["id"]))

    @read("group/name/{name:rest}")
    async def read_by_name(self, call: Call) -> Answer:
        """Reads a group by its name, whatever its case."""
        index = await self._core.groups.index()
        return await self._show(index, index.named(call.name))

    async def _show(self, index: GroupIndex, group: Group | None) -> Answer:
        return None if group is None else await show_group(self._core, index, group)

    @list_("group/id/")
    async def list_ids(self, call: Call) -> Answer:
        """Lists the ids of all groups, with their names and how many members they have."""
        index = await self._core.groups.index()
        info: dict[str, object] = {}
        for identity in sorted(index.by_id):
            group = index.by_id[identity]
            external = group.kind == EXTERNAL
            members = await self._core.groups.noted_members(identity) if external else group.members or ()
            shown: dict[str, object] = {
                "name": group.name,
                "num_member_entities": len(members),
                "num_parent_groups": len(index.parents(identity)),
            }
            if group.alias is not None:
                shown["alias"] = brief_alias(self._core, group.alias)
            info[identity] = shown
        return {"keys": list(info), "key_info": info} if info else None

    @list_("group/name/")
    async def list_names(self, call: Call) -> Answer:
        """Lists the names of all groups, in the order of their ids."""
        index = await self._core.groups.index()
        names = [index.by_id[identity].name for identity in sorted(index.by_id)]
        return {"keys": names} if names else None

    # Deleting

    @delete("group/id/{id:any}")
    async def delete_by_id(self, call: Call) -> None:
        """Deletes a group; its members lose its policies at once."""
        await self._delete(call.params["id"])

    @delete("group/name/{name:rest}")
    async def delete_by_name(self, call: Call) -> None:
        """Deletes the group with this name."""
        group = (await self._core.groups.index()).named(call.name)
        if group is not None:
            await self._delete(group.id)

    async def _delete(self, identity: str) -> None:
        def decide(index: GroupIndex) -> Edit:
            if identity not in index.by_id:
                return Edit()
            outer = [index.by_id[parent] for parent in index.parents(identity)]
            puts = [
                replace(group, groups=tuple(inner for inner in group.groups if inner != identity)) for group in outer
            ]
            return Edit(puts, [identity])

        if (await self._core.groups.change(decide)).removed:
            await self._core.groups.forget_members(identity)


def _target(index: GroupIndex, body: GroupFields) -> Group | None:
    """The group that a write is about; None to make one. Raises Invalid where id and name disagree."""
    named = index.named(body.name) if body.name is not UNSET else None
    if not body.id:
        return named
    group = index.by_id.get(body.id)
    if group is None:
        raise Invalid("invalid group ID")
    if named is not None and named.id != group.id:
        raise Invalid("group name is already in use")
    return group


def _of_other_parents(index: GroupIndex, old: Group | None, new: Group) -> list[Group]:
    """The groups that got or lost this one as a parent: clients see that by `modify_index`."""
    changed = {*new.groups}.symmetric_difference(old.groups if old is not None else ())
    inner = (index.by_id[identity] for identity in sorted(changed) if identity in index.by_id)
    return [replace(group, modify_index=group.modify_index + 1) for group in inner]


def _check(index: GroupIndex, body: GroupFields, old: Group | None, new: Group) -> None:
    """Refuses what a group cannot be: another type, members where logins decide, a circle."""
    if body.type and body.type not in (INTERNAL, EXTERNAL):
        raise Invalid(f'invalid group type "{body.type[:64]}"')
    if old is not None and body.type is not UNSET and body.type != old.kind:
        raise Invalid("group type cannot be changed")
    if new.kind == EXTERNAL and new.members:
        raise Invalid("member entities can't be set manually for external groups")
    if new.kind == EXTERNAL and new.groups:
        raise Invalid("member groups can't be set for external groups")
    if body.member_group_ids is UNSET:
        return
    for inner in new.groups:
        if inner == new.id:
            raise Invalid(f'member group ID "{inner}" is same as the ID of the group')
        if inner not in index.by_id:
            raise Invalid(f'invalid group ID "{inner[:64]}"')
        if index.contains(inner, new.id):
            raise Invalid(f'cyclic relationship detected for member group ID "{inner}"')
