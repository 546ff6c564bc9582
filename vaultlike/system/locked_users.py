"""`sys/locked-users`: who is locked out after too many wrong passwords (spec/vault-api.md 2.11).

Who that is, is the core's affair (`core/lockout.py`); this is the list, and the way to let somebody in again.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from vaultlike.errors import Invalid
from vaultlike.sdk import Call, read, write
from vaultlike.system.part import Part


class LockedUsersBody(Struct, kw_only=True):
    """The query of the list."""

    mount_accessor: Annotated[str, Meta(description="Only users of this mount.")] = ""


class LockedUsers(Part):
    """Users that may not log in for a while."""

    @read("locked-users")
    async def all_of_them(self, call: Call, body: LockedUsersBody) -> dict[str, object]:
        """Lists users that are locked out, by mount; a mount that is asked for is listed in any case."""
        if body.mount_accessor:
            self._check_mount(body.mount_accessor)
        found = await self.services.locked_users(body.mount_accessor)
        if body.mount_accessor:
            found.setdefault(body.mount_accessor, [])
        mounts = [
            {"mount_accessor": accessor, "counts": len(names), "alias_identifiers": names or None}
            for accessor, names in sorted(found.items())
        ]
        total = sum(len(names) for names in found.values())
        where = self.services.namespace
        shown = {
            "namespace_id": where.shown_id,
            "namespace_path": where.path,
            "counts": total,
            "mount_accessors": mounts,
        }
        return {"by_namespace": [shown] if mounts else [], "total": total}

    @write("locked-users/{accessor:any}/unlock/{alias:rest}")
    async def unlock(self, call: Call) -> None:
        """Unlocks a user; fine for one who is not locked out."""
        self._check_mount(call.params["accessor"])
        await self.services.unlock_user(call.params["accessor"], call.params["alias"])

    def _check_mount(self, accessor: str) -> None:
        if self.services.router.by_accessor(accessor) is None:
            raise Invalid(f'no mount with the accessor "{accessor[:128]}"')
