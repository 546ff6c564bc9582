"""Moving a mount from one namespace to another: its documents are sealed anew, for their new place.

Every step can be repeated, and a note in the root's storage says where a move stands: what a crash cut off is finished
by the periodic work. While it is under way the mount is in neither namespace; its new path is taken by a placeholder.
"""

from __future__ import annotations

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from vaultlike.errors import Invalid, NotFound
from vaultlike.mounts.entry import MountEntry
from vaultlike.mounts.namespaces import Namespace
from vaultlike.services import Services
from vaultlike.storage.engine import Conflict
from vaultlike.storage.view import View
from vaultlike.system.rate_limits import follow

FOLDER = "crossing/"  # <uuid of the mount>
MOVING = "moving"  # the placeholder's kind: no plugin serves it, so requests hear that it is unavailable


class Crossing(Struct, frozen=True):
    """One move under way; namespaces by id. `entry` is the mount as it was, `placeholder` what keeps its new path."""

    entry: MountEntry
    source: str
    target: str
    placeholder: MountEntry


_decode = msgspec.json.Decoder(Crossing).decode


class Crossings:
    """Begins moves between namespaces, and finishes those that were cut off."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._notes: View = services.root_storage.below(FOLDER, bump=False)

    async def begin(self, here: Namespace, source: str, there: Namespace, path: str) -> None:
        """Moves the mount at `source` of `here` to `path` of `there`. Raises Invalid; then nothing has changed."""
        departure, arrival = await self._services.inside(here), await self._services.inside(there)
        entry = next((one for one in await departure.table.load() if one.path == source), None)
        if entry is None:
            raise Invalid(f'no matching mount at "{source}"')
        if entry.of_organization or entry.kind == "organization":
            raise Invalid(f'the mount at "{source}" belongs to its organization')
        if entry.kind == MOVING:
            raise Invalid(f'the mount at "{source}" is being moved')
        placeholder = arrival.table.new(path, MOVING, entry.description)
        crossing = Crossing(entry, here.id, there.id, placeholder)
        try:
            await self._notes.put_if(entry.uuid, msgspec.json.encode(crossing), 0)
        except Conflict:
            raise Invalid(f'the mount at "{source}" is being moved') from None
        try:
            await self._reserve(crossing)
        except Invalid:
            await self._notes.delete(entry.uuid)
            raise
        await self._finish(crossing)

    async def resume(self) -> None:
        """Finishes what was cut off; a move whose namespace is gone meanwhile is forgotten with it."""
        for key, raw in await self._notes.items():
            crossing = _decode(raw)
            try:
                await self._reserve(crossing)
                await self._finish(crossing)
            except NotFound:
                await self._notes.delete(key)
            except Invalid as problem:  # somebody has taken the path: as if the move had not begun, where it has not
                self._services.log.error("a mount cannot be moved on", mount=key, problem=repr(problem))
                if await self._still_there(crossing):
                    await self._notes.delete(key)

    async def _reserve(self, crossing: Crossing) -> None:
        """Takes the new path, unless this move has it already. Raises Invalid where another mount is there."""
        mine = (crossing.placeholder.uuid, crossing.entry.uuid)

        def taken(entries: list[MountEntry]) -> list[MountEntry]:
            if any(entry.uuid in mine for entry in entries):
                return entries
            return _with(entries, crossing.placeholder)

        await (await self._at(crossing.target)).table.change(taken)

    async def _still_there(self, crossing: Crossing) -> bool:
        entries = await (await self._at(crossing.source)).table.load()
        return any(entry.uuid == crossing.entry.uuid for entry in entries)

    async def _finish(self, crossing: Crossing) -> None:
        departure, arrival = await self._at(crossing.source), await self._at(crossing.target)
        old, new = crossing.entry, replace(crossing.entry, path=crossing.placeholder.path)
        here, there = departure.namespace, arrival.namespace
        await departure.table.change(lambda entries: [one for one in entries if one.uuid != old.uuid])
        await departure.current()
        await departure.tokens.revoke_matching(here.id, mount=old.accessor)
        await departure.tokens.revoke_matching(here.id, prefix=old.path)
        left, found = (services.documents.below(old.storage_prefix) for services in (departure, arrival))
        await left.move_to(found)
        await arrival.table.change(lambda entries: _arrived(entries, crossing.placeholder, new))
        await arrival.current()
        await left.move_to(found)  # what requests that were under way have written since
        await departure.tokens.revoke_matching(here.id, mount=old.accessor)
        await follow(self._services.root_storage, here.path + old.path, there.path + new.path)
        await self._notes.delete(old.uuid)

    async def _at(self, identity: str) -> Services:
        found = self._services.namespaces.by_id(identity)
        if found is None:
            raise NotFound("namespace not found")
        return await self._services.inside(found)


def _with(entries: list[MountEntry], added: MountEntry) -> list[MountEntry]:
    for entry in entries:
        if entry.path.startswith(added.path) or added.path.startswith(entry.path):
            raise Invalid(f'path already in use at "{entry.path}"')
    return [*entries, added]


def _arrived(entries: list[MountEntry], placeholder: MountEntry, new: MountEntry) -> list[MountEntry]:
    """The mount where its placeholder was; unchanged where somebody else has finished the move."""
    if any(entry.uuid == new.uuid for entry in entries):
        return entries
    return _with([entry for entry in entries if entry.uuid != placeholder.uuid], new)
