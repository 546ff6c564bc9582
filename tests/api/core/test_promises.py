"""The promises of the design that the core alone can keep, each with a test that fails if it is broken."""

from __future__ import annotations

import asyncio
import sqlite3
from typing import Any

import pytest

from tests.api.core.conftest import House, come_in, open_desk, policy
from vaultlike.testing.server import TestServer

CANARY = "c4n4ry"


def rows(server: TestServer, table: str) -> int:
    with sqlite3.connect(server.path) as database:
        return int(database.execute(f"select count(*) from {table}").fetchone()[0])


def tables(server: TestServer) -> list[str]:
    with sqlite3.connect(server.path) as database:
        return [name for (name,) in database.execute("select name from sqlite_master where type = 'table'")]


# 1, 2: who may log in, and what a refusal leaves behind


async def test_no_bound_no_login(server: TestServer) -> None:
    await open_desk(server, bound_colors="")
    assert (await come_in(server)).status == 403


async def test_a_refused_login_writes_no_token_no_entity_no_alias(server: TestServer) -> None:
    await open_desk(server, token_bound_cidrs="10.0.0.0/8")
    await server.post("auth/desk/role/here", {"bound_colors": "red"})
    before = {table: rows(server, table) for table in tables(server) if table != "explanations"}
    refused = [
        await come_in(server),  # from the wrong address
        await come_in(server, role="here", color="blue"),
        await come_in(server, role="none"),
        await come_in(server, role="here", name=""),
        await come_in(server, role="here", name="x" * 513),
        await come_in(server, role="here", name="a\nb"),
        await come_in(server, role=["here"]),
    ]
    assert [answer.status for answer in refused] == [403, 403, 403, 403, 403, 403, 400]
    assert all(answer.errors in (["permission denied"], refused[-1].errors) for answer in refused)
    assert {table: rows(server, table) for table in before} == before
    assert (await come_in(server, role="here")).status == 200
    assert rows(server, "tokens") == before["tokens"] + 1


async def test_no_login_gives_root(server: TestServer) -> None:
    for names in ("root", "a,ROOT", "response-wrapping"):
        await open_desk(server, f"desk-{len(names)}", token_policies=names)
        answer = await come_in(server, f"desk-{len(names)}")
        assert answer.status == 400
    assert rows(server, "tokens") == 1


# 3: default deny


async def test_default_deny(server: TestServer) -> None:
    nothing = await server.token("default", no_default_policy=True)
    for method, path in [
        ("GET", "auth/token/lookup-self"),
        ("POST", "auth/token/create"),
        ("POST", "auth/token/renew-self"),
        ("LIST", "auth/token/accessors"),
        ("GET", "sys/mounts"),
        ("GET", "sys/policies/acl/default"),
        ("GET", "cubbyhole/x"),
        ("POST", "cubbyhole/x"),
        ("GET", "identity/entity/id"),
        ("GET", "nothing/here"),
    ]:
        for token in (nothing, "", "hvs.unknown", "hvb.unknown"):
            answer = await server.call(method, path, {} if method == "POST" else None, token=token)
            assert answer.status == 403, (method, path, token)


# 4: what one server changes holds at the very next request on another


async def test_a_revocation_holds_on_the_other_server(house: House) -> None:
    first, second = house.first, await house.another()
    token = await first.token("default")
    assert (await second.get("auth/token/lookup-self", token=token)).status == 200
    await first.post("auth/token/revoke", {"token": token})
    assert (await second.get("auth/token/lookup-self", token=token)).status == 403


async def test_a_policy_change_holds_on_the_other_server(house: House) -> None:
    first, second = house.first, await house.another()
    await policy(first, "p", sys__mounts="read")
    token = await first.token("p")
    for capabilities, status in [("read", 200), ("deny", 403), ("read", 200), ("list", 403)]:
        await policy(first, "p", sys__mounts=capabilities)
        answers = await asyncio.gather(*(second.get("sys/mounts", token=token) for _ in range(20)))
        assert {answer.status for answer in answers} == {status}
        assert (await first.get("sys/mounts", token=token)).status == status
    await first.delete("sys/policies/acl/p")
    assert (await second.get("sys/mounts", token=token)).status == 403


