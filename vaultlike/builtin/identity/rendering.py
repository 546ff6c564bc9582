"""How entities and aliases look on the wire (spec/vault-api.md 6.1)."""

from __future__ import annotations

from collections.abc import Mapping

from vaultlike.clock import rfc3339
from vaultlike.identity.entity import Entity, EntityAlias
from vaultlike.services import Services


def mount_facts(core: Services, accessor: str) -> dict[str, object]:
    """Path and type of an alias' mount; nothing once the mount is gone (spec/surprises.md 24)."""
    mount = core.router.by_accessor(accessor)
    return {} if mount is None else {"mount_path": mount.entry.path, "mount_type": mount.entry.kind}


def show_alias(core: Services, alias: EntityAlias, seen: Mapping[str, float]) -> dict[str, object]:
    """An alias as it is listed inside its entity; `seen` says when which alias last logged in (Unix seconds)."""
    row, body = alias.row, alias.body
    return {
        "id": row.id,
        "canonical_id": row.entity,
        "name": row.name,
        "mount_accessor": row.mount,
        **mount_facts(core, row.mount),
        "metadata": body.metadata,
        "custom_metadata": body.custom_metadata,
        "local": body.local,
        "merged_from_canonical_ids": body.merged_from or None,
        "creation_time": rfc3339(body.created_at),
        "last_update_time": rfc3339(body.updated_at),
        "last_login_at": rfc3339(seen[row.id]) if row.id in seen else None,
    }


async def show_entity(core: Services, entity: Entity) -> dict[str, object]:
    """An entity with its aliases and groups."""
    body = entity.body
    _, groups = await core.membership(entity)
    seen = await core.identity.last_seen(entity.id)
    aliases = sorted(await core.identity.aliases_of(entity.id), key=lambda alias: alias.body.created_at)
    return {
        "id": entity.id,
        "name": entity.name,
        "metadata": body.metadata,
        "merged_entity_ids": body.merged_ids or None,
        "policies": body.policies,
        "disabled": body.disabled,
        "namespace_id": core.namespace.shown_id,
        "creation_time": rfc3339(body.created_at),
        "last_update_time": rfc3339(body.updated_at),
        "last_login_at": rfc3339(max(seen.values())) if seen else None,
        "aliases": [show_alias(core, alias, seen) for alias in aliases],
        "direct_group_ids": groups.direct,
        "inherited_group_ids": groups.inherited,
        "group_ids": groups.all,
    }
