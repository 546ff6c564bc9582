"""`sys/metrics`: what was counted, under the names that dashboards know."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

from vaultlike.mounts.catalog import Plugin
from vaultlike.mounts.gauges import OF_A_MOUNT
from vaultlike.sdk import Backend, Gauge
from vaultlike.testing.server import TestServer


async def counted(server: TestServer) -> dict[str, Any]:
    body = (await server.get("sys/metrics")).body
    found = {}
    for one in [*body["Counters"], *body["Samples"]]:
        found[one["Name"].removeprefix("vault.") + one["Labels"].get("type", "")] = one["Count"]
    return found


async def test_requests_by_how_they_ended(server: TestServer, tmp_path: Path) -> None:
    await server.post("sys/auth/p", {"type": "people"})
    await server.post("auth/p/users/bob", {"password": "pw"})
    before = await counted(server)
    await server.post("auth/p/login/bob", {"password": "pw"}, token="")
    await server.post("auth/p/login/bob", {"password": "no"}, token="")
    await server.get("sys/none")
    await server.token("default")
    after = await counted(server)
    gained = {name: after[name] - before[name] for name in after if after[name] != before[name]}
    assert gained == {
        "core.handle_request": 5,  # the reading of the metrics itself among them
        "core.handle_login_request": 1,
        "core.response_status_code2xx": 3,
        "core.response_status_code4xx": 2,
    }


async def test_what_limits_and_the_audit_refused(server: TestServer, tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    file = folder / "audit.log"
    await server.post("sys/quotas/rate-limit/q", {"path": "sys/mounts", "rate": 1, "interval": 60})
    for _ in range(3):
        await server.get("sys/mounts")
    await server.post("sys/audit/f", {"type": "file", "options": {"file_path": str(file)}})
    core = server.server.core
    assert core is not None
    file.unlink()
    file.mkdir()
    core.audit.reopen()
    assert (await server.get("sys/auth")).status == 500
    file.rmdir()
    server.clock.advance(60)
    found = await counted(server)
    assert found["quota.rate_limit.violation"] == 2
    assert found["audit.log_request_failure"] == 1
    assert found["core.response_status_code5xx"] == 1


async def test_for_prometheus(server: TestServer) -> None:
    await server.get("sys/none")
    text = (await server.get("sys/metrics?format=prometheus")).body.decode()
    lines = text.splitlines()
    assert 'vault_core_response_status_code{type="4xx"} 1' in lines
    assert lines.count("# TYPE vault_core_response_status_code counter") == 1
    assert "# TYPE vault_core_handle_request summary" in lines
    assert any(line.startswith("vault_core_handle_request_count ") for line in lines)
    assert "vault_core_active 1" in lines
    for line in lines:
        assert line.startswith("#") or (len(line.rsplit(" ", 1)) == 2 and float(line.rsplit(" ", 1)[1]) >= 0)


class Dials(Backend):
    """A method that shows numbers."""

    kind = "dials"
    given: ClassVar[list[Gauge]] = []

    def gauges(self) -> Iterator[Gauge]:
        """What the test has set."""
        for one in self.given:
            if one.help == "fail":
                raise RuntimeError("no numbers today")
            yield one


async def dials(server: TestServer, *given: Gauge, path: str = "d", namespace: str = "") -> list[dict[str, Any]]:
    if server.server.catalog.find("dials", auth=True) is None:
        server.server.catalog.add(Plugin("dials", True, Dials))
    Dials.given = list(given)
    await server.post(f"{namespace}sys/auth/{path}", {"type": "dials"})
    body = (await server.get("sys/metrics")).body
    return [one for one in body["Gauges"] if one["Name"].startswith("vault.mount.")]


async def test_a_backend_that_fails_is_left_out(server: TestServer) -> None:
    assert await dials(server, Gauge("a", 1, ""), Gauge("b", 1, "fail")) == []
    assert [one["Name"] for one in await dials(server, Gauge("a", 1, ""))] == ["vault.mount.a"]


async def test_a_backend_cannot_flood(server: TestServer) -> None:
    many = [Gauge("a", 1, "", (("n", str(number)),)) for number in range(10_000)]
    assert len(await dials(server, *many)) == OF_A_MOUNT
    long = await dials(server, *(Gauge("a", 1, "", (("n", "x" * 300 + str(number)),)) for number in range(9)))
    assert [len(one["Labels"]["n"]) for one in long] == [256]
    assert await dials(server, Gauge("a", math.nan, ""), Gauge("b", math.inf, "")) == []


async def test_gauges_of_mounts(server: TestServer) -> None:
    await server.post("sys/namespaces/team", {})
    one = Gauge("queue.seconds", 86_400.125, "How long.", (("to", 'a"b\\c\nd'),))
    shown = await dials(server, one, namespace="team/")
    assert [(each["Value"], each["Labels"]) for each in shown] == [
        (86_400.125, {"namespace": "team/", "mount": "auth/d/", "to": 'a"b\\c\nd'})
    ]
    assert len(await dials(server, one)) == 2
    lines = (await server.get("sys/metrics?format=prometheus")).body.decode().splitlines()
    at = lines.index("# HELP vault_mount_queue_seconds How long.")
    rest = 'mount="auth/d/",to="a\\"b\\\\c\\nd"} 86400.125'
    assert lines[at + 1 : at + 4] == [
        "# TYPE vault_mount_queue_seconds gauge",
        f'vault_mount_queue_seconds{{namespace="root",{rest}',
        f'vault_mount_queue_seconds{{namespace="team/",{rest}',
    ]
    assert lines.count("# TYPE vault_mount_queue_seconds gauge") == 1