async def test_a_mount_change_holds_on_the_other_server(house: House) -> None:
    first, second = house.first, await house.another()
    for round_ in range(3):
        await open_desk(first, f"desk{round_}")
        answers = await asyncio.gather(*(come_in(second, f"desk{round_}") for _ in range(20)))
        assert {answer.status for answer in answers} == {200}
        assert (await first.delete(f"sys/auth/desk{round_}")).status == 204
        answers = await asyncio.gather(*(come_in(second, f"desk{round_}") for _ in range(20)))
        assert {answer.status for answer in answers} == {403}


async def test_a_disabled_mount_takes_its_tokens_with_it(house: House) -> None:
    first, second = house.first, await house.another()
    await open_desk(first)
    token = (await come_in(second)).auth["client_token"]
    await first.delete("sys/auth/desk")
    assert (await second.get("auth/token/lookup-self", token=token)).status == 403


async def test_a_disabled_entity_is_refused_on_the_other_server(house: House) -> None:
    first, second = house.first, await house.another()
    await open_desk(first)
    auth = (await come_in(second)).auth
    assert (await second.get("auth/token/lookup-self", token=auth["client_token"])).status == 200
    await first.post(f"identity/entity/id/{auth['entity_id']}", {"disabled": True})
    assert (await second.get("auth/token/lookup-self", token=auth["client_token"])).status == 403


async def test_a_change_amid_traffic_is_never_missed(house: House) -> None:
    """Requests that begin after a change was acknowledged follow it, whatever else is under way."""
    first, second = house.first, await house.another()
    token = await first.token("p")
    done = False

    async def traffic() -> None:
        while not done:
            await second.get("sys/mounts", token=token)

    noise = [asyncio.create_task(traffic()) for _ in range(8)]
    try:
        for turn in range(20):
            await policy(first, "p", sys__mounts="read" if turn % 2 else "deny")
            assert (await second.get("sys/mounts", token=token)).status == (200 if turn % 2 else 403)
    finally:
        done = True
        await asyncio.gather(*noise)


# 5: atomic across servers


async def test_one_use_is_one_success(house: House) -> None:
    servers = [house.first, await house.another()]
    token = await house.first.token("default", num_uses=1)
    answers = await asyncio.gather(
        *(servers[number % 2].get("auth/token/lookup-self", token=token) for number in range(200))
    )
    assert sorted(answer.status for answer in answers) == [200] + [403] * 199


async def test_a_wrapped_answer_opens_once(house: House) -> None:
    servers = [house.first, await house.another()]
    wrapped = await house.first.get("auth/token/lookup-self", headers={"X-Vault-Wrap-TTL": "60"})
    text = wrapped.body["wrap_info"]["token"]
    answers = await asyncio.gather(
        *(servers[number % 2].post("sys/wrapping/unwrap", token=text) for number in range(50))
    )
    assert sorted(answer.status for answer in answers) == [200] + [400] * 49


async def test_racing_first_logins_make_one_entity(house: House) -> None:
    servers = [house.first, await house.another()]
    await open_desk(house.first)
    answers = await asyncio.gather(*(come_in(servers[number % 2]) for number in range(30)))
    assert {answer.status for answer in answers} == {200}
    assert len({answer.auth["entity_id"] for answer in answers}) == 1


async def test_no_child_survives_a_revocation_that_races_its_making(house: House) -> None:
    servers = [house.first, await house.another()]
    await policy(house.first, "make", auth__token__create="update")
    parent = await house.first.token("make")
    makings = [servers[number % 2].post("auth/token/create", {}, token=parent) for number in range(20)]
    answers = await asyncio.gather(*makings, servers[1].post("auth/token/revoke", {"token": parent}))
    for answer in answers[:-1]:
        if answer.status == 200:
            child = answer.auth["client_token"]
            assert (await house.first.post("auth/token/lookup", {"token": child})).status == 403


# 7: what the database and the log give away


async def plant(server: TestServer) -> list[str]:
    """Puts canaries everywhere; returns every text that must stay secret."""
    await policy(server, "p", **{f"cubbyhole__{CANARY}-path": "read"})
    made = (await server.post("auth/token/create", {"policies": ["default"], "meta": {"k": f"{CANARY}-meta"}})).auth
    await server.post("cubbyhole/x", {"value": f"{CANARY}-cubbyhole"}, token=made["client_token"])
    await server.post("sys/mounts/kv", {"type": "kv"})
    await server.post("kv/x", {"value": f"{CANARY}-kv"})
    await open_desk(server, token_policies=f"{CANARY}-policy")
    login = (await come_in(server, name="ann")).auth
    custom = await server.token("default", id=f"{CANARY}-custom-id")
    wrapped = (await server.get("cubbyhole/x", token=made["client_token"], headers={"X-Vault-Wrap-TTL": "60"})).body
    secrets = [custom, made["client_token"], made["accessor"], login["client_token"], login["accessor"]]
    return [*secrets, wrapped["wrap_info"]["token"], wrapped["wrap_info"]["accessor"], CANARY, *server.keys]


