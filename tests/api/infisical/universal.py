"""Identities with universal auth, for tests."""

from __future__ import annotations

from typing import Any

import aiohttp

from vaultlike.testing.server import Answer, TestServer

AUTH = "/api/v1/auth/universal-auth"
WRONG = {"statusCode": 401, "message": "Invalid credentials", "error": "UnauthorizedError"}


class Machine:
    """An identity with universal auth."""

    def __init__(self, server: TestServer, identity: str, attached: dict[str, Any]) -> None:
        self.server, self.id, self.attached = server, identity, attached
        self.client_id: str = attached["clientId"]
        self.path = f"{AUTH}/identities/{identity}"

    async def secret(self, **fields: Any) -> dict[str, Any]:
        made = await self.server.post(f"{self.path}/client-secrets", fields)
        assert made.status == 200, made
        found: dict[str, Any] = made.body
        return found

    async def secrets(self) -> list[dict[str, Any]]:
        listed = await self.server.get(f"{self.path}/client-secrets")
        assert listed.status == 200, listed
        found: list[dict[str, Any]] = listed.body["clientSecretData"]
        return found

    async def log_in(self, secret: str, *, client: str = "", server: TestServer | None = None, **more: Any) -> Answer:
        body = {"clientId": client or self.client_id, "clientSecret": secret}
        return await (server or self.server).post(f"{AUTH}/login", body, token="", **more)

    async def change(self, **fields: Any) -> None:
        changed = await self.server.call("PATCH", self.path, fields)
        assert changed.status == 200, changed


async def new_identity(server: TestServer) -> str:
    await server.server.furnish("")
    made = await server.post("organization/identities", {"name": "worker"})
    assert made.status == 200, made
    identity: str = made.data["id"]
    return identity


async def machine(server: TestServer, **fields: Any) -> Machine:
    identity = await new_identity(server)
    attached = await server.post(f"{AUTH}/identities/{identity}", fields)
    assert attached.status == 200, attached
    return Machine(server, identity, attached.body["identityUniversalAuth"])


async def log_in_from(address: str, one: Machine, secret: str) -> int:
    """A login from another address of this host."""
    connector = aiohttp.TCPConnector(local_addr=(address, 0))
    async with aiohttp.ClientSession(connector=connector) as session:
        body = {"clientId": one.client_id, "clientSecret": secret}
        async with session.post(f"{one.server.url}{AUTH}/login", json=body) as response:
            return response.status


def told(answer: Answer) -> dict[str, Any]:
    return {name: answer.body[name] for name in ("statusCode", "message", "error")}
