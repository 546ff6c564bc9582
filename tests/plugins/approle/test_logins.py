"""Logins with role ids and secret ids: refusals first."""

from __future__ import annotations

import asyncio
import sqlite3

import pytest

from tests.plugins.approle.conftest import Mount
from vaultlike.testing.server import TestServer

REFUSED = ["invalid role or secret ID"]


@pytest.mark.parametrize(
    ("role_id", "secret_id", "text"),
    [
        ("nobody", "x", "invalid role or secret ID"),
        ("nobody", "", "invalid role or secret ID"),
        ("app-id", "wrong", "invalid role or secret ID"),
        ("APP-ID", "wrong", "invalid role or secret ID"),
        ("app-id", "x" * 5000, "invalid role or secret ID"),
        ("app-id", "", "missing secret_id"),
        ("app-id", "   ", "missing secret_id"),
        ("", "x", "missing role_id"),
        ("  ", "x", "missing role_id"),
        ("a\x00b", "x", "invalid role or secret ID"),
    ],
)
async def test_what_is_not_a_credential(mount: Mount, role_id: str, secret_id: str, text: str) -> None:
    await mount.role()
    await mount.secret()
    answer = await mount.login(secret_id, role_id)
    assert (answer.status, answer.errors) == (400, [text])


async def test_a_secret_id_of_another_role(mount: Mount) -> None:
    await mount.role()
    await mount.role("other")
    secret = await mount.secret("other")
    assert (await mount.login(secret["secret_id"])).errors == REFUSED
    assert (await mount.login(secret["secret_id"], "other-id")).status == 200


async def test_an_expired_secret_id_is_refused_before_anybody_tidies(mount: Mount) -> None:
    await mount.role()
    secret = await mount.secret(ttl="10s")
    mount.clock.advance(9.9)
    assert (await mount.login(secret["secret_id"])).status == 200
    mount.clock.advance(0.1)
    assert (await mount.login(secret["secret_id"])).errors == REFUSED
    assert (await mount.post("role/app/secret-id/lookup", {"secret_id": secret["secret_id"]})).status == 204
    assert (await mount.list("role/app/secret-id")).status == 404


async def test_a_life_is_capped_by_the_mount(mount: Mount) -> None:
    await mount.role()
    secret = await mount.secret(ttl="20000h")
    assert secret["secret_id_ttl"] == 2764800
    shown = await mount.post("role/app/secret-id/lookup", {"secret_id": secret["secret_id"]})
    assert shown.data["secret_id_ttl"] == 72000000
    mount.clock.advance(2764800)
    assert (await mount.login(secret["secret_id"])).errors == REFUSED


async def test_addresses_cost_no_use(mount: Mount) -> None:
    await mount.role(secret_id_bound_cidrs="10.0.0.0/8,127.0.0.0/8")
    far = await mount.secret(cidr_list="10.1.0.0/16", num_uses=1)
    refused = await mount.login(far["secret_id"])
    assert refused.status == 400
    assert "CIDR restrictions on the secret ID" in refused.errors[0]
    looked = await mount.post("role/app/secret-id/lookup", {"secret_id": far["secret_id"]})
    assert looked.data["secret_id_num_uses"] == 1
    await mount.role(secret_id_bound_cidrs="10.0.0.0/8")
    plain = await mount.secret()
    assert "CIDR restrictions on the role" in (await mount.login(plain["secret_id"])).errors[0]


async def test_a_role_that_became_narrower_binds_older_secret_ids(mount: Mount) -> None:
    await mount.role(token_bound_cidrs="127.0.0.0/8")
    secret = await mount.secret(token_bound_cidrs="127.0.0.1/32")
    assert (await mount.login(secret["secret_id"])).status == 200
    await mount.role(token_bound_cidrs="10.0.0.0/8")
    refused = await mount.login(secret["secret_id"])
    assert refused.status == 400
    assert "subset" in refused.errors[0]


async def test_the_tokens_addresses_are_those_of_its_use(mount: Mount) -> None:
    await mount.role(token_bound_cidrs="10.0.0.0/8")
    answer = await mount.login((await mount.secret())["secret_id"])
    assert answer.status == 200
    used = await mount.server.get("auth/token/lookup-self", token=answer.auth["client_token"])
    assert used.status == 403


async def test_200_race_for_a_secret_id_with_one_use_on_two_servers(mount: Mount) -> None:
    await mount.role(token_type="batch")
    secret = await mount.secret(num_uses=1)
    async with TestServer(path=mount.server.path, clock=mount.clock) as second:
        await second.server.unseal(mount.server.keys[0])
        servers = (mount.server, second)
        answers = await asyncio.gather(*(mount.login(secret["secret_id"], server=servers[i % 2]) for i in range(200)))
    assert [a.status for a in answers].count(200) == 1
    # the others found no such secret id, or that its role id was locked out for that
    assert {a.status for a in answers} <= {200, 400, 403}
    assert (await mount.list("role/app/secret-id")).status == 404


