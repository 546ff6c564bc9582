"""Storage with writes that nobody else sees yet: it behaves as storage does, and writes only what its commit writes."""

from __future__ import annotations

import pytest

from tests.plugins.azure.conftest import MemoryStorage
from vaultlike.builtin.organization.methods.staged import StagedStorage, Staging
from vaultlike.storage.view import Delete, Put


class Versioned(MemoryStorage):
    """Documents that are all at version 7."""

    async def versioned(self, key: str) -> tuple[bytes, int] | None:
        value = await self.get(key)
        return None if value is None else (value, 7)


@pytest.fixture
def base() -> Versioned:
    made = Versioned()
    made.documents = {"a": b"1", "role/x": b"2", "role/y": b"3"}
    return made


async def test_nothing_reaches_the_base(base: Versioned) -> None:
    before = dict(base.documents)
    staged = StagedStorage(Staging(base))  # type: ignore[arg-type]
    await staged.put("a", b"new")
    await staged.below("role/").put("z", b"4")
    assert await staged.delete("role/x") is True
    assert await staged.delete("role/x") is False
    assert await staged.update("role/y", lambda old: (old or b"") + b"!") == b"3!"
    assert base.documents == before


async def test_reads_see_what_is_staged(base: Versioned) -> None:
    staged = StagedStorage(Staging(base))  # type: ignore[arg-type]
    role = staged.below("role/", bump=False)
    await role.put("z", b"4")
    await role.put("deep/er", b"5")
    await role.delete("x")
    assert await role.keys() == ["deep/er", "y", "z"]
    assert await role.keys(after="deep/er", limit=1) == ["y"]
    assert await role.children() == ["deep/", "y", "z"]
    assert await role.items() == [("deep/er", b"5"), ("y", b"3"), ("z", b"4")]
    assert (await role.get("x"), await role.versioned("x"), await role.cached("z", len)) == (None, None, 1)


async def test_conditions_are_kept(base: Versioned) -> None:
    staged = StagedStorage(Staging(base))  # type: ignore[arg-type]
    assert not await staged.commit_if({"a": (b"2", 0), "b": (b"2", 0)})
    assert await staged.get("b") is None
    assert await staged.commit_if({"a": (None, None), "b": (b"2", 0)})
    assert (await staged.get("a"), await staged.get("b")) == (None, b"2")


async def test_the_commit_has_what_was_read_as_its_condition(base: Versioned) -> None:
    staging = Staging(base)  # type: ignore[arg-type]
    staged = StagedStorage(staging)
    await staged.update("a", lambda old: b"new")  # read, so nobody may have changed it
    await staged.put("role/x", b"blind")
    await staged.delete("role/y")
    assert await staged.get("none") is None
    await staged.put("none", b"first")
    await staged.delete("absent")
    assert sorted(await staging.changes("m/"), key=lambda change: change.key) == [
        Put("m/a", b"new", 7),
        Put("m/none", b"first", 0),
        Put("m/role/x", b"blind"),
        Delete("m/role/y", 7),
    ]


async def test_a_fresh_start_sees_nothing_and_leaves_nothing(base: Versioned) -> None:
    staging = Staging(base, fresh=True)  # type: ignore[arg-type]
    staged = StagedStorage(staging)
    assert (await staged.get("a"), await staged.keys(), await staged.delete("a")) == (None, [], False)
    await staged.put("role/x", b"new")
    changes = await staging.changes("m/")
    assert sorted(changes, key=lambda change: change.key) == [
        Delete("m/a"), Put("m/role/x", b"new"), Delete("m/role/y"),
    ]  # fmt: skip
