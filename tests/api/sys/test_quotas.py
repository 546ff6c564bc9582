"""`sys/quotas`: rate limits, and what they do to requests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from vaultlike.testing.server import TestServer


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"path": "auth/m"}, "'rate' is invalid"),
        ({"path": "auth/m", "rate": 0}, "'rate' is invalid"),
        ({"path": "auth/m", "rate": -1}, "'rate' is invalid"),
        ({"path": "none/", "rate": 1}, 'invalid mount path "none/"'),
        ({"path": "/not-exist", "rate": 1}, 'invalid mount path "/not-exist"'),
        ({"path": "", "rate": 1, "role": "r"}, "'role' needs the path of an auth method"),
        ({"path": "sys/", "rate": 1, "role": "r"}, "'role' needs the path of an auth method"),
        ({"path": "auth/m/", "rate": 5}, 'quota rule with similar properties exists under the name "first"'),
    ],
)
async def test_what_is_refused(server: TestServer, body: dict[str, Any], text: str) -> None:
    await server.post("sys/auth/m", {"type": "people"})
    await server.post("sys/quotas/rate-limit/first", {"path": "auth/m", "rate": 100})
    answer = await server.post("sys/quotas/rate-limit/x", body)
    assert (answer.status, answer.errors) == (400, [text])
    assert (await server.get("sys/quotas/rate-limit/x")).status == 404


async def test_rules_read_back(server: TestServer) -> None:
    await server.post("sys/mounts/kv", {"type": "kv"})
    body = {"path": "kv/*", "rate": 100, "interval": "600", "block_interval": "600"}
    assert (await server.post("sys/quotas/rate-limit/test-quota", body)).status == 204
    assert (await server.get("sys/quotas/rate-limit/test-quota")).data == {
        "block_interval": 600,
        "interval": 600,
        "name": "test-quota",
        "path": "kv/*",
        "rate": 100,
        "role": "",
        "type": "rate-limit",
    }
    assert (await server.list("sys/quotas/rate-limit")).data["keys"] == ["test-quota"]
    for _ in range(2):
        assert (await server.delete("sys/quotas/rate-limit/test-quota")).status == 204
    assert (await server.list("sys/quotas/rate-limit")).status == 404


async def _statuses(server: TestServer, count: int, path: str = "kv/a") -> list[int]:
    return [(await server.get(path)).status for _ in range(count)]


async def test_too_many_in_an_interval(server: TestServer) -> None:
    await server.post("sys/mounts/kv", {"type": "kv"})
    await server.post("sys/quotas/rate-limit/q", {"path": "kv", "rate": 2, "interval": "60s"})
    assert await _statuses(server, 4) == [404, 404, 429, 429]
    refused = await server.get("kv/a", token="")
    assert refused.errors == ['request path "kv/a": rate limit quota exceeded']
    assert (await server.get("sys/mounts/kv")).status == 200
    server.clock.advance(61)
    assert await _statuses(server, 3) == [404, 404, 429]
    await server.delete("sys/quotas/rate-limit/q")
    assert await _statuses(server, 3) == [404, 404, 404]


async def test_an_address_that_was_too_fast_waits(server: TestServer) -> None:
    await server.post("sys/mounts/kv", {"type": "kv"})
    await server.post("sys/quotas/config", {"enable_rate_limit_response_headers": True})
    await server.post("sys/quotas/rate-limit/q", {"path": "kv", "rate": 1, "block_interval": 100})
    assert await _statuses(server, 2) == [404, 429]
    server.clock.advance(50)
    refused = await server.get("kv/a")
    assert (refused.status, refused.headers["Retry-After"]) == (429, "50")
    server.clock.advance(51)
    assert await _statuses(server, 1) == [404]


async def test_the_most_particular_rule_counts_alone(server: TestServer) -> None:
    await server.post("sys/mounts/kv", {"type": "kv"})
    for name, path, rate in (("all", "", 1000), ("mount", "kv/", 1), ("part", "kv/wide/*", 3)):
        body = {"path": path, "rate": rate, "interval": 60}
        assert (await server.post(f"sys/quotas/rate-limit/{name}", body)).status == 204
    assert await _statuses(server, 4, "kv/wide/a") == [404, 404, 404, 429]
    assert await _statuses(server, 2) == [404, 429]


async def test_a_rule_for_one_role(server: TestServer) -> None:
    await server.post("sys/auth/m", {"type": "people"})
    await server.post("sys/quotas/rate-limit/q", {"path": "auth/m", "role": "bob", "rate": 1, "interval": 60})
    found = [(await server.post(f"auth/m/login/{who}", {}, token="")).status for who in ("bob", "Bob", "eve", "eve")]
    assert found == [400, 429, 400, 400]


async def test_some_paths_are_never_limited(server: TestServer) -> None:
    await server.post("sys/quotas/config", {"rate_limit_exempt_paths": ["sys/health", "sys/quotas/*"]})
    await server.post("sys/quotas/rate-limit/q", {"path": "", "rate": 1, "interval": 60})
    assert await _statuses(server, 3, "sys/health") == [200, 200, 200]
    assert await _statuses(server, 2, "sys/mounts") == [200, 429]
    assert (await server.get("sys/quotas/config")).data["rate_limit_exempt_paths"] == ["sys/health", "sys/quotas/*"]


async def test_rules_follow_their_mount(server: TestServer) -> None:
    await server.post("sys/mounts/a", {"type": "kv"})
    await server.post("sys/quotas/rate-limit/q", {"path": "a/x/*", "rate": 1})
    await server.post("sys/remount", {"from": "a", "to": "b"})
    assert (await server.get("sys/quotas/rate-limit/q")).data["path"] == "b/x/*"
    await server.delete("sys/mounts/b")
    assert (await server.get("sys/quotas/rate-limit/q")).status == 404


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"group_by": "moon"}, "'group_by' must be one of ip, none, entity_then_ip, entity_then_none"),
        ({"secondary_rate": 5}, "'secondary_rate' is invalid"),
        ({"group_by": "none", "secondary_rate": 5}, "'secondary_rate' is invalid"),
        ({"group_by": "entity_then_ip", "secondary_rate": -1}, "'secondary_rate' is invalid"),
    ],
)
async def test_groups_that_are_refused(server: TestServer, body: dict[str, Any], text: str) -> None:
    answer = await server.post("sys/quotas/rate-limit/x", {"rate": 1, **body})
    assert (answer.status, answer.errors) == (400, [text])


async def test_a_rate_for_each_entity(server: TestServer) -> None:
    await server.post("sys/auth/m", {"type": "people"})
    tokens = []
    for name in ("ann", "bob"):
        await server.post(f"auth/m/users/{name}", {"password": "pw"})
        tokens.append((await server.post(f"auth/m/login/{name}", {"password": "pw"}, token="")).auth["client_token"])
    body = {"path": "auth/token/lookup-self", "rate": 2, "interval": 60, "group_by": "entity_then_ip"}
    await server.post("sys/quotas/rate-limit/q", {**body, "secondary_rate": 1})
    shown = (await server.get("sys/quotas/rate-limit/q")).data
    assert (shown["group_by"], shown["rate"], shown["secondary_rate"]) == ("entity_then_ip", 2, 1)

    async def look(token: str | None) -> int:
        return (await server.get("auth/token/lookup-self", token=token)).status

    assert [await look(tokens[0]) for _ in range(3)] == [200, 200, 429]
    assert [await look(tokens[1]) for _ in range(3)] == [200, 200, 429]
    assert [await look(None) for _ in range(2)] == [200, 429]  # no entity: the address, and its own rate
    assert await look("hvs.unknown") == 429  # neither a token that is none


async def test_a_rate_for_everybody_together(server: TestServer) -> None:
    await server.post("sys/mounts/kv", {"type": "kv"})
    await server.post("sys/quotas/rate-limit/q", {"path": "kv", "rate": 2, "interval": 60, "group_by": "none"})
    assert await _statuses(server, 3) == [404, 404, 429]


async def test_refusals_are_audited_only_when_asked_for(server: TestServer, tmp_path: Path) -> None:
    log = tmp_path / "audit.log"
    await server.post("sys/mounts/kv", {"type": "kv"})
    await server.post("sys/audit/f", {"type": "file", "options": {"file_path": str(log)}})
    await server.post("sys/quotas/rate-limit/q", {"path": "kv", "rate": 1, "interval": 60})
    assert await _statuses(server, 3) == [404, 429, 429]
    assert "exceeded" not in log.read_text()
    await server.post("sys/quotas/config", {"enable_rate_limit_audit_logging": True})
    assert await _statuses(server, 1) == [429]
    assert "exceeded the rate limit q" in log.read_text()
