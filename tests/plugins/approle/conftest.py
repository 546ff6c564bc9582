"""A server with approle mounted, and the few calls that every test makes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from vaultlike.testing.server import Answer, TestServer


class Mount:
    """`auth/approle/` of one server."""

    def __init__(self, server: TestServer) -> None:
        self.server, self.clock = server, server.clock

    async def role(self, name: str = "app", **fields: object) -> None:
        written = await self.server.post(f"auth/approle/role/{name}", {"role_id": f"{name}-id", **fields})
        assert written.status in (200, 204), written

    async def secret(self, role: str = "app", **fields: object) -> dict[str, Any]:
        made = await self.server.post(f"auth/approle/role/{role}/secret-id", fields)
        assert made.status == 200, made
        data: dict[str, Any] = made.data
        return data

    async def login(self, secret_id: object, role_id: object = "app-id", server: TestServer | None = None) -> Answer:
        body = {"role_id": role_id, "secret_id": secret_id}
        return await (server or self.server).post("auth/approle/login", body, token="")

    async def post(self, path: str, body: object = None) -> Answer:
        return await self.server.post(f"auth/approle/{path}", body)

    async def get(self, path: str) -> Answer:
        return await self.server.get(f"auth/approle/{path}")

    async def list(self, path: str) -> Answer:
        return await self.server.list(f"auth/approle/{path}")

    async def delete(self, path: str, body: object = None) -> Answer:
        return await self.server.delete(f"auth/approle/{path}", body=body)


@pytest.fixture
async def mount() -> AsyncIterator[Mount]:
    async with TestServer() as server:
        assert (await server.post("sys/auth/approle", {"type": "approle"})).status == 204
        yield Mount(server)
