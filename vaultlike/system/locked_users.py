"""`sys/locked-users`: who is locked out after too many wrong passwords (spec/vault-api.md 2.11).

Who that is, is the core's affair (`core/lockout.py`); this is the list, and the way to let somebody in again.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from vaultlike.errors import Invalid
from vaultlike.mounts.namespaces import Namespace
from vaultlike.sdk import Call, read, write
from vaultlike.system.part import Part


class LockedUsersBody(Struct, kw_only=True):
    """The query of the list."""

    mount_accessor: Annotated[str, Meta(description="Only users of this mount.")] = ""


class LockedUsers(Part):
    """Users that may not log in for a while."""

    @read("locked-users")
    async def all_of_them(self, call: Call, body: LockedUsersBody) -> dict[str, object]:
        """Lists users that are locked out, here and in namespaces inside; a mount that is asked for in any case."""
        services = self.services
        found: list[tuple[Namespace, dict[str, list[str]]]] = []
        if body.mount_accessor:
            self._check_mount(body.mount_accessor)
            locked = await services.locked_users(body.mount_accessor)
            found.append((services.namespace, locked or {body.mount_accessor: []}))
        else:
            found.append((services.namespace, await services.locked_users()))
            for inner in services.namespaces.below(services.namespace):
                if not inner.tainted:
                    found.append((inner, await (await services.inside(inner)).locked_users()))
        shown = [_show(namespace, locked) for namespace, locked in found if locked]
        return {"by_namespace": shown, "total": sum(one.counts for one in shown)}

    @write("locked-users/{accessor:any}/unlock/{alias:rest}")
    async def unlock(self, call: Call) -> None:
        """Unlocks a user; fine for one who is not locked out."""
        self._check_mount(call.params["accessor"])
        await self.services.unlock_user(call.params["accessor"], call.params["alias"])

    def _check_mount(self, accessor: str) -> None:
        if self.services.router.by_accessor(accessor) is None:
            raise Invalid(f'no mount with the accessor "{accessor[:128]}"')


class NamespaceLocks(Struct):
    """The locked users of one namespace."""

    namespace_id: str
    namespace_path: str
    counts: int
    mount_accessors: list[dict[str, object]]


def _show(namespace: Namespace, locked: dict[str, list[str]]) -> NamespaceLocks:
    mounts: list[dict[str, object]] = [
        {"mount_accessor": accessor, "counts": len(names), "alias_identifiers": names or None}
        for accessor, names in sorted(locked.items())
    ]
    return NamespaceLocks(namespace.shown_id, namespace.path, sum(map(len, locked.values())), mounts)
