"""universal-auth on the wire: who is refused and how, and lockouts that lock out nobody else."""

from __future__ import annotations

import uuid
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.api.infisical.universal import AUTH, WRONG, Machine, log_in_from, machine, new_identity, told
from vaultlike.core.lockout import ORIGINS
from vaultlike.testing.server import TestServer

# Refusals


@pytest.mark.parametrize(
    "body",
    [{}, {"clientId": "x"}, {"clientSecret": "x"}, {"clientId": 1, "clientSecret": "x"}, {"clientId": None}],
)
async def test_a_login_without_its_fields_says_which(server: TestServer, body: dict[str, Any]) -> None:
    answer = await server.post(f"{AUTH}/login", body, token="")
    assert answer.status == 422 and answer.body["error"] == "ValidationFailure"
    assert isinstance(answer.body["message"], list)


async def test_strangers_and_wrong_secrets_are_told_the_same(server: TestServer) -> None:
    nobody = await server.post(f"{AUTH}/login", {"clientId": "x", "clientSecret": "y"}, token="")
    assert told(nobody) == WRONG  # before anybody has attached it
    one, two = await machine(server, lockoutEnabled=False), await machine(server, lockoutEnabled=False)
    good = (await one.secret())["clientSecret"]
    await two.secret()
    for client, secret in (
        (str(uuid.uuid4()), good), (one.client_id, "0" * 64), (two.client_id, good), (one.client_id, good[:-1]),
        (one.client_id, good.upper() + "0"), (one.id, good), ("", good), (one.client_id, ""), (good, one.client_id),
        (one.client_id, "x" * 100_000), ("\x00", "\x00"),
    ):  # fmt: skip
        answer = await one.log_in(secret, client=client or " ")
        assert told(answer) == WRONG, (client, secret)
        assert set(answer.body) == {"reqId", "statusCode", "message", "error"}
    assert (await one.log_in(good)).status == 200


async def test_one_who_is_disabled_revoked_or_deleted_is_out(server: TestServer) -> None:
    one = await machine(server)
    secret = (await one.secret())["clientSecret"]
    assert (await server.post(f"identity/entity/id/{one.id}", {"disabled": True})).status == 204
    assert (await one.log_in(secret)).status == 403
    assert (await server.post(f"identity/entity/id/{one.id}", {"disabled": False})).status == 204
    token = (await one.log_in(secret)).body["accessToken"]
    assert (await server.delete(one.path)).status == 200
    assert (await server.get("auth/token/lookup-self", token=token)).status == 403
    assert told(await one.log_in(secret)) == WRONG
    again = await server.post(one.path, {})
    assert again.body["identityUniversalAuth"]["clientId"] != one.client_id
    other = Machine(server, one.id, again.body["identityUniversalAuth"])
    assert await other.secrets() == []  # those of before do not come back
    assert told(await other.log_in(secret)) == WRONG
    assert (await server.get("auth/token/lookup-self", token=token)).status == 403
    secret = (await other.secret())["clientSecret"]
    assert (await server.delete(f"/api/v1/identities/{one.id}")).status == 200
    assert told(await other.log_in(secret)) == WRONG


async def test_another_organization_is_not_found(server: TestServer) -> None:
    one = await machine(server)
    secret = (await one.secret())["clientSecret"]
    body = {"clientId": one.client_id, "clientSecret": secret}
    elsewhere = await server.post(f"{AUTH}/login", {**body, "organizationSlug": "elsewhere"}, token="")
    assert elsewhere.status == 404
    slug = (await server.get("organization/config")).data["slug"]
    assert (await server.post(f"{AUTH}/login", {**body, "organizationSlug": slug}, token="")).status == 200


# Forms of a login


