"""A real server with the second API on, as a dev server has it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from vaultlike.clock import FakeClock
from vaultlike.settings import Settings
from vaultlike.testing.server import TestServer

NOW = 1_795_000_000.0
ON = {"name": "", "enabled": "true", "bootstrap": "true", "allow_internal_ip_connections": "true"}


@pytest_asyncio.fixture
async def server() -> AsyncIterator[TestServer]:
    """Nothing made yet, but for the root token."""
    settings = Settings(stanzas={"infisical": (ON,)}, api_addr="https://vaultlike.test")
    async with TestServer(clock=FakeClock(NOW), settings=settings) as running:
        yield running


@pytest_asyncio.fixture
async def two(server: TestServer) -> AsyncIterator[TestServer]:
    """A second server on the same database."""
    settings = Settings(stanzas={"infisical": (ON,)}, api_addr="https://vaultlike.test")
    async with TestServer(path=server.path, clock=server.clock, settings=settings) as second:
        await second.server.unseal(server.keys[0])
        yield second
