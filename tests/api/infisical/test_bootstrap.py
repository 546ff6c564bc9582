"""Bootstrapping: once, by a stranger only where the configuration says so."""

from __future__ import annotations

import asyncio
import base64

import msgspec
import pytest

from tests.api.infisical.setting import Api, bootstrapped
from vaultlike.settings import Settings
from vaultlike.testing.server import TestServer

BODY = {"email": "ops@acme.test", "password": "secret-password", "organization": "Acme"}


def closed() -> TestServer:
    return TestServer(settings=Settings(stanzas={"infisical": ({"name": "", "enabled": "true"},)}))


async def test_a_stranger_may_not_where_nobody_said_so() -> None:
    async with closed() as server:
        refused = await Api(server).refused(403, "POST", "/v1/admin/bootstrap", BODY)
        assert refused["error"] == "PermissionDenied"
        assert (await server.call("POST", "/v1/organization/bootstrap/open", BODY, token="")).status == 403


async def test_a_token_needs_the_right_and_no_more_than_its_own() -> None:
    async with closed() as server:
        await server.call(
            "PUT", "sys/policies/acl/some", {"policy": 'path "organization/bootstrap" { policy = "write" }'}
        )
        await server.call(
            "PUT", "sys/policies/acl/boot", {"policy": 'path "organization/bootstrap" { policy = "sudo" }'}
        )
        await Api(server, await server.token("default")).refused(403, "POST", "/v1/admin/bootstrap", BODY)
        refused = await Api(server, await server.token("some")).refused(403, "POST", "/v1/admin/bootstrap", BODY)
        assert refused["error"] == "PermissionBoundaryError" and refused["details"]["missingPermissions"]
        made = await Api(server, await server.token("boot")).good("POST", "/v1/admin/bootstrap", BODY)
        assert made["organization"]["name"] == "Acme"


@pytest.mark.parametrize(
    "change",
    [{"email": "x"}, {"email": None}, {"password": 7}, {"organization": ""}, {"organization": ["a"]}],
)
async def test_bad_shapes(server: TestServer, change: dict[str, object]) -> None:
    refused = await Api(server).refused(422, "POST", "/v1/admin/bootstrap", BODY | change)
    assert refused["error"] == "ValidationFailure" and isinstance(refused["message"], list)


async def test_it_works_once(server: TestServer) -> None:
    organization = await bootstrapped(server)
    await Api(server).refused(403, "POST", "/v1/admin/bootstrap", BODY)
    await Api(server, server.root_token).refused(400, "POST", "/v1/admin/bootstrap", BODY)
    await organization.admin.good("DELETE", f"/v1/identities/{organization.admin_id}")
    await Api(server).refused(400, "POST", "/v1/admin/bootstrap", BODY)


async def test_of_many_at_once_one_succeeds(server: TestServer) -> None:
    answers = await asyncio.gather(*(Api(server)("POST", "/v1/admin/bootstrap", BODY) for _ in range(8)))
    assert sorted(answer.status for answer in answers)[:2] in ([200, 400], [200, 403])
    assert sum(answer.status == 200 for answer in answers) == 1


async def test_an_identity_that_an_operator_made_shuts_the_door(server: TestServer) -> None:
    await Api(server, server.root_token).good("GET", "/v1/identities/details")  # the first use makes the mounts
    await server.post("organization/identities", {"name": "first"})
    await Api(server).refused(403, "POST", "/v1/admin/bootstrap", BODY)


async def test_the_token_is_an_admins_at_either_api(server: TestServer) -> None:
    organization = await bootstrapped(server)
    found = await organization.admin.good("GET", f"/v1/identities?orgId={organization.id}")
    assert [one["role"] for one in found["identities"]] == ["admin"]
    answer = await server.get("organization/config", token=organization.admin.token)
    assert answer.data["id"] == organization.id
    assert (await server.get("sys/mounts", token=organization.admin.token)).status == 403
    assert (await server.get("identity/entity/id", token=organization.admin.token)).status in (403, 405)


async def test_the_token_says_whose_it_is(server: TestServer) -> None:
    organization = await bootstrapped(server)
    payload = organization.admin.token.split(".")[1]
    claims = msgspec.json.decode(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    assert claims["identityName"] == "Instance Admin Identity"
    assert (claims["identityId"], claims["orgId"]) == (organization.admin_id, organization.id)


async def test_the_password_is_nowhere(server: TestServer) -> None:
    answer = await Api(server)("POST", "/v1/admin/bootstrap", BODY)
    assert BODY["password"] not in str(answer.body)
    assert answer.body["user"]["email"] == BODY["email"]
    assert not answer.body["user"]["superAdmin"]
