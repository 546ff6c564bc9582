"""Counts of clients and requests: who counts, once a month, over processes and restarts, and what reports show."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import urllib.request
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from vaultlike.system import activity_export
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


EXPORT = f"{ACTIVITY}/export"


async def test_an_export_needs_sudo_and_a_known_format(server: TestServer) -> None:
    await server.post("sys/policies/acl/x", {"policy": f'path "{EXPORT}" {{ capabilities = ["read"] }}'})
    assert (await server.get(EXPORT, token=await server.token("x"))).status == 403
    assert (await server.get(EXPORT, token="")).status == 403
    answer = await server.get(f"{EXPORT}?format=xml")
    assert (answer.status, answer.errors) == (400, ['unknown format "xml": json or csv'])
    assert (await server.get(f"{EXPORT}?start_time=yesterday")).status == 400
    assert (await server.get(EXPORT)).status == 204  # nobody yet


async def test_too_much_for_an_export(server: TestServer, monkeypatch: pytest.MonkeyPatch) -> None:
    await people(server, "ann", "bob")
    now = f"end_time={int(server.clock.now())}"
    monkeypatch.setattr(activity_export, "MAX_COLUMNS", 5)
    assert (await server.get(f"{EXPORT}?format=csv&{now}")).errors == [
        "metadata would make more than 5 columns: use format=json"
    ]
    monkeypatch.setattr(activity_export, "MAX_CLIENTS", 1)
    assert (await server.get(f"{EXPORT}?{now}")).errors == ["more than 1 clients: ask for a shorter period"]


async def exported(server: TestServer, query: str = "") -> list[dict[str, Any]]:
    path = f"/v1/{EXPORT}?end_time={int(server.clock.now())}{query}"
    request = urllib.request.Request(server.url + path, headers={"X-Vault-Token": server.root_token})
    with await asyncio.to_thread(urllib.request.urlopen, request) as answer:  # several values, not one
        assert answer.headers["Content-Type"] == "application/json"
        return [json.loads(line) for line in answer]


async def test_an_export_names_the_clients(server: TestServer) -> None:
    server.clock.advance(at(2026, 4) - server.clock.now())
    await people(server, "ann")
    server.clock.advance(at(2026, 5) - server.clock.now())
    ann, _ = await people(server, "ann", "bob")
    entity = (await server.get("auth/token/lookup-self", token=ann)).data["entity_id"]
    await server.post(f"identity/entity/id/{entity}", {"metadata": {"team": "red"}, "policies": ["p2", "p1"]})
    group = (await server.post("identity/group", {"member_entity_ids": [entity]})).data["id"]
    await server.get("auth/token/lookup-self", token=await server.token("some"))
    await server.post("sys/namespaces/team", {})
    made = await server.post("team/auth/token/create", {"policies": ["default"]})
    await server.get("team/auth/token/lookup-self", token=made.auth["client_token"])
    found = {one["entity_alias_name"] or one["namespace_path"]: one for one in await exported(server)}
    assert found.keys() == {"ann", "bob", "", "team/"}
    assert [name for name in found["ann"] if name not in activity_export.Record.__struct_fields__] == []
    shown = {
        "client_id": entity,
        "client_type": "entity",
        "namespace_id": "root",
        "mount_path": "auth/p/",
        "mount_type": "people",
        "timestamp": "2026-04-15T00:00:00Z",  # the first use of the period
        "policies": ["p1", "p2"],
        "entity_metadata": {"team": "red"},
        "entity_group_ids": [group],
    }
    assert {name: found["ann"][name] for name in shown} == shown
    assert (found["team/"]["client_type"], found["team/"]["mount_path"]) == ("non-entity-token", "auth/token/")
    assert found["team/"]["entity_name"] == "" and found["team/"]["policies"] == []
    may = await exported(server, f"&start_time={int(server.clock.now())}")
    assert {one["timestamp"] for one in may} == {"2026-05-15T00:00:00Z"}
    await server.delete("sys/namespaces/team")
    await server.post("identity/entity/batch-delete", {"entity_ids": [entity]})
    gone = {one["client_id"]: one for one in await exported(server)}
    assert len(gone) == 4 and gone[entity]["entity_name"] == ""  # used the server all the same


async def test_an_export_as_a_table(server: TestServer) -> None:
    tokens = await people(server, "ann", "bob")
    for number, token in enumerate(tokens):
        entity = (await server.get("auth/token/lookup-self", token=token)).data["entity_id"]
        metadata = {"a": '@SUM("x")', "=b": "1"} if number else {}
        policies = [f"p{each:02}" for each in range(11)] if number else []
        await server.post(f"identity/entity/id/{entity}", {"metadata": metadata, "policies": policies})
    answer = await server.get(f"{EXPORT}?format=csv&end_time={int(server.clock.now())}")
    assert (answer.status, answer.headers["Content-Type"]) == (200, "text/csv")
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="activity_export_20')
    text = answer.body.decode() if isinstance(answer.body, bytes) else str(answer.body)
    header, *rows = csv.reader(io.StringIO(text))
    assert header[:4] == ["entity_name", "entity_alias_name", "local_entity_alias", "client_id"]
    assert header[12:] == [*(f"policies.{each}" for each in range(11)), "entity_metadata.=b", "entity_metadata.a"]
    bob = dict(zip(header, next(row for row in rows if row[1] != "ann"), strict=True))
    assert (bob["entity_alias_name"], bob["entity_metadata.a"]) == ("bob", '\'@SUM("x")')  # no formulas
    assert (bob["policies.10"], bob["local_entity_alias"]) == ("p10", "false")
    assert len(rows) == 2
