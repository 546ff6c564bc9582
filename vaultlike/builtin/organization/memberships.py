"""Which identity is in which project, with which roles: documents and their indexes. Owns no paths and no policies.

`members/<project>/<identity>` is the membership; `projects-of/<identity>/<project>` and
`holders/<project>/<role>/<identity>` find it from the other sides. All of one membership is written at once.
"""

from __future__ import annotations

import msgspec
from msgspec import Struct

from vaultlike.errors import Invalid, NotFound
from vaultlike.sdk import Storage

MARK = b"\x01"
MAX_ROLES = 20  # of one membership


class HeldRole(Struct, frozen=True, kw_only=True):
    """One role of a membership; a temporary one ends by itself. Times in Unix seconds, `range` as it was asked for."""

    id: str
    role: str  # its slug
    range: str = ""
    starts_at: float | None = None
    ends_at: float | None = None

    @property
    def temporary(self) -> bool:
        """Whether it ends."""
        return self.ends_at is not None


class Membership(Struct, frozen=True, kw_only=True):
    """An identity in a project."""

    id: str
    project: str
    identity: str
    roles: tuple[HeldRole, ...]
    created_at: float
    updated_at: float

    @property
    def single(self) -> str | None:
        """The slug of the only role, where that is held for good: such memberships share a policy."""
        return self.roles[0].role if len(self.roles) == 1 and not self.roles[0].temporary else None


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Membership).decode


class Memberships:
    """All memberships of the organization."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def find(self, project: str, identity: str) -> Membership | None:
        """The membership as it is now."""
        value = await self._storage.get(f"members/{project}/{identity}")
        return None if value is None else _decode(value)

    async def get(self, project: str, identity: str) -> Membership:
        """The same. Raises NotFound."""
        found = await self.find(project, identity)
        if found is None:
            raise NotFound(f"Identity with ID '{identity[:64]}' is not a member of project with ID '{project[:64]}'")
        return found

    async def add(self, new: Membership) -> None:
        """Adds a membership. Raises Invalid where there is one."""
        if not await self._write(None, new, 0):
            raise Invalid(f"Identity with ID '{new.identity}' is a member of the project already")

    async def replace(self, old: Membership, new: Membership) -> bool:
        """Writes a membership anew; False where it is another by now."""
        found = await self._storage.versioned(f"members/{old.project}/{old.identity}")
        return found is not None and _decode(found[0]) == old and await self._write(old, new, found[1])

    async def remove(self, old: Membership) -> None:
        """Deletes a membership; absent is fine."""
        await self._write(old, None, None)

    async def drop(self, project: str, identity: str) -> None:
        """The same by ids, whatever is left of it."""
        old = await self.find(project, identity)
        if old is not None:
            await self.remove(old)
        else:
            await self._storage.delete(f"projects-of/{identity}/{project}")

    async def _write(self, old: Membership | None, new: Membership | None, version: int | None) -> bool:
        one = new or old
        assert one is not None
        at = f"members/{one.project}/{one.identity}"
        changes: dict[str, tuple[bytes | None, int | None]] = {at: (None if new is None else _encode(new), version)}
        changes[f"projects-of/{one.identity}/{one.project}"] = (None if new is None else MARK, None)
        for role in () if old is None else old.roles:
            changes[f"holders/{one.project}/{role.role}/{one.identity}"] = (None, None)
        for role in () if new is None else new.roles:
            changes[f"holders/{one.project}/{role.role}/{one.identity}"] = (MARK, None)
        return await self._storage.commit_if(changes)

    async def of_project(self, project: str, after: str = "", limit: int = 0) -> list[Membership]:
        """The memberships of a project by the identity's id, `after` one."""
        items = await self._storage.items(f"members/{project}/", after=after, limit=limit)
        return [_decode(value) for _, value in items]

    async def ids(self, project: str, after: str = "", limit: int = 0) -> list[str]:
        """The ids of the identities that are in a project."""
        return await self._storage.keys(f"members/{project}/", after=after, limit=limit)

    async def count(self, project: str) -> int:
        """How many are in a project."""
        return len(await self._storage.keys(f"members/{project}/"))

    async def projects_of(self, identity: str, after: str = "", limit: int = 0) -> list[str]:
        """The ids of the projects that an identity is in."""
        return await self._storage.keys(f"projects-of/{identity}/", after=after, limit=limit)

    async def holders(self, project: str, role: str, after: str = "", limit: int = 0) -> list[str]:
        """The ids of the identities that hold a role of a project, alone or beside others."""
        return await self._storage.keys(f"holders/{project}/{role}/", after=after, limit=limit)
