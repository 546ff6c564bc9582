"""What was acknowledged survives `kill -9` of the server (DESIGN.md, promise 8)."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import aiohttp

from tests.api.running import Running
from vaultlike.testing.process import free_port

CLIENTS = 20
ENOUGH = 300  # acknowledged tokens before the kill; more are on their way then


async def test_no_acknowledged_token_is_lost(tmp_path: Path) -> None:
    port = free_port()
    config = tmp_path / "server.hcl"
    config.write_text(
        f'storage "sqlite" {{ path = "{tmp_path}/v.db" }}\n'
        f'listener "tcp" {{\n address = "127.0.0.1:{port}"\n tls_disable = true\n}}\n'
    )
    with Running(tmp_path, port, f"-config={config}") as server:
        made = server.call("PUT", "sys/init", {"secret_shares": 1, "secret_threshold": 1})[1]
        assert server.call("PUT", "sys/unseal", {"key": made["keys"][0]})[1]["sealed"] is False
        acknowledged = await _create_until_killed(server, made["root_token"])
        assert server.process.wait(20) == -signal.SIGKILL
    assert ENOUGH <= len(acknowledged) < 1000, "the kill was not in the middle"
    with Running(tmp_path, port, f"-config={config}") as server:
        assert server.call("PUT", "sys/unseal", {"key": made["keys"][0]})[1]["sealed"] is False
        lost = [token for token in acknowledged if server.call("GET", "auth/token/lookup-self", token=token)[0] != 200]
        assert not lost
        assert server.call("POST", "auth/token/create", {}, made["root_token"])[0] == 200


async def _create_until_killed(server: Running, root: str) -> list[str]:
    """A thousand creations by many clients at a time, the server killed in their middle; what was acknowledged."""
    acknowledged: list[str] = []
    left = iter(range(1000))

    async def client(session: aiohttp.ClientSession) -> None:
        url = f"http://127.0.0.1:{server.port}/v1/auth/token/create"
        for _ in left:
            try:
                async with session.post(url, json={"ttl": "1h"}, headers={"X-Vault-Token": root}) as answer:
                    assert answer.status == 200
                    token = (await answer.json())["auth"]["client_token"]
            except (aiohttp.ClientError, ConnectionError):
                return
            acknowledged.append(token)
            if len(acknowledged) == ENOUGH:
                server.send(signal.SIGKILL)

    async with aiohttp.ClientSession() as session:
        await asyncio.gather(*(client(session) for _ in range(CLIENTS)))
    return acknowledged
