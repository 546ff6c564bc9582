"""When somebody was last seen, who is forgotten after a time, and names of aliases in other spellings."""

from __future__ import annotations

import asyncio

import pytest

from tests.api.identity.conftest import ClubServer
from vaultlike.clock import rfc3339
from vaultlike.identity.store import SEEN_STEP
from vaultlike.storage.engine import Op, SeeAlias
from vaultlike.tokens.store import NewToken

DAY = 86_400
LIVES = 32 * DAY  # of a login's token, at most


async def entity_of(server: ClubServer, token: str) -> str:
    entity: str = (await server.get("auth/token/lookup-self", token=token)).data["entity_id"]
    return entity


async def known(server: ClubServer, entity: str) -> bool:
    status = (await server.get(f"identity/entity/id/{entity}")).status
    assert status in (200, 404)
    return status == 200


async def tidy(server: ClubServer) -> None:
    """One turn of the periodic work."""
    core = server.server.core
    assert core is not None
    assert await core.leader.run("expired tokens")
    assert await core.leader.run("mounts")


async def prune_after(server: ClubServer, span: object) -> None:
    assert (await server.post("sys/auth/club/tune", {"prune_entities_after": span})).status == 204


@pytest.mark.parametrize("span", [-1, 1, 3599, "59m", "soon", "1.5"])
async def test_a_time_that_is_none_or_too_short_is_refused(server: ClubServer, span: object) -> None:
    assert (await server.post("sys/auth/club/tune", {"prune_entities_after": span})).status == 400
    assert "prune_entities_after" not in (await server.get("sys/auth/club/tune")).data


async def test_the_time_may_be_said_when_the_method_is_enabled(server: ClubServer) -> None:
    async def enable(span: object) -> int:
        return (await server.post("sys/auth/other", {"type": "club", "config": {"prune_entities_after": span}})).status

    for span in (-1, 1, "59m", "soon", [1]):
        assert await enable(span) == 400
    assert await enable("90d") == 204
    assert (await server.get("sys/auth/other/tune")).data["prune_entities_after"] == 90 * DAY


async def test_only_auth_methods_have_such_a_time(server: ClubServer) -> None:
    config = {"prune_entities_after": "1h"}
    assert (await server.post("sys/mounts/kv", {"type": "kv", "config": config})).status == 400
    await server.post("sys/mounts/kv", {"type": "kv"})
    assert (await server.post("sys/mounts/kv/tune", {"prune_entities_after": "1h"})).status == 400


async def test_the_time_reads_back_until_it_is_taken_away(server: ClubServer) -> None:
    await prune_after(server, "90d")
    assert (await server.get("sys/auth/club/tune")).data["prune_entities_after"] == 90 * DAY
    assert (await server.get("sys/auth")).data["club/"]["config"]["prune_entities_after"] == 90 * DAY
    await prune_after(server, 0)
    assert "prune_entities_after" not in (await server.get("sys/auth/club/tune")).data


async def test_nobody_is_pruned_who_was_given_something(server: ClubServer) -> None:
    await prune_after(server, "1h")
    ids = {}
    for name in ("policy", "group", "renamed", "alias", "other", "disabled", "merged", "gone"):
        ids[name] = await entity_of(server, await server.log_in(name))
    await server.post("sys/auth/club2", {"type": "club"})
    club2 = (await server.get("sys/auth/club2")).data["accessor"]
    await server.post(f"identity/entity/id/{ids['policy']}", {"policies": "p"})
    await server.post("identity/group", {"member_entity_ids": [ids["group"]]})
    await server.post(f"identity/entity/id/{ids['renamed']}", {"name": "by-hand"})
    alias = (await server.get(f"identity/entity/id/{ids['alias']}")).data["aliases"][0]["id"]
    await server.post(f"identity/entity-alias/id/{alias}", {"custom_metadata": {"a": "b"}})
    await server.post("identity/entity-alias", {"name": "o", "mount_accessor": club2, "canonical_id": ids["other"]})
    await server.post(f"identity/entity/id/{ids['disabled']}", {"disabled": True})
    made = (await server.post("identity/entity", {"name": "made"})).data["id"]
    await server.post("identity/entity/merge", {"from_entity_ids": [ids.pop("gone")], "to_entity_id": made})
    ids["made"] = made
    server.clock.advance(LIVES + DAY)
    await tidy(server)
    assert [name for name, entity in ids.items() if not await known(server, entity)] == ["merged"]


async def test_without_the_setting_nobody_is_pruned(server: ClubServer) -> None:
    entity = await entity_of(server, await server.log_in("ann"))
    server.clock.advance(100 * LIVES)
    await tidy(server)
    assert await known(server, entity)