async def test_the_database_alone_gives_nothing_away(server: TestServer) -> None:
    secrets = await plant(server)
    content = b"".join(path.read_bytes() for path in server.path.parent.iterdir() if path.is_file())
    assert len(content) > 50_000
    for secret in secrets:
        assert secret.encode() not in content, secret[:8]


async def test_a_sealed_value_opens_only_in_its_own_row(server: TestServer) -> None:
    await policy(server, "weak", sys__mounts="deny")
    await policy(server, "strong", sys__mounts="read")
    weak, strong = await server.token("weak", ttl="1h"), await server.token("strong", ttl="1h")
    climber = await server.token("weak", ttl="1h", num_uses=9)
    await server.server.seal()
    with sqlite3.connect(server.path) as database:
        strong_value = "(select value from documents where path = 'policy/strong')"
        database.execute(f"update documents set value = {strong_value} where path = 'policy/weak'")
        assert database.total_changes == 1
        root = "(select sealed from tokens where expires_at is null)"
        database.execute(f"update tokens set sealed = {root} where expires_at is not null and uses_left = 9")
        assert database.total_changes == 2
    await server.server.unseal(server.keys[0])
    assert (await server.get("sys/mounts", token=strong)).status == 200
    assert (await server.get("sys/mounts", token=weak)).status == 500  # refuses rather than guesses
    assert (await server.get("sys/policies/acl/strong", token=climber)).status == 500


async def test_secrets_are_in_no_log(server: TestServer, capfd: pytest.CaptureFixture[str]) -> None:
    secrets = await plant(server)
    for path, body in [
        ("auth/token/lookup", {"token": secrets[1] + "x"}),
        ("auth/token/create", {"id": f"{CANARY}.x", "num_uses": f"{CANARY}"}),
        ("auth/desk/login", {"role": "r", "name": f"{CANARY}-name", "color": ["x"]}),
        ("auth/desk/login", {"role": "none", "name": "x", "color": f"{CANARY}-color"}),
    ]:
        assert (await server.post(path, body)).status >= 400
    await server.get("sys/mounts", token=secrets[1])
    await server.get("sys/mounts", token=f"hvs.{CANARY}")
    await server.server.seal()
    output = "".join(capfd.readouterr())
    assert "refused" in output
    for secret in [*secrets[:-2], f"hvs.{CANARY}", f"{CANARY}-cubbyhole", f"{CANARY}-kv", f"{CANARY}-meta"]:
        if secret != CANARY:
            assert secret not in output


# 6, 8, 11: restarts


async def test_a_restart_changes_nothing(house: House) -> None:
    token = await house.first.token("default", ttl="1h", explicit_max_ttl="2h", num_uses=3)
    house.first.clock.advance(1800)
    await house.first.server.seal()
    assert (await house.first.get("auth/token/lookup-self", token=token)).status == 503
    await house.first.server.unseal(house.first.keys[0])
    looked = (await house.first.get("auth/token/lookup-self", token=token)).data
    assert (looked["ttl"], looked["num_uses"], looked["explicit_max_ttl"]) == (1800, 2, 7200)
    renewed = await house.first.post("auth/token/renew-self", {"increment": "9h"}, token=token)
    assert renewed.auth["lease_duration"] == 5400


# 10: the unauthenticated pay with nothing of ours


@pytest.mark.parametrize(
    "body",
    [
        b'{"role":' + b"[" * 5000 + b"]" * 5000 + b"}",
        b'{"role":"r","name":"' + b"x" * 1_000_000 + b'","color":"red"}',
        b'{"role":' + b"9" * 5000 + b"}",
        b"\xff" * 100,
        b'{"role":{"a":' * 200 + b"1" + b"}}" * 200,
    ],
)
async def test_hostile_logins_are_refused_and_write_nothing(server: TestServer, body: bytes) -> None:
    await open_desk(server)
    before: dict[str, Any] = {table: rows(server, table) for table in tables(server) if table != "explanations"}
    answer = await server.call("POST", "auth/desk/login", raw=body, token="")
    assert answer.status in (400, 403)
    assert len(str(answer.errors)) < 2000
    assert {table: rows(server, table) for table in before} == before
