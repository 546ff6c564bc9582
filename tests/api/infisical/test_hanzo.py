"""Hanzo KMS: its paths over the same secrets, its refusals, and that it stays away where it is not wanted."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode

import pytest
import pytest_asyncio

from tests.api.infisical.conftest import NOW, ON
from vaultlike.clock import FakeClock
from vaultlike.settings import Settings
from vaultlike.testing.server import Answer, TestServer

HANZO = {"name": "", "enabled": "true"}


class Kms:
    """A server with a project `lux` that has the environment `default`."""

    def __init__(self, server: TestServer) -> None:
        self.server = server

    async def call(self, method: str, path: str, body: Any = None, **facts: Any) -> Answer:
        facts.setdefault("headers", {"Authorization": "Bearer root"})
        return await self.server.call(method, f"/v1/kms/{path}", body, token="", **facts)

    async def put(self, name: str, value: str, env: str = "default", path: str = "") -> Answer:
        return await self.call("POST", "orgs/lux/secrets", {"path": path, "name": name, "env": env, "value": value})


@pytest_asyncio.fixture
async def kms() -> AsyncIterator[Kms]:
    settings = Settings(stanzas={"infisical": (ON,), "hanzo": (HANZO,)})
    async with TestServer(clock=FakeClock(NOW), settings=settings) as server:
        made = await server.post("/api/v2/workspace", {"projectName": "Lux", "slug": "lux"})
        assert made.status == 200, made
        project = made.body["project"]["id"]
        place = {"name": "Default", "slug": "default"}
        assert (await server.post(f"/api/v1/workspace/{project}/environments", place)).status == 200
        yield Kms(server)


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer nonsense"}, {"Authorization": "Bearer eyJ.e.x"}])
async def test_nobody_reads_without_a_token(kms: Kms, headers: dict[str, str]) -> None:
    for method, path in (("GET", "orgs/lux/secrets"), ("GET", "orgs/lux/secrets/X"), ("DELETE", "orgs/lux/secrets/X")):
        answer = await kms.call(method, path, headers=headers)
        assert answer.status in (401, 403) and answer.body["statusCode"] == answer.status


async def test_a_token_does_what_its_policies_say(kms: Kms) -> None:
    assert (await kms.put("KEY", "v")).status == 201
    token = await kms.server.token("default")
    answer = await kms.call("GET", "orgs/lux/secrets/KEY", headers={"Authorization": f"Bearer {token}"})
    assert answer.status == 403


@pytest.mark.parametrize("body", [None, {}, {"clientId": "x"}, {"clientId": "", "clientSecret": ""}, {"clientId": 1}])
async def test_a_login_needs_both_halves(kms: Kms, body: Any) -> None:
    answer = await kms.call("POST", "auth/login", body, headers={})
    assert answer.status == 400
    assert answer.body == {"statusCode": 400, "message": "clientId and clientSecret required"}


async def test_wrong_credentials_are_told_as_such(kms: Kms) -> None:
    answer = await kms.call("POST", "auth/login", {"clientId": "x", "clientSecret": "y"}, headers={})
    assert (answer.status, answer.body["message"]) == (401, "Invalid credentials")


@pytest.mark.parametrize("path", ["orgs/lux/secrets/a/..%2Fb", "orgs/lux/secrets/a%00"])
async def test_paths_stay_inside(kms: Kms, path: str) -> None:
    assert (await kms.call("GET", path)).status in (307, 400)


async def test_unknown_places(kms: Kms) -> None:
    for path in ("orgs/other/secrets/X", "orgs/lux/secrets/X?env=nowhere", "orgs/lux/secrets/X", "nothing"):
        assert (await kms.call("GET", path)).status == 404, path
    assert (await kms.call("DELETE", "orgs/lux/secrets/X")).status == 404
    assert (await kms.call("PUT", "orgs/lux/secrets/X", {})).status == 405
    assert (await kms.put("X", "v", env="")).status == 400


async def test_a_value_is_written_read_listed_and_deleted(kms: Kms) -> None:
    made = await kms.put("deploy-key", "v1", path="providers/lux")
    assert (made.status, made.body) == (201, {"ok": True, "version": 1})
    assert (await kms.put("deploy-key", "v2", path="providers/lux")).body["version"] == 2
    assert (await kms.put("other", "x")).status == 201
    read = await kms.call("GET", "orgs/lux/secrets/providers/lux/deploy-key")
    assert (read.status, read.body) == (200, {"secret": {"value": "v2"}, "version": 2})
    found = await kms.call("GET", "orgs/lux/secrets?path=providers%2Flux&env=default")
    assert found.body["names"] == ["deploy-key"]
    every = await kms.call("GET", "orgs/lux/secrets")
    rows = [
        {"path": "", "name": "other", "env": "default"},
        {"path": "providers/lux", "name": "deploy-key", "env": "default"},
    ]
    assert sorted(every.body["secrets"], key=lambda row: row["name"], reverse=True) == rows
    assert every.body["count"] == 2
    assert (await kms.call("DELETE", "orgs/lux/secrets/providers/lux/deploy-key")).body == {"ok": True}
    assert (await kms.call("GET", "orgs/lux/secrets/providers/lux/deploy-key")).status == 404


async def test_a_change_names_the_version_it_is_of(kms: Kms) -> None:
    place = "orgs/lux/secrets/KEY"
    assert (await kms.call("PATCH", place, {"value": "x", "version": 1})).status == 404
    await kms.put("KEY", "one")
    assert (await kms.call("PATCH", place, {"value": "x"})).status == 428
    headers = {"Authorization": "Bearer root", "If-Match": "2"}
    assert (await kms.call("PATCH", place, {"value": "x", "version": 1}, headers=headers)).status == 400
    stale = await kms.call("PATCH", place, {"value": "x"}, headers=headers)
    assert stale.status == 409
    assert (stale.body["currentVersion"], stale.body["expectedVersion"]) == (1, 2)
    done = await kms.call("PATCH", place, {"value": "two"}, headers={**headers, "If-Match": '"1"'})
    assert done.body == {"ok": True, "version": 2}
    assert (await kms.call("GET", place)).body["secret"]["value"] == "two"


async def test_it_is_the_secret_of_the_other_apis(kms: Kms) -> None:
    await kms.put("KEY", "one")
    project = (await kms.server.get("/api/v1/projects/slug/lux")).body
    project = project.get("project", project)["id"]
    other = await kms.server.get(f"/api/v3/secrets/raw/KEY?workspaceId={project}&environment=default")
    assert other.body["secret"]["secretValue"] == "one"
    change = {"workspaceId": project, "environment": "default", "secretComment": "kept"}
    assert (await kms.server.call("PATCH", "/api/v3/secrets/raw/KEY", change)).status == 200
    await kms.put("KEY", "two")
    vault = await kms.server.get(f"organization-secrets/data/{project}/default/KEY")
    assert vault.data["data"] == {"value": "two", "comment": "kept"}


async def test_health(kms: Kms) -> None:
    for path in ("/healthz", "/v1/kms/health", "/v1/kms/healthz"):
        answer = await kms.server.call("GET", path, token="")
        assert (answer.status, answer.body) == (200, {"service": "kms", "status": "ok"})
    await kms.server.server.seal()
    assert (await kms.server.call("GET", "/healthz", token="")).status == 503
    assert (await kms.call("POST", "auth/login", {"clientId": "x", "clientSecret": "y"}, headers={})).status == 503


async def test_a_mount_of_that_name_goes_before(kms: Kms) -> None:
    assert (await kms.server.post("sys/mounts/kms", {"type": "kv"})).status == 204
    assert (await kms.server.post("kms/orgs/lux/secrets/X", {"a": "b"})).status == 204
    assert (await kms.server.get("kms/orgs/lux/secrets/X")).data == {"a": "b"}


async def test_it_is_off_where_nobody_turned_it_on(server: TestServer) -> None:
    assert (await server.call("GET", "/healthz", token="")).status == 404
    assert (await server.get("kms/health")).status == 404


async def test_the_sample_s_gcp_path_takes_an_azure_login(kms: Kms) -> None:
    """Nobody is let in here: what counts is that the azure method was asked, in either encoding."""
    fields = {"identityId": "00000000-0000-4000-8000-000000000000", "jwt": "eyJ"}
    for kind, raw in (("application/json", None), ("application/x-www-form-urlencoded", urlencode(fields).encode())):
        answer = await kms.server.call(
            "POST", "/api/v1/auth/gcp-auth/login", fields, raw=raw, token="", headers={"Content-Type": kind}
        )
        assert (answer.status, answer.body["error"]) == (401, "UnauthorizedError"), answer


async def test_methods_that_are_not_built_say_so(server: TestServer) -> None:
    for path in ("gcp-auth", "aws-auth", "kubernetes-auth"):
        answer = await server.post(f"/api/v1/auth/{path}/login", {"identityId": "x", "jwt": "y"}, token="")
        assert (answer.status, answer.body["error"]) == (501, "NotImplemented"), path
    assert (await server.post("/api/v1/auth/aws-auth/identities/x", {})).status == 501
    assert (await server.post("/api/v1/auth/no-such/login", {}, token="")).status == 404
