"""Client secrets of universal-auth: their limits, their uses, their end."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

import msgspec
import pytest

from tests.api.infisical.conftest import NOW
from tests.api.infisical.universal import WRONG, machine, told
from vaultlike.clock import FakeClock
from vaultlike.testing.server import TestServer


@pytest.mark.parametrize(
    "fields", [{"ttl": -1}, {"ttl": 315_360_001}, {"ttl": "1h"}, {"numUsesLimit": -1}, {"description": "x" * 9000}]
)
async def test_client_secrets_that_cannot_be(server: TestServer, fields: dict[str, Any]) -> None:
    one = await machine(server)
    refused = await server.post(f"{one.path}/client-secrets", fields)
    assert refused.status == 422, refused
    assert await one.secrets() == []


async def test_whoever_may_not_manage_an_identity_gets_none_of_its_secrets(server: TestServer) -> None:
    one, other = await machine(server), await machine(server)
    secret = await one.secret()
    token = (await other.log_in((await other.secret())["clientSecret"])).body["accessToken"]
    bearer = {"Authorization": f"Bearer {token}"}
    sid = secret["clientSecretData"]["id"]
    for method, path in (
        ("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/client-secrets"), ("GET", "/client-secrets"),
        ("GET", f"/client-secrets/{sid}"), ("POST", f"/client-secrets/{sid}/revoke"), ("POST", "/clear-lockouts"),
    ):  # fmt: skip
        answer = await server.call(method, one.path + path, {}, token="", headers=bearer)
        assert (answer.status, answer.body["error"]) == (403, "PermissionDenied"), (method, path)
        assert (await server.call(method, one.path + path, {}, token="")).status == 401
    mine = await server.get(f"{other.path}/client-secrets/{sid}")
    assert mine.status == 404  # another identity's
    assert (await server.post(f"{other.path}/client-secrets/{sid}/revoke", {})).status == 404
    assert (await one.log_in(secret["clientSecret"])).status == 200


async def test_what_is_shown_of_a_client_secret(server: TestServer) -> None:
    one = await machine(server)
    made = await one.secret(description="the nightly job", ttl=60, numUsesLimit=5)
    text, data = made["clientSecret"], made["clientSecretData"]
    assert len(text) == 64 and int(text, 16)
    assert data == {
        "id": data["id"], "createdAt": "2026-11-18T11:06:40.000Z", "updatedAt": "2026-11-18T11:06:40.000Z",
        "description": "the nightly job", "clientSecretPrefix": text[:4], "clientSecretNumUses": 0,
        "clientSecretNumUsesLimit": 5, "clientSecretTTL": 60, "identityUAId": one.attached["id"],
        "isClientSecretRevoked": False,
    }  # fmt: skip
    assert uuid.UUID(data["id"]) and uuid.UUID(one.client_id)
    assert (await one.log_in(text)).status == 200
    read = await server.get(f"{one.path}/client-secrets/{data['id']}")
    assert read.body == {"clientSecretData": {**data, "clientSecretNumUses": 1}}
    server.clock.advance(1)
    newer = (await one.secret())["clientSecretData"]
    assert [each["id"] for each in await one.secrets()] == [newer["id"], data["id"]]
    assert text not in str(await one.secrets())


async def test_a_secret_is_over_to_the_second_and_listed_no_more(server: TestServer) -> None:
    one = await machine(server)
    text = (await one.secret(ttl=60))["clientSecret"]
    server.clock.advance(59)
    assert (await one.log_in(text)).status == 200
    server.clock.advance(1)
    assert told(await one.log_in(text)) == WRONG
    assert await one.secrets() == []


async def test_secrets_with_ttl_0_stay(server: TestServer) -> None:
    one = await machine(server)
    lasting = (await one.secret(ttl=0))["clientSecret"]
    long = (await one.secret(ttl=315_360_000))["clientSecret"]
    core = server.server.core
    assert core is not None
    for _ in range(3):
        server.clock.advance(3 * 365 * 86_400)
        await core._tick()
        await core._sweep()
        assert (await one.log_in(lasting)).status == (await one.log_in(long)).status == 200
        assert len(await one.secrets()) == 2
    server.clock.advance(365 * 86_400)
    assert told(await one.log_in(long)) == WRONG
    assert (await one.log_in(lasting)).status == 200


@pytest.mark.parametrize(("limit", "logins"), [(1, 8), (3, 12)])
async def test_uses_are_taken_once_over_two_servers(
    server: TestServer, two: TestServer, limit: int, logins: int
) -> None:
    one = await machine(server, lockoutEnabled=False)
    text = (await one.secret(numUsesLimit=limit))["clientSecret"]
    answers = await asyncio.gather(*(one.log_in(text, server=(server, two)[n % 2]) for n in range(logins)))
    assert sorted(answer.status for answer in answers) == [200] * limit + [401] * (logins - limit)
    assert await one.secrets() == []


async def test_logins_are_counted_with_and_without_a_limit(server: TestServer, two: TestServer) -> None:
    one = await machine(server)
    for limit in (0, 100):
        made = await one.secret(numUsesLimit=limit)
        await asyncio.gather(*(one.log_in(made["clientSecret"], server=(server, two)[n % 2]) for n in range(10)))
        await two.get(f"{one.path}/client-secrets")  # each server knows its own of the last second
        (shown,) = [each for each in await one.secrets() if each["id"] == made["clientSecretData"]["id"]]
        assert (shown["clientSecretNumUses"], shown["clientSecretNumUsesLimit"]) == (10, limit)


async def test_a_revoked_secret_takes_its_tokens_along(server: TestServer) -> None:
    one = await machine(server)
    first, second = await one.secret(), await one.secret()
    tokens = [(await one.log_in(each["clientSecret"])).body["accessToken"] for each in (first, first, second)]
    sid = first["clientSecretData"]["id"]
    revoked = await server.post(f"{one.path}/client-secrets/{sid}/revoke", {})
    assert revoked.body["clientSecretData"]["isClientSecretRevoked"] is True
    assert told(await one.log_in(first["clientSecret"])) == WRONG
    assert (await server.post(f"{one.path}/client-secrets/{sid}/revoke", {})).status == 404
    seen = [(await server.get("auth/token/lookup-self", token=token)).status for token in tokens]
    assert seen == [403, 403, 200]
    assert [each["id"] for each in await one.secrets()] == [second["clientSecretData"]["id"]]


async def test_the_other_api_sees_the_same(server: TestServer) -> None:
    one = await machine(server, accessTokenNumUsesLimit=7)
    role = await server.get(f"auth/organization-universal/role/{one.id}")
    assert role.data["token_num_uses"] == 7
    assert (await server.get(f"auth/organization-universal/role/{one.id}/role-id")).data["role_id"] == one.client_id
    text = (await one.secret())["clientSecret"]
    body = {"role_id": one.client_id, "secret_id": text}
    answer = await server.post("auth/organization-universal/login", body, token="")
    assert answer.auth["entity_id"] == one.id
    entity = await server.get(f"identity/entity/id/{one.id}")
    assert [alias["mount_path"] for alias in entity.data["aliases"]] == ["auth/organization-universal/"]


async def test_secrets_stay_out_of_documents_and_answers_of_refusals(server: TestServer) -> None:
    one = await machine(server)
    text = (await one.secret())["clientSecret"]
    refused = await one.log_in(text, client=str(uuid.uuid4()))
    assert text not in msgspec.json.encode(refused.body).decode()
    server.clock.advance(1)
    assert isinstance(server.clock, FakeClock) and server.clock.now() > NOW
