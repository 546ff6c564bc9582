"""Counts of clients and requests: who counts, once a month, over processes and restarts, and what reports show."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from vaultlike.testing.server import TestServer

ACTIVITY = "sys/internal/counters/activity"
CONFIG = "sys/internal/counters/config"


def at(year: int, month: int, day: int = 15) -> float:
    return datetime(year, month, day, tzinfo=UTC).timestamp()


async def people(server: TestServer, *names: str) -> list[str]:
    """Logs users in; their tokens."""
    if (await server.get("sys/auth/p")).status == 400:
        await server.post("sys/auth/p", {"type": "people"})
    tokens = []
    for name in names:
        await server.post(f"auth/p/users/{name}", {"password": "pw"})
        tokens.append((await server.post(f"auth/p/login/{name}", {"password": "pw"}, token="")).auth["client_token"])
    return tokens


async def monthly(server: TestServer) -> Any:
    return (await server.get(f"{ACTIVITY}/monthly")).data


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("start_time=yesterday", "start_time is neither RFC 3339 nor Unix seconds"),
        ("end_time=2026-99-01T00:00:00Z", "end_time is neither RFC 3339 nor Unix seconds"),
        ("start_time=2026-03-01T00:00:00Z&end_time=2026-01-01T00:00:00Z", "start_time is later than end_time"),
    ],
)
async def test_periods_that_are_refused(server: TestServer, path: str, text: str) -> None:
    server.clock.advance(at(2026, 5) - server.clock.now())
    answer = await server.get(f"{ACTIVITY}?{path}")
    assert (answer.status, answer.errors) == (400, [text])


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"default_report_months": 0}, "default_report_months must be greater than 0 and at most 60"),
        ({"retention_months": -1}, "retention_months must be greater than or equal to 0 and at most 60"),
        ({"enabled": "maybe"}, 'enabled must be one of "default", "enable", "disable"'),
        ({"enabled": "enable", "retention_months": 0}, "retention_months cannot be 0 while enabled"),
    ],
)
async def test_settings_that_are_refused(server: TestServer, body: dict[str, object], text: str) -> None:
    answer = await server.post(CONFIG, body)
    assert (answer.status, answer.errors) == (400, [text])


async def test_nothing_is_known_of_a_time_without_clients(server: TestServer) -> None:
    assert (await server.get(ACTIVITY)).status == 204
    assert (await monthly(server))["clients"] == 0  # root is nobody
    assert (await server.get(CONFIG)).data == {
        "default_report_months": 12, "enabled": "default-enabled", "queries_available": False, "retention_months": 24,
    }  # fmt: skip


async def test_everybody_counts_once(server: TestServer) -> None:
    ann, _ = await people(server, "ann", "bob")
    for _ in range(3):
        await server.get("auth/token/lookup-self", token=ann)
    await people(server, "ann")
    assert (await server.post("auth/p/login/ann", {"password": "wrong"}, token="")).status == 400
    await server.get("auth/token/lookup-self", token="hvs.unknown")
    for policies in (["default"], ["default"], ["a"]):
        token = await server.token(*policies)
        await server.get("auth/token/lookup-self", token=token)
    await server.token("unused")
    found = await monthly(server)
    assert (found["clients"], found["entity_clients"], found["non_entity_clients"]) == (4, 2, 2)
    assert (found["distinct_entities"], found["non_entity_tokens"]) == (2, 2)
    (group,) = found["by_namespace"]
    assert (group["namespace_id"], group["namespace_path"], group["counts"]["clients"]) == ("root", "", 4)
    assert {mount["mount_path"]: mount["counts"]["clients"] for mount in group["mounts"]} == {
        "auth/p/": 2, "auth/token/": 2,
    }  # fmt: skip


async def test_a_report_of_several_months(server: TestServer) -> None:
    server.clock.advance(at(2026, 2) - server.clock.now())
    await people(server, "ann")
    server.clock.advance(at(2026, 4) - server.clock.now())
    await people(server, "ann", "bob")
    server.clock.advance(at(2026, 5) - server.clock.now())
    await people(server, "eve")
    data = (await server.get(ACTIVITY)).data
    assert (data["start_time"], data["end_time"]) == ("2025-05-01T00:00:00Z", "2026-04-30T23:59:59Z")
    assert data["total"]["clients"] == 2
    assert [month["timestamp"][:7] for month in data["months"]] == ["2026-02", "2026-03", "2026-04"]
    assert data["months"][1]["counts"] is None
    april = data["months"][2]
    assert (april["counts"]["clients"], april["new_clients"]["counts"]["clients"]) == (2, 1)
    data = (await server.get(f"{ACTIVITY}?start_time=2026-05-01T00:00:00Z&end_time={int(at(2026, 5))}")).data
    assert (data["total"]["clients"], len(data["months"])) == (1, 1)


async def test_processes_and_restarts_count_together(tmp_path: Path, server: TestServer) -> None:
    path = tmp_path / "v.db"
    async with TestServer(path=path) as first:
        one = await first.token("one")
        await first.get("auth/token/lookup-self", token=one)
        keys, root = first.keys, first.root_token
        async with TestServer(path=path, root_token=root) as second:
            await second.server.unseal(keys[0])
            await second.get("auth/token/lookup-self", token=one)
            await second.get("auth/token/lookup-self", token=await first.token("two"))
        assert (await monthly(first))["clients"] == 2
        assert (await first.get("sys/internal/counters/requests")).data["counters"][0]["counters"]["total"] >= 5
    async with TestServer(path=path, root_token=root) as again:
        await again.server.unseal(keys[0])
        await again.get("auth/token/lookup-self", token=one)
        assert (await monthly(again))["clients"] == 2
        core = again.server.core
        assert core is not None and len([c async for c in core.clients.clients("2026-01")]) == 2  # none twice


async def test_many_clients_are_kept_in_few_documents(server: TestServer) -> None:
    core = server.server.core
    assert core is not None
    for number in range(2500):
        core.clients.note("", f"entity-{number}", (), "")
        if number % 700 == 0:
            await core.clients.flush()
    await core.clients.flush()
    assert (await monthly(server))["clients"] == 2500
    assert len(await server.server.engine.keys("", "clients/2026-01/")) == 3


async def test_switched_off_and_forgotten(server: TestServer) -> None:
    server.clock.advance(at(2026, 1) - server.clock.now())
    await people(server, "ann")
    assert (await server.post(CONFIG, {"enabled": "disable", "retention_months": 1})).status == 204
    await people(server, "bob")
    assert (await monthly(server))["clients"] == 1
    await server.post(CONFIG, {"enabled": "default"})
    await people(server, "bob")
    assert (await monthly(server))["clients"] == 2
    server.clock.advance(at(2026, 3) - server.clock.now())
    core = server.server.core
    assert core is not None and await core.clients.months() == ["2026-01"]
    await core.leader.run("clients")
    assert await core.clients.months() == []
    assert "2026-01" not in await core.clients.requests()


async def test_a_database_that_fails_loses_no_client(server: TestServer, monkeypatch: pytest.MonkeyPatch) -> None:
    core = server.server.core
    assert core is not None
    core.clients.note("", "one", (), "")
    with monkeypatch.context() as broken:
        broken.setattr(server.server.engine, "commit", None)
        await core.clients.flush()
    core.clients.note("", "two", (), "")
    assert (await monthly(server))["clients"] == 2


async def test_entities_of_all_namespaces_are_counted(server: TestServer) -> None:
    await server.post("sys/namespaces/team")
    await server.post("identity/entity", {"name": "one"})
    await server.post("identity/entity", {"name": "two"}, headers={"X-Vault-Namespace": "team"})
    assert (await server.get("sys/internal/counters/entities")).data["counters"]["entities"]["total"] == 2
