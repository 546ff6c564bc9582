"""Who can write the database, but has no key, gives no token more than it was made with (promise 7)."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec import structs

from vaultlike.clock import FakeClock
from vaultlike.seal.barrier import Barrier
from vaultlike.seal.keyring import Keyring
from vaultlike.storage.engine import InsertToken
from vaultlike.storage.sqlite import SqliteEngine
from vaultlike.tokens import entry as entries
from vaultlike.tokens.entry import UNSEALED, Token
from vaultlike.tokens.store import NewToken, TokenStore, _context

ENTITY, OTHER = "6d2b0c86-5a51-4b0e-9f0e-3f5f7c9d1a01", "6d2b0c86-5a51-4b0e-9f0e-3f5f7c9d1a02"


class Desk:
    """A store, its keys, and the database file below it."""

    def __init__(self, path: Path) -> None:
        self.path, self.clock = path, FakeClock()
        self.engine = SqliteEngine(str(path))
        self.keys = Barrier(Keyring.create(os.urandom, 0.0))
        self.store = TokenStore(self.engine, self.keys, self.clock, os.urandom)

    async def mint(self, **facts: object) -> Token:
        return await self.store.mint(
            NewToken(path="auth/x/login", policies=("p",), display_name="x", mount="auth_x_1", role="r", entity=ENTITY,
                     **({"ttl": 100} | facts))  # type: ignore[arg-type]
        )  # fmt: skip

    def alter(self, statement: str) -> None:
        with sqlite3.connect(self.path) as database:
            assert database.execute(statement).rowcount == 1

    async def shown(self, token: Token) -> list[bool]:
        """Whether it is found by its text, and in every other way."""
        found = [
            (await self.store.present(token.text))[1],
            await self.store.find(token.text),
            await self.store.find_id(token.row.id),
            await self.store.find_accessor(token.entry.accessor),
            next(iter(await self.store.tokens("")), None),
        ]
        return [one is not None for one in found]


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    desk = Desk(tmp_path / "db")
    await desk.engine.start()
    yield desk
    await desk.engine.stop()


@pytest.mark.parametrize("opened_before", [False, True])
@pytest.mark.parametrize(
    "change",
    [
        "UPDATE tokens SET expires_at = expires_at + 1000",
        "UPDATE tokens SET expires_at = NULL",
        "UPDATE tokens SET uses_left = 6",
        "UPDATE tokens SET uses_left = NULL",
        f"UPDATE tokens SET entity = x'{OTHER.replace('-', '')}'",
        "UPDATE tokens SET entity = NULL",
        "UPDATE scopes SET role = 'admin'",
        "UPDATE scopes SET mount = 'auth_x_2'",
        "UPDATE scopes SET path = 'auth/token/root/'",
    ],
)
async def test_a_changed_column_ends_a_token(desk: Desk, change: str, opened_before: bool) -> None:
    token = await desk.mint(num_uses=5)
    if opened_before:
        assert await desk.shown(token) == [True] * 5
    desk.alter(change)
    assert await desk.shown(token) == [False] * 5


async def test_less_than_sealed_is_fine(desk: Desk) -> None:
    token = await desk.mint(num_uses=5)
    desk.alter("UPDATE tokens SET uses_left = 1, expires_at = expires_at - 1000")
    assert await desk.shown(token) == [True] * 5


async def test_a_renewal_seals_the_new_end(desk: Desk) -> None:
    token = await desk.mint()
    await desk.store.renew(token, desk.clock.now() + 500)
    desk.clock.advance(400)
    assert await desk.shown(token) == [True] * 5
    desk.alter("UPDATE tokens SET expires_at = expires_at + 1000")
    assert await desk.shown(token) == [False] * 5


async def test_a_token_without_an_end_keeps_none(desk: Desk) -> None:
    token = await desk.mint(ttl=0, expires=False)
    desk.clock.advance(10**9)
    assert await desk.shown(token) == [True] * 5


async def test_a_token_from_before_its_columns_were_sealed_still_works(desk: Desk) -> None:
    token = desk.store.build(
        NewToken(path="auth/x/login", policies=("p",), display_name="x", ttl=100, mount="m", entity=ENTITY)
    )
    old = structs.replace(token.entry, ends_at=UNSEALED, scope=b"")
    sealed = desk.keys.seal(_context("", token.row.id), entries.encode(old))
    await desk.engine.commit([InsertToken(structs.replace(token.row, sealed=sealed))])
    assert await desk.shown(token) == [True] * 5
    found = await desk.store.find(token.text)
    assert found is not None
    await desk.store.renew(found, desk.clock.now() + 200)
    assert await desk.shown(token) == [True] * 5
    desk.alter("UPDATE tokens SET entity = NULL")
    assert await desk.shown(token) == [False] * 5
