"""What is the same for every endpoint of the second API: whether it is on, where it leads, and how it says no."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.infisical.conftest import NOW, ON
from vaultlike.clock import FakeClock
from vaultlike.settings import Settings
from vaultlike.testing.server import TestServer


async def test_it_is_off_where_nobody_turned_it_on() -> None:
    for stanza in ({}, {"name": "", "enabled": "false"}, {"name": ""}):
        settings = Settings(stanzas={"infisical": (stanza,)} if stanza else {})
        async with TestServer(settings=settings) as server:
            answer = await server.get("/api/status", token="")
            assert (answer.status, answer.body) == (404, {"errors": []})


async def test_nothing_is_mounted_before_it_is_used(server: TestServer) -> None:
    before = (await server.get("sys/mounts")).data
    assert (await server.get("/api/status", token="")).status == 200
    assert (await server.get("/api/v1/nothing")).status == 404
    assert sorted((await server.get("sys/mounts")).data) == sorted(before)
    assert (await server.get("/api/v1/identities/details", token="")).status == 401
    assert sorted((await server.get("sys/mounts")).data) == sorted(before)
    await server.get("/api/v1/identities/details")
    assert {"organization/", "organization-secrets/"} <= set((await server.get("sys/mounts")).data)


async def test_a_refusal_has_the_shape_of_the_api(server: TestServer) -> None:
    answer = await server.get("/api/v1/identities/details", token="")
    assert answer.status == 401 and answer.body["statusCode"] == 401
    assert answer.body["error"] == "UnauthorizedError" and answer.body["message"] == "Token missing"
    assert answer.body["reqId"].startswith("req-") and len(answer.body["reqId"]) == 18
    assert answer.headers["Content-Type"].startswith("application/json")


@pytest.mark.parametrize("token", ["nonsense", "hvs.nonsense", "st.a.b", "eyJhbGciOiJIUzI1NiJ9.e30.x"])
async def test_a_token_that_is_none(server: TestServer, token: str) -> None:
    for headers in ({"Authorization": f"Bearer {token}"}, {"x-api-key": token}):
        answer = await server.get("/api/v1/identities/details", token="", headers=headers)
        assert answer.status in (401, 403) and answer.body["statusCode"] == answer.status


async def test_an_api_key_goes_before_the_authorization(server: TestServer) -> None:
    headers = {"x-api-key": "nonsense", "Authorization": "Bearer root"}
    assert (await server.get("/api/v1/identities/details", token="", headers=headers)).status == 401


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"{", 400), (b"[]", 400), (b"null", 422), (b"{}", 422), (b'{"accessToken": 1}', 422), (b"\xff", 400)],
)
async def test_bodies_that_are_none(server: TestServer, body: bytes, status: int) -> None:
    answer = await server.call("POST", "/api/v1/auth/token/renew", token="", raw=body)
    assert answer.status == status, answer
    if status == 422:
        assert answer.body["error"] == "ValidationFailure"
        assert answer.body["message"][0]["path"] == ["accessToken"]


async def test_a_null_counts_as_not_sent_where_nothing_need_be(server: TestServer) -> None:
    details = await server.get("/api/v1/identities/details")
    new = {"name": "m", "organizationId": details.body["identityDetails"]["organization"]["id"]}
    assert (await server.post("/api/v1/identities", {**new, "role": None, "metadata": None})).status == 200
    answer = await server.post("/api/v1/identities", {**new, "name": None, "role": None})
    assert (answer.status, answer.body["message"][0]["path"]) == (422, ["name"])


async def test_forms_and_trailing_slashes_will_do(server: TestServer) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
    answer = await server.call("POST", "/api/v1/auth/token/renew/", token="", raw=b"accessToken=x", headers=headers)
    assert (answer.status, answer.body["message"]) == (400, "Not an identity access token")


async def test_a_wrong_method_and_odd_paths(server: TestServer) -> None:
    for method, path in (
        ("PUT", "/api/v1/auth/token/renew"),
        ("LIST", "/api/v1/identities"),
        ("GET", "/api/" + "a/" * 100),
        ("GET", "/api/v1/identities/%ff"),
        ("GET", "/api/v1/identities/a%2Fb"),
        ("GET", "/api/v1/identities/%00"),
    ):
        answer = await server.call(method, path)
        assert answer.status in (400, 404, 405), (method, path, answer)


async def test_while_sealed(server: TestServer) -> None:
    await server.server.seal()
    answer = await server.get("/api/v1/identities/details")
    assert (answer.status, answer.body["error"]) == (503, "ServiceUnavailable")


async def test_the_organization_can_be_named(server: TestServer) -> None:
    details = await server.get("/api/v1/identities/details")
    organization: Any = details.body["identityDetails"]["organization"]
    for name in (organization["id"], organization["slug"]):
        answer = await server.get("/api/v1/identities/details", headers={"x-infisical-org": name})
        assert answer.status == 200, answer
    answer = await server.get("/api/v1/identities/details", headers={"x-infisical-org": "other"})
    assert answer.status == 404


async def test_each_namespace_has_an_organization_of_its_own() -> None:
    stanzas = ({**ON}, {**ON, "name": "team"})
    async with TestServer(clock=FakeClock(NOW), settings=Settings(stanzas={"infisical": stanzas})) as server:
        assert (await server.post("sys/namespaces/team")).status == 200
        assert (await server.post("sys/namespaces/other")).status == 200
        ids = []
        for headers in ({}, {"X-Vault-Namespace": "team"}, {"x-infisical-org": "team"}):
            answer = await server.get("/api/v1/identities/details", headers=headers)
            ids.append(answer.body["identityDetails"]["organization"]["id"])
        assert ids[0] != ids[1] == ids[2]
        answer = await server.get("/api/v1/identities/details", headers={"X-Vault-Namespace": "other"})
        assert answer.status == 404
        assert "organization/" in (await server.get("sys/mounts", headers={"X-Vault-Namespace": "team"})).data
        assert "organization/" not in (await server.get("sys/mounts", headers={"X-Vault-Namespace": "other"})).data