async def test_json_forms_slashes_and_stale_headers(server: TestServer) -> None:
    one = await machine(server)
    secret = (await one.secret())["clientSecret"]
    fields = {"clientId": one.client_id, "clientSecret": secret}
    form = urlencode(fields).encode()
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    stale = [{"Authorization": text} for text in ("", "Bearer ", "Bearer eyJhbGciOiJub25lIn0.e30.", "Bearer hvs.gone")]
    answers = [
        await server.post(f"{AUTH}/login", fields, token=""),
        await server.post(f"{AUTH}/login/", fields, token=""),
        await server.post(f"{AUTH}/login", raw=form, headers=kind, token=""),
        await server.post(f"{AUTH}/login/", raw=form, headers=kind, token=""),
        *[await server.post(f"{AUTH}/login", fields, token="", headers=header) for header in stale],
        await server.post(f"{AUTH}/login", fields, token="", headers={"X-Api-Key": "old"}),
    ]
    for answer in answers:
        assert answer.status == 200, answer
        assert set(answer.body) == {"accessToken", "expiresIn", "accessTokenMaxTTL", "tokenType"}
        assert answer.body["expiresIn"] == answer.body["accessTokenMaxTTL"] == 2_592_000


async def test_a_periodic_token_has_no_end(server: TestServer) -> None:
    one = await machine(server, accessTokenPeriod=600)
    answer = await one.log_in((await one.secret())["clientSecret"])
    assert (answer.body["expiresIn"], answer.body["accessTokenMaxTTL"]) == (600, 1_000_000_000)
    token = answer.body["accessToken"]
    for _ in range(3):
        server.clock.advance(599)
        renewed = await server.post("/api/v1/auth/token/renew", {"accessToken": token}, token="")
        assert (renewed.body["expiresIn"], renewed.body["accessTokenMaxTTL"]) == (600, 1_000_000_000)
        token = renewed.body["accessToken"]


# Addresses


async def test_an_empty_list_of_addresses_is_refused_not_everybody(server: TestServer) -> None:
    path = f"{AUTH}/identities/{await new_identity(server)}"
    for name in ("clientSecretTrustedIps", "accessTokenTrustedIps"):
        assert (await server.post(path, {name: []})).status == 422
        assert (await server.post(path, {name: [{"ipAddress": "nowhere"}]})).status == 400
    one = await machine(server, clientSecretTrustedIps=[{"ipAddress": "192.0.2.7"}])
    assert (await server.call("PATCH", one.path, {"clientSecretTrustedIps": []})).status == 422
    role = await server.get(f"auth/organization-universal/role/{one.id}")
    assert role.data["secret_id_bound_cidrs"] == ["192.0.2.7/32"]


async def test_wrong_addresses_are_told_so_and_headers_do_not_count(server: TestServer) -> None:
    one = await machine(server, clientSecretTrustedIps=[{"ipAddress": "192.0.2.0/24"}])
    secret = (await one.secret())["clientSecret"]
    names = ("X-Forwarded-For", "Cf-Connecting-Ip", "X-Client-Ip", "X-Real-Ip", "True-Client-Ip", "Forwarded")
    for header in ({}, *({name: "192.0.2.1"} for name in names)):
        for text in (secret, "wrong"):
            answer = await one.log_in(text, headers=header)
            assert answer.status == 403 and answer.body["error"] == "ForbiddenError"
    await one.change(clientSecretTrustedIps=[{"ipAddress": "127.0.0.1"}, {"ipAddress": "2001:db8::/32"}])
    assert (await one.log_in(secret)).status == 200  # the wrong ones from elsewhere counted for nothing


async def test_addresses_of_tokens_follow_the_configuration(server: TestServer) -> None:
    one = await machine(server)
    token = (await one.log_in((await one.secret())["clientSecret"])).body["accessToken"]
    for network, status in (("192.0.2.0/24", 403), ("127.0.0.0/8", 200), ("::/0", 403)):
        await one.change(accessTokenTrustedIps=[{"ipAddress": network}])
        assert (await server.get("auth/token/lookup-self", token=token)).status == status


# Lockout


