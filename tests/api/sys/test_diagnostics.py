"""What operators look at: requests under way, the router's table, the machine, the settings; and what there is not."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from msgspec.structs import replace

from tests.api.sys.conftest import People
from vaultlike.mounts.catalog import Plugin
from vaultlike.sdk import Call, read
from vaultlike.settings import Listening, Settings
from vaultlike.testing.server import TestServer


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "text"),
    [
        ("GET", "sys/pprof", None, 501, "no pprof profiles"),
        ("GET", "sys/pprof/heap", None, 501, "no pprof profiles"),
        ("GET", "sys/internal/inspect/router/leaves", None, 400, 'unknown tag "leaves"'),
        ("POST", "sys/config/group-policy-application", {}, 400, "is required"),
        ("POST", "sys/config/group-policy-application", {"group_policy_application_mode": "any"}, 501, "hierarchy"),
    ],
)
async def test_what_there_is_not(
    server: TestServer, method: str, path: str, body: dict[str, Any] | None, status: int, text: str
) -> None:
    answer = await server.call(method, path, body)
    assert answer.status == status and text in answer.errors[0]
    weak = await server.token("default")
    assert (await server.call(method, path, body, token=weak)).status == 403


async def test_requests_under_way(server: TestServer) -> None:
    inside, done = asyncio.Event(), asyncio.Event()

    class Slow(People):
        """Answers when told to."""

        @read("slow")
        async def slow(self, call: Call) -> dict[str, object]:
            """Waits."""
            inside.set()
            await done.wait()
            return {"a": 1}

    server.server.catalog.add(Plugin("slow", True, Slow))
    await server.post("sys/auth/s", {"type": "slow"})
    waiting = asyncio.create_task(server.get("auth/s/slow"))
    await inside.wait()
    shown = (await server.get("sys/in-flight-req")).body
    other, own = shown.values()
    assert (other["request_path"], other["request_method"]) == ("/v1/auth/s/slow", "GET")
    assert (own["request_path"], own["client_remote_address"]) == ("/v1/sys/in-flight-req", "127.0.0.1")
    done.set()
    assert (await waiting).status == 200
    await server.get("auth/s/none")
    assert len((await server.get("sys/in-flight-req")).body) == 1


async def test_the_table_of_the_router(server: TestServer) -> None:
    await server.post("sys/auth/p", {"type": "people"})
    info = (await server.get("sys/auth/p")).data
    for tag, name in (("root", "auth/p/"), ("uuid", info["uuid"]), ("accessor", info["accessor"])):
        rows = (await server.get(f"sys/internal/inspect/router/{tag}")).data[tag]
        (row,) = [row for row in rows if row["name"] == name]
        assert (row["mount_path"], row["mount_type"], row["tainted"]) == ("auth/p/", "people", False)


async def test_settings_without_secrets() -> None:
    settings = replace(
        Settings(), listeners=(Listening("tcp", "0.0.0.0:8200", True),), seals=(("transit", False), ("shamir", True)),
        stanzas={"azure_cloud": ({"client_secret": "CANARY"},)}, environment={"X": "CANARY"},
    )  # fmt: skip
    async with TestServer(settings=settings) as server:
        answer = await server.get("sys/config/state/sanitized")
    assert "CANARY" not in str(answer.body)
    assert answer.data["listeners"] == [{"type": "tcp", "config": {"address": "0.0.0.0:8200", "tls_disable": False}}]
    assert answer.data["seals"] == [{"type": "transit", "disabled": False}, {"type": "shamir", "disabled": True}]
    assert (answer.data["storage"]["type"], answer.data["log_level"]) == ("sqlite", "info")


async def test_the_machine(server: TestServer) -> None:
    data = (await server.get("sys/host-info")).data
    assert data["host"]["hostname"] and data["cpu"] and data["memory"]["total"] > data["memory"]["available"] > 0
    assert data["disk"][0]["total"] >= data["disk"][0]["used"]
    assert len(data["cpu_times"]) in (0, len(data["cpu"]))


async def test_what_a_web_page_asks_for(server: TestServer) -> None:
    assert (await server.get("sys/internal/ui/feature-flags", token="")).body == {"feature_flags": []}
    assert (await server.get("sys/internal/ui/version")).data["version"]
    assert (await server.get("sys/internal/ui/version", token="")).status == 403
    assert (await server.get("sys/internal/ui/unauthenticated-messages", token="")).status == 404
    shown = (await server.get("sys/config/group-policy-application")).data
    assert (await server.post("sys/config/group-policy-application", shown)).status == 204
