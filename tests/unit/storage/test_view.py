"""The encrypted view: values do not open elsewhere, prefixes hold, races lose nothing, caches never keep old values."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from vaultlike.errors import Invalid, TooLarge
from vaultlike.storage.engine import Conflict, PutDocument
from vaultlike.storage.sqlite import SqliteEngine
from vaultlike.storage.view import MAX_KEY, MAX_VALUE, DecodedCache, Delete, Generation, Put, View

NS = "root"


class Aes:
    """The real cipher under a key of its own."""

    def __init__(self) -> None:
        self._cipher = AESGCM(os.urandom(32))

    def seal(self, context: bytes, plaintext: bytes) -> bytes:
        nonce = os.urandom(12)
        return nonce + self._cipher.encrypt(nonce, plaintext, context)

    def open(self, context: bytes, sealed: bytes) -> bytes:
        return self._cipher.decrypt(sealed[:12], sealed[12:], context)


class Yielding(SqliteEngine):
    """Lets others run after each document read, as an engine behind a network does."""

    async def document(self, namespace: str, key: str):  # type: ignore[no-untyped-def]
        found = await super().document(namespace, key)
        await asyncio.sleep(0)
        return found


@pytest.fixture
async def engine() -> AsyncIterator[SqliteEngine]:
    engine = Yielding(":memory:")
    await engine.start()
    yield engine
    await engine.stop()


@pytest.fixture
def view(engine: SqliteEngine) -> View:
    return View(engine, Aes(), NS, "auth/azure/")


async def test_a_value_copied_to_another_row_does_not_open(engine: SqliteEngine, view: View) -> None:
    await view.put("a", b"secret")
    sealed = await engine.document(NS, "auth/azure/a")
    assert sealed is not None
    assert b"secret" not in sealed.value
    await engine.commit([PutDocument(NS, "auth/azure/b", sealed.value)])
    with pytest.raises(InvalidTag):
        await view.get("b")
    with pytest.raises(InvalidTag):
        await view.items()


@pytest.mark.parametrize("key", ["", "a\x00b", "x" * MAX_KEY])
async def test_keys_that_cannot_be_used(view: View, key: str) -> None:
    with pytest.raises(Invalid):
        await view.put(key, b"")
    with pytest.raises(Invalid):
        await view.get(key)


async def test_a_value_has_a_limit_and_a_prefix_a_slash(engine: SqliteEngine, view: View) -> None:
    with pytest.raises(TooLarge):
        await view.put("a", b"x" * (MAX_VALUE + 1))
    with pytest.raises(ValueError, match="slash"):
        View(engine, Aes(), NS, "auth")


async def test_reading_and_listing_stay_below_the_prefix(engine: SqliteEngine, view: View) -> None:
    below = view.below("role/")
    await below.put("a", b"1")
    await below.put("b/c", b"2")
    await view.put("config", b"3")
    await View(engine, Aes(), NS, "auth/azure2/").put("role/z", b"")
    assert await view.get("role/a") == b"1"
    assert await view.keys() == ["config", "role/a", "role/b/c"]
    assert await view.children("role/") == ["a", "b/"]
    assert await below.items(after="a") == [("b/c", b"2")]
    assert await below.delete_all() == 2
    assert await view.keys() == ["config"]
    assert [await view.delete("config"), await view.delete("config")] == [True, False]


async def test_put_if_and_commit_are_all_or_nothing(view: View) -> None:
    assert await view.put_if("a", b"1", 0) == 1
    with pytest.raises(Conflict):
        await view.put_if("a", b"2", 0)
    with pytest.raises(Conflict):
        await view.commit([Put("b", b""), Delete("a", 7)])
    assert await view.versioned("a") == (b"1", 1)
    assert await view.commit([Put("b", b""), Delete("a", 1), Delete("c")]) == [1, True, False]


async def test_concurrent_updates_all_count(view: View) -> None:
    await asyncio.gather(*(view.update("n", lambda old: b"%d" % (int(old or b"0") + 1)) for _ in range(20)))
    assert await view.get("n") == b"20"
    assert await view.update("n", lambda old: None) is None
    assert await view.versioned("n") is None


async def test_cached_values_live_until_the_generation_moves(engine: SqliteEngine) -> None:
    generation = Generation(await engine.generation())
    sealer = Aes()
    here = View(engine, sealer, NS, "p/", cache=DecodedCache(generation))
    elsewhere = View(engine, sealer, NS, "p/")
    decoded: list[bytes] = []

    def decode(value: bytes) -> str:
        decoded.append(value)
        return value.decode()

    assert await here.cached("a", decode) is None
    await elsewhere.put("a", b"1")
    assert await here.cached("a", decode) is None  # this request began before that write
    generation.value = await engine.generation()
    assert [await here.cached("a", decode), await here.cached("a", decode), decoded] == ["1", "1", [b"1"]]
    await here.put("a", b"2")
    assert await here.cached("a", decode) == "2"  # a write of our own shows at once


async def test_a_value_read_before_a_change_is_not_kept_after_it(engine: SqliteEngine) -> None:
    generation = Generation(await engine.generation())
    view = View(engine, Aes(), NS, "p/", cache=DecodedCache(generation))
    for key in ("own write", "generation"):
        await view.put(key, b"old")
        reading = asyncio.create_task(view.cached(key, bytes.decode))
        await asyncio.sleep(0)  # it has the value of before, and has not stored it
        if key == "own write":
            await view.put(key, b"new")
        else:
            await View(engine, view._sealer, NS, "p/").put(key, b"new")
            generation.value = await engine.generation()
        assert await reading == "old"
        assert await view.cached(key, bytes.decode) == "new"


async def test_unbumped_state_is_never_cached(engine: SqliteEngine) -> None:
    view = View(engine, Aes(), NS, "p/", bump=False, cache=DecodedCache(Generation()))
    before = await engine.generation()
    for value in (b"1", b"2"):
        await view.put("a", value)
        assert await view.cached("a", bytes) == value
    assert await engine.generation() == before


async def test_a_commit_with_conditions_writes_all_or_nothing(view: View) -> None:
    await view.put("there", b"1")
    assert not await view.commit_if({"new": (b"x", 0), "there": (b"2", 0)})
    assert await view.get("new") is None
    assert await view.get("there") == b"1"
    assert not await view.commit_if({"new": (b"x", None), "there": (None, 7)})
    assert await view.get("new") is None
    assert await view.commit_if({"new": (b"x", 0), "there": (None, 1)})
    assert await view.get("new") == b"x"
    assert await view.get("there") is None
