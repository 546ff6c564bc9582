"""What a mount, a plugin or a core service sees of the documents: its own prefix, in the clear. Owns sealing of values,
optimistic updates and the cache of decoded documents; knows no SQL and no keys.

Every value is sealed with its table, namespace and full key as context, so a value copied to another row does not open.
Keys are plain texts appended to the prefix: no key reaches outside of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Protocol, TypeVar

from cachetools import LRUCache
from msgspec import Struct

from vaultlike.errors import Invalid, TooLarge
from vaultlike.storage.engine import (
    Conflict,
    DeleteDocument,
    DeleteTree,
    Document,
    Engine,
    Op,
    PutDocument,
    StorageUnavailable,
)

T = TypeVar("T")
MAX_KEY = 8192  # characters of a full key: twice the longest request path
MAX_VALUE = 8 * 1024 * 1024  # bytes before sealing
MOVED_AT_ONCE = 50  # documents
ATTEMPTS = 100  # of an optimistic update; each lost race means that somebody else made progress


class Sealer(Protocol):
    """Authenticated encryption under the current key; `context` is authenticated, not stored."""

    def seal(self, context: bytes, plaintext: bytes) -> bytes: ...

    def open(self, context: bytes, sealed: bytes) -> bytes: ...


class Generation:
    """The configuration generation that the current request has seen; the pipeline sets it from each token read."""

    __slots__ = ("value",)

    def __init__(self, value: int = 0) -> None:
        self.value = value


class DecodedCache:
    """Decoded documents of one generation, at most `entries`; another generation empties it. Shared by many views."""

    def __init__(self, generation: Generation, entries: int = 4096) -> None:
        self._generation = generation
        self._entries = entries
        self.drop()

    def current(self) -> LRUCache[Hashable, object]:
        """The values that hold for the generation now: a new object whenever what was read before may be stale.

        Take it before reading from the engine and store into the same object.
        """
        if self._seen != self._generation.value:
            self.drop()
        return self._values

    def drop(self) -> None:
        """Forgets everything: also after a write of our own, before the generation comes back with the next request.

        Who is loading right now stores what it read before the write in the old object, where nobody finds it.
        """
        self._seen = self._generation.value
        self._values: LRUCache[Hashable, object] = LRUCache(maxsize=self._entries)


class Put(Struct, frozen=True):
    """A write in `View.commit`; `expect`: 0 = must be absent, n = must be that version."""

    key: str
    value: bytes
    expect: int | None = None


class Delete(Struct, frozen=True):
    """A deletion in `View.commit`."""

    key: str
    expect: int | None = None


class View:
    """Documents of `namespace` below `prefix` ("" or ends with "/").

    `bump=False` is for state that no cache holds (nonces, counters): its writes leave the generation alone and
    `cached` does not cache. Reads and writes raise StorageUnavailable; a value that does not open raises what the
    sealer raises.
    """

    __slots__ = ("_bump", "_cache", "_engine", "_namespace", "_prefix", "_sealer")

    def __init__(
        self,
        engine: Engine,
        sealer: Sealer,
        namespace: str,
        prefix: str,
        bump: bool = True,
        cache: DecodedCache | None = None,
    ) -> None:
        if prefix and not prefix.endswith("/"):
            raise ValueError(f"a view's prefix ends with a slash: {prefix!r}")
        self._engine = engine
        self._sealer = sealer
        self._namespace = namespace
        self._prefix = prefix
        self._bump = bump
        self._cache = cache

    def below(self, prefix: str, *, bump: bool | None = None) -> View:
        """The view of a folder in this one, with the same cache."""
        chosen = self._bump if bump is None else bump
        return View(self._engine, self._sealer, self._namespace, self._prefix + prefix, chosen, self._cache)

    async def get(self, key: str) -> bytes | None:
        """The value, or None."""
        found = await self.versioned(key)
        return None if found is None else found[0]

    async def versioned(self, key: str) -> tuple[bytes, int] | None:
        """The value and its version, for `put_if`."""
        full = self._full(key)
        found = await self._engine.document(self._namespace, full)
        return None if found is None else (self._sealer.open(self._context(full), found.value), found.version)

    async def items(self, prefix: str = "", *, after: str = "", limit: int = 0) -> list[tuple[str, bytes]]:
        """Keys relative to `prefix` with their values, sorted; `limit` 0 = all."""
        base = self._prefix + prefix
        found = await self._engine.documents(self._namespace, base, after, limit)
        return [(key, self._sealer.open(self._context(base + key), document.value)) for key, document in found]

    async def keys(self, prefix: str = "", *, after: str = "", limit: int = 0) -> list[str]:
        """All keys below `prefix` and relative to it, sorted; `after` is the last key of the page before."""
        return await self._engine.keys(self._namespace, self._prefix + prefix, after, limit)

    async def children(self, prefix: str = "", *, after: str = "", limit: int = 0) -> list[str]:
        """The names directly below `prefix` ("" or ends with "/"); folders end with "/"."""
        return await self._engine.children(self._namespace, self._prefix + prefix, after, limit)

    async def put(self, key: str, value: bytes) -> int:
        """Writes whatever is there; the new version."""
        return await self._put(Put(key, value))

    async def put_if(self, key: str, value: bytes, expect: int) -> int:
        """Writes if the document is at version `expect` (0 = absent), else raises Conflict; the new version."""
        return await self._put(Put(key, value, expect))

    async def delete(self, key: str) -> bool:
        """Whether there was something to delete."""
        return bool((await self.commit([Delete(key)]))[0])

    async def delete_all(self, prefix: str = "") -> int:
        """Deletes everything whose key starts with `prefix`; how many."""
        op = DeleteTree(self._namespace, self._prefix + prefix, self._bump)
        count = (await self._write([op]))[0]
        return count if isinstance(count, int) else 0

    async def update(self, key: str, change: Callable[[bytes | None], bytes | None]) -> bytes | None:
        """Replaces the value by `change(value)` without losing anybody's write; None means absent. The new value.

        `change` may run several times. Raises StorageUnavailable after ATTEMPTS lost races.
        """
        for _ in range(ATTEMPTS):
            found = await self.versioned(key)
            old, version = found or (None, 0)
            new = change(old)
            if new is None and old is None:
                return None
            if new is old:
                return new  # `change` left it as it was: nothing to write
            try:
                await self.commit([Delete(key, version) if new is None else Put(key, new, version)])
            except Conflict:
                await asyncio.sleep(0)
                continue
            return new
        raise StorageUnavailable(reason=f"{ATTEMPTS} updates of one document lost their races")

    async def move_to(self, other: View) -> int:
        """Moves every document to another place, each in a commit with its deletion here; returns how many left here.

        What is already there stays, and what was meant to replace it goes. Safe to repeat, also by two at once.
        """
        total = 0
        while found := await self._engine.documents(self._namespace, self._prefix, "", MOVED_AT_ONCE):
            pairs = [(self._prefix + key, other._full(key), document) for key, document in found]
            try:
                await self._write([op for pair in pairs for op in self._moving(other, *pair)])
            except Conflict:
                for pair in pairs:
                    await self._move_one(other, *pair)
            total += len(pairs)
        return total

    def _moving(self, other: View, full: str, there: str, document: Document) -> tuple[Op, Op]:
        value = self._sealer.open(self._context(full), document.value)
        sealed = other._sealer.seal(other._context(there), value)
        return (
            PutDocument(other._namespace, there, sealed, 0, other._bump),
            DeleteDocument(self._namespace, full, document.version, self._bump),
        )

    async def _move_one(self, other: View, full: str, there: str, document: Document) -> None:
        put, delete = self._moving(other, full, there, document)
        taken = await self._engine.document(other._namespace, there) is not None
        try:
            await self._write([delete] if taken else [put, delete])
        except Conflict:  # it changed, or somebody else moves it: seen at the next look
            await asyncio.sleep(0)

    async def commit(self, changes: Sequence[Put | Delete], also: Sequence[Op] = ()) -> list[int | bool]:
        """All changes or none (Conflict): the new version of each Put, for each Delete whether there was something.

        `also`: what is written to other tables in the same transaction.
        """
        results = await self._write([*(self._op(change) for change in changes), *also])
        return [result for result in results[: len(changes)] if isinstance(result, int)]

    def op(self, change: Put | Delete) -> Op:
        """A change in this view, for a commit of another one to take along."""
        return self._op(change)

    async def commit_if(self, changes: Mapping[str, tuple[bytes | None, int | None]]) -> bool:
        """As `commit`: a value or None (delete), and the version to find; False where one is not at its version."""
        try:
            await self.commit(
                [
                    Delete(key, expect) if value is None else Put(key, value, expect)
                    for key, (value, expect) in changes.items()
                ]
            )
        except Conflict:
            return False
        return True

    async def cached(self, key: str, decode: Callable[[bytes], T]) -> T | None:
        """The decoded value, kept until the generation moves; absence is kept too.

        Give the same `decode` object every time (it is part of the cache key) and treat the result as frozen.
        """
        if self._cache is None or not self._bump:
            value = await self.get(key)
            return None if value is None else decode(value)
        values = self._cache.current()
        slot = (self._namespace, self._full(key), decode)
        if slot in values:
            return values[slot]  # type: ignore[return-value]  # what this `decode` returned before
        value = await self.get(key)
        decoded = None if value is None else decode(value)
        values[slot] = decoded  # lands in an object nobody asks any more if a write or a new generation came between
        return decoded

    async def _put(self, change: Put) -> int:
        return (await self.commit([change]))[0]

    async def _write(self, ops: Sequence[Op]) -> list[object]:
        try:
            return await self._engine.commit(ops)
        finally:  # also when cancelled: it may have happened
            if self._bump and self._cache is not None:
                self._cache.drop()

    def _op(self, change: Put | Delete) -> Op:
        full = self._full(change.key)
        if isinstance(change, Delete):
            return DeleteDocument(self._namespace, full, change.expect, self._bump)
        if len(change.value) > MAX_VALUE:
            raise TooLarge(reason=f"a document of {len(change.value)} bytes; at most {MAX_VALUE}")
        sealed = self._sealer.seal(self._context(full), change.value)
        return PutDocument(self._namespace, full, sealed, change.expect, self._bump)

    def _full(self, key: str) -> str:
        full = self._prefix + key
        if not key or len(full) > MAX_KEY or "\x00" in key:
            raise Invalid("invalid storage key", reason="a storage key is empty, too long or contains NUL")
        return full

    def _context(self, full: str) -> bytes:
        return f"documents\x00{self._namespace}\x00{full}".encode()
