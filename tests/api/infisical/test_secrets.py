"""Secrets at `/api`: refusals, then making, reading, changing, deleting and listing them, beside the kv of `/v1`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.api.infisical.world import World
from vaultlike.testing.server import TestServer

KV = "organization-secrets/data"


@pytest_asyncio.fixture
async def world(server: TestServer) -> AsyncIterator[World]:
    yield await World(server).make()


async def kv(world: World, path: str, query: str = "") -> Any:
    return await world.server.get(f"{KV}/{world.project}/{path}{query}")


# Refusals


@pytest.mark.parametrize(
    ("name", "status"),
    [("a%2Fb", 400), ("..", 404), ("%2e%2e", 400), ("a%20b", 400), ("a:b", 400), ("a%0Ab", 400), ("x" * 256, 400)],
)
async def test_names_that_are_none(world: World, name: str, status: int) -> None:
    refused = await world.say("POST", f"v3/secrets/raw/{name}", world.at(secretValue="v"))
    assert refused.status in (status, 400, 404, 307) and refused.status != 200
    assert await world.values() == {}


@pytest.mark.parametrize("path", ["/a//b", "/../prod", "/a/./b", "/a\x00b", "/" + "a" * 256, "/" + "a/" * 30])
async def test_paths_that_are_none(world: World, path: str) -> None:
    refused = await world.say("POST", "v3/secrets/raw/A", world.at(path, secretValue="v"))
    assert refused.status == 400 and refused.body["error"] == "BadRequest"


async def test_what_is_not_there(world: World) -> None:
    assert (await world.read("A")).status == 404
    assert (await world.read("A", environment="moon")).status == 404
    assert (await world.say("PATCH", "v3/secrets/raw/A", world.at(secretValue="v"))).status == 404
    assert (await world.say("DELETE", "v3/secrets/raw/A", world.at())).status == 404
    for project in ({"workspaceId": "none"}, {"projectSlug": "none", "workspaceId": ""}):
        missing = await world.say("POST", "v3/secrets/raw/A", {**world.at(secretValue="v"), **project})
        assert (missing.status, missing.body["error"]) == (404, "NotFound")
    absent = await world.say("POST", "v3/secrets/raw/A", world.at("/none", secretValue="v"))
    assert absent.status == 404 and "/none" in absent.body["message"]


async def test_what_must_be_said(world: World) -> None:
    unnamed = await world.say("GET", "v3/secrets/raw?environment=dev")
    assert (unnamed.status, unnamed.body["message"]) == (400, "Missing project id or environment")
    valueless = await world.say("POST", "v3/secrets/raw/A", world.at())
    assert valueless.status == 422 and valueless.body["message"][0]["path"] == ["secretValue"]
    wrong = await world.say("POST", "v3/secrets/raw/A", world.at(secretValue=7))
    assert wrong.status == 422 and wrong.body["message"][0]["path"] == ["secretValue"]


async def test_machine_identities_have_no_personal_secrets(world: World) -> None:
    await world.secret("A", "v")
    for refused in (
        await world.say("POST", "v3/secrets/raw/B", world.at(secretValue="v", type="personal")),
        await world.read("A", type="personal"),
    ):
        assert refused.status == 400 and "machine identities have none" in refused.body["message"]


async def test_a_secret_that_exists(world: World) -> None:
    await world.secret("A", "first")
    again = await world.say("POST", "v3/secrets/raw/A", world.at(secretValue="second"))
    assert again.status == 400 and "already exists" in again.body["message"]
    assert await world.values() == {"A": "first"}


async def test_only_one_of_many_makes_a_secret(world: World) -> None:
    made = await asyncio.gather(
        *(world.say("POST", "v3/secrets/raw/A", world.at(secretValue=str(number))) for number in range(8))
    )
    assert sorted(answer.status for answer in made) == [200] + [400] * 7
    winner = next(answer for answer in made if answer.status == 200)
    assert await world.values() == {"A": winner.body["secret"]["secretValue"]}


async def test_a_tag_that_is_none(world: World) -> None:
    refused = await world.say("POST", "v3/secrets/raw/A", world.at(secretValue="v", tagIds=["none"]))
    assert refused.status == 400 and "Tag" in refused.body["message"]


# One secret


async def test_a_secret_in_both_shapes(world: World) -> None:
    made = await world.secret("A", "v\n", secretComment="why", secretMetadata=[{"key": "k", "value": "m"}])
    shown = (await world.read("A")).body["secret"]
    assert shown == made
    assert {name: shown[name] for name in ("workspace", "environment", "version", "type", "secretPath")} == {
        "workspace": world.project, "environment": "dev", "version": 1, "type": "shared", "secretPath": "/",
    }  # fmt: skip
    assert (shown["secretKey"], shown["secretValue"], shown["secretComment"]) == ("A", "v\n", "why")
    assert shown["_id"] == shown["id"] and not shown["secretValueHidden"]
    assert shown["secretMetadata"] == [{"key": "k", "value": "m"}]
    assert (await kv(world, "dev/A")).data["data"] == {
        "value": "v\n", "comment": "why", "metadata": [{"key": "k", "value": "m"}],
    }  # fmt: skip
    assert (await world.server.list(f"organization-secrets/metadata/{world.project}/dev")).data["keys"] == ["A"]


async def test_a_secret_that_the_other_api_wrote(world: World) -> None:
    await world.server.post(f"{KV}/{world.project}/dev/api/A", {"data": {"value": "from v1"}})
    await world.server.post(f"{KV}/{world.project}/dev/api/B", {"data": {"user": "u", "port": 7}})
    await world.server.post(f"{KV}/{world.project}/dev/api/C", {"data": {"value": "v", "comment": 7}})
    values = await world.values("/api")
    assert values["A"] == "from v1" and json.loads(values["B"]) == {"user": "u", "port": 7}
    assert json.loads(values["C"]) == {"value": "v", "comment": 7}
    changed = await world.say("PATCH", "v3/secrets/raw/B", world.at("/api", secretValue="mine"))
    assert changed.body["secret"]["version"] == 2
    assert (await kv(world, "dev/api/B")).data["data"] == {"user": "u", "port": 7, "value": "mine"}


async def test_changes_are_versions(world: World) -> None:
    await world.secret("A", "one", secretComment="why")
    await world.say("PATCH", "v4/secrets/A", {**world.at(secretValue="two"), "projectId": world.project})
    commented = await world.say("PATCH", "v3/secrets/raw/A", world.at(secretComment="because"))
    shown = commented.body["secret"]
    assert (shown["version"], shown["secretValue"], shown["secretComment"]) == (3, "two", "because")
    first = (await world.read("A", version=1)).body["secret"]
    assert (first["version"], first["secretValue"], first["secretComment"]) == (1, "one", "why")
    assert first["id"] == shown["id"]
    assert (await world.read("A", version=9)).status == 404
    assert (await kv(world, "dev/A", "?version=1")).data["data"]["value"] == "one"


async def test_kept_fields_are_cleared_by_empty_ones(world: World) -> None:
    await world.secret(
        "A", "v", secretReminderNote="soon", secretReminderRepeatDays=30, skipMultilineEncoding=True, secretComment="c"
    )
    shown = (await world.read("A")).body["secret"]
    assert (shown["secretReminderNote"], shown["secretReminderRepeatDays"]) == ("soon", 30)
    assert shown["skipMultilineEncoding"] is True
    cleared = {"secretReminderNote": None, "secretReminderRepeatDays": None, "skipMultilineEncoding": False}
    await world.say("PATCH", "v3/secrets/raw/A", world.at(secretComment="", **cleared))
    assert (await kv(world, "dev/A")).data["data"] == {"value": "v"}


async def test_a_new_name_keeps_the_versions(world: World) -> None:
    made = await world.secret("A", "one")
    await world.secret("B", "other")
    taken = await world.say("PATCH", "v3/secrets/raw/A", world.at(newSecretName="B"))
    assert taken.status == 400 and await world.values() == {"A": "one", "B": "other"}
    moved = await world.say("PATCH", "v3/secrets/raw/A", world.at(newSecretName="C", secretValue="two"))
    assert (moved.body["secret"]["secretKey"], moved.body["secret"]["id"]) == ("C", made["id"])
    assert await world.values() == {"B": "other", "C": "two"}
    assert (await world.read("C", version=1)).body["secret"]["secretValue"] == "one"
    assert (await kv(world, "dev/A")).status == 404


async def test_a_new_name_that_was_deleted_keeps_what_was_deleted(world: World) -> None:
    await world.secret("B", "old")
    await world.say("DELETE", "v3/secrets/raw/B", world.at())
    await world.secret("A", "new")
    moved = await world.say("PATCH", "v3/secrets/raw/A", world.at(newSecretName="B"))
    assert moved.body["secret"]["version"] == 2 and await world.values() == {"B": "new"}
    await world.server.post(f"organization-secrets/undelete/{world.project}/dev/B", {"versions": [1]})
    assert (await world.read("B", version=1)).body["secret"]["secretValue"] == "old"


async def test_deleted_is_what_the_other_api_calls_deleted(world: World) -> None:
    await world.secret("A", "one")
    gone = await world.say("DELETE", "v3/secrets/raw/A", world.at())
    assert gone.body["secret"]["secretValue"] == "one"
    assert await world.values() == {} and (await world.read("A")).status == 404
    assert (await kv(world, "dev/A")).status == 404
    await world.server.post(f"organization-secrets/undelete/{world.project}/dev/A", {"versions": [1]})
    assert await world.values() == {"A": "one"}
    await world.server.delete(f"{KV}/{world.project}/dev/A")
    assert (await world.secret("A", "two"))["version"] == 2


async def test_a_mount_that_wants_versions_named(world: World) -> None:
    """The kv engine's rules are not gone round."""
    await world.secret("A", "one")
    assert (await world.server.post("organization-secrets/config", {"cas_required": True})).status == 204
    refused = await world.say("PATCH", "v3/secrets/raw/A", world.at(secretValue="two"))
    assert refused.status == 400 and "check-and-set" in refused.body["message"]


