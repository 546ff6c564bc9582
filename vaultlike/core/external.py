"""External groups: what a renewal says again about the groups of an entity. Logins do it in their own transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vaultlike.identity.entity import joined
from vaultlike.storage.engine import Conflict

if TYPE_CHECKING:
    from vaultlike.core.core import Core

ATTEMPTS = 3


async def refresh(core: Core, identity: str, mount: str, names: tuple[str, ...]) -> None:
    """Makes the entity a member of exactly those groups that `mount` (accessor) knows under `names`.

    Groups from other mounts stay. An entity that is gone, or that others keep changing, is left as it is: its next
    login or renewal says it again.
    """
    groups = (await core.groups.index()).matching(mount, names)
    for _ in range(ATTEMPTS):
        entity = await core.identity.standing(identity)
        if entity is None:
            return
        body = joined(entity.body, mount, groups)
        if body is entity.body:
            return
        before = {group for group, at in entity.body.external if at == mount}
        await core.groups.note_members(entity.id, groups - before)
        try:
            await core.identity.save_entity(entity, body)
        except Conflict:
            continue  # the store has forgotten what it knew
        await core.groups.note_members(entity.id, (), before - groups)
        return
