"""Secret ids as they are stored: by keyed hash, with their uses counted down atomically across processes.

Three documents each: the secret id, its accessor, and a note when it is due to expire, so that tidying reads only what
has expired. Nothing here is configuration: no write moves the generation.
"""

from __future__ import annotations

import asyncio
import contextlib
from weakref import WeakValueDictionary

import msgspec
from msgspec import Struct

from vaultlike.errors import Invalid, Unavailable
from vaultlike.sdk import Context
from vaultlike_approle.index import Place, digest, places

GONE = "gone/"  # stores whose role was deleted, until they are empty
PAGE = 500  # documents read or deleted together
ATTEMPTS = 1000  # of a change that other processes race for; each lost race is somebody else's progress
PACE = 1.0  # seconds at most that logins of a secret id without a limit wait for being counted in the database


class SecretId(Struct, kw_only=True):
    """One secret id; times in Unix seconds (0: never), spans in seconds. `uses` are left; 0 is unlimited.

    `logins` were made with it: exact where uses are limited, within a second behind where they are not.
    """

    accessor: str
    role: str
    uses: int
    ttl: int  # as asked for; `expires_at` has it capped
    created_at: float
    expires_at: float
    updated_at: float
    used_at: float = 0.0
    metadata: dict[str, str] = {}
    cidrs: tuple[str, ...] = ()
    token_cidrs: tuple[str, ...] = ()
    notes: dict[str, str] = {}
    logins: int = 0

    def expired(self, now: float) -> bool:
        """Whether its time is over; known from the clock, not from whether somebody has tidied."""
        return self.expires_at != 0 and now >= self.expires_at


class Accessor(Struct, frozen=True):
    """What an accessor leads to: the store and the hash of its secret id."""

    store: str
    secret: str


class Found(Struct, frozen=True):
    """A stored secret id, with its place and the version that was read."""

    body: SecretId
    store: str
    hash: str
    version: int

    @property
    def key(self) -> str:
        """The document."""
        return f"secret/{self.store}/{self.hash}"


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(SecretId).decode
_decode_accessor = msgspec.json.Decoder(Accessor).decode
Changes = dict[str, tuple[bytes | None, int | None]]


