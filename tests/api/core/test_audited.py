"""What the audit log holds of requests that went wrong."""

from __future__ import annotations

from pathlib import Path

import msgspec

from vaultlike.mounts.catalog import Plugin
from vaultlike.sdk import Backend, Call, read
from vaultlike.testing.server import TestServer


class Broken(Backend):
    """A method with a bug."""

    kind = "broken"

    @read("thing")
    async def thing(self, call: Call) -> None:
        """Always fails in a way nobody foresaw."""
        raise ZeroDivisionError("canary of the bug")


async def test_a_handler_with_a_bug_leaves_a_whole_record(tmp_path: Path) -> None:
    log = tmp_path / "audit.log"
    async with TestServer() as server:
        server.server.catalog.add(Plugin("broken", True, Broken))
        await server.post("sys/auth/broken", {"type": "broken"})
        await server.call("PUT", "sys/audit/file", {"type": "file", "options": {"file_path": str(log)}})
        answer = await server.get("auth/broken/thing")
        assert (answer.status, answer.errors) == (500, ["internal error"])
        refused = await server.get("auth/broken/nothing")
        assert refused.status == 404
    records = [msgspec.json.decode(line) for line in log.read_text().splitlines()]
    found = [(r["type"], r["request"]["path"], bool(r.get("error"))) for r in records]
    for path in ("auth/broken/thing", "auth/broken/nothing"):
        assert ("request", path, False) in found
        assert ("response", path, True) in found
