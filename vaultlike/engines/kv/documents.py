"""Where the engine keeps secrets: one document per secret, and one per older version. Knows no paths of the API.

The document of a versioned secret is its record, a newline, and the newest version's data: the usual read is one
document. Older data lie under a random name that the record knows, so that a secret which was deleted and made again
never shows what was there before. Nothing here is configuration: no write moves the generation.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from weakref import WeakValueDictionary

import msgspec
from msgspec import Struct

from vaultlike.engines.kv.record import Record
from vaultlike.errors import Unavailable
from vaultlike.sdk import Context
from vaultlike.storage.engine import Conflict
from vaultlike.storage.view import Delete, Put, View

ATTEMPTS = 1000  # of a change that other processes race for; each lost race is somebody else's progress
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Record).decode


def documents(ctx: Context) -> View:
    """The mount's storage with what an engine may use beyond a plugin: versions and commits of several documents."""
    view = ctx.storage
    if not isinstance(view, View):
        raise TypeError(f"the engine needs a View, not a {type(view).__name__}")
    return view


class Texts:
    """Unversioned secrets: the body as it was written, by path."""

    def __init__(self, view: View) -> None:
        self._view = view.below("plain/", bump=False)

    async def find(self, path: str) -> bytes | None:
        """The body, None where there is none."""
        return await self._view.get(path)

    async def versioned(self, path: str) -> tuple[bytes, int] | None:
        """The body and its document's version."""
        return await self._view.versioned(path)

    async def put(self, path: str, body: bytes) -> None:
        """Replaces whatever is there."""
        await self._view.put(path, body)

    async def delete(self, path: str, expect: int | None = None) -> None:
        """Absent is fine; with `expect` raises Conflict unless the document has that version."""
        await self._view.commit([Delete(path, expect)])

    async def children(self, folder: str, after: str = "", limit: int = 0) -> list[str]:
        """Names directly in a folder ("" or ends with a slash)."""
        return await self._view.children(folder, after=after, limit=limit)

    async def keys(self, folder: str = "", after: str = "", limit: int = 0) -> list[str]:
        """Every path below a folder, relative to it."""
        return await self._view.keys(folder, after=after, limit=limit)


class Secret(Struct):
    """A versioned secret: its record, and the newest version's data as JSON (None when destroyed or never written)."""

    record: Record
    data: bytes | None = None


class Change(Struct):
    """What an edit wants stored: the secret, older data to keep (by version) and versions whose data go."""

    secret: Secret
    keep: dict[int, bytes] = {}
    drop: list[int] = []


class Secrets:
    """Versioned secrets by path. `random(n)` gives n random bytes."""

    def __init__(self, view: View, random: Callable[[int], bytes]) -> None:
        self._records = view.below("secret/", bump=False)
        self._older = view.below("older/", bump=False)
        self._both = view.below("", bump=False)
        self._random = random
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def find(self, path: str) -> Secret | None:
        """One document read; nothing is at the empty path."""
        raw = await self._records.get(path) if path else None
        return _open(raw) if raw is not None else None

    async def exists(self, path: str) -> bool:
        """Whether there is a record (with or without versions)."""
        return bool(path) and await self._records.get(path) is not None

    async def older(self, record: Record, version: int) -> bytes | None:
        """The data of a version that is not the newest."""
        return await self._older.get(f"{record.store}/{version}")

    def new_store(self) -> str:
        """A name under which a new secret keeps its older data."""
        return self._random(12).hex()

    async def children(self, folder: str, after: str = "", limit: int = 0) -> list[str]:
        """Names directly in a folder ("" or ends with a slash)."""
        return await self._records.children(folder, after=after, limit=limit)

    async def keys(self, folder: str, after: str = "", limit: int = 0) -> list[str]:
        """Every path below a folder, relative to it."""
        return await self._records.keys(folder, after=after, limit=limit)

    async def change(self, path: str, edit: Callable[[Secret | None], Change | None]) -> None:
        """Read, edit, write without losing anybody's write; None writes nothing. What `edit` raises goes through.

        Writers in this process take turns; between processes the database decides and the loser edits again.
        """
        async with self._lock(path):
            for _ in range(ATTEMPTS):
                found = await self._records.versioned(path)
                change = edit(_open(found[0]) if found else None)
                if change is None:
                    return
                try:
                    await self._both.commit(self._ops(path, change, found[1] if found else 0))
                except Conflict:
                    await asyncio.sleep(0)
                    continue
                return
        raise Unavailable("too many concurrent writes to the same path", reason=f"lost {ATTEMPTS} races")

    async def page(self, folder: str, after: str, limit: int) -> list[tuple[str, Secret]]:
        """Secrets below a folder ("" or ends with a slash) by their path in it, sorted, beginning behind `after`."""
        found = await self._records.items(folder, after=after, limit=limit)
        return [(path, _open(raw)) for path, raw in found]

    async def change_all(
        self, paths: Sequence[str], edit: Callable[[Mapping[str, Secret | None]], Mapping[str, Change | None]]
    ) -> None:
        """As `change` for several secrets, all or none. None for one that was there takes its record away.

        What a record that is taken away kept of older versions stays: whoever asks for that has it in another record.
        """
        wanted = sorted(set(paths))
        async with AsyncExitStack() as held:
            for path in wanted:  # in one order, so that no two wait for each other
                await held.enter_async_context(self._lock(path))
            for _ in range(ATTEMPTS):
                found = {path: await self._records.versioned(path) for path in wanted}
                changes = edit({path: _open(each[0]) if each else None for path, each in found.items()})
                ops: list[Put | Delete] = []
                for path, change in changes.items():
                    known = found[path]
                    version = known[1] if known else 0
                    if change is not None:
                        ops += self._ops(path, change, version)
                    elif known is not None:
                        ops.append(Delete(f"secret/{path}", version))
                if not ops:
                    return
                try:
                    await self._both.commit(ops)
                except Conflict:
                    await asyncio.sleep(0)
                    continue
                return
        raise Unavailable("too many concurrent writes to the same paths", reason=f"lost {ATTEMPTS} races")

    async def remove(self, path: str) -> None:
        """Deletes the record and every version; absent is fine."""
        if not path:
            return
        async with self._lock(path):
            for _ in range(ATTEMPTS):
                found = await self._records.versioned(path)
                if found is None:
                    return
                record = _open(found[0]).record
                gone = [
                    Delete(f"older/{record.store}/{number}") for number in record.versions if number != record.current
                ]
                try:
                    await self._both.commit([Delete(f"secret/{path}", found[1]), *gone])
                except Conflict:
                    await asyncio.sleep(0)
                    continue
                return
        raise Unavailable("too many concurrent writes to the same path", reason=f"lost {ATTEMPTS} races")

    def _ops(self, path: str, change: Change, version: int) -> list[Put | Delete]:
        record, data = change.secret.record, change.secret.data
        raw = _encode(record) + b"\n" + (b"" if data is None else data)
        ops: list[Put | Delete] = [Put(f"secret/{path}", raw, version)]
        ops += [Put(f"older/{record.store}/{number}", kept) for number, kept in change.keep.items()]
        ops += [Delete(f"older/{record.store}/{number}") for number in change.drop]
        return ops

    def _lock(self, path: str) -> asyncio.Lock:
        lock = self._locks.get(path)
        if lock is None:
            lock = self._locks[path] = asyncio.Lock()
        return lock


def _open(raw: bytes) -> Secret:
    record, _, data = raw.partition(b"\n")
    return Secret(_decode(record), data or None)