async def test_an_entity_goes_when_its_tokens_are_gone_and_its_time_is_over(server: ClubServer) -> None:
    await prune_after(server, LIVES + DAY)
    await server.post("identity/group", {"name": "staff", "type": "external"})
    group = (await server.get("identity/group/name/staff")).data["id"]
    alias = {"name": "staff", "mount_accessor": server.club, "canonical_id": group}
    assert (await server.post("identity/group-alias", alias)).status == 200
    token = await server.log_in("ann", ("staff",))
    entity = await entity_of(server, token)
    assert (await server.get("identity/group/name/staff")).data["member_entity_ids"] == [entity]
    server.clock.advance(LIVES + DAY)
    await tidy(server)
    assert await known(server, entity)
    server.clock.advance(SEEN_STEP + 1)
    await tidy(server)
    assert not await known(server, entity)
    assert (await server.list("identity/entity-alias/id")).status == 404
    assert (await server.get("identity/group/name/staff")).data["member_entity_ids"] == []
    assert await entity_of(server, await server.log_in("ann")) != entity


async def test_a_token_keeps_its_entity(server: ClubServer) -> None:
    await prune_after(server, "1h")
    token = await server.log_in("ann")
    entity = await entity_of(server, token)
    core = server.server.core
    assert core is not None
    new = NewToken(path="auth/club/login/x", policies=("default",), display_name="x", ttl=10 * LIVES, entity=entity)
    kept = await core.tokens.mint(new)
    server.clock.advance(LIVES + DAY)
    await tidy(server)
    assert await known(server, entity)
    assert (await server.get("auth/token/lookup-self", token=kept.text)).status == 200
    await server.post("auth/token/revoke", {"token": kept.text})
    await tidy(server)
    assert not await known(server, entity)


async def test_a_login_at_the_same_moment_wins_or_begins_anew(server: ClubServer) -> None:
    await prune_after(server, "1h")
    for _ in range(5):
        await server.log_in("ann")
        server.clock.advance(LIVES + DAY)
        tokens = await asyncio.gather(server.log_in("ann"), tidy(server), server.log_in("ann"))
        for token in (tokens[0], tokens[2]):
            assert (await server.get("auth/token/lookup-self", token=token)).status == 200


async def test_many_are_pruned_in_bounded_commits(server: ClubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vaultlike.builtin.identity.pruning.BATCH", 3)
    monkeypatch.setattr("vaultlike.builtin.identity.pruning.BATCHES", 2)
    await prune_after(server, "1h")
    for n in range(10):
        server.clock.advance(1)  # who was seen longest ago is looked at first
        entity = await entity_of(server, await server.log_in(f"user{n}"))
        if n < 4:
            await server.post(f"identity/entity/id/{entity}", {"policies": "p"})
    server.clock.advance(LIVES + DAY)
    left = []
    for _ in range(4):
        await tidy(server)
        left.append(len((await server.list("identity/entity/id")).data["keys"]))
    assert left == [8, 4, 4, 4]


async def test_the_last_login_shows_and_is_not_written_at_each_one(server: ClubServer) -> None:
    engine, seen = server.server.engine, list[Op]()
    commit = engine.commit

    async def watched(ops: list[Op]) -> list[object]:
        seen.extend(op for op in ops if isinstance(op, SeeAlias))
        return await commit(ops)

    engine.commit = watched  # type: ignore[method-assign,assignment]
    first = server.clock.now()
    entity = await entity_of(server, await server.log_in("ann"))
    by_hand = (await server.post("identity/entity", {"name": "by-hand"})).data["id"]
    assert (await server.get(f"identity/entity/id/{by_hand}")).data["last_login_at"] is None
    for _ in range(3):
        server.clock.advance(SEEN_STEP / 4)
        await server.log_in("ann")
    shown = (await server.get(f"identity/entity/id/{entity}")).data
    assert shown["last_login_at"] == shown["aliases"][0]["last_login_at"] == rfc3339(first)
    assert seen == []
    server.clock.advance(SEEN_STEP / 4)
    await server.log_in("ann")
    await server.log_in("ann")
    shown = (await server.get(f"identity/entity/id/{entity}")).data
    assert shown["last_login_at"] == shown["aliases"][0]["last_login_at"] == rfc3339(server.clock.now())
    assert len(seen) == 1


async def test_an_alias_is_one_in_every_spelling(server: ClubServer) -> None:
    entity = await entity_of(server, await server.log_in("Ann"))
    assert await entity_of(server, await server.log_in("ANN")) == entity
    await server.post(f"identity/entity/id/{entity}", {"disabled": True})
    refused = await server.post("auth/club/login/aNN", {}, token="")
    assert refused.status == 403
    await server.post(f"identity/entity/id/{entity}", {"disabled": False})
    wanted = {"alias_name": "aNN", "alias_mount_accessor": server.club}
    assert (await server.post("identity/lookup/entity", wanted)).data["id"] == entity
    bob = (await server.post("identity/entity", {"name": "bob"})).data["id"]
    moved = await server.post(
        "identity/entity-alias", {"name": "anN", "mount_accessor": server.club, "canonical_id": bob}
    )
    assert moved.data["canonical_id"] == bob
    assert await entity_of(server, await server.log_in("Ann")) == bob
    aliases = (await server.get(f"identity/entity/id/{bob}")).data["aliases"]
    assert [alias["name"] for alias in aliases] == ["anN"]  # the case last written
    other = await server.post("identity/entity-alias", {"name": "kim", "mount_accessor": server.club})
    clash = {"name": "ANN", "mount_accessor": server.club}
    assert (await server.post(f"identity/entity-alias/id/{other.data['id']}", clash)).status == 400
