"""The cubbyhole over the real token store: whose it is, when it ends, who has none."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from tests.unit.engines.conftest import Aes, Counting, Door
from vaultlike.clock import FakeClock
from vaultlike.engines.cubbyhole import Cubbyhole
from vaultlike.errors import Denied, Invalid, TooLarge, UnsupportedOperation
from vaultlike.sdk import Caller, Context
from vaultlike.tokens.store import MAX_PRIVATE, NewToken, TokenStore


@pytest.fixture
def tokens(engine: Counting, clock: FakeClock) -> TokenStore:
    return TokenStore(engine, Aes(), clock, os.urandom)


@pytest.fixture
def door(context: Callable[..., Context], tokens: TokenStore) -> Door:
    return Door(Cubbyhole(context(), tokens))


@pytest.fixture
def caller(tokens: TokenStore) -> Callable[..., object]:
    async def make(kind: str = "service") -> Caller:
        token = await tokens.mint(NewToken(path="p", policies=(), display_name="d", ttl=60))
        return Caller(
            id=token.row.id, accessor="", entity_id="", display_name="", policies=(), token_policies=(), kind=kind,
            is_root=False,
        )  # fmt: skip

    return make


async def test_nobody_has_no_cubbyhole(door: Door) -> None:
    for verb in ("read", "write", "delete", "list"):
        with pytest.raises(Denied):
            await door(verb, "x", {"v": 1})


async def test_batch_tokens_are_refused(door: Door, caller: Callable[..., object]) -> None:
    batch = await caller("batch")  # type: ignore[misc]
    for verb in ("read", "write", "delete", "list"):
        with pytest.raises(Invalid, match="only supported by 'service' type tokens"):
            await door(verb, "x", {"v": 1}, batch)


async def test_bad_requests_are_refused(door: Door, caller: Callable[..., object]) -> None:
    one = await caller()  # type: ignore[misc]
    for verb, path, data in (("write", "x", {}), ("write", "", {"v": 1}), ("read", "", {})):
        with pytest.raises(Invalid):
            await door(verb, path, data, one)
    assert await door("delete", "", {}, one) is None
    with pytest.raises(UnsupportedOperation):
        await door("patch", "x", {"v": 1}, one)
    with pytest.raises(TooLarge):
        await door("write", "x", {"v": "y" * MAX_PRIVATE}, one)


async def test_a_token_that_ended_writes_nothing(door: Door, caller: Callable[..., object], tokens: TokenStore) -> None:
    one = await caller()  # type: ignore[misc]
    await door("write", "x", {"v": 1}, one)
    await tokens.revoke(one.id)
    with pytest.raises(Denied):
        await door("write", "y", {"v": 1}, one)
    assert await door("read", "x", None, one) is None


async def test_each_token_has_its_own(door: Door, caller: Callable[..., object]) -> None:
    one, two = await caller(), await caller()  # type: ignore[misc]
    await door("write", "x", {"user": "bob", "n": 12345678901234567890, "f": 1.0}, one)
    assert door.operation == "create"
    assert await door("read", "x", None, two) is None
    assert await door("list", "", None, two) == {"keys": []}
    read = await door("read", "x", None, one)
    assert read == {"user": "bob", "n": 12345678901234567890, "f": 1.0} and isinstance(read["f"], float)
    await door("write", "dir/y", {"v": 1}, one)
    assert await door("list", "", None, one) == {"keys": ["dir/", "x"]}
    assert await door("list", "dir/", None, one) == {"keys": ["y"]}
    await door("write", "x", {"v": 2}, one)
    assert door.operation == "update"
    await door("delete", "x", None, two)
    assert await door("read", "x", None, one) == {"v": 2}
    await door("delete", "x", None, one)
    assert await door("read", "x", None, one) is None


async def test_values_are_sealed_to_their_token_and_path(
    door: Door, caller: Callable[..., object], engine: Counting
) -> None:
    one = await caller()  # type: ignore[misc]
    await door("write", "x", {"v": "canary"}, one)
    sealed = await engine.cubbyhole(one.id, "x")
    assert sealed is not None and b"canary" not in sealed
