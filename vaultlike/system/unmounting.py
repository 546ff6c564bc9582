"""How a mount ends: tokens, then its place in the table, then documents; aliases stay (spec/vault-api.md 2.2)."""

from __future__ import annotations

from vaultlike.mounts.entry import MountEntry
from vaultlike.services import Services
from vaultlike.system.rate_limits import follow


async def unmount(services: Services, path: str) -> None:
    """Ends the mount at exactly this path; fine when there is none. Safe to repeat after a crash half-way."""
    mount = services.router.at(path)
    if mount is None:
        return
    entry = mount.entry
    await services.tokens.revoke_matching(services.namespace.id, mount=entry.accessor)

    def without(entries: list[MountEntry]) -> list[MountEntry]:
        return [one for one in entries if one.uuid != entry.uuid]

    await services.table.change(without)
    if mount.backend is not None:
        try:
            await mount.backend.removed()
        except Exception as problem:  # what a plugin leaves behind elsewhere must not keep the mount alive
            services.log.error("mount failed to clean up", mount=path, kind=entry.kind, problem=repr(problem))
    await services.current()
    # again: a login that was under way when the mount left the table may have finished since
    await services.tokens.revoke_matching(services.namespace.id, mount=entry.accessor)
    await services.documents.below(entry.storage_prefix).delete_all()
    await follow(services.root_storage, services.namespace.path + path)
