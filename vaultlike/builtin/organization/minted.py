"""What is kept of the access tokens that token-auth mints, beside their rows in the token store: a name, when they were
used, and that they were there.

Two documents each, `minted/<jti>` and `minted-of/<identity>/<newest first>`; none of them is configuration. A record
without a row is that of a token that ended. Owns no paths and no rows.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import msgspec
from msgspec import Struct, structs

from vaultlike.sdk import Context

PACE = 30.0  # seconds that uses wait, together, for being written
WAITING = 50_000  # tokens whose uses wait; beyond it they are noted at a later use
PAGE = 500  # documents looked at together
KEPT = 86_400  # seconds that a record outlives its token, about
_LATEST = 10**13  # milliseconds: newer records sort before older ones


class Minted(Struct, frozen=True, kw_only=True):
    """One access token. Times in Unix seconds, spans in seconds; `uses` and `used_at` may be PACE behind. Limits are
    those of its creation.
    """

    id: str
    identity: str
    created_at: float
    updated_at: float
    ttl: int
    max_ttl: int = 0
    period: int = 0
    num_uses: int = 0
    name: str = ""
    uses: int = 0
    used_at: float | None = None
    revoked: bool = False


class _Use(Struct):
    count: int
    at: float


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Minted).decode


class MintedTokens:
    """The records of a mount, and the uses that this process has not written yet."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._view = ctx.storage.below("", bump=False)
        self._uses: dict[str, _Use] = {}
        self._writing: asyncio.Task[None] | None = None

    async def add(self, new: Minted) -> None:
        """Keeps a record; before its token is made, so that there is no token without one."""
        await self._view.commit_if({_key(new.id): (_encode(new), 0), _index(new): (b"", 0)})

    async def find(self, identity: str) -> Minted | None:
        """The record of a token, by its id."""
        raw = await self._view.get(_key(identity))
        return None if raw is None else self._fresh(_decode(raw))

    async def page(self, identity: str, offset: int, limit: int) -> list[Minted]:
        """Records of an identity's tokens, the newest first."""
        keys = await self._view.keys(_folder(identity), limit=offset + limit)
        found = [await self.find(key[-36:]) for key in keys[offset:]]
        return [one for one in found if one is not None]

    async def change(self, identity: str, **fields: object) -> Minted | None:
        """Replaces fields of a record; the new one, None where there is none."""

        def changed(raw: bytes | None) -> bytes | None:
            return None if raw is None else _encode(structs.replace(_decode(raw), **fields))

        raw = await self._view.update(_key(identity), changed)
        return None if raw is None else self._fresh(_decode(raw))

    def note(self, identity: str) -> None:
        """A token was used: remembered here, written with others."""
        use = self._uses.get(identity)
        if use is not None:
            use.count, use.at = use.count + 1, self._ctx.clock.now()
            return
        if len(self._uses) >= WAITING:
            return
        self._uses[identity] = _Use(1, self._ctx.clock.now())
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write_soon(), name=f"uses at {self._ctx.mount}")

    async def _write_soon(self) -> None:
        await asyncio.sleep(PACE)  # real time: the pace of the work, not its meaning
        try:
            await self.write()
        except Exception as problem:  # nobody waits for this task; the next use tries again
            self._ctx.log.warning("uses of tokens not written yet", problem=repr(problem))

    async def write(self) -> None:
        """Writes the uses that this process has noted."""
        for identity in list(self._uses):
            use = self._uses.pop(identity, None)
            if use is None:
                continue
            try:
                await self._view.update(_key(identity), lambda raw, use=use: _used(raw, use))  # type: ignore[misc]
            except BaseException:
                self._uses.setdefault(identity, use)
                raise

    async def close(self) -> None:
        """Writes what waits and ends."""
        task, self._writing = self._writing, None
        if task is not None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        try:
            await self.write()
        except Exception as problem:  # facts to look at, not access
            self._ctx.log.warning("uses of tokens not written", problem=repr(problem))

    async def tidy(self, lives: Callable[[str], Awaitable[bool]]) -> None:
        """Deletes the records of tokens that have been over for a while; `lives` tells of a token by its id."""
        now, after = self._ctx.clock.now(), ""
        while page := await self._view.items("minted/", after=after, limit=PAGE):
            for key, raw in page:
                one = self._fresh(_decode(raw))
                seen = max(one.created_at + one.ttl, one.updated_at, one.used_at or 0.0)
                if now >= seen + KEPT and not await lives(one.id):
                    await self._view.commit_if({f"minted/{key}": (None, None), _index(one): (None, None)})
            after = page[-1][0]

    def _fresh(self, one: Minted) -> Minted:
        use = self._uses.get(one.id)
        return one if use is None else _with(one, use)


def _used(raw: bytes | None, use: _Use) -> bytes | None:
    return None if raw is None else _encode(_with(_decode(raw), use))


def _with(one: Minted, use: _Use) -> Minted:
    return structs.replace(one, uses=one.uses + use.count, used_at=max(use.at, one.used_at or 0.0))


def _key(identity: str) -> str:
    return f"minted/{identity}"


def _folder(identity: str) -> str:
    return f"minted-of/{identity}/"


def _index(one: Minted) -> str:
    return f"{_folder(one.identity)}{_LATEST - int(one.created_at * 1000):013d}-{one.id}"
