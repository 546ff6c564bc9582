"""`sys/locked-users`: who is locked out after too many wrong passwords (spec/vault-api.md 2.11).

This server does not lock users out yet, so nobody is on the list and there is nobody to unlock.
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
        """Lists users that are locked out: nobody is."""
        if body.mount_accessor:
            self._check_mount(body.mount_accessor)
        return {"by_namespace": [], "total": 0}

    @write("locked-users/{accessor:any}/unlock/{alias:rest}")
    async def unlock(self, call: Call) -> None:
        """Unlocks a user; fine for one who is not locked out."""
        self._check_mount(call.params["accessor"])

    def _check_mount(self, accessor: str) -> None:
        if self.services.router.by_accessor(accessor) is None:
            raise Invalid(f'no mount with the accessor "{accessor[:128]}"')
