"""A revocation ends everything below a token at once, and lets others work while it deletes."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from vaultlike.clock import FakeClock
from vaultlike.errors import Invalid
from vaultlike.seal.barrier import Barrier
from vaultlike.seal.keyring import Keyring
from vaultlike.storage.engine import Conflict, DeleteExpired, InsertToken, Op
from vaultlike.storage.sqlite import SqliteEngine
from vaultlike.tokens.entry import Token
from vaultlike.tokens.store import NewToken, TokenStore
from vaultlike.tokens.sweeper import BATCH, sweep

CHILDREN = 3 * BATCH


class Watched(SqliteEngine):
    """Lets a test act between the commits of a revocation."""

    meanwhile: asyncio.Event | None = None
    commits = 0

    async def commit(self, ops: Sequence[Op]) -> list[object]:
        """A commit, after a look at what happened before a batch of it."""
        if self.meanwhile is not None and isinstance(ops[0], DeleteExpired):
            self.commits += 1
            await self.meanwhile.wait()
        return await super().commit(ops)


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[Watched]:
    engine = Watched(str(tmp_path / "db"))
    await engine.start()
    yield engine
    await engine.stop()


@pytest.fixture
def store(engine: Watched) -> TokenStore:
    return TokenStore(engine, Barrier(Keyring.create(os.urandom, 0.0)), FakeClock(), os.urandom)


def new(parent: Token | None = None, **facts: object) -> NewToken:
    above = parent.row.id if parent is not None else None
    return NewToken(path="auth/token/create", policies=("p",), display_name="x", ttl=100, mount="m", parent=above,
                    **facts)  # type: ignore[arg-type]  # fmt: skip


async def family(engine: Watched, store: TokenStore) -> tuple[Token, Token, Token]:
    """A token with many children, one of them, and a child of that one."""
    top = await store.mint(new())
    children = [store.build(new(top)) for _ in range(CHILDREN)]
    await engine.commit([InsertToken(child.row) for child in children])
    return top, children[-1], await store.mint(new(children[-1]))


async def dead(store: TokenStore, *tokens: Token) -> bool:
    found = [(await store.present(token.text))[1] for token in tokens]
    found += [await store.find_accessor(token.entry.accessor) for token in tokens]
    return not any(found)


async def test_all_is_over_before_anything_is_deleted(engine: Watched, store: TokenStore) -> None:
    top, child, grandchild = await family(engine, store)
    other = await store.mint(new())
    engine.meanwhile = asyncio.Event()
    revocation = asyncio.create_task(store.revoke(top.row.id))
    while not engine.commits:
        await asyncio.sleep(0)
    assert await engine.count_tokens() == CHILDREN + 3
    assert await dead(store, top, child, grandchild)
    assert (await store.present(other.text))[1] is not None
    with pytest.raises(Invalid):
        await store.renew(top, top.row.expires_at or 0)
    with pytest.raises(Conflict):
        await store.mint(new(top))
    await store.renew(child, child.row.expires_at or 0)  # its row is there still; it is of no use
    assert await dead(store, child)
    assert await store.mint(new()) is not None  # others are not kept waiting
    engine.meanwhile.set()
    await revocation
    assert engine.commits > CHILDREN // BATCH
    assert await engine.count_tokens() == 2


async def test_what_a_crash_left_is_swept(engine: Watched, store: TokenStore) -> None:
    top, child, grandchild = await family(engine, store)
    engine.meanwhile = asyncio.Event()
    revocation = asyncio.create_task(store.revoke(top.row.id))
    while not engine.commits:
        await asyncio.sleep(0)
    revocation.cancel()
    engine.meanwhile.set()
    assert await dead(store, top, child, grandchild)
    await sweep(engine, FakeClock())
    assert await engine.count_tokens() == 0


async def test_trees_of_a_mount_go_too(engine: Watched, store: TokenStore) -> None:
    top, child, grandchild = await family(engine, store)
    other = await store.mint(new())
    await store.revoke_matching("", mount="other")
    assert (await store.present(grandchild.text))[1] is not None
    await store.revoke_matching("", mount="m")
    assert await dead(store, top, child, grandchild, other)
    assert await engine.count_tokens() == 0