async def test_how_many_versions_are_kept(world: World) -> None:
    await world.server.post("organization-secrets/config", {"max_versions": 2})
    await world.secret("A", "1")
    for value in ("2", "3"):
        await world.say("PATCH", "v3/secrets/raw/A", world.at(secretValue=value))
    assert (await world.read("A", version=1)).status == 404
    assert (await world.read("A", version=2)).body["secret"]["secretValue"] == "2"


async def test_hidden_values(world: World) -> None:
    await world.secret("A", "v ${B}")
    for shown in (
        (await world.read("A", viewSecretValue="false", expandSecretReferences="true")).body["secret"],
        (await world.say("GET", f"v4/secrets{world.query(viewSecretValue='False')}")).body["secrets"][0],
    ):
        assert (shown["secretValue"], shown["secretValueHidden"]) == ("<hidden-by-infisical>", True)


# How clients write it


@pytest.mark.parametrize(
    "query",
    [
        "?workspaceId={project}&environment=dev&workspaceSlug=",
        "?workspaceSlug=demo&environment=dev&workspaceId=&secretPath=/",
        "?projectId={project}&environment=dev&secretPath=%2F&include_imports=True&recursive=False",
        "?projectSlug=demo&environment=dev&secretPath=/&includeImports=true&expandSecretReferences=TRUE",
    ],
)
async def test_ways_to_name_the_project(world: World, query: str) -> None:
    await world.secret("A", "v")
    for version in ("v3/secrets/raw", "v4/secrets"):
        listed = await world.say("GET", version + query.format(project=world.project))
        assert [one["secretKey"] for one in listed.body["secrets"]] == ["A"]
        one = await world.say("GET", f"{version}/A{query.format(project=world.project)}")
        assert one.body["secret"]["secretValue"] == "v"


