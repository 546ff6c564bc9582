"""KV version 1: what is refused, what is kept as written, lists and lease durations."""

from __future__ import annotations

import pytest

from tests.unit.engines.conftest import Door
from vaultlike.errors import Invalid, UnsupportedOperation


@pytest.mark.parametrize(("path", "data"), [("", {"a": 1}), ("a", {})])
async def test_nothing_to_write_is_refused(v1: Door, path: str, data: dict[str, object]) -> None:
    with pytest.raises(Invalid):
        await v1("write", path, data)
    assert await v1("list", "") == {"keys": []}


async def test_patch_is_not_supported(v1: Door) -> None:
    with pytest.raises(UnsupportedOperation):
        await v1("patch", "a", {"n": 1})


async def test_absent_is_nothing(v1: Door) -> None:
    assert await v1("read", "a") is None
    assert await v1("read", "") is None
    assert await v1("delete", "a") is None


async def test_values_come_back_as_written(v1: Door) -> None:
    data = {"big": 12345678901234567890, "f": 1.0, "none": None, "on": True, "deep": {"l": [1, {"x": "y"}]}}
    await v1("write", "a", data)
    read = await v1("read", "a")
    assert read == data
    assert isinstance(read["f"], float)
    await v1("write", "a", {"only": "this"})
    assert await v1("read", "a") == {"only": "this"}
    await v1("delete", "a")
    assert await v1("read", "a") is None


async def test_the_first_write_is_a_creation(v1: Door) -> None:
    await v1("write", "a", {"v": 1})
    assert v1.operation == "create"
    await v1("write", "a", {"v": 2})
    assert v1.operation == "update"


async def test_lists_show_direct_names_and_folders(v1: Door) -> None:
    for path in ("b", "a", "dir/one", "dir/two/three", "dir", "Z"):
        await v1("write", path, {"v": 1})
    assert await v1("list", "") == {"keys": ["Z", "a", "b", "dir", "dir/"]}
    assert await v1("list", "dir/") == {"keys": ["one", "two/"]}
    assert await v1("list", "a/") == {"keys": []}
    assert await v1("scan", "dir/") == {"keys": ["one", "two/three"]}


@pytest.mark.parametrize(
    ("data", "seconds"),
    [
        ({"v": 1}, 2764800),
        ({"ttl": "30m"}, 1800),
        ({"ttl": 90}, 90),
        ({"lease": "1h"}, 3600),
        ({"ttl": "nonsense"}, 2764800),
        ({"ttl": "-5m"}, -300),
        ({"ttl": None, "lease": "1h"}, 0),
        ({"ttl": "nonsense", "lease": "1h"}, 2764800),
        ({"ttl": [1]}, 2764800),
    ],
)
async def test_lease_duration(v1: Door, data: dict[str, object], seconds: int) -> None:
    await v1("write", "a", data)
    reply = await v1.reply("read", "a")
    assert reply is not None and reply.lease_duration == seconds and not reply.renewable


async def test_paths_of_version_2_are_just_names(v1: Door) -> None:
    await v1("write", "data/a", {"v": 1})
    assert await v1("read", "data/a") == {"v": 1}
    assert await v1("read", "a") is None
