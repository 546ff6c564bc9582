"""User lockout: what counts, what does not, and for how long."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import bcrypt
import pytest

from vaultlike.core.lockout import Rules, rules_of
from vaultlike.mounts.entry import LockoutSettings, MountConfig, MountEntry
from vaultlike.settings import Settings
from vaultlike.testing.server import Answer, TestServer

CHEAP = bcrypt.hashpw(b"right", bcrypt.gensalt(5)).decode()
WRONG, LOCKED, RIGHT = 400, 403, 200
OFF = {"name": "userpass", "disable_lockout": "true"}


@pytest.fixture
async def server() -> AsyncIterator[TestServer]:
    async with TestServer() as server:
        assert (await server.post("sys/auth/people", {"type": "userpass"})).status == 204
        assert (await server.post("auth/people/users/ann", {"password_hash": CHEAP})).status == 204
        yield server


async def try_(server: TestServer, password: str = "wrong", name: str = "ann") -> int:
    answer: Answer = await server.post(f"auth/people/login/{name}", {"password": password}, token="")
    return answer.status


async def accessor(server: TestServer) -> str:
    found: str = (await server.get("sys/auth/people")).data["accessor"]
    return found


async def tune(server: TestServer, **settings: object) -> None:
    assert (await server.post("sys/mounts/auth/people/tune", {"user_lockout_config": settings})).status == 204


async def test_five_wrong_passwords_close_the_name_in_any_case(server: TestServer) -> None:
    assert [await try_(server, name=name) for name in ("ann", "ANN", "Ann", "ann", "ann")] == [WRONG] * 5
    refused = await server.post("auth/people/login/AnN", {"password": "right"}, token="")
    assert (refused.status, refused.errors) == (403, ["permission denied"])
    assert await try_(server) == LOCKED
    server.clock.advance(899)
    assert await try_(server, "right") == LOCKED
    server.clock.advance(2)
    assert await try_(server, "right") == RIGHT


async def test_after_the_lock_counting_starts_anew(server: TestServer) -> None:
    for _ in range(5):
        await try_(server)
    server.clock.advance(901)
    assert [await try_(server) for _ in range(4)] == [WRONG] * 4
    assert await try_(server, "right") == RIGHT


async def test_a_success_or_a_pause_forgets_the_failures(server: TestServer) -> None:
    for pause in (0, 901):
        assert [await try_(server) for _ in range(4)] == [WRONG] * 4
        if pause:
            server.clock.advance(pause)
        else:
            assert await try_(server, "right") == RIGHT
    assert [await try_(server) for _ in range(4)] == [WRONG] * 4
    assert await try_(server, "right") == RIGHT


async def test_what_does_not_count(server: TestServer) -> None:
    for _ in range(7):
        assert await try_(server, name="nobody") == WRONG
        assert (await server.post("auth/people/login/ann", {}, token="")).status == 400
        assert (await server.post("sys/explain/simulate/auth/people/login/ann", {"password": "wrong"})).status == 200
    assert await try_(server, "right") == RIGHT
    storage = server.server.core.lockouts._view
    assert await storage.keys("") == []  # nobody fills the database with names


async def test_a_lock_outlives_the_user(server: TestServer) -> None:
    for _ in range(5):
        await try_(server)
    await server.delete("auth/people/users/ann")
    await server.post("auth/people/users/ann", {"password_hash": CHEAP})
    assert await try_(server, "right") == LOCKED


async def test_guesses_at_once_are_no_more_than_guesses_in_a_row(server: TestServer) -> None:
    statuses = await asyncio.gather(*(try_(server) for _ in range(30)))
    assert set(statuses) <= {WRONG, LOCKED}
    assert await try_(server, "right") == LOCKED


async def test_a_lock_holds_on_every_server(server: TestServer) -> None:
    async with TestServer(path=server.path, clock=server.clock) as second:
        await second.server.unseal(server.keys[0])
        for number in range(5):
            assert await try_((server, second)[number % 2]) == WRONG
        assert await try_(server, "right") == LOCKED
        assert await try_(second, "right") == LOCKED
        await second.post(f"sys/locked-users/{await accessor(server)}/unlock/Ann")
        assert await try_(server, "right") == RIGHT


async def test_the_list_and_the_way_back(server: TestServer) -> None:
    mine = await accessor(server)
    assert (await server.get("sys/locked-users")).data == {"by_namespace": [], "total": 0}
    for _ in range(5):
        await try_(server)
    mount = {"mount_accessor": mine, "counts": 1, "alias_identifiers": ["ann"]}
    root = {"namespace_id": "root", "namespace_path": "", "counts": 1, "mount_accessors": [mount]}
    assert (await server.get("sys/locked-users")).data == {"by_namespace": [root], "total": 1}
    assert (await server.get(f"sys/locked-users?mount_accessor={mine}")).data["total"] == 1
    assert (await server.post(f"sys/locked-users/{mine}/unlock/ann")).status == 204
    assert (await server.get(f"sys/locked-users?mount_accessor={mine}")).data["total"] == 0
    assert await try_(server, "right") == RIGHT


async def test_tuning(server: TestServer) -> None:
    await tune(server, lockout_threshold="2", lockout_duration="10s", lockout_counter_reset_duration="5s")
    assert [await try_(server), await try_(server), await try_(server, "right")] == [WRONG, WRONG, LOCKED]
    server.clock.advance(11)
    assert await try_(server) == WRONG
    server.clock.advance(6)
    assert [await try_(server), await try_(server, "right")] == [WRONG, RIGHT]
    await tune(server, lockout_disable=True)
    assert [await try_(server) for _ in range(4)] == [WRONG] * 4
    assert await try_(server, "right") == RIGHT


async def test_old_counters_go(server: TestServer) -> None:
    lockouts = server.server.core.lockouts
    await try_(server)
    mounts = {mount.entry.accessor: mount.entry for mount in server.server.core.router.mounts()}
    await lockouts.tidy(mounts)
    assert len(await lockouts._view.keys("")) == 1
    server.clock.advance(901)
    await lockouts.tidy(mounts)
    assert await lockouts._view.keys("") == []
    await try_(server)
    await lockouts.tidy({})  # the mount is gone
    assert await lockouts._view.keys("") == []


@pytest.mark.parametrize(
    ("stanzas", "tuned", "environment", "rules"),
    [
        ((), None, {}, Rules()),
        (({"name": "all", "lockout_threshold": "9"},), None, {}, Rules(threshold=9)),
        (
            ({"name": "userpass", "lockout_threshold": "3"}, {"name": "all", "lockout_duration": "60"}),
            None, {}, Rules(threshold=3, duration=60),
        ),
        (({"name": "ldap", "disable_lockout": "true"},), None, {}, Rules()),
        ((OFF,), LockoutSettings(disable=False), {}, Rules()),
        ((OFF,), LockoutSettings(threshold=4), {}, Rules(threshold=4, disabled=True)),
        ((), LockoutSettings(threshold=0, counter_reset=7), {}, Rules(counter_reset=7)),
        ((), LockoutSettings(disable=False), {"VAULT_DISABLE_USER_LOCKOUT": "true"}, Rules(disabled=True)),
        ((), None, {"BAO_DISABLE_USER_LOCKOUT": "0"}, Rules()),
    ],
)  # fmt: skip
def test_whose_word_counts(
    stanzas: tuple[dict[str, str], ...], tuned: LockoutSettings | None, environment: dict[str, str], rules: Rules
) -> None:
    config = MountConfig() if tuned is None else MountConfig(lockout=tuned)
    mount = MountEntry(path="auth/u/", kind="userpass", uuid="u", accessor="a", config=config)
    assert rules_of(mount, Settings(stanzas={"user_lockout": stanzas}, environment=environment)) == rules