async def test_a_get_with_a_body(world: World) -> None:
    """infisical-python sends its query as JSON; what is in the query goes first."""
    await world.secret("A", "v")
    listed = await world.say("GET", "v3/secrets/raw", world.at(include_imports=True))
    assert [one["secretKey"] for one in listed.body["secrets"]] == ["A"]
    other = await world.say("GET", "v3/secrets/raw?environment=prod", world.at())
    assert other.body["secrets"] == []


async def test_etags(world: World) -> None:
    await world.secret("A", "v")
    for path in (f"v3/secrets/raw{world.query()}", f"v3/secrets/raw/A{world.query()}"):
        first = await world.say("GET", path)
        tag = first.headers["ETag"]
        for sent in (tag, f"W/{tag}", f'"x", {tag}', "*"):
            same = await world.say("GET", path, If_None_Match=sent)
            assert (same.status, same.body, same.headers["ETag"]) == (304, None, tag)
        assert (await world.say("GET", path, If_None_Match='"x"')).status == 200
    await world.say("PATCH", "v3/secrets/raw/A", world.at(secretValue="w"))
    changed = await world.say("GET", path, If_None_Match=tag)
    assert changed.status == 200 and changed.headers["ETag"] != tag


# Lists


async def test_lists_by_folder_and_below(world: World) -> None:
    await world.folder("a")
    await world.folder("b", "/a")
    for name, path in (("R", "/"), ("A", "/a"), ("B", "/a/b"), ("Z", "/a")):
        await world.secret(name, name.lower(), path)
    assert set(await world.values()) == {"R"}
    assert set(await world.values("/a/")) == {"A", "Z"}
    assert set(await world.values("a")) == {"A", "Z"}
    assert set(await world.values("/", recursive="true")) == {"R", "A", "B", "Z"}
    assert await world.values("/none") == {}
    assert await world.values(environment="prod") == {}


