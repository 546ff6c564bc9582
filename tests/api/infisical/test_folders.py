"""Folders, imports, references and tags at `/api`: refusals first."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.api.infisical.world import World
from vaultlike.testing.server import TestServer


@pytest_asyncio.fixture
async def world(server: TestServer) -> AsyncIterator[World]:
    yield await World(server).make()


async def folders(world: World, path: str = "/", environment: str = "dev", **more: object) -> list[dict[str, Any]]:
    query = "".join(f"&{name}={value}" for name, value in more.items())
    asked = f"v2/folders?projectId={world.project}&environment={environment}&path={path}{query}"
    listed = await world.say("GET", asked)
    assert listed.status == 200, listed.body
    found: list[dict[str, Any]] = listed.body["folders"]
    return found


async def imports(world: World, target: str, environment: str, path: str) -> dict[str, Any]:
    body = {**world.at(), "path": target, "import": {"environment": environment, "path": path}}
    made = await world.say("POST", "v2/secret-imports", body)
    assert made.status == 200, made.body
    found: dict[str, Any] = made.body["secretImport"]
    return found


# Folders


@pytest.mark.parametrize("name", ["", "a/b", "..", ".", "a b", "a.b", "ä", "x" * 256])
async def test_names_that_are_none(world: World, name: str) -> None:
    refused = await world.say("POST", "v1/folders", {**world.at(), "name": name})
    assert refused.status == 400 and "folder name" in refused.body["message"]
    assert await folders(world) == []


async def test_what_is_not_there(world: World) -> None:
    for method, path in (("PATCH", "v1/folders/none"), ("DELETE", "v2/folders/none"), ("GET", "v2/folders/none")):
        body = None if method == "GET" else {**world.at(), "name": "n"}
        assert (await world.say(method, path, body)).status == 404
    assert (await world.say("POST", "v1/folders", {**world.at(environment="moon"), "name": "n"})).status == 404


async def test_a_folder_twice(world: World) -> None:
    await world.folder("a")
    refused = await world.say("POST", "v1/folders", {**world.at(), "name": "a"})
    assert refused.status == 400 and "already exists" in refused.body["message"]


async def test_folders_are_made_with_those_around_them(world: World) -> None:
    made = await world.say(
        "POST", "v2/folders",
        {"projectId": world.project, "environment": "dev", "name": "c", "path": "/a/b", "description": "d"},
    )  # fmt: skip
    folder = made.body["folder"]
    assert (folder["name"], folder["path"], folder["description"]) == ("c", "/a/b/c", "d")
    assert [one["name"] for one in await folders(world)] == ["a"]
    everything = await folders(world, recursive="True")
    assert [one["relativePath"] for one in everything] == ["/a", "/a/b", "/a/b/c"]
    assert everything[2]["parentId"] == everything[1]["id"]
    read = (await world.say("GET", f"v2/folders/{folder['id']}")).body["folder"]
    assert (read["path"], read["projectId"], read["environment"]["envSlug"]) == ("/a/b/c", world.project, "dev")


async def test_folders_that_secrets_imply(world: World) -> None:
    """`/v1` knows no folders; what is written there is in one."""
    data = f"organization-secrets/data/{world.project}/dev"
    await world.server.post(f"{data}/x/y/A", {"data": {"value": "v"}})
    (folder,) = await folders(world)
    assert folder["name"] == "x" and [one["path"] for one in await folders(world, recursive="true")] == ["/x", "/x/y"]
    assert await world.values("/x/y") == {"A": "v"}
    await world.secret("B", "w", "/x/y")
    described = await world.say("PATCH", f"v2/folders/{folder['id']}", {**world.at(), "description": "d"})
    assert (described.body["folder"]["id"], described.body["folder"]["description"]) == (folder["id"], "d")
    await world.server.delete(f"{data}/x/y/A")
    await world.server.delete(f"{data}/x/y/B")
    assert [one["path"] for one in await folders(world, recursive="true")] == ["/x"]


async def test_renaming_takes_everything_along(world: World) -> None:
    folder = await world.folder("a")
    await world.folder("b", "/a")
    made = await world.secret("S", "1", "/a/b")
    await world.say("PATCH", "v3/secrets/raw/S", world.at("/a/b", secretValue="2"))
    await world.folder("taken")
    body = {**world.at(), "name": "taken"}
    assert (await world.say("PATCH", f"v1/folders/{folder['id']}", body)).status == 400
    renamed = await world.say("PATCH", f"v1/folders/{folder['id']}", {**world.at(), "name": "z"})
    assert (renamed.body["folder"]["id"], renamed.body["folder"]["name"]) == (folder["id"], "z")
    assert [one["path"] for one in await folders(world, recursive="true")] == ["/taken", "/z", "/z/b"]
    moved = (await world.read("S", "/z/b", version=1)).body["secret"]
    assert (moved["id"], moved["secretValue"]) == (made["id"], "1")
    assert await world.values("/a/b") == {} and await world.values("/z/b") == {"S": "2"}


async def test_deleting_by_name_and_by_id(world: World) -> None:
    await world.folder("a")
    await world.secret("S", "1", "/a")
    refused = await world.say("DELETE", "v2/folders/a", {"projectId": world.project, "environment": "dev", "path": "/"})
    assert refused.status == 400 and "forceDelete" in refused.body["message"]
    assert (await world.say("DELETE", "v1/folders/a", world.at())).status == 200
    assert await folders(world) == [] and await world.values("/a") == {}
    undelete = f"organization-secrets/undelete/{world.project}/dev/a/S"
    assert (await world.server.post(undelete, {"versions": [1]})).status == 204
    assert await world.values("/a") == {"S": "1"}
    other = await world.folder("b")
    body = {**world.at(), "path": "/", "forceDelete": False}
    assert (await world.say("DELETE", f"v2/folders/{other['id']}", body)).status == 200


async def test_when_a_secret_in_it_changed(world: World) -> None:
    await world.folder("a")
    await world.folder("b")
    await world.secret("S", "1", "/a")
    found = await folders(world, lastSecretModified="2020-01-01T00:00:00Z")
    assert [one["name"] for one in found] == ["a"] and found[0]["lastSecretModified"]
    assert await folders(world, lastSecretModified="2099-01-01T00:00:00Z") == []
    asked = f"v1/folders?workspaceId={world.project}&environment=dev&lastSecretModified=soon"
    assert (await world.say("GET", asked)).status == 400


async def test_a_deleted_environment_leaves_nothing(world: World) -> None:
    await world.folder("a", environment="staging")
    await world.secret("S", "1", "/a", "staging")
    project = (await world.say("GET", f"v1/projects/{world.project}")).body
    environments = project.get("project", project.get("workspace", project))["environments"]
    staging = next(one["id"] for one in environments if one["slug"] == "staging")
    assert (await world.say("DELETE", f"v1/projects/{world.project}/environments/{staging}")).status == 200
    body = {"name": "Staging", "slug": "staging"}
    assert (await world.say("POST", f"v1/projects/{world.project}/environments", body)).status == 200
    assert await folders(world, environment="staging") == []
    assert await world.values("/a", environment="staging") == {}


# Imports


async def test_imports_that_are_none(world: World) -> None:
    await imports(world, "/", "prod", "/")
    for source, status in (
        ({"environment": "prod", "path": "/"}, 400),
        ({"environment": "dev", "path": "/"}, 400),
        ({"environment": "prod", "path": "/none"}, 404),
        ({"environment": "moon", "path": "/"}, 404),
        ({"environment": "prod"}, 400),
    ):
        refused = await world.say("POST", "v1/secret-imports", {**world.at(), "import": source})
        assert refused.status == status, source
    replicated = {**world.at(), "import": {"environment": "staging", "path": "/"}, "isReplication": True}
    assert (await world.say("POST", "v2/secret-imports", replicated)).status == 501


async def test_the_later_import_goes_first(world: World) -> None:
    for environment in ("staging", "prod"):
        await world.secret("A", environment, environment=environment)
        await imports(world, "/", environment, "/")
    await world.secret("B", "prod", environment="prod")
    await world.secret("B", "own")
    assert (await world.read("A")).status == 404
    found = (await world.read("A", include_imports="true")).body["secret"]
    assert (found["secretValue"], found["environment"]) == ("prod", "prod")
    assert (await world.read("B", includeImports="true")).body["secret"]["secretValue"] == "own"
    listed = await world.say("GET", f"v3/secrets/raw{world.query(include_imports='true')}")
    shown = [(one["environment"], one["secretPath"], len(one["secrets"])) for one in listed.body["imports"]]
    assert shown == [("staging", "/", 1), ("prod", "/", 2)] and listed.body["imports"][0]["folderId"]
    first = (await world.say("GET", f"v2/secret-imports{world.query()}")).body["secretImports"][0]
    body = {**world.at(), "import": {"position": 2}}
    assert (await world.say("PATCH", f"v1/secret-imports/{first['id']}", body)).body["secretImport"]["position"] == 2
    assert (await world.read("A", include_imports="true")).body["secret"]["secretValue"] == "staging"
    assert (await world.say("DELETE", f"v1/secret-imports/{first['id']}", world.at())).status == 200
    assert (await world.read("A", include_imports="true")).body["secret"]["secretValue"] == "prod"


async def test_imports_of_imports_and_circles(world: World) -> None:
    for name in ("a", "b"):
        await world.folder(name)
        await world.secret(name.upper(), name, f"/{name}")
    await imports(world, "/", "dev", "/a")
    await imports(world, "/a", "dev", "/b")
    await imports(world, "/b", "dev", "/a")
    listed = await world.say("GET", f"v3/secrets/raw{world.query(include_imports='true')}")
    (one,) = listed.body["imports"]
    assert [secret["secretKey"] for secret in one["secrets"]] == ["A", "B"]
    assert (await world.read("B", include_imports="true")).body["secret"]["secretPath"] == "/b"
    assert (await world.read("none", include_imports="true")).status == 404


# References


async def test_references(world: World) -> None:
    await world.folder("db", environment="prod")
    await world.secret("PASSWORD", "p-${SALT}", "/db", "prod")
    await world.secret("SALT", "s", "/db", "prod")
    await world.secret("HOST", "h")
    await world.secret("DSN", "${HOST}:${prod.db.PASSWORD} ${NONE} ${moon.X} ${dev..HOST} ${} $HOST ${HO ST}")
    expected = "h:p-s ${NONE} ${moon.X} ${dev..HOST} ${} $HOST ${HO ST}"
    assert (await world.read("DSN", expandSecretReferences="true")).body["secret"]["secretValue"] == expected
    assert (await world.values(expandSecretReferences="true"))["DSN"] == expected
    assert (await world.values())["DSN"].startswith("${HOST}")


async def test_circles_end(world: World) -> None:
    await world.secret("A", "a${B}")
    await world.secret("B", "b${A}")
    await world.secret("SELF", "s${SELF}")
    values = await world.values(expandSecretReferences="true")
    assert values == {"A": "ab${A}", "B": "ba${B}", "SELF": "s${SELF}"}


async def test_depth_ends(world: World) -> None:
    batch = [{"secretKey": f"S{number}", "secretValue": f"{number}${{S{number + 1}}}"} for number in range(20)]
    await world.say("POST", "v3/secrets/batch/raw", world.at(secrets=batch))
    value = (await world.read("S0", expandSecretReferences="true")).body["secret"]["secretValue"]
    assert value == "012345678910${S11}"


async def test_bombs_are_refused(world: World) -> None:
    """A few hundred bytes that would become gigabytes, or take for ever to become nothing."""
    batch = [{"secretKey": f"L{level}", "secretValue": f"${{L{level + 1}}}" * 9} for level in range(9)]
    batch += [{"secretKey": "L9", "secretValue": "x" * 100}]
    batch += [{"secretKey": f"E{level}", "secretValue": f"${{E{level + 1}}}" * 9} for level in range(9)]
    batch += [{"secretKey": "E9", "secretValue": ""}]
    await world.say("POST", "v3/secrets/batch/raw", world.at(secrets=batch))
    for name in ("L0", "E0"):
        refused = await world.read(name, expandSecretReferences="true")
        assert refused.status == 400 and "references" in refused.body["message"]
    assert (await world.read("L8", expandSecretReferences="true")).status == 200


# Tags


async def test_tags(world: World) -> None:
    tags = f"v1/workspace/{world.project}/tags"
    for slug in ("", "A B", "x" * 65):
        assert (await world.say("POST", tags, {"slug": slug})).status == 400
    assert (await world.say("POST", "v1/workspace/none/tags", {"slug": "a"})).status == 404
    made = await world.say("POST", tags, {"slug": "a", "name": "Team A", "color": "#aabbcc"})
    tag = made.body["workspaceTag"]
    assert (tag["slug"], tag["name"], tag["color"], tag["projectId"]) == ("a", "Team A", "#aabbcc", world.project)
    assert (await world.say("POST", tags, {"slug": "a"})).status == 400
    changed = await world.say("PATCH", f"{tags}/{tag['id']}", {"slug": "b"})
    assert (changed.body["tag"]["slug"], changed.body["tag"]["name"]) == ("b", "Team A")
    assert (await world.say("GET", f"{tags}/slug/b")).body["workspaceTag"]["id"] == tag["id"]
    assert [one["slug"] for one in (await world.say("GET", tags)).body["workspaceTags"]] == ["b"]
    assert (await world.say("DELETE", f"{tags}/{tag['id']}")).status == 200
    assert (await world.say("GET", f"{tags}/{tag['id']}")).status == 404
