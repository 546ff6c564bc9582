"""A mount's storage with writes on top that nobody else sees yet: for handlers whose writes must be all or nothing.

Reads see the staged writes. Nothing is written here: `changes` are for one commit of somebody else's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from vaultlike.sdk import Storage
from vaultlike.storage.view import Delete, Put

T = TypeVar("T")


class Staging:
    """What is staged over a base. With `fresh`, nothing of the base is seen, and all of it is to be deleted."""

    def __init__(self, base: Storage, *, fresh: bool = False) -> None:
        self._base, self._fresh = base, fresh
        self.values: dict[str, bytes | None] = {}
        self.seen: dict[str, int] = {}  # the version of each that was read below
        self.regardless: set[str] = set()  # what is to be deleted whoever writes it meanwhile

    async def below(self, key: str) -> tuple[bytes, int] | None:
        """What the base has, remembered for the commit."""
        found = None if self._fresh else await self._base.versioned(key)
        if not self._fresh:
            self.seen.setdefault(key, 0 if found is None else found[1])
        return found

    async def under(self, prefix: str) -> list[str]:
        """The keys of the base that start with `prefix`, whole."""
        return [] if self._fresh else [prefix + key for key in await self._base.keys(prefix)]

    async def changes(self, folder: str) -> list[Put | Delete]:
        """Every staged write, for a view in which this storage is `folder`. A base that was changed since it was read
        makes the commit a Conflict."""
        found: list[Put | Delete] = []
        if self._fresh:
            found += [Delete(folder + key) for key in await self._base.keys() if self.values.get(key) is None]
        for key, value in self.values.items():
            expect = None if value is None and key in self.regardless else self.seen.get(key)
            if value is not None:
                found.append(Put(folder + key, value, expect))
            elif not self._fresh and expect != 0:
                found.append(Delete(folder + key, expect))
        return found


class StagedStorage:
    """The sdk's Storage over a Staging, as a folder of it."""

    def __init__(self, staging: Staging, prefix: str = "") -> None:
        self._staging, self._prefix = staging, prefix

    async def get(self, key: str) -> bytes | None:
        """The value, or None."""
        full, values = self._prefix + key, self._staging.values
        if full in values:
            return values[full]
        found = await self._staging.below(full)
        return None if found is None else found[0]

    async def versioned(self, key: str) -> tuple[bytes, int] | None:
        """The value with a version that `commit_if` takes."""
        value = await self.get(key)
        return None if value is None else (value, 1)

    async def put(self, key: str, value: bytes) -> int:
        """Stages a write."""
        self._staging.values[self._prefix + key] = value
        return 1

    async def delete(self, key: str) -> bool:
        """Stages a deletion."""
        there = await self.get(key) is not None
        self._staging.values[self._prefix + key] = None
        return there

    async def update(self, key: str, change: Callable[[bytes | None], bytes | None]) -> bytes | None:
        """Stages a change."""
        old = await self.get(key)
        new = change(old)
        if new is not old:
            self._staging.values[self._prefix + key] = new
        return new

    async def cached(self, key: str, decode: Callable[[bytes], T]) -> T | None:
        """The decoded value, decoded anew each time."""
        value = await self.get(key)
        return None if value is None else decode(value)

    async def keys(self, prefix: str = "", *, after: str = "", limit: int = 0) -> list[str]:
        """Keys relative to `prefix`, sorted."""
        start = self._prefix + prefix
        values = self._staging.values
        there = {key for key in await self._staging.under(start) if values.get(key, b"") is not None}
        there |= {key for key, value in values.items() if value is not None and key.startswith(start)}
        found = [key for key in sorted(key[len(start) :] for key in there) if key > after or not after]
        return found[:limit] if limit else found

    async def children(self, prefix: str = "", *, after: str = "", limit: int = 0) -> list[str]:
        """Names directly below `prefix`; folders end with "/"."""
        names = {head + slash for head, slash, _ in (key.partition("/") for key in await self.keys(prefix))}
        found = [name for name in sorted(names) if name > after or not after]
        return found[:limit] if limit else found

    async def items(self, prefix: str = "", *, after: str = "", limit: int = 0) -> list[tuple[str, bytes]]:
        """Keys relative to `prefix` with their values."""
        found = []
        for key in await self.keys(prefix, after=after, limit=limit):
            value = await self.get(prefix + key)
            if value is not None:
                found.append((key, value))
        return found

    async def commit_if(self, changes: Mapping[str, tuple[bytes | None, int | None]]) -> bool:
        """Stages all changes, or none where one is not at its version."""
        for key, (_, expect) in changes.items():
            if expect is not None and expect != (1 if await self.get(key) is not None else 0):
                return False
        for key, (value, _) in changes.items():
            self._staging.values[self._prefix + key] = value
        self._staging.regardless |= {self._prefix + key for key, change in changes.items() if change == (None, None)}
        return True

    def below(self, prefix: str, *, bump: bool | None = None) -> Storage:
        """A folder of this storage; all of a staging is configuration."""
        return StagedStorage(self._staging, self._prefix + prefix)
