"""KV version 2: metadata, settings, how many versions are kept, lists."""

from __future__ import annotations

import pytest

from tests.unit.engines.conftest import Counting, Door, put
from vaultlike.errors import Invalid


async def kept(door: Door, path: str) -> tuple[list[str], int]:
    shown = await door("read", f"metadata/{path}")
    return list(shown["versions"]), shown["oldest_version"]


async def test_how_many_versions_are_kept(v2: Door, engine: Counting) -> None:
    await v2("write", "config", {"max_versions": 2})
    for n in (1, 2, 3):
        await put(v2, "a", {"v": n})
    assert await kept(v2, "a") == (["2", "3"], 2)
    assert await v2("read", "data/a", {"version": 1}) is None
    await v2("write", "metadata/a", {"max_versions": 4})
    for n in (4, 5, 6):
        await put(v2, "a", {"v": n})
    assert await kept(v2, "a") == (["3", "4", "5", "6"], 3)
    await v2("write", "metadata/a", {"max_versions": 1})
    await put(v2, "a", {"v": 7})
    assert await kept(v2, "a") == (["6", "7"], 6)
    assert (await v2("read", "data/a", {"version": 6}))["data"] == {"v": 6}
    assert len(await engine.keys("", "mount/u/older/")) == 1


async def test_ten_versions_are_kept_where_nobody_says(v2: Door, engine: Counting) -> None:
    for n in range(1, 13):
        await put(v2, "a", {"v": n})
    assert await kept(v2, "a") == ([str(n) for n in range(3, 13)], 3)
    assert len(await engine.keys("", "mount/u/older/")) == 9


async def test_one_kept_version(v2: Door, engine: Counting) -> None:
    await v2("write", "metadata/a", {"max_versions": 1})
    for n in (1, 2):
        await put(v2, "a", {"v": n})
    assert await kept(v2, "a") == (["2"], 2)
    assert await engine.keys("", "mount/u/older/") == []


async def test_metadata_before_data_make_the_first_version_an_update(v2: Door) -> None:
    await v2("write", "metadata/a", {"custom_metadata": {"owner": "ops", "n": 5}})
    assert v2.operation == "create"
    assert await v2("read", "data/a") is None
    answer = await put(v2, "a", {"v": 1})
    assert v2.operation == "update" and answer["custom_metadata"] == {"owner": "ops", "n": "5"}


async def test_metadata_are_overlaid(v2: Door) -> None:
    await v2("write", "metadata/a", {"max_versions": 3, "delete_version_after": "90m", "custom_metadata": {"a": "b"}})
    await v2("write", "metadata/a", {"max_versions": 4})
    shown = await v2("read", "metadata/a")
    assert (shown["max_versions"], shown["delete_version_after"], shown["custom_metadata"]) == (
        4,
        "1h30m0s",
        {"a": "b"},
    )
    await v2("patch", "metadata/a", {"custom_metadata": {"a": None, "c": "d"}, "cas_required": True})
    shown = await v2("read", "metadata/a")
    assert shown["custom_metadata"] == {"c": "d"} and shown["cas_required"] is True and shown["max_versions"] == 4
    await v2("patch", "metadata/a", {})
    await v2("write", "metadata/a", {"custom_metadata": {}})
    shown = await v2("read", "metadata/a")
    assert shown["custom_metadata"] is None and shown["current_metadata_version"] == 4
    await v2("write", "metadata/a", {"custom_metadata": {"e": "f"}})
    await v2("patch", "metadata/a", {"custom_metadata": None})
    assert (await v2("read", "metadata/a"))["custom_metadata"] is None


async def test_settings(v2: Door) -> None:
    defaults = {"max_versions": 0, "cas_required": False, "delete_version_after": "0s", "metadata_cas_required": False}
    assert await v2("read", "config") == defaults
    await v2("write", "config", {"max_versions": 3, "cas_required": "true", "delete_version_after": "3h25m"})
    await v2("write", "config", {"max_versions": 5})
    assert await v2("read", "config") == defaults | {
        "max_versions": 5, "cas_required": True, "delete_version_after": "3h25m0s",
    }  # fmt: skip
    with pytest.raises(Invalid):
        await v2("write", "config", {"max_versions": -1})


async def test_lists(v2: Door) -> None:
    for path in ("b", "a", "dir/one", "dir/two/three", "dir", "ü"):
        await put(v2, path, {"v": 1})
    assert await v2("list", "metadata/") == {"keys": ["a", "b", "dir", "dir/", "ü"]}
    assert await v2("list", "metadata/dir/") == {"keys": ["one", "two/"]}
    assert await v2("scan", "metadata/") == {"keys": ["a", "b", "dir", "dir/one", "dir/two/three", "ü"]}
    assert await v2("list", "metadata/", {"after": "a", "limit": "2"}) == {"keys": ["b", "dir"]}
    detailed = await v2("list", "detailed-metadata/dir/")
    assert detailed["keys"] == ["one", "two/"] and detailed["key_info"]["one"]["current_version"] == 1
    await v2("delete", "data/a")
    await v2("delete", "metadata/b")
    assert (await v2("list", "metadata/"))["keys"] == ["a", "dir", "dir/", "ü"]


@pytest.mark.parametrize("body", [{}, {"foo": 1}, {"delete_version_after": None}, {"metadata_cas": 0}])
async def test_metadata_that_say_nothing_make_nothing(v2: Door, body: dict[str, object]) -> None:
    await v2("write", "metadata/a", body)
    await v2("patch", "metadata/a", body)
    assert await v2("read", "metadata/a") is None
    assert await v2("list", "metadata/") == {"keys": []}


async def test_null_is_something_said(v2: Door) -> None:
    await v2("write", "metadata/a", {"custom_metadata": None})
    assert (await v2("read", "metadata/a"))["custom_metadata"] is None


async def test_the_oldest_version_is_told_once_all_that_may_be_are_there(v2: Door) -> None:
    for n in range(1, 10):
        await put(v2, "a", {"v": n})
    assert (await kept(v2, "a"))[1] == 0
    await put(v2, "a", {"v": 10})
    assert (await kept(v2, "a"))[1] == 1


async def test_a_slash_at_the_end_names_the_same_secret(v2: Door) -> None:
    await put(v2, "a", {"v": 1})
    assert (await v2("read", "metadata/a/"))["current_version"] == 1
    await v2("delete", "data/a/")
    assert (await v2("read", "data/a"))["data"] is None
    await v2("delete", "metadata/a/")
    assert await v2("read", "metadata/a") is None


async def test_nothing_is_at_the_empty_path(v2: Door) -> None:
    for folder in ("data/", "metadata/", "subkeys/"):
        assert await v2("read", folder) is None
    assert await v2("delete", "data/") is None
    assert await v2("delete", "metadata/") is None


async def test_folders_have_an_empty_row_among_the_details(v2: Door) -> None:
    await put(v2, "dir/a", {"v": 1})
    assert await v2("list", "detailed-metadata/") == {"keys": ["dir/"], "key_info": {"dir/": {}}}


async def test_a_patch_with_null_leaves_null(v2: Door) -> None:
    await put(v2, "a", {"v": 1})
    await v2("patch", "data/a", {"data": None})
    assert (await v2("read", "data/a"))["data"] is None
    await v2("patch", "data/a", {"data": {"w": 2}})
    assert (await v2("read", "data/a"))["data"] == {"w": 2}
