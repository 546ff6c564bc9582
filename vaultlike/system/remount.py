"""`sys/remount`: moves a mount to another path, with everything it stores (spec/vault-api.md 2.3).

The move is finished when it is answered; its id only tells later that it was. The last moves are remembered. Paths may
begin with namespaces inside this one; a move from one namespace to another is `system.crossing`'s.
"""

from __future__ import annotations

import uuid
from typing import Annotated

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import replace

from vaultlike.errors import Invalid
from vaultlike.mounts.entry import MountEntry
from vaultlike.mounts.namespaces import Namespace
from vaultlike.mounts.table import PROTECTED
from vaultlike.sdk import Answer, Call, Reply, read, write
from vaultlike.services import Services
from vaultlike.system.auth_mounts import TOKEN
from vaultlike.system.crossing import Crossings
from vaultlike.system.enabling import mount_path
from vaultlike.system.part import Part
from vaultlike.system.rate_limits import follow

KEY = "remounts"
KEPT = 100  # moves
MOVED = "Mount moved: leases and tokens made under the old path have been revoked"


class RemountBody(Struct, kw_only=True):
    """From where to where."""

    from_: Annotated[str, Meta(description="The mount's path.")] = msgspec.field(name="from", default="")
    to: Annotated[str, Meta(description="Its new path.")] = ""


class Move(Struct, frozen=True):
    """One finished move."""

    id: str
    source: str
    target: str


_decode = msgspec.json.Decoder(list[Move]).decode


class Remount(Part):
    """Moving mounts."""

    @write("remount", sudo=True, inject=True)
    async def move(self, call: Call, body: RemountBody) -> Reply:
        """Moves a mount; accessor, settings, stored data and aliases stay, tokens of the old path end."""
        if not body.from_ or not body.to:
            raise Invalid("both 'from' and 'to' path must be specified as a string")
        (here, source), (there, target) = self._place(body.from_), self._place(body.to)
        _check(source, target)
        if (taken := self.services.namespaces.taken(there, target)) is not None:
            raise Invalid(f'path already in use at "{taken.path}"')
        if here.id == there.id:
            await _within(await self.services.inside(here), source, target)
        else:
            await Crossings(self.services).begin(here, source, there, target)
        move = Move(
            str(uuid.UUID(bytes=self.services.random(16), version=4)), mount_path(body.from_), mount_path(body.to)
        )

        def remember(raw: bytes | None) -> bytes:
            moves = _decode(raw) if raw is not None else []
            return msgspec.json.encode([*moves, move][-KEPT:])

        await self.services.storage.below("", bump=False).update(KEY, remember)
        return Reply(data={"migration_id": move.id}, warnings=(MOVED,))

    def _place(self, text: str) -> tuple[Namespace, str]:
        """The namespace at the beginning of a path, and the mount's path in it."""
        services = self.services
        found, path = services.namespaces.resolve(services.namespace.path.removesuffix("/"), mount_path(text))
        if not path:
            raise Invalid(f'path already in use at "{found.path}"')
        return found, mount_path(path)

    @read("remount/status/{id:any}")
    async def status(self, call: Call) -> Answer:
        """Tells how a move went."""
        raw = await self.services.storage.below("", bump=False).get(KEY)
        for move in _decode(raw) if raw is not None else []:
            if move.id == call.params["id"]:
                info = {"source_mount": move.source, "target_mount": move.target, "status": "success"}
                return {"migration_id": move.id, "migration_info": info}
        return None


async def _within(services: Services, source: str, target: str) -> None:
    """Moves a mount to another path of its namespace."""

    def edit(entries: list[MountEntry]) -> list[MountEntry]:
        if not any(entry.path == source for entry in entries):
            raise Invalid(f'no matching mount at "{source}"')
        for entry in entries:
            if entry.path.startswith(target) or target.startswith(entry.path):
                raise Invalid(f'path already in use at "{entry.path}"')
        return [replace(entry, path=target) if entry.path == source else entry for entry in entries]

    await services.table.change(edit)
    await services.current()
    place = services.namespace
    await services.tokens.revoke_matching(place.id, prefix=source)
    await follow(services.root_storage, place.path + source, place.path + target)


def _check(source: str, target: str) -> None:
    """Refuses moves between the two kinds of mounts, and of or to the server's own."""
    if source.startswith("auth/") and not target.startswith("auth/"):
        raise Invalid(f'cannot remount auth mount to non-auth mount "{target}"')
    if target.startswith("auth/") and not source.startswith("auth/"):
        raise Invalid(f'cannot remount non-auth mount to auth mount "{target}"')
    fixed = (TOKEN,) if source.startswith("auth/") else PROTECTED
    if source.startswith(fixed):
        raise Invalid(f'cannot remount "{source}"')
    if target.startswith(fixed):
        raise Invalid(f'cannot remount to destination "{target}"')
    if source == "auth/" or target == "auth/":
        raise Invalid("an auth method needs a path of its own below auth/")