async def test_every_use_counts_once_under_a_race(mount: Mount) -> None:
    await mount.role(token_type="batch")
    lockout = {"user_lockout_config": {"lockout_disable": True}}
    assert (await mount.server.post("sys/mounts/auth/approle/tune", lockout)).status == 204
    secret = await mount.secret(num_uses=20)
    async with TestServer(path=mount.server.path, clock=mount.clock) as second:
        await second.server.unseal(mount.server.keys[0])
        servers = (mount.server, second)
        answers = await asyncio.gather(*(mount.login(secret["secret_id"], server=servers[i % 2]) for i in range(60)))
    assert [a.status for a in answers].count(200) == 20
    assert [a.errors for a in answers if a.status != 200] == [REFUSED] * 40


async def test_a_dry_run_takes_no_use(mount: Mount) -> None:
    await mount.role()
    secret = await mount.secret(num_uses=1)
    body = {"role_id": "app-id", "secret_id": secret["secret_id"]}
    for _ in range(2):
        tried = await mount.server.post("sys/explain/simulate/auth/approle/login", body)
        assert tried.data["outcome"] == "accepted"
    assert (await mount.login(secret["secret_id"])).status == 200


async def test_a_rate_limit_for_a_role_knows_it_by_name(mount: Mount) -> None:
    await mount.role()
    await mount.role("other")
    rule = {"path": "auth/approle", "role": "app", "rate": 1, "interval": 60}
    assert (await mount.server.post("sys/quotas/rate-limit/q", rule)).status == 204
    asked = [(role, await mount.login("x", role)) for role in ("app-id", " app-id ", "app", "other-id", "x" * 5000)]
    assert [answer.status for _, answer in asked] == [400, 429, 400, 400, 400]
    shown = [await mount.server.get(f"sys/explain/{asked[i][1].headers['X-Request-Id']}") for i in (0, 3, 4)]
    assert [one.data["role"] for one in shown] == ["app", "other", ""]


async def test_metadata_goes_to_the_token_and_the_role_has_the_last_word(mount: Mount) -> None:
    await mount.role(token_policies="Dev,ops")
    secret = await mount.secret(metadata='{"env": "prod", "role_name": "liar"}')
    answer = await mount.login(f"  {secret['secret_id']} ", " app-id ")
    assert answer.auth["metadata"] == {"env": "prod", "role_name": "app"}
    assert answer.auth["policies"] == ["default", "dev", "ops"]
    shown = await mount.server.get("auth/token/lookup-self", token=answer.auth["client_token"])
    assert shown.data["display_name"] == "approle"


async def test_the_last_use_is_known(mount: Mount) -> None:
    await mount.role()
    secret = await mount.secret()
    body = {"secret_id": secret["secret_id"]}
    before = (await mount.post("role/app/secret-id/lookup", body)).data
    assert before["last_used_time"] == "0001-01-01T00:00:00Z"
    mount.clock.advance(3)
    await mount.login(secret["secret_id"])
    first = (await mount.post("role/app/secret-id/lookup", body)).data["last_used_time"]
    mount.clock.advance(60)
    await mount.login(secret["secret_id"])
    after = (await mount.post("role/app/secret-id/lookup", body)).data["last_used_time"]
    assert before["creation_time"] < first < after


async def test_the_database_shows_no_secret_ids(mount: Mount) -> None:
    await mount.role()
    secret = await mount.secret(ttl="1h", metadata="env=canary-value")
    await mount.login(secret["secret_id"])
    with sqlite3.connect(f"file:{mount.server.path}?mode=ro", uri=True) as db:
        dump = "\n".join(db.iterdump()).encode()
    for text in (secret["secret_id"], secret["secret_id_accessor"], "canary-value"):
        assert text.encode() not in dump
        assert text.encode().hex() not in dump.lower().decode()


async def test_renewals_follow_the_role_and_end_with_it(mount: Mount) -> None:
    await mount.role(token_ttl="10m", token_max_ttl="1h", token_policies="first")
    answer = await mount.login((await mount.secret())["secret_id"])
    token = answer.auth["client_token"]
    await mount.role(token_ttl="5m", token_max_ttl="15m", token_policies="second")
    renewed = await mount.server.post("auth/token/renew-self", {"increment": "50m"}, token=token)
    assert (renewed.auth["lease_duration"], renewed.auth["policies"]) == (900, ["default", "first"])
    await mount.delete("role/app")
    assert (await mount.server.post("auth/token/renew-self", token=token)).status == 400


async def test_no_secret_id_where_the_role_wants_none(mount: Mount) -> None:
    await mount.role(bind_secret_id=False, secret_id_bound_cidrs="127.0.0.0/8")
    assert (await mount.login("")).status == 200
    assert (await mount.post("role/app/secret-id")).errors == ["bind_secret_id is not set on the role"]
    await mount.role(secret_id_bound_cidrs="10.0.0.0/8")
    assert (await mount.login("")).status == 400
