"""A running server with a small auth method of its own, `people`: users with passwords, for tests of `sys/*`."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from msgspec import Struct

from vaultlike.errors import Invalid
from vaultlike.mounts.catalog import Plugin
from vaultlike.sdk import Alias, Backend, Call, Collection, Login, Renewal, TokenParams, login
from vaultlike.testing.server import TestServer


class User(TokenParams, kw_only=True):
    """A user; the password is shown by reads, which is fine in tests."""

    password: str = ""


class LoginBody(Struct, kw_only=True):
    """The password."""

    password: str = ""


class People(Backend):
    """Users with passwords."""

    kind = "people"
    users = Collection("users/{name}", User)

    @login("login/{name}", role="name", alias="name")
    async def log_in(self, call: Call, body: LoginBody) -> Login:
        """Logs a user in."""
        user = await self.users.find(self.ctx, call.name)
        if user is None or user.password != body.password:
            raise Invalid("invalid username or password")
        return Login(alias=Alias(call.name), token=user, display_name=call.name, memo={"user": call.name})

    async def renew(self, call: Call, renewal: Renewal) -> TokenParams:
        """Today's parameters."""
        return await self.users.find(self.ctx, renewal.memo["user"]) or TokenParams()


@pytest.fixture
async def server() -> AsyncIterator[TestServer]:
    """An unsealed server that knows `people` (also as `userpass` and `approle`)."""
    async with TestServer() as running:
        for kind in ("people", "userpass", "approle"):
            if running.server.catalog.find(kind, auth=True) is None:
                running.server.catalog.add(Plugin(kind, True, People))
        yield running
