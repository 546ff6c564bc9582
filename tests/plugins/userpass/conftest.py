"""A server with userpass mounted. Users have cheap imported hashes where a test is not about passwords."""

from __future__ import annotations

from collections.abc import AsyncIterator

import bcrypt
import pytest

from vaultlike.testing.server import Answer, TestServer

CHEAP = bcrypt.hashpw(b"right", bcrypt.gensalt(5)).decode()  # the hash of "right"


class Mount:
    """`auth/userpass/` of one server."""

    def __init__(self, server: TestServer) -> None:
        self.server, self.clock = server, server.clock

    async def user(self, name: str = "ann", **fields: object) -> None:
        written = await self.server.post(f"auth/userpass/users/{name}", {"password_hash": CHEAP, **fields})
        assert written.status in (200, 204), written

    async def login(self, password: object = "right", name: str = "ann", server: TestServer | None = None) -> Answer:
        return await (server or self.server).post(f"auth/userpass/login/{name}", {"password": password}, token="")

    async def post(self, path: str, body: object = None) -> Answer:
        return await self.server.post(f"auth/userpass/{path}", body)

    async def get(self, path: str) -> Answer:
        return await self.server.get(f"auth/userpass/{path}")


@pytest.fixture
async def mount() -> AsyncIterator[Mount]:
    async with TestServer() as server:
        assert (await server.post("sys/auth/userpass", {"type": "userpass"})).status == 204
        yield Mount(server)
