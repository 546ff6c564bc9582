"""A real server with the method mounted at `auth/jwt`, shared by the tests of a module."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio

from tests.plugins.jwt.provider import Provider, Signer
from vaultlike.clock import FakeClock
from vaultlike.testing.server import Answer, TestServer

NOW = 1_795_000_000.0


class Stage:
    """The server, a provider beside it, and keys that the mount `auth/jwt` believes."""

    def __init__(self, server: TestServer, provider: Provider) -> None:
        self.server, self.provider = server, provider
        self.fresh = False  # whether mount and role are as the fixture makes them
        self.signer, self.second, self.stranger = Signer("k1"), Signer("k2", "EC"), Signer("k1")

    @property
    def now(self) -> float:
        return self.server.clock.now()

    def claims(self, **more: Any) -> dict[str, Any]:
        facts = {"iss": "https://issuer.test", "sub": "alice", "aud": "vault", "iat": self.now, "exp": self.now + 300}
        return {name: value for name, value in {**facts, **more}.items() if value is not ...}

    def token(self, **more: Any) -> str:
        return self.signer.sign(self.claims(**more))

    async def mount(self, path: str, kind: str = "jwt", **config: Any) -> None:
        self.fresh = False
        await self.server.delete(f"sys/auth/{path}")
        assert (await self.server.post(f"sys/auth/{path}", {"type": kind})).status == 204
        if config:
            written = await self.server.post(f"auth/{path}/config", config)
            assert written.status == 204, written

    async def role(self, name: str = "r", mount: str = "jwt", **fields: Any) -> None:
        self.fresh = False
        facts = {"role_type": "jwt", "user_claim": "sub", "bound_audiences": "vault", **fields}
        await self.server.delete(f"auth/{mount}/role/{name}")
        written = await self.server.post(f"auth/{mount}/role/{name}", facts)
        assert written.status in (200, 204), written

    async def login(self, jwt: Any, role: str = "r", mount: str = "jwt", **more: Any) -> Answer:
        return await self.server.post(f"auth/{mount}/login", {"role": role, "jwt": jwt, **more}, token="")

    async def checks(self, answer: Answer) -> list[dict[str, Any]]:
        request = answer.headers.get("X-Request-Id") or answer.body["request_id"]
        explained = await self.server.get(f"sys/explain/{request}")
        checks: list[dict[str, Any]] = explained.data["checks"]
        return checks

    async def failed(self, answer: Answer) -> list[str]:
        return [check["name"] for check in await self.checks(answer) if not check["ok"]]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared() -> AsyncIterator[Stage]:
    async with TestServer(clock=FakeClock(NOW)) as server:
        provider = Provider(server.clock.now)
        await provider.start()
        stage = Stage(server, provider)
        yield stage
        await provider.stop()


@pytest_asyncio.fixture(loop_scope="module")
async def stage(shared: Stage) -> AsyncIterator[Stage]:
    """The shared stage with a mount and a role as they were."""
    if not shared.fresh:
        keys = [shared.signer.pem, shared.second.pem]
        await shared.mount("jwt", jwt_validation_pubkeys=keys)
        await shared.role()
        shared.fresh = True
    yield shared
