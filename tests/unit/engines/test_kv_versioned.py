"""KV version 2: versions, check-and-set, deletion in its three forms, metadata and the hints for wrong paths."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.unit.engines.conftest import Counting, Door, put
from vaultlike.clock import FakeClock
from vaultlike.errors import Invalid, NotFound, UnsupportedOperation
from vaultlike.sdk.call import Raw


async def status(door: Door, path: str, **query: object) -> tuple[int, Any]:
    reply = await door.reply("read", path, query)
    if reply is None:
        return 404, None
    return reply.status or 200, await door("read", path, query)


# Refusals

NESTED: dict[str, object] = {}
for _ in range(400):
    NESTED = {"x": NESTED}


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({}, "no data provided"),
        ({"user": "bob"}, "no data provided"),
        ({"data": "text"}, "unconvertible type 'string'"),
        ({"data": [1]}, "unconvertible type 'json.Number'"),
        ({"data": {}, "options": {"cas": "x"}}, "error parsing check-and-set parameter"),
        ({"data": {}, "options": {"cas": 1}}, "did not match the current version"),
        ({"data": NESTED}, "nested too deeply"),
        ({"data": {"n": 10**400}}, "64 bits"),
    ],
)
async def test_writes_that_are_refused_leave_nothing(v2: Door, body: dict[str, object], text: str) -> None:
    with pytest.raises(Invalid, match=text):
        await v2("write", "data/a", body)
    assert await v2("read", "metadata/a") is None


async def test_check_and_set_when_demanded(v2: Door) -> None:
    await v2("write", "config", {"cas_required": True})
    with pytest.raises(Invalid, match="required for this call"):
        await put(v2, "a", {})
    assert (await put(v2, "a", {}, cas=0))["version"] == 1
    await v2("write", "config", {"cas_required": False})
    await v2("write", "metadata/a", {"cas_required": True})
    with pytest.raises(Invalid, match="required for this call"):
        await v2("patch", "data/a", {"data": {"x": 1}})
    assert (await put(v2, "a", {}, cas="1"))["version"] == 2


@pytest.mark.parametrize(
    "body",
    [
        {"max_versions": "many"},
        {"max_versions": -1},
        {"cas_required": "perhaps"},
        {"delete_version_after": "-5m"},
        {"custom_metadata": "nonsense"},
        {"custom_metadata": {"": "x"}},
        {"custom_metadata": {"x": ""}},
        {"custom_metadata": {"x": "y" * 513}},
        {"custom_metadata": {"x": {"y": "z"}}},
        {"custom_metadata": {"x\n": "y"}},
        {"custom_metadata": {f"k{n}": "v" for n in range(65)}},
        {"metadata_cas": 7, "max_versions": 1},
    ],
)
async def test_metadata_that_are_refused(v2: Door, body: dict[str, object]) -> None:
    with pytest.raises(Invalid):
        await v2("write", "metadata/a", body)
    assert await v2("read", "metadata/a") is None


async def test_metadata_check_and_set(v2: Door) -> None:
    await v2("write", "config", {"metadata_cas_required": True})
    with pytest.raises(Invalid, match="required"):
        await v2("write", "metadata/a", {"max_versions": 1})
    await v2("write", "metadata/a", {"max_versions": 1, "metadata_cas": 0})
    with pytest.raises(Invalid, match="did not match"):
        await v2("patch", "metadata/a", {"max_versions": 2, "metadata_cas": 0})
    await v2("patch", "metadata/a", {"max_versions": 2, "metadata_cas": 1})
    assert (await v2("read", "metadata/a"))["current_metadata_version"] == 2


@pytest.mark.parametrize("word", ["delete", "undelete", "destroy"])
async def test_versions_must_be_named(v2: Door, word: str) -> None:
    with pytest.raises(Invalid, match=r"(?i)no version number provided"):
        await v2("write", f"{word}/a", {"versions": []})
    assert await v2("write", f"{word}/none", {"versions": [1]}) is None
    assert await v2("read", "metadata/none") is None


async def test_patches_that_are_refused(v2: Door) -> None:
    assert await v2.answer("patch", "data/a", {"data": {}}) == Raw(status=404, body=b"")
    with pytest.raises(NotFound):
        await v2("patch", "metadata/a", {"max_versions": 1})
    await put(v2, "a", {"x": 1})
    with pytest.raises(Invalid, match="no data provided"):
        await v2("patch", "data/a", {"options": {"cas": 1}})
    await v2("delete", "data/a")
    reply = await v2.reply("patch", "data/a", {"data": {"x": 2}})
    assert reply is not None and reply.status == 404
    await v2("write", "destroy/a", {"versions": [1]})
    reply = await v2.reply("patch", "data/a", {"data": {"x": 2}})
    assert reply is not None and reply.status == 404
    assert (await v2("read", "metadata/a"))["current_version"] == 1


@pytest.mark.parametrize(
    ("verb", "path"),
    [
        ("list", "data/"),
        ("list", "data/dir/"),
        ("list", "delete/"),
        ("delete", "config"),
        ("read", "delete/a"),
        ("write", "subkeys/a"),
    ],
)
async def test_operations_that_do_not_exist(v2: Door, verb: str, path: str) -> None:
    with pytest.raises(UnsupportedOperation):
        await v2(verb, path)


@pytest.mark.parametrize(
    ("verb", "path", "hint"),
    [
        ("read", "a", "'bao kv get'"),
        ("write", "a", "'bao kv put'"),
        ("delete", "a/b", "'bao kv delete'"),
        ("patch", "a", "'bao kv patch'"),
        ("list", "", "'bao kv list'"),
        ("list", "config/", "'bao kv list'"),
        ("read", "", "'bao kv get'"),
        ("read", "subkeys", "'bao kv get'"),
        ("read", "data", "Non-listing operations"),
        ("delete", "metadata", "Non-listing operations"),
        ("write", "destroy", "Non-listing operations"),
    ],
)
async def test_wrong_paths_get_a_hint(v2: Door, verb: str, path: str, hint: str) -> None:
    reply = await v2.reply(verb, path, {"v": 1} if verb == "write" else None)
    assert reply is not None and reply.status == 404 and reply.data is None
    assert len(reply.warnings) == 1 and hint in reply.warnings[0]


# Data


async def test_read_of_versions(v2: Door) -> None:
    assert await v2("read", "data/a") is None
    for n in (1, 2, 3):
        assert (await put(v2, "a", {"v": n}))["version"] == n
    for query, expected in (
        (None, 3),
        ({"version": "1"}, 1),
        ({"version": 2}, 2),
        ({"version": 0}, 3),
        ({"version": -1}, 3),
    ):
        read = await v2("read", "data/a", query)
        assert read["data"] == {"v": expected} and read["metadata"]["version"] == expected
    assert await v2("read", "data/a", {"version": 4}) is None


async def test_numbers_are_64_bit_floats(v2: Door) -> None:
    await put(v2, "a", {"big": 12345678901234567890, "whole": 1.0, "half": 0.5, "n": 2**53, "huge": 1e22, "on": True})
    reply = await v2.reply("read", "data/a")
    assert reply is not None
    raw = bytes(reply.data["data"])  # type: ignore[index]
    assert raw == b'{"big":12345678901234567000,"whole":1,"half":0.5,"n":9007199254740992,"huge":1e22,"on":true}'


@pytest.mark.parametrize("data", [{}, None])
async def test_empty_data_are_data(v2: Door, data: object) -> None:
    await put(v2, "a", data)
    assert (await status(v2, "data/a"))[0] == 200
    assert (await v2("read", "data/a"))["data"] == data


async def test_the_newest_version_is_one_document_read(v2: Door, engine: Counting) -> None:
    await put(v2, "a", {"v": 1})
    await put(v2, "a", {"v": 2})
    engine.reads = 0
    assert (await v2("read", "data/a"))["data"] == {"v": 2}
    assert engine.reads == 1
    await v2("read", "data/a", {"version": 1})
    assert engine.reads == 3


async def test_no_write_moves_the_generation_but_that_of_the_settings(v2: Door, engine: Counting) -> None:
    before = await engine.generation()
    await put(v2, "a", {"v": 1})
    await v2("write", "metadata/a", {"max_versions": 3})
    await v2("delete", "data/a")
    await v2("delete", "metadata/a")
    assert await engine.generation() == before
    await v2("write", "config", {"max_versions": 3})
    assert await engine.generation() > before


async def test_patch_merges(v2: Door) -> None:
    await put(v2, "a", {"keep": 1, "change": "old", "drop": True, "deep": {"x": 1, "y": 2}})
    changes = {"change": "new", "drop": None, "add": [1], "deep": {"y": None, "z": {"n": None, "m": 1}}}
    answer = await v2("patch", "data/a", {"data": changes, "options": {"cas": 1}})
    assert answer["version"] == 2
    expected = {"keep": 1, "change": "new", "deep": {"x": 1, "z": {"m": 1}}, "add": [1]}
    assert (await v2("read", "data/a"))["data"] == expected
    with pytest.raises(Invalid, match="did not match"):
        await v2("patch", "data/a", {"data": {}, "options": {"cas": 1}})


async def test_subkeys_show_no_value(v2: Door) -> None:
    await put(v2, "a", {"plain": "canary", "list": [{"in": "canary"}], "empty": {}, "deep": {"x": {"y": "canary"}}})
    full = {"plain": None, "list": None, "empty": None, "deep": {"x": {"y": None}}}
    assert (await v2("read", "subkeys/a"))["subkeys"] == full
    assert (await v2("read", "subkeys/a", {"depth": "1"}))["subkeys"]["deep"] is None
    assert (await v2("read", "subkeys/a", {"depth": 2}))["subkeys"]["deep"] == {"x": None}
    assert await v2("read", "subkeys/a", {"version": 9}) is None
    await v2("delete", "data/a")
    assert (await status(v2, "subkeys/a"))[0] == 404


# Deletion


async def test_deleted_undeleted_destroyed(v2: Door) -> None:
    for n in (1, 2, 3):
        await put(v2, "a", {"v": n})
    await v2("delete", "data/a")
    code, body = await status(v2, "data/a")
    assert (
        code == 404 and body["data"] is None and body["metadata"]["deletion_time"] and body["metadata"]["version"] == 3
    )
    await v2("write", "delete/a", {"versions": "1,2"})
    assert (await status(v2, "data/a", version=1))[0] == 404
    await v2("write", "undelete/a", {"versions": [1, "3"]})
    assert (await v2("read", "data/a"))["data"] == {"v": 3}
    assert (await v2("read", "data/a", {"version": 1}))["data"] == {"v": 1}
    await v2("write", "destroy/a", {"versions": [1, 3, 99]})
    await v2("write", "undelete/a", {"versions": [1, 3]})
    for version in (1, 3):
        code, body = await status(v2, "data/a", version=version)
        assert code == 404 and body["metadata"]["destroyed"] is True and body["data"] is None
    assert (await put(v2, "a", {"v": 4}))["version"] == 4


async def test_destroyed_data_are_gone_from_the_database(v2: Door, engine: Counting) -> None:
    for n in (1, 2, 3):
        await put(v2, "a", {"v": n})
    assert len(await engine.keys("", "mount/u/older/")) == 2
    await v2("write", "destroy/a", {"versions": [1]})
    assert len(await engine.keys("", "mount/u/older/")) == 1
    await v2("delete", "data/a")
    await v2("write", "destroy/a", {"versions": [3]})
    await v2("write", "undelete/a", {"versions": [3]})
    newest = await v2.backend._secrets.find("a")  # type: ignore[attr-defined]
    assert newest.data is None and newest.record.versions[3].deleted_at > 0
    await v2("delete", "metadata/a")
    assert await engine.keys("", "mount/u/") == []


async def test_secrets_do_not_share_older_versions(v2: Door) -> None:
    for path in ("a", "b"):
        for n in (1, 2):
            await put(v2, path, {"v": f"{path}{n}"})
    assert (await v2("read", "data/a", {"version": 1}))["data"] == {"v": "a1"}
    await v2("delete", "metadata/b")
    assert (await v2("read", "data/a", {"version": 1}))["data"] == {"v": "a1"}


async def test_a_secret_made_again_shows_nothing_of_the_one_before(v2: Door) -> None:
    for n in (1, 2):
        await put(v2, "a", {"v": n})
    await v2("delete", "metadata/a")
    assert await v2("read", "data/a", {"version": 1}) is None
    assert (await put(v2, "a", {"v": "new"}, cas=0))["version"] == 1
    await put(v2, "a", {"v": "newer"})
    assert (await v2("read", "data/a", {"version": 1}))["data"] == {"v": "new"}


async def test_versions_delete_themselves(v2: Door, clock: FakeClock) -> None:
    await v2("write", "metadata/a", {"delete_version_after": "90s"})
    await put(v2, "a", {"v": 1})
    await put(v2, "b", {"v": 1})
    clock.advance(89)
    assert (await status(v2, "data/a"))[0] == 200
    clock.advance(1)
    assert (await status(v2, "data/a"))[0] == 404
    assert (await status(v2, "data/b"))[0] == 200
    await v2("write", "undelete/a", {"versions": [1]})
    assert (await status(v2, "data/a"))[0] == 200
    clock.advance(90)
    assert (await status(v2, "data/a"))[0] == 404


@pytest.mark.parametrize(
    ("mount", "secret", "seconds"), [(60, 0, 60), (60, 90, 60), (90, 60, 60), (-1, 60, 0), (0, 0, 0)]
)
async def test_the_shorter_span_wins(v2: Door, clock: FakeClock, mount: int, secret: int, seconds: int) -> None:
    await v2("write", "config", {"delete_version_after": mount})
    await v2("write", "metadata/a", {"delete_version_after": secret})
    await put(v2, "a", {})
    clock.advance(seconds - 1 if seconds else 10**6)
    assert (await status(v2, "data/a"))[0] == 200
    if seconds:
        clock.advance(1)
        assert (await status(v2, "data/a"))[0] == 404


# Many at once


async def test_of_200_writers_that_race_for_one_version_exactly_one_wins(v2: Door, other_v2: Door) -> None:
    await put(v2, "a", {"v": 0})

    async def attempt(number: int) -> bool:
        try:
            await put(v2 if number % 2 else other_v2, "a", {"v": number}, cas=1)
        except Invalid:
            return False
        return True

    won = await asyncio.gather(*(attempt(number) for number in range(200)))
    assert sum(won) == 1
    assert (await v2("read", "data/a"))["data"] == {"v": won.index(True)}


async def test_200_writers_on_two_nodes_lose_no_version(v2: Door, other_v2: Door) -> None:
    await v2("write", "metadata/a", {"max_versions": 300})
    answers = await asyncio.gather(*(put(v2 if n % 2 else other_v2, "a", {"v": n}) for n in range(200)))
    assert sorted(answer["version"] for answer in answers) == list(range(1, 201))
    for number, answer in enumerate(answers):
        read = await v2("read", "data/a", {"version": answer["version"]})
        assert read["data"] == {"v": number}


async def test_writers_and_deleters_leave_a_whole_secret(v2: Door, other_v2: Door, engine: Counting) -> None:
    async def delete(door: Door) -> None:
        await door("delete", "metadata/a")

    work = [put(v2, "a", {"v": n}) for n in range(20)] + [put(other_v2, "a", {"v": n}) for n in range(20)]
    await asyncio.gather(*work, delete(v2), delete(other_v2))
    shown = await v2("read", "metadata/a")
    if shown is not None:
        for version in shown["versions"]:
            assert (await status(v2, "data/a", version=version))[0] == 200
    await v2("delete", "metadata/a")
    assert await engine.keys("", "mount/u/") == []
