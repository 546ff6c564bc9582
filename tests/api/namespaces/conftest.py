"""A server with `ns1/`, `ns2/` and `ns1/inner/`, a second server on the same database, and an auth method `desk`."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from msgspec import Struct

from vaultlike.mounts.catalog import Plugin
from vaultlike.sdk import Alias, Backend, Call, Collection, Login, Renewal, TokenParams, login
from vaultlike.testing.server import Answer, TestServer


class LoginBody(Struct, kw_only=True):
    """Who comes."""

    name: str = ""
    role: str = ""


class Desk(Backend):
    """Believes everybody."""

    kind = "desk"
    roles = Collection("role/{name}", TokenParams)

    @login("login", alias="name")
    async def log_in(self, call: Call, body: LoginBody) -> Login:
        """Logs a visitor in."""
        role = await self.roles.find(self.ctx, body.role) or TokenParams()
        return Login(alias=Alias(body.name, {"shoe": body.name}), token=role, display_name=body.name)

    async def renew(self, call: Call, renewal: Renewal) -> TokenParams:
        """Nothing new."""
        return TokenParams()


class Space:
    """Requests to one namespace, by header."""

    def __init__(self, server: TestServer, path: str) -> None:
        self.server, self.path = server, path

    async def call(self, method: str, path: str, body: object = None, **facts: Any) -> Answer:
        """One request."""
        headers = {"X-Vault-Namespace": self.path, **facts.pop("headers", {})}
        return await self.server.call(method, path, body, headers=headers, **facts)

    async def get(self, path: str, **facts: Any) -> Answer:
        """GET."""
        return await self.call("GET", path, **facts)

    async def list(self, path: str, **facts: Any) -> Answer:
        """LIST."""
        return await self.call("LIST", path, **facts)

    async def post(self, path: str, body: object = None, **facts: Any) -> Answer:
        """POST."""
        return await self.call("POST", path, body, **facts)

    async def delete(self, path: str, **facts: Any) -> Answer:
        """DELETE."""
        return await self.call("DELETE", path, **facts)

    async def policy(self, name: str, **paths: str) -> str:
        """Writes a policy; each path (slashes as `__`) with its capabilities, comma separated."""
        text = "".join(
            f'path "{path.replace("__", "/")}" {{ capabilities = {json.dumps(rights.split(","))} }}\n'
            for path, rights in paths.items()
        )
        assert (await self.post(f"sys/policies/acl/{name}", {"policy": text})).status == 204
        return name

    async def token(self, *policies: str, **facts: object) -> str:
        """A token of this namespace."""
        answer = await self.post("auth/token/create", {"policies": policies or ("default",), **facts})
        assert answer.status == 200, answer.body
        text: str = answer.auth["client_token"]
        return text

    async def kv(self, path: str = "secret") -> None:
        """Mounts a kv engine."""
        assert (await self.post(f"sys/mounts/{path}", {"type": "kv"})).status == 204


@pytest.fixture
async def server() -> AsyncIterator[TestServer]:
    async with TestServer() as running:
        running.server.catalog.add(Plugin("desk", True, Desk))
        for path in ("ns1", "ns2"):
            assert (await running.post(f"sys/namespaces/{path}")).status == 200
        assert (await running.post("ns1/sys/namespaces/inner")).status == 200
        yield running


@pytest.fixture
async def second(server: TestServer) -> AsyncIterator[TestServer]:
    """Another process' worth of server on the same database."""
    async with TestServer(path=server.path, clock=server.clock) as running:
        running.server.catalog.add(Plugin("desk", True, Desk))
        await running.server.unseal(server.keys[0])
        yield running


@pytest.fixture
def root(server: TestServer) -> Space:
    return Space(server, "")


@pytest.fixture
def one(server: TestServer) -> Space:
    return Space(server, "ns1")


@pytest.fixture
def two(server: TestServer) -> Space:
    return Space(server, "ns2")


@pytest.fixture
def inner(server: TestServer) -> Space:
    return Space(server, "ns1/inner")
