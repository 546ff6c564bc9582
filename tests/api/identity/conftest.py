"""A running server with an auth method whose users say themselves which groups they are in, mounted at `auth/club/`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

import pytest
from msgspec import Struct, field

from vaultlike.mounts.catalog import Plugin
from vaultlike.sdk import Alias, Backend, Call, Login, Renewal, TokenParams, login
from vaultlike.settings import Settings
from vaultlike.testing.server import TestServer
from vaultlike.types import Names, Pairs

ADDRESS = "https://vault.example.com:8200"


class Ticket(Struct, kw_only=True):
    """What a user says."""

    groups: Names = ()
    metadata: Pairs = field(default_factory=dict)


class Club(Backend):
    """Believes everything."""

    kind = "club"

    @login("login/{name}", role="name", alias="name")
    async def log_in(self, call: Call, body: Ticket) -> Login:
        """Logs anybody in."""
        return Login(alias=Alias(call.name, body.metadata), token=TokenParams(), groups=body.groups)

    async def renew(self, call: Call, renewal: Renewal) -> TokenParams:
        """The same again."""
        return TokenParams()


class ClubServer(TestServer):
    """The server and its club."""

    club = ""  # the mount's accessor

    async def log_in(self, name: str, groups: tuple[str, ...] = (), metadata: Mapping[str, str] | None = None) -> str:
        """The token of a user who says to be in these groups."""
        body = {"groups": groups, "metadata": metadata or {}}
        answer = await self.post(f"auth/club/login/{name}", body, token="")
        token: str = answer.auth["client_token"]
        return token

    async def policies_of(self, token: str) -> list[str]:
        """The policies that a token has from its identity, now."""
        answer = await self.get("auth/token/lookup-self", token=token)
        found: list[str] = answer.data.get("identity_policies") or []
        return found


@pytest.fixture
async def server() -> AsyncIterator[ClubServer]:
    running = ClubServer(settings=Settings(api_addr=ADDRESS))
    async with running:
        running.server.catalog.add(Plugin("club", True, Club))
        await running.post("sys/auth/club", {"type": "club"})
        running.club = (await running.get("sys/auth/club")).data["accessor"]
        yield running
