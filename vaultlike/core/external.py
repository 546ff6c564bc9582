"""External groups: what a renewal says again about the groups of an entity. Logins do it in their own transaction."""

from __future__ import annotations

from vaultlike.identity.entity import joined
from vaultlike.services import Services
from vaultlike.storage.engine import Conflict

ATTEMPTS = 3


async def refresh(services: Services, identity: str, mount: str, names: tuple[str, ...]) -> None:
    """Makes the entity a member of exactly those groups that `mount` (accessor) knows under `names`.

    Groups from other mounts stay. An entity that is gone, or that others keep changing, is left as it is: its next
    login or renewal says it again.
    """
    groups = (await services.groups.index()).matching(mount, names)
    for _ in range(ATTEMPTS):
        entity = await services.identity.standing(identity)
        if entity is None:
            return
        body = joined(entity.body, mount, groups)
        if body is entity.body:
            return
        before = {group for group, at in entity.body.external if at == mount}
        await services.groups.note_members(entity.id, groups - before)
        try:
            await services.identity.save_entity(entity, body)
        except Conflict:
            continue  # the store has forgotten what it knew
        await services.groups.note_members(entity.id, (), before - groups)
        return