async def test_wrong_secrets_lock_their_address_out_and_no_other(server: TestServer) -> None:
    one = await machine(server)
    secret = (await one.secret())["clientSecret"]
    for _ in range(3):
        assert await log_in_from("127.0.0.2", one, "wrong") == 401
    assert await log_in_from("127.0.0.2", one, secret) == 401
    assert (await one.log_in(secret)).status == 200
    assert await log_in_from("127.0.0.3", one, secret) == 200
    server.clock.advance(299)
    assert await log_in_from("127.0.0.2", one, secret) == 401
    server.clock.advance(2)
    assert await log_in_from("127.0.0.2", one, secret) == 200


async def test_a_locked_address_is_told_apart_for_its_operator_alone(server: TestServer) -> None:
    one = await machine(server, lockoutThreshold=1)
    secret = (await one.secret())["clientSecret"]
    assert told(await one.log_in("wrong")) == WRONG
    answer = await one.log_in(secret)
    assert answer.status == 401 and "locked" in answer.body["message"]
    explained = await server.get(f"sys/explain/{answer.body['reqId']}")
    assert explained.data["checks"][-1]["name"] == "lockout"


async def test_success_and_pauses_reset_the_counter(server: TestServer) -> None:
    one = await machine(server, lockoutThreshold=2, lockoutCounterResetSeconds=30)
    secret = (await one.secret())["clientSecret"]
    for pause in (0, 31):
        assert (await one.log_in("wrong")).status == 401
        if pause:
            server.clock.advance(pause)
        else:
            assert (await one.log_in(secret)).status == 200
    assert (await one.log_in("wrong")).status == 401
    assert (await one.log_in(secret)).status == 200


async def test_lockouts_can_be_off_and_be_cleared(server: TestServer) -> None:
    one = await machine(server, lockoutEnabled=False)
    secret = (await one.secret())["clientSecret"]
    for _ in range(5):
        assert told(await one.log_in("wrong")) == WRONG
    assert (await one.log_in(secret)).status == 200
    await one.change(lockoutEnabled=True)
    for address in ("127.0.0.1", "127.0.0.2"):
        for _ in range(3):
            await log_in_from(address, one, "wrong")
        assert await log_in_from(address, one, secret) == 401
    accessor = (await server.get("sys/auth/organization-universal")).data["accessor"]
    listed = await server.get(f"sys/locked-users?mount_accessor={accessor}")
    assert listed.data["by_namespace"][0]["mount_accessors"][0]["alias_identifiers"] == [one.client_id]
    assert (await server.post(f"{one.path}/clear-lockouts", {})).body == {"deleted": 2}
    assert (await server.post(f"{one.path}/clear-lockouts", {})).body == {"deleted": 0}
    assert (await one.log_in(secret)).status == 200
    assert await log_in_from("127.0.0.2", one, secret) == 200


async def test_a_lock_holds_on_both_servers(server: TestServer, two: TestServer) -> None:
    one = await machine(server)
    secret = (await one.secret())["clientSecret"]
    for number in range(3):
        assert told(await one.log_in("wrong", server=(server, two)[number % 2])) == WRONG
    for each in (server, two):
        assert (await one.log_in(secret, server=each)).status == 401


async def test_a_flood_of_addresses_fills_no_database(server: TestServer) -> None:
    one = await machine(server)
    secret = (await one.secret())["clientSecret"]
    core = server.server.core
    assert core is not None
    mount = core.router.at("auth/organization-universal/")
    assert mount is not None
    from vaultlike.core.lockout import Rules
    from vaultlike.sdk import Call
    from vaultlike.sdk.routes import LoginFacts

    facts, rules = LoginFacts("role_id", "role_id"), Rules(threshold=3)
    for number in range(ORIGINS + 20):
        call = Call(
            id="x", operation="update", path="login", mount=mount.entry.path, data={"role_id": one.client_id},
            remote=f"10.0.{number // 250}.{number % 250}",
        )  # fmt: skip
        attempt = await core.lockouts.admit(mount.entry, facts, call, rules)
        assert attempt is not None
        await core.lockouts.failed(attempt)
    assert len(await core.lockouts._view.keys("")) == ORIGINS
    assert (await one.log_in(secret)).status == 200
    server.clock.advance(3600)
    await core.lockouts.tidy({mount.entry.accessor: mount.entry})
    assert await core.lockouts._view.keys("") == []
