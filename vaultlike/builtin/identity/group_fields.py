"""The body of a group write, and how groups and their aliases look on the wire (spec/vault-api.md 6.2)."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from vaultlike.builtin.identity.rendering import mount_facts
from vaultlike.clock import rfc3339
from vaultlike.identity.group import EXTERNAL, Group, GroupAlias, GroupIndex
from vaultlike.services import Services
from vaultlike.types import Names, Pairs


class GroupFields(Struct, kw_only=True):
    """What a group write may name; what it does not name stays."""

    id: Annotated[str | UnsetType, Meta(description="The group's id, to update one.")] = UNSET
    name: Annotated[str | UnsetType, Meta(description="The group's name, unique whatever its case.")] = UNSET
    type: Annotated[str | UnsetType, Meta(description="'internal' (default) or 'external'; fixed once made.")] = UNSET
    metadata: Annotated[Pairs | UnsetType, Meta(description="Free key-value pairs; replaces all of them.")] = UNSET
    policies: Annotated[Names | UnsetType, Meta(description="Policies that the members' tokens get.")] = UNSET
    member_entity_ids: Annotated[Names | UnsetType, Meta(description="Ids of the member entities.")] = UNSET
    member_group_ids: Annotated[Names | UnsetType, Meta(description="Ids of the groups inside.")] = UNSET


def show_alias(core: Services, group: Group, alias: GroupAlias) -> dict[str, object]:
    """A group's alias as it is shown inside the group."""
    return {
        "id": alias.id,
        "canonical_id": group.id,
        "name": alias.name,
        "mount_accessor": alias.mount,
        **mount_facts(core, alias.mount),
        "metadata": None,
        "merged_from_canonical_ids": None,
        "creation_time": rfc3339(alias.created_at),
        "last_update_time": rfc3339(alias.updated_at),
    }


def brief_alias(core: Services, alias: GroupAlias) -> dict[str, object]:
    """A group's alias as it is shown in the list of groups."""
    return {"id": alias.id, "name": alias.name, "mount_accessor": alias.mount, **mount_facts(core, alias.mount)}


async def show_group(core: Services, index: GroupIndex, group: Group) -> dict[str, object]:
    """A group with its members; those of an external group are who logged in with it."""
    members = group.members
    if group.kind == EXTERNAL:
        members = tuple(await external_members(core, group))
        if not members and not await core.groups.had_members(group.id):
            members = None
    return {
        "id": group.id,
        "name": group.name,
        "type": group.kind,
        "policies": group.policies,
        "metadata": group.metadata,
        "member_entity_ids": members,
        "member_group_ids": group.groups or None,
        "parent_group_ids": index.parents(group.id) or None,
        "alias": {} if group.alias is None else show_alias(core, group, group.alias),
        "creation_time": rfc3339(group.created_at),
        "last_update_time": rfc3339(group.updated_at),
        "modify_index": group.modify_index,
        "namespace_id": core.namespace.shown_id,
    }


async def external_members(core: Services, group: Group) -> list[str]:
    """The entities whose last login was in the group."""
    members = []
    for identity in await core.groups.noted_members(group.id):
        entity = await core.identity.entity(identity)
        if entity is not None and any(known == group.id for known, _ in entity.body.external):
            members.append(identity)
    return members
