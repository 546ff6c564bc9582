"""Looking up, renewing, expiring and revoking tokens: spec/vault-api.md 3.1, 3.4, 3.5, 3.7."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from tests.api.core.conftest import come_in, open_desk, policy
from vaultlike.storage.engine import DeleteExpired, Op
from vaultlike.testing.server import TestServer

HOUR, LONG = 3600, 2_764_800


async def alive(server: TestServer, token: str) -> bool:
    return bool((await server.post("auth/token/lookup", {"token": token})).status == 200)


async def test_looking_up_what_is_not_there(server: TestServer) -> None:
    for path, body, status, texts in [
        ("lookup", {"token": "hvs.unknown"}, 403, ["bad token"]),
        ("lookup", {"token": "hvb.unknown"}, 403, ["bad token"]),
        ("lookup", {"token": "hvb.!!!"}, 403, ["bad token"]),
        ("lookup", {"token": "x" * 20_000}, 403, ["bad token"]),
        ("lookup", {"token": "\ud7ff\u0000"}, 403, ["bad token"]),
        ("lookup", {"token": 7}, 403, ["invalid token"]),
        ("lookup", {"token": ["a"]}, 403, ["invalid token"]),
        ("lookup", {"token": None}, 403, ["invalid token"]),
        ("renew", {"token": {}}, 403, ["invalid token"]),
        ("revoke", {"token": 7}, 403, ["invalid token"]),
        ("lookup-accessor", {}, 400, ["1 error occurred:\n\t* missing accessor\n\n"]),
        ("lookup-accessor", {"accessor": "nope"}, 400, ["1 error occurred:\n\t* invalid accessor\n\n"]),
        ("lookup-accessor", {"accessor": "x" * 10_000}, 400, ["1 error occurred:\n\t* invalid accessor\n\n"]),
        ("renew-accessor", {"accessor": "nope"}, 400, ["1 error occurred:\n\t* invalid accessor\n\n"]),
    ]:
        answer = await server.post(f"auth/token/{path}", body)
        assert (answer.status, answer.errors) == (status, texts), (path, body)
    for path in ("lookup/x", "renew/x", "revoke/x", "lookup-accessor/x"):
        assert (await server.post(f"auth/token/{path}", {})).status == 404


async def test_what_a_lookup_shows(server: TestServer) -> None:
    made = (await server.post("auth/token/create", {"policies": ["default"], "ttl": "1h", "meta": {"k": "v"}})).auth
    server.clock.advance(0.4)
    expected = {
        "accessor": made["accessor"], "creation_time": 1_767_225_600, "creation_ttl": HOUR, "display_name": "token",
        "entity_id": "", "explicit_max_ttl": 0, "id": made["client_token"], "meta": {"k": "v"}, "num_uses": 0,
        "orphan": False, "path": "auth/token/create", "policies": ["default"], "renewable": True, "ttl": HOUR - 1,
        "type": "service", "issue_time": "2026-01-01T00:00:00.000000Z", "expire_time": "2026-01-01T01:00:00.000000Z",
    }  # fmt: skip
    by_token = await server.post("auth/token/lookup", {"token": made["client_token"]})
    assert by_token.data == expected
    assert (await server.get("auth/token/lookup-self", token=made["client_token"])).data == expected
    by_accessor = await server.post("auth/token/lookup-accessor", {"accessor": made["accessor"]})
    assert by_accessor.data == {**expected, "id": ""}
    assert (await server.post("auth/token/lookup", {})).data["id"] == "root"
    # the default policy gives only the read
    assert (await server.post("auth/token/lookup-self", {}, token=made["client_token"])).status == 403


async def test_renewals_that_are_refused(server: TestServer) -> None:
    fixed = (await server.post("auth/token/create", {"policies": ["default"], "renewable": False, "ttl": "1h"})).auth
    batch = await server.token("default", type="batch")
    for path, body, token, status, text in [
        ("renew-self", {}, fixed["client_token"], 400, "lease is not renewable"),
        ("renew-self", {}, batch, 400, "batch tokens cannot be renewed"),
        ("renew-self", {}, "root", 400, "lease is not renewable"),
        ("renew", {"token": batch}, "root", 400, "batch tokens cannot be renewed"),
        ("renew", {}, "root", 400, "missing token ID"),
        ("renew", {"token": "hvs.unknown"}, "root", 400, "token not found"),
        ("renew", {"token": "root", "increment": -60}, "root", 400, "cannot provide negative value '-60'"),
        ("renew", {"token": "root", "increment": "later"}, "root", 400, 'time: invalid duration "later"'),
        ("renew-accessor", {"accessor": fixed["accessor"]}, "root", 400, "invalid request"),
    ]:
        answer = await server.post(f"auth/token/{path}", body, token=token)
        assert answer.status == status
        assert text in answer.errors[0]


async def test_an_increment_counts_from_now_and_what_was_given_last_is_given_again(server: TestServer) -> None:
    made = (await server.post("auth/token/create", {"policies": ["default"], "ttl": "10m"})).auth
    token = made["client_token"]
    for path, body, ttl in [
        ("renew-self", {}, 600),
        ("renew-self", {"increment": "1h"}, 3600),
        ("renew-self", {"increment": 120}, 120),
        ("renew-self", {}, 120),
        ("renew-self", {"increment": None}, 120),
        ("renew", {"token": token, "increment": "15m"}, 900),
        ("renew", {"token": token}, 900),
        ("renew-accessor", {"accessor": made["accessor"], "increment": 1800}, 1800),
    ]:
        server.clock.advance(1)
        answer = await server.post(f"auth/token/{path}", body, token=token if path == "renew-self" else None)
        assert (answer.status, answer.auth["lease_duration"]) == (200, ttl)
        assert answer.auth["client_token"] == ("" if path == "renew-accessor" else token)
        looked = (await server.get("auth/token/lookup-self", token=token)).data
        assert (looked["ttl"], looked["creation_ttl"]) == (ttl, 600)
        assert looked["last_renewal_time"] == int(server.clock.now())


async def test_no_renewal_passes_the_explicit_maximum(server: TestServer) -> None:
    token = await server.token("default", ttl="5m", explicit_max_ttl="10m")
    server.clock.advance(240)
    answer = await server.post("auth/token/renew-self", {"increment": "1h"}, token=token)
    assert answer.auth["lease_duration"] == 360
    assert answer.body["warnings"] == [
        'TTL of "1h" exceeded the effective max_ttl of "6m"; TTL value is capped accordingly'
    ]
    server.clock.advance(-200)  # a clock set back lengthens nothing
    await server.post("auth/token/renew-self", {"increment": "1h"}, token=token)
    server.clock.advance(559.9)
    assert await alive(server, token)
    answer = await server.post("auth/token/renew-self", {"increment": "1h"}, token=token)
    assert answer.auth["lease_duration"] == 1
    server.clock.advance(0.1)
    assert not await alive(server, token)


async def test_a_periodic_token_lives_as_long_as_it_is_renewed(server: TestServer) -> None:
    token = await server.token("default", period="768h")
    for _ in range(4):  # far beyond the system's maximum of 32 days
        server.clock.advance(LONG - 1)
        answer = await server.post("auth/token/renew-self", {"increment": 5}, token=token)
        assert answer.auth["lease_duration"] == LONG
    server.clock.advance(LONG)
    assert not await alive(server, token)


async def test_expiry_needs_no_sweeper_and_takes_the_children(server: TestServer) -> None:
    await policy(server, "make", auth__token__create="update")
    made = (await server.post("auth/token/create", {"policies": ["make"], "ttl": "10s"})).auth
    parent = made["client_token"]
    child = (await server.post("auth/token/create", {"ttl": "1h"}, token=parent)).auth
    batch = (await server.post("auth/token/create", {"ttl": "1h", "type": "batch"}, token=parent)).auth
    server.clock.advance(9.9)
    assert (await server.get("auth/token/lookup-self", token=child["client_token"])).status == 200
    assert (await server.get("auth/token/lookup-self", token=batch["client_token"])).status == 200
    server.clock.advance(0.1)
    for token in (parent, child["client_token"], batch["client_token"]):
        refused = await server.get("auth/token/lookup-self", token=token)
        assert (refused.status, refused.errors) == (403, ["permission denied"])
        assert not await alive(server, token)
    assert (await server.post("auth/token/renew", {"token": child["client_token"]})).errors == ["token not found"]
    assert (await server.post("auth/token/lookup-accessor", {"accessor": child["accessor"]})).status == 400
    assert made["accessor"] not in (await server.list("auth/token/accessors")).data["keys"]
    assert (await server.post("auth/token/revoke", {"token": parent})).status == 204


async def test_revoking_a_tree(server: TestServer) -> None:
    await policy(server, "make", auth__token__create="update")
    tokens = [await server.token("make")]
    for _ in range(3):
        tokens.append((await server.post("auth/token/create", {}, token=tokens[-1])).auth["client_token"])
    sibling = (await server.post("auth/token/create", {}, token=tokens[0])).auth["client_token"]
    assert (await server.post("auth/token/revoke", {"token": tokens[1]})).status == 204
    assert [await alive(server, token) for token in tokens] == [True, False, False, False]
    assert await alive(server, sibling)
    assert (await server.post("auth/token/revoke-self", token=tokens[0])).status == 204
    assert not await alive(server, sibling)


async def test_revoking_by_other_names(server: TestServer) -> None:
    batch = await server.token("default", type="batch")
    made: list[dict[str, Any]] = [(await server.post("auth/token/create", {"policies": ["x"]})).auth for _ in range(2)]
    for path, body, status in [
        ("revoke", {"token": made[0]["client_token"]}, 204),
        ("revoke", {"token": made[0]["client_token"]}, 204),
        ("revoke", {}, 400),
        ("revoke", {"token": batch}, 400),
        ("revoke-accessor", {"accessor": made[1]["accessor"]}, 204),
        ("revoke-accessor", {}, 400),
        ("revoke-orphan", {"token": "hvs.unknown"}, 400),
    ]:
        assert (await server.post(f"auth/token/{path}", body)).status == status, (path, body)
    again = await server.post("auth/token/revoke-accessor", {"accessor": made[1]["accessor"]})
    assert (again.status, again.body["warnings"]) == (200, ["No token found with this accessor"])
    assert (await server.post("auth/token/revoke-self", token=batch)).errors == ["batch tokens cannot be revoked"]
    assert not await alive(server, made[1]["client_token"])


async def test_revoke_orphan_needs_sudo_and_spares_the_children(server: TestServer) -> None:
    await policy(server, "make", **{"auth__token__create": "update", "auth__token__revoke-orphan": "update"})
    parent = await server.token("make")
    child = (await server.post("auth/token/create", {}, token=parent)).auth["client_token"]
    refused = await server.post("auth/token/revoke-orphan", {"token": parent}, token=child)
    assert refused.errors == ["root or sudo privileges required to revoke and orphan"]
    assert (await server.post("auth/token/revoke-orphan", {"token": parent})).status == 204
    assert not await alive(server, parent)
    assert (await server.get("auth/token/lookup-self", token=child)).data["orphan"] is True


async def test_accessors_need_sudo(server: TestServer) -> None:
    await policy(server, "lister", auth__token__accessors="list")
    token = await server.token("lister")
    assert (await server.list("auth/token/accessors", token=token)).status == 403
    await policy(server, "lister", auth__token__accessors="list,sudo")
    keys = (await server.list("auth/token/accessors", token=token)).data["keys"]
    assert len(keys) == len(set(keys)) == 2


async def test_counted_uses(server: TestServer) -> None:
    made = (await server.post("auth/token/create", {"policies": ["default"], "num_uses": 4, "ttl": "1h"})).auth
    token = made["client_token"]

    async def left() -> int:
        found = await server.post("auth/token/lookup-accessor", {"accessor": made["accessor"]})
        return int(found.data["num_uses"])

    assert await left() == 4
    assert (await server.get("auth/token/lookup-self", token=token)).data["num_uses"] == 3
    assert (await server.get("sys/policies/acl/root", token=token)).status == 403
    assert await left() == 2  # a refused request costs one too
    assert (await server.get("sys/health", token=token)).status == 200
    assert await left() == 2  # an open path does not
    assert (await server.get("auth/token/lookup-self", token=token)).data["num_uses"] == 1
    last = await server.get("auth/token/lookup-self", token=token)
    assert (last.data["num_uses"], last.data["ttl"]) == (-1, 3600)
    assert (await server.get("auth/token/lookup-self", token=token)).status == 403
    assert (await server.post("auth/token/lookup-accessor", {"accessor": made["accessor"]})).status == 400
    assert not await alive(server, token)


async def test_the_last_use_is_no_use_for_a_renewal(server: TestServer) -> None:
    token = await server.token("default", num_uses=1, ttl="1h")
    answer = await server.post("auth/token/renew-self", token=token)
    assert (answer.status, answer.errors) == (400, ["token not found"])
    assert not await alive(server, token)


async def test_an_address_mismatch_costs_no_use(server: TestServer) -> None:
    await server.post("auth/token/roles/elsewhere", {"token_bound_cidrs": "10.0.0.0/8", "token_num_uses": 2})
    token = (await server.post("auth/token/create/elsewhere", {"policies": ["default"]})).auth["client_token"]
    for _ in range(3):
        assert (await server.get("auth/token/lookup-self", token=token)).status == 403
    assert (await server.post("auth/token/lookup", {"token": token})).data["num_uses"] == 2


async def test_a_disabled_entity_blocks_every_token_that_stands_for_it(server: TestServer) -> None:
    await policy(server, "make", auth__token__create="update")
    await open_desk(server, token_policies="make")
    auth = (await come_in(server)).auth
    tokens = [auth["client_token"]]
    tokens.append((await server.post("auth/token/create", {}, token=tokens[0])).auth["client_token"])
    tokens.append((await server.post("auth/token/create", {"type": "batch"}, token=tokens[0])).auth["client_token"])
    assert [(await server.get("auth/token/lookup-self", token=token)).status for token in tokens] == [200] * 3
    entity = f"identity/entity/id/{auth['entity_id']}"
    assert (await server.post(entity, {"disabled": True})).status == 204
    assert [(await server.get("auth/token/lookup-self", token=token)).status for token in tokens] == [403] * 3
    assert (await come_in(server)).status == 403
    assert (await server.post("auth/token/renew", {"token": tokens[0]})).status == 200
    assert (await server.post(entity, {"disabled": False})).status == 204
    assert [(await server.get("auth/token/lookup-self", token=token)).status for token in tokens] == [200] * 3
    assert (await server.delete(entity)).status == 204
    assert [(await server.get("auth/token/lookup-self", token=token)).status for token in tokens] == [403] * 3


async def test_a_batch_token_is_its_own_proof(server: TestServer) -> None:
    batch = await server.token("default", type="batch", ttl="1h")
    data = (await server.get("auth/token/lookup-self", token=batch)).data
    assert (data["type"], data["accessor"], data["renewable"], data["id"]) == ("batch", "", False, batch)
    changed = batch[:40] + ("A" if batch[40] != "A" else "B") + batch[41:]
    for text in (changed, batch + "=", batch + "!", batch + "\n", batch[:-4], "hvb." + "A" * 200):
        assert not await alive(server, text), text
    server.clock.advance(HOUR)
    assert not await alive(server, batch)


async def test_tidying_is_started(server: TestServer) -> None:
    answer = await server.post("auth/token/tidy")
    assert answer.status == 202
    assert len(answer.body["warnings"]) == 1


async def test_tidy_deletes_what_has_expired_in_the_background(server: TestServer) -> None:
    core = server.server.core
    assert core is not None
    kept = await server.token("default", ttl="2h")
    gone = [await server.token("default", ttl="1h") for _ in range(3)]
    server.clock.advance(3601)
    before = await core.engine.count_tokens()
    first, second = await asyncio.gather(server.post("auth/token/tidy"), server.post("auth/token/tidy"))
    assert {first.status, second.status} == {202}
    assert [len(answer.body["warnings"]) for answer in (first, second)] == [1, 1]
    while await core.engine.count_tokens() != before - len(gone):
        await asyncio.sleep(0)
    assert (await server.get("auth/token/lookup-self", token=kept)).status == 200


async def test_a_second_tidy_is_told_of_the_first(server: TestServer) -> None:
    core = server.server.core
    assert core is not None
    go_on, commit = asyncio.Event(), core.engine.commit

    async def waiting(ops: Sequence[Op]) -> list[object]:
        if isinstance(ops[0], DeleteExpired):
            await go_on.wait()
        return await commit(ops)

    core.engine.commit = waiting  # type: ignore[method-assign]
    started = (await server.post("auth/token/tidy")).body["warnings"][0]
    assert started.startswith("Tidy operation successfully started.")
    await asyncio.sleep(0)
    assert (await server.post("auth/token/tidy")).body["warnings"] == ["Tidy operation already in progress."]
    go_on.set()
    while (await server.post("auth/token/tidy")).body["warnings"] != [started]:
        await asyncio.sleep(0)


async def test_a_renewal_tells_the_uses_that_the_token_was_made_with(server: TestServer) -> None:
    made = (await server.post("auth/token/create", {"policies": ["default"], "num_uses": 4, "ttl": "1h"})).auth
    token = made["client_token"]
    assert (await server.post("auth/token/renew-self", {}, token=token)).auth["num_uses"] == 4
    assert (await server.post("auth/token/renew-accessor", {"accessor": made["accessor"]})).auth["num_uses"] == 4
    assert (await server.get("auth/token/lookup-self", token=token)).data["num_uses"] == 2
