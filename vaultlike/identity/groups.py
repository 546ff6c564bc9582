"""The groups of a namespace: documents, loaded once and again only when some group changed.

Every change also moves one stamp document, by compare-and-set: so names and aliases stay unique and circles stay
impossible although nodes write at the same time, and a node sees from the stamp alone whether its index is current.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Collection, Iterable, Sequence

import msgspec
from msgspec import Struct, field
from msgspec.structs import replace

from vaultlike.clock import Clock
from vaultlike.errors import Unavailable
from vaultlike.identity.group import Group, GroupIndex
from vaultlike.storage.engine import Conflict
from vaultlike.storage.view import Delete, Put, View

STAMP = "stamp"
FOLDER = "group/"
MEMBERS = "member/"  # <group id>/<entity id> of external groups: a hint for display, the entity itself decides
LEFT = "-/"  # beside the members: -/<group id> of a group that somebody has left
ATTEMPTS = 16

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Group).decode


class Edit(Struct):
    """What a change does: whole groups to store, ids to remove."""

    puts: list[Group] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)


class GroupStore:
    """Reads and changes groups. `view` is the folder of their documents."""

    def __init__(self, view: View, clock: Clock, random: Callable[[int], bytes]) -> None:
        self._view, self._clock, self._random = view, clock, random
        self._members = view.below(MEMBERS, bump=False)
        self._index = GroupIndex()
        self._loading = asyncio.Lock()

    def new_id(self) -> str:
        """A fresh UUID."""
        return str(uuid.UUID(bytes=self._random(16), version=4))

    def new_group(self, name: str, kind: str) -> Group:
        """A group that is not stored yet; its name defaults to `group_<8 hex>`."""
        now = self._clock.now()
        name = name or f"group_{self._random(4).hex()}"
        return Group(id=self.new_id(), name=name, kind=kind, created_at=now, updated_at=now, modify_index=0)

    def touched(self, group: Group, **facts: object) -> Group:
        """The group with new facts, its time and its modify_index moved."""
        return replace(group, updated_at=self._clock.now(), modify_index=group.modify_index + 1, **facts)

    async def index(self) -> GroupIndex:
        """All groups as they are now. Ask it at once and do not keep it: it follows changes."""
        stamp = await self._view.cached(STAMP, int) or 0
        if stamp != self._index.stamp:
            async with self._loading:
                if (await self._view.cached(STAMP, int) or 0) != self._index.stamp:
                    await self._load()
        return self._index

    async def _load(self) -> None:
        """Reads everything. The stamp is read first: what changes meanwhile is loaded again at the next question."""
        found = await self._view.get(STAMP)
        groups = [_decode(raw) for _, raw in await self._view.items(FOLDER)]
        self._index = GroupIndex(groups, int(found) if found else 0)

    async def change(self, decide: Callable[[GroupIndex], Edit]) -> Edit:
        """Applies what `decide` says about the groups as they are; it may run again when another node was faster.

        What `decide` raises goes through, then nothing has changed. Raises Unavailable when every race is lost.
        """
        async with self._loading:
            for _ in range(ATTEMPTS):
                found = await self._view.versioned(STAMP)
                stamp, version = (int(found[0]), found[1]) if found else (0, 0)
                if stamp != self._index.stamp:
                    await self._load()
                edit = decide(self._index)
                if not edit.puts and not edit.removed:
                    return edit
                try:
                    await self._view.commit(self._writes(edit, stamp + 1, version))
                except Conflict:
                    continue
                self._index.apply(edit.puts, edit.removed, stamp + 1)
                return edit
        raise Unavailable("the groups are changing too fast, try again")

    def _writes(self, edit: Edit, stamp: int, version: int) -> Sequence[Put | Delete]:
        writes: list[Put | Delete] = [Put(STAMP, str(stamp).encode(), version)]
        writes += [Put(FOLDER + group.id, _encode(group)) for group in edit.puts]
        writes += [Delete(FOLDER + identity) for identity in edit.removed]
        return writes

    async def forget_entities(self, ids: Sequence[str]) -> None:
        """Takes deleted entities out of the groups that name them."""
        gone = set(ids)
        index = await self.index()
        if not any(index.members_of(identity) for identity in gone):
            return

        def decide(now: GroupIndex) -> Edit:
            touched = {group for identity in gone for group in now.members_of(identity)}
            groups = [now.by_id[identity] for identity in sorted(touched)]
            return Edit([self.touched(g, members=tuple(m for m in g.members or () if m not in gone)) for g in groups])

        await self.change(decide)

    async def replace_entities(self, old: Collection[str], new: str) -> None:
        """Puts one entity where others were members: what a merge leaves behind."""

        def decide(now: GroupIndex) -> Edit:
            touched = sorted({group for identity in old for group in now.members_of(identity)})
            puts = []
            for group in (now.by_id[identity] for identity in touched):
                members = tuple(dict.fromkeys(new if member in old else member for member in group.members or ()))
                puts.append(self.touched(group, members=members))
            return Edit(puts)

        await self.change(decide)

    # Members of external groups

    async def note_members(self, entity: str, joined: Iterable[str], left: Iterable[str] = ()) -> None:
        """Remembers for display that an entity came into external groups, or left them."""
        writes: list[Put | Delete] = [Put(f"{identity}/{entity}", b"1") for identity in joined]
        for identity in left:
            writes += [Delete(f"{identity}/{entity}"), Put(LEFT + identity, b"1")]
        if writes:
            await self._members.commit(writes)

    async def noted_members(self, group: str) -> list[str]:
        """The entities that are probably in an external group."""
        return await self._members.keys(f"{group}/")

    async def had_members(self, group: str) -> bool:
        """Whether somebody ever left an external group: it then reads as empty, not as never filled."""
        return await self._members.get(LEFT + group) is not None

    async def forget_members(self, group: str) -> None:
        """Forgets who was in a group that is deleted."""
        await self._members.delete_all(f"{group}/")
        await self._members.delete(LEFT + group)