async def test_a_folder_beside_many_deep_secrets(world: World) -> None:
    """What lies deeper is skipped, not read: more of it than fits into a page, before and behind."""
    for folder, count in (("a", 230), ("z", 230)):
        await world.folder(folder)
        batch = [{"secretKey": f"S{number:03}", "secretValue": "v"} for number in range(count)]
        made = await world.say("POST", "v3/secrets/batch/raw", world.at(f"/{folder}", secrets=batch))
        assert len(made.body["secrets"]) == count
    for name in ("A", "a", "b", "z", "zz"):
        await world.secret(name, name)
    assert list(await world.values()) == ["A", "a", "b", "z", "zz"]
    assert len((await world.say("GET", f"v3/secrets/raw{world.query('/a')}")).body["secrets"]) == 230


async def test_filters_by_tag_and_metadata(world: World) -> None:
    tag = (await world.say("POST", f"v1/workspace/{world.project}/tags", {"slug": "db", "color": "#fff"})).body["tag"]
    await world.secret("A", "1", tagIds=[tag["id"]])
    await world.secret("B", "2", secretMetadata=[{"key": "team", "value": "x"}])
    await world.secret("C", "3")
    assert set(await world.values(tagSlugs="none, db")) == {"A"}
    assert set(await world.values(metadataFilter="key=team,value=x")) == {"B"}
    shown = (await world.read("A")).body["secret"]["tags"]
    assert shown == [{"id": tag["id"], "slug": "db", "name": "db", "color": "#fff"}]
    wrong = await world.say("GET", f"v3/secrets/raw{world.query(metadataFilter='team')}")
    assert wrong.status == 400
    assert (await world.say("DELETE", f"v1/projects/{world.project}/tags/{tag['id']}")).status == 200
    assert (await world.read("A")).body["secret"]["tags"] == []


# Batches


async def test_batches_are_all_or_none(world: World) -> None:
    await world.secret("B", "old")
    new = [{"secretKey": name, "secretValue": name} for name in ("A", "B", "C")]
    refused = await world.say("POST", "v3/secrets/batch/raw", world.at(secrets=new))
    assert refused.status == 400 and await world.values() == {"B": "old"}
    made = await world.say("POST", "v4/secrets/batch", world.at(secrets=[new[0], new[2]]))
    assert [one["version"] for one in made.body["secrets"]] == [1, 1]
    changes = [{"secretKey": "A", "secretValue": "a"}, {"secretKey": "none", "secretValue": "n"}]
    assert (await world.say("PATCH", "v3/secrets/batch/raw", world.at(secrets=changes))).status == 404
    assert (await world.values())["A"] == "A"
    ignored = await world.say("PATCH", "v3/secrets/batch/raw", world.at(secrets=changes, mode="ignore"))
    assert [one["secretKey"] for one in ignored.body["secrets"]] == ["A"]
    upserted = await world.say("PATCH", "v4/secrets/batch", world.at(secrets=changes, mode="upsert"))
    assert [one["version"] for one in upserted.body["secrets"]] == [3, 1]
    names = [{"secretKey": "A"}, {"secretKey": "gone"}]
    assert (await world.say("DELETE", "v3/secrets/batch/raw", world.at(secrets=names))).status == 404
    done = await world.say("DELETE", "v4/secrets/batch", world.at(secrets=names[:1]))
    assert [one["secretValue"] for one in done.body["secrets"]] == ["a"]
    assert set(await world.values()) == {"B", "C", "none"}


@pytest.mark.parametrize(
    "secrets",
    [
        [],
        [{"secretKey": "A", "secretValue": "v"}] * 2,
        [{"secretKey": f"S{n}", "secretValue": ""} for n in range(1001)],
    ],
)
async def test_batches_that_are_none(world: World, secrets: list[object]) -> None:
    refused = await world.say("POST", "v3/secrets/batch/raw", world.at(secrets=secrets))
    assert refused.status in (400, 422) and await world.values() == {}


async def test_a_path_of_ones_own_in_a_batch(world: World) -> None:
    await world.folder("a")
    await world.secret("A", "1", "/a")
    changes = [{"secretKey": "A", "secretValue": "2", "secretPath": "/a"}]
    changed = await world.say("PATCH", "v3/secrets/batch/raw", world.at(secrets=changes))
    assert changed.body["secrets"][0]["secretPath"] == "/a" and await world.values("/a") == {"A": "2"}
    renamed = [{"secretKey": "A", "newSecretName": "B", "secretPath": "/a"}]
    assert (await world.say("PATCH", "v3/secrets/batch/raw", world.at(secrets=renamed))).status == 501
