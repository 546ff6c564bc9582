"""token-auth: tokens minted for an identity, what is shown of them, and their end."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.api.infisical.test_access_tokens import claims_of, lookup
from tests.api.infisical.universal import new_identity
from vaultlike.builtin.organization.backend import Organization
from vaultlike.testing.server import Answer, TestServer

AUTH = "/api/v1/auth/token-auth"


async def attached(server: TestServer, **fields: Any) -> str:
    """The path of an identity that has token-auth."""
    path = f"{AUTH}/identities/{await new_identity(server)}"
    answer = await server.post(path, fields)
    assert answer.status == 200, answer
    assert answer.body["identityTokenAuth"]["identityId"] in path
    return path


async def minted(server: TestServer, path: str, **fields: Any) -> dict[str, Any]:
    answer = await server.post(f"{path}/tokens", fields)
    assert answer.status == 200, answer
    found: dict[str, Any] = answer.body
    return found


async def shown(server: TestServer, token: dict[str, Any]) -> dict[str, Any]:
    answer = await server.get(f"{AUTH}/tokens/{token['tokenData']['id']}")
    assert answer.status == 200, answer
    found: dict[str, Any] = answer.body["token"]
    return found


async def renew(server: TestServer, token: str) -> Answer:
    return await server.post("/api/v1/auth/token/renew", {"accessToken": token}, token="")


def organization(server: TestServer) -> Organization:
    core = server.server.core
    assert core is not None
    mount = core.router.at("organization/")
    assert mount is not None and isinstance(mount.backend, Organization)
    return mount.backend


async def test_nobody_mints_where_it_is_not_attached(server: TestServer) -> None:
    identity = await new_identity(server)
    refused = await server.post(f"{AUTH}/identities/{identity}/tokens", {})
    assert (refused.status, refused.body["error"]) == (400, "BadRequest")
    assert (await server.post(f"{AUTH}/identities/nobody/tokens", {})).status == 404
    assert (await server.get(f"{AUTH}/tokens/nothing")).status == 404
    assert (await server.post(f"{AUTH}/login", {"identityId": identity})).status in (404, 405)  # there is no login


async def test_who_may_not_manage_an_identity_mints_nothing_for_it(server: TestServer) -> None:
    path = await attached(server)
    token = await minted(server, path)
    bearer = {"Authorization": f"Bearer {token['accessToken']}"}
    one = f"{AUTH}/tokens/{token['tokenData']['id']}"
    for method, where in (
        ("POST", f"{path}/tokens"), ("GET", f"{path}/tokens"), ("GET", one), ("PATCH", one), ("POST", f"{one}/revoke"),
    ):  # fmt: skip
        answer = await server.call(method, where, {"name": "x"}, token="", headers=bearer)
        assert (answer.status, answer.body["error"]) == (403, "PermissionDenied"), (method, where)
    assert (await lookup(server, token["accessToken"])).status == 200


async def test_nobody_mints_for_somebody_with_more_rights(server: TestServer) -> None:
    path = await attached(server)
    rules = 'path "organization/identities/*" { capabilities = ["create", "read", "update", "list"] }'
    assert (await server.post("sys/policies/acl/managers", {"policy": rules})).status == 204
    manager = await server.token("managers")
    assert (await server.post(f"{path}/tokens", {}, token=manager)).status == 200
    identity = path.rsplit("/", 1)[1]
    more = 'path "secret/*" { capabilities = ["read"] }'
    assert (await server.post("sys/policies/acl/more", {"policy": more})).status == 204
    assert (await server.post(f"identity/entity/id/{identity}", {"policies": ["more"]})).status == 204
    refused = await server.post(f"{path}/tokens", {}, token=manager)
    assert (refused.status, refused.body["error"]) == (403, "PermissionBoundaryError")
    for method in ("universal-auth",):
        where = f"/api/v1/auth/{method}/identities/{identity}"
        assert (await server.post(where, {})).status == 200
        refused = await server.post(f"{where}/client-secrets", {}, token=manager)
        assert (refused.status, refused.body["error"]) == (403, "PermissionBoundaryError")


async def test_a_minted_token_is_the_identity_s(server: TestServer) -> None:
    path = await attached(server, accessTokenTTL=600, accessTokenMaxTTL=1800)
    made = await minted(server, path, name="ci")
    identity = path.rsplit("/", 1)[1]
    assert {key: made[key] for key in ("expiresIn", "accessTokenMaxTTL", "tokenType")} == {
        "expiresIn": 600, "accessTokenMaxTTL": 1800, "tokenType": "Bearer",
    }  # fmt: skip
    data, claims = made["tokenData"], claims_of(made["accessToken"])
    assert data == {
        "id": claims["jti"], "identityId": identity, "name": "ci", "createdAt": "2026-11-18T11:06:40.000Z",
        "updatedAt": "2026-11-18T11:06:40.000Z", "accessTokenTTL": 600, "accessTokenMaxTTL": 1800,
        "accessTokenPeriod": 0, "accessTokenNumUses": 0, "accessTokenNumUsesLimit": 0, "accessTokenLastUsedAt": None,
        "accessTokenLastRenewedAt": None, "isAccessTokenRevoked": False, "identityUAClientSecretId": None,
        "authMethod": "token-auth",
    }  # fmt: skip
    assert (claims["identityId"], claims["authMethod"]) == (identity, "token-auth")
    seen = await lookup(server, made["accessToken"])
    assert seen.data["entity_id"] == identity
    server.clock.advance(500)
    renewed = await renew(server, made["accessToken"])
    assert renewed.status == 200, renewed
    after = await shown(server, made)
    assert after["accessTokenLastUsedAt"] == "2026-11-18T11:06:40.000Z"  # renewals are no uses
    assert after["accessTokenLastRenewedAt"] == "2026-11-18T11:15:00.000Z"
    assert after["accessTokenNumUses"] == 1


async def test_it_follows_its_method_and_ends_with_it(server: TestServer) -> None:
    path = await attached(server)
    token = (await minted(server, path))["accessToken"]
    for network, status in (("192.0.2.0/24", 403), ("127.0.0.0/8", 200)):
        assert (await server.call("PATCH", path, {"accessTokenTrustedIps": [{"ipAddress": network}]})).status == 200
        assert (await lookup(server, token)).status == status
    assert (await server.call("PATCH", path, {"accessTokenTTL": 60, "accessTokenMaxTTL": 600})).status == 200
    assert (await renew(server, token)).body["expiresIn"] == 60
    assert (await server.delete(path)).status == 200
    assert (await lookup(server, token)).status == 403
    assert (await renew(server, token)).status == 401
    assert (await server.post(path, {})).status == 200
    assert (await lookup(server, token)).status == 403


async def test_a_revoked_token_is_over_and_still_known(server: TestServer) -> None:
    path = await attached(server)
    one, two = await minted(server, path), await minted(server, path)
    revoked = await server.post(f"{AUTH}/tokens/{one['tokenData']['id']}/revoke", {})
    assert revoked.body["token"]["isAccessTokenRevoked"] is True
    accessor = (await lookup(server, two["accessToken"])).data["accessor"]
    assert (await server.post("auth/token/revoke-accessor", {"accessor": accessor})).status == 204  # by the other API
    for token in (one, two):
        assert (await lookup(server, token["accessToken"])).status == 403
        assert (await shown(server, token))["isAccessTokenRevoked"] is True
    organization(server)._tidied = -1
    await organization(server).tick()
    assert len((await server.get(f"{path}/tokens")).body["tokens"]) == 2
    server.clock.advance(31 * 86_400 + 86_400)
    await organization(server).tick()
    assert (await server.get(f"{path}/tokens")).body["tokens"] == []
    assert await organization(server).ctx.storage.keys("minted") == []


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "offset=-1", "limit=x"])
async def test_pages_that_cannot_be(server: TestServer, query: str) -> None:
    path = await attached(server)
    assert (await server.get(f"{path}/tokens?{query}")).status == 422


async def test_pages_and_names(server: TestServer) -> None:
    path = await attached(server)
    for number in range(23):
        server.clock.advance(1)
        await minted(server, path, name=f"number {number}")
    pages = [await server.get(f"{path}/tokens?{query}") for query in ("", "offset=20", "offset=2&limit=1", "offset=99")]
    names = [[token["name"] for token in page.body["tokens"]] for page in pages]
    assert names[0] + names[1] == [f"number {number}" for number in reversed(range(23))]
    assert names[2:] == [["number 20"], []]
    one = f"{AUTH}/tokens/{pages[0].body['tokens'][0]['id']}"
    assert (await server.call("PATCH", one, {"name": ""})).status == 400
    assert (await server.call("PATCH", one, {"name": "x" * 513})).status == 400
    assert (await server.call("PATCH", one, {})).status == 422
    renamed = await server.call("PATCH", one, {"name": "nightly"})
    assert renamed.body["token"]["name"] == "nightly"
    assert (await server.get(one)).body["token"]["name"] == "nightly"


async def test_uses_are_counted_by_two_servers(server: TestServer) -> None:
    limited = await attached(server, accessTokenNumUsesLimit=5)
    token = await minted(server, limited)
    answers = await asyncio.gather(*(lookup(server, token["accessToken"]) for _ in range(9)))
    assert sorted(answer.status for answer in answers) == [200] * 5 + [403] * 4
    free = await minted(server, await attached(server))
    async with TestServer(path=server.path, clock=server.clock) as second:
        await second.server.unseal(server.keys[0])
        for each in (server, second, server, second):
            assert (await lookup(each, free["accessToken"])).status == 200
    assert (await shown(server, free))["accessTokenNumUses"] == 4  # the other one has stopped, and written its own


async def test_the_first_identity_s_token_lives_as_long_as_it_is_renewed(server: TestServer) -> None:
    body = {"email": "admin@example.com", "password": "unused", "organization": "acme"}
    made = await server.post("/api/v1/admin/bootstrap", body, token="")
    assert made.status == 200, made
    token, identity = made.body["identity"]["credentials"]["token"], made.body["identity"]["id"]
    for _ in range(3):
        server.clock.advance(80 * 86_400)
        answer = await renew(server, token)
        assert answer.status == 200, answer
        token = answer.body["accessToken"]
    listed = await server.get(f"{AUTH}/identities/{identity}/tokens", token=token)
    assert [each["name"] for each in listed.body["tokens"]] == ["bootstrap"]