class SecretIds:
    """The secret ids of a mount."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._view = ctx.storage.below("", bump=False)
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._uncounted: dict[tuple[str, str], int] = {}  # logins by store and hash, where uses have no limit
        self._counting: asyncio.Task[None] | None = None

    async def create(self, place: Place, text: str, body: SecretId) -> None:
        """Stores a new one. Raises Invalid when the role has it already."""
        found = Found(body, place.store, await digest(self._ctx, "secret", place.store, text), 0)
        accessor = _encode(Accessor(place.store, found.hash))
        changes: Changes = {found.key: (_encode(body), 0), await self._accessor_key(body.accessor): (accessor, 0)}
        if body.expires_at:
            changes[_due_key(found)] = (b"", None)
        for _ in range(2):
            if await self._view.commit_if(changes):
                return
            old = await self._read(place.store, found.hash)
            if old is not None and not old.body.expired(self._ctx.clock.now()):
                break
            if old is not None:
                await self._remove(old)
        raise Invalid("failed to store secret_id: SecretID is already registered")

    async def find(self, place: Place, text: str) -> Found | None:
        """The secret id of that text, expired or not."""
        return await self._read(place.store, await digest(self._ctx, "secret", place.store, text))

    async def by_accessor(self, accessor: str) -> tuple[str, Found | None] | None:
        """The store that an accessor belongs to and its secret id; None for an accessor that nothing has."""
        raw = await self._view.get(await self._accessor_key(accessor))
        if raw is None:
            return None
        ref = _decode_accessor(raw)
        return ref.store, await self._read(ref.store, ref.secret)

    async def all_of(self, place: Place) -> list[SecretId]:
        """A role's secret ids that have not expired, by accessor."""
        now = self._ctx.clock.now()
        found: list[SecretId] = []
        after = ""
        while page := await self._view.items(f"secret/{place.store}/", after=after, limit=PAGE):
            bodies = [_decode(raw) for _, raw in page]
            found += [body for body in bodies if not body.expired(now)]
            after = page[-1][0]
        return sorted(found, key=lambda body: body.accessor)

    async def use(self, found: Found) -> bool:
        """Takes one use and notes the time; False when there is none left (any more).

        Uses of this process take turns; between processes the database decides and the loser looks again. The time of
        the last use is to the second: a secret id with unlimited uses costs one write a second, however busy.
        """
        now = self._ctx.clock.now()
        if not found.body.uses and int(found.body.used_at) == int(now):
            self._count_later(found)
            return True
        async with self._turn(found.key):
            current: Found | None = found
            for attempt in range(ATTEMPTS):
                current = await self._read(found.store, found.hash)
                if current is None or current.body.expired(now):
                    return False
                if not current.body.uses and int(current.body.used_at) == int(now):
                    self._count_later(current)  # others of this second were faster
                    return True
                if await self._take(current, now):
                    return True
                await asyncio.sleep(0 if attempt < 50 else 0.001)
        raise Unavailable("too many concurrent uses of one secret id", reason=f"lost {ATTEMPTS} races")

    async def destroy(self, found: Found) -> None:
        """Deletes one with all that belongs to it; fine when somebody was faster."""
        await self._remove(found)

    async def purge(self, store: str) -> None:
        """Deletes a store whose role is gone, a page at a time."""
        while page := await self._view.items(f"secret/{store}/", limit=PAGE):
            changes: Changes = {}
            for key, raw in page:
                changes |= await self._deletion(Found(_decode(raw), store, key, 0), None)
            await self._view.commit_if(changes)
        await self._view.delete(GONE + store)

    async def tidy(self) -> int:
        """Deletes what has expired, and finishes what a deleted role left behind; how many expired."""
        for store in await self._view.keys(GONE):
            await self.purge(store)
        now, count, after = self._ctx.clock.now(), 0, ""
        while page := await self._view.keys("due/", after=after, limit=PAGE):
            for key in page:
                at, store, name = key.split("/")
                if int(at) > now:
                    return count
                found = await self._read(store, name)
                if found is not None and found.body.expired(now):
                    count += await self._remove(found)
                await self._view.delete("due/" + key)
            after = page[-1]
        return count

    async def tidy_stores(self) -> None:
        """Deletes stores that no role has: a secret id that was being made while its role was deleted."""
        before = [folder.removesuffix("/") for folder in await self._view.children("secret/")]
        known = {place.store for place in await places(self._ctx)}  # read later: a store of now has a role
        for store in before:
            if store not in known:
                await self.purge(store)

    async def _read(self, store: str, name: str) -> Found | None:
        found = await self._view.versioned(f"secret/{store}/{name}")
        return None if found is None else Found(_decode(found[0]), store, name, found[1])

    async def _take(self, found: Found, now: float) -> bool:
        body = found.body
        if body.uses == 1:
            return await self._view.commit_if(await self._deletion(found, found.version))
        body.used_at = now
        body.logins += 1
        if body.uses:
            body.uses, body.updated_at = body.uses - 1, now
        return await self._view.commit_if({found.key: (_encode(body), found.version)})

    def _count_later(self, found: Found) -> None:
        key = (found.store, found.hash)
        self._uncounted[key] = self._uncounted.get(key, 0) + 1
        if self._counting is None or self._counting.done():
            self._counting = asyncio.create_task(self._count_soon(), name=f"logins of {self._ctx.mount}")

    async def _count_soon(self) -> None:
        await asyncio.sleep(PACE)  # real time: the pace of the work, not its meaning
        try:
            await self.count()
        except Exception as problem:  # nobody waits for this task; the next login tries again
            self._ctx.log.warning("logins not counted yet", problem=repr(problem))

    async def count(self) -> None:
        """Writes the logins that this process has not yet counted in the database."""
        for key in list(self._uncounted):
            store, name = key
            for _ in range(ATTEMPTS):
                found = await self._read(store, name)
                count = self._uncounted.pop(key, 0)
                if found is None or not count:
                    break  # ended meanwhile, or somebody else counts
                found.body.logins += count
                if await self._view.commit_if({found.key: (_encode(found.body), found.version)}):
                    break
                self._uncounted[key] = self._uncounted.get(key, 0) + count
                await asyncio.sleep(0)

    async def close(self) -> None:
        """Ends what works in the background, once everything is counted."""
        task, self._counting = self._counting, None
        if task is not None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        if self._uncounted:
            try:
                await self.count()
            except Exception as problem:  # the mount may be gone, and the database with it: these are no access
                self._ctx.log.warning("logins not counted", problem=repr(problem))

    async def _remove(self, found: Found) -> bool:
        for _ in range(ATTEMPTS):
            if await self._view.commit_if(await self._deletion(found, found.version)):
                return True
            current = await self._read(found.store, found.hash)
            if current is None or current.body.accessor != found.body.accessor:
                return False  # gone, or another one with the same text
            found = current
            await asyncio.sleep(0)
        raise Unavailable("too many concurrent uses of one secret id", reason=f"lost {ATTEMPTS} races")

    async def _deletion(self, found: Found, version: int | None) -> Changes:
        changes: Changes = {
            found.key: (None, version),
            await self._accessor_key(found.body.accessor): (None, None),
        }
        if found.body.expires_at:
            changes[_due_key(found)] = (None, None)
        return changes

    async def _accessor_key(self, accessor: str) -> str:
        return "accessor/" + await digest(self._ctx, "accessor", accessor)

    def _turn(self, key: str) -> asyncio.Lock:
        lock = self._turns.get(key)
        if lock is None:
            lock = self._turns[key] = asyncio.Lock()
        return lock


def _due_key(found: Found) -> str:
    """Sorts by time: the second after which it has expired."""
    return f"due/{int(found.body.expires_at) + 1:012d}/{found.store}/{found.hash}"
