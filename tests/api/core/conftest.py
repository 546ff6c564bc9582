"""A running server, a second one on the same database, and `desk`: an auth method with roles and one bound."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Annotated, Any

import pytest
from msgspec import Struct

from vaultlike.mounts.catalog import Plugin
from vaultlike.sdk import Alias, Backend, Bound, Call, Collection, Login, Renewal, TokenParams, enforce, login
from vaultlike.testing.server import TestServer
from vaultlike.types import Names


class Role(TokenParams, kw_only=True):
    """Who may come in: those with one of the colours."""

    bound_colors: Annotated[Names, Bound("color")] = ()


class LoginBody(Struct, kw_only=True):
    """What a visitor says."""

    role: str = ""
    name: str = ""
    color: str = ""


class Desk(Backend):
    """Believes names, tests colours."""

    kind = "desk"
    roles = Collection("role/{name}", Role)

    @login("login", role="role", alias="name")
    async def log_in(self, call: Call, body: LoginBody) -> Login:
        """Logs a visitor in."""
        role = await self.roles.find(self.ctx, body.role) or Role()
        enforce(call, role, {"color": body.color})
        return Login(
            alias=Alias(body.name, {"color": body.color}),
            token=role,
            role=body.role,
            display_name=body.name,
            metadata={"role": body.role},
            memo={"role": body.role},
        )

    async def renew(self, call: Call, renewal: Renewal) -> TokenParams:
        """Today's role."""
        return await self.roles.find(self.ctx, renewal.memo["role"]) or Role()


class House:
    """Servers over one database, all with the same keys and clock."""

    def __init__(self, stack: AsyncExitStack, first: TestServer) -> None:
        self._stack, self.first = stack, first

    async def another(self) -> TestServer:
        """One more process' worth of server on the same database, unsealed."""
        server = TestServer(path=self.first.path, clock=self.first.clock)
        await self._stack.enter_async_context(server)
        server.server.catalog.add(Plugin("desk", True, Desk))
        await server.server.unseal(self.first.keys[0])
        return server


@pytest.fixture
async def house() -> AsyncIterator[House]:
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(TestServer())
        first.server.catalog.add(Plugin("desk", True, Desk))
        yield House(stack, first)


@pytest.fixture
async def server(house: House) -> TestServer:
    return house.first


async def open_desk(server: TestServer, path: str = "desk", **role: Any) -> None:
    """Mounts a desk with a role `r` for the red."""
    assert (await server.post(f"sys/auth/{path}", {"type": "desk"})).status == 204
    body = {"bound_colors": "red", **role}
    assert (await server.post(f"auth/{path}/role/r", body)).status in (200, 204)


async def come_in(server: TestServer, path: str = "desk", **body: Any) -> Any:
    """A login by the role `r` with the right colour, unless `body` says otherwise."""
    return await server.post(f"auth/{path}/login", {"role": "r", "name": "ann", "color": "red", **body}, token="")


async def policy(server: TestServer, name: str, **paths: str) -> str:
    """Writes a policy; each path (slashes as `__`) with its capabilities, comma separated. Returns the name."""
    stanzas = [
        f'path "{path.replace("__", "/")}" {{ capabilities = ["{caps.replace(",", chr(34) + ", " + chr(34))}"] }}'
        for path, caps in paths.items()
    ]
    assert (await server.post(f"sys/policies/acl/{name}", {"policy": "\n".join(stanzas)})).status == 204
    return name
