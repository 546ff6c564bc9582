"""Two real servers: one is the key service with a transit engine, others unseal through it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from vaultlike.seal.configured import Stanza
from vaultlike.testing.server import TestServer

POLICY = """
path "transit/encrypt/unseal" { capabilities = ["update"] }
path "transit/decrypt/unseal" { capabilities = ["update"] }
"""


class KeyService:
    """A server with a transit key, and a token that may use that key alone. It can go away and come back."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.server = TestServer(path=path)
        self.token = ""

    async def start(self) -> None:
        """Starts it on a new port, over the same database as before."""
        keys, self.server = self.server.keys, TestServer(path=self._path, clock=self.server.clock)
        await self.server.__aenter__()
        if keys:
            self.server.keys = keys
            await self.server.server.unseal(keys[0])
            return
        assert (await self.server.post("sys/mounts/transit", {"type": "transit"})).status == 204
        assert (await self.server.post("transit/keys/unseal")).status == 200
        assert (await self.server.post("sys/policies/acl/unseal", {"policy": POLICY})).status == 204
        self.token = await self.server.token("unseal", period="24h", no_parent=True)

    async def stop(self) -> None:
        await self.server.__aexit__(None, None, None)

    def stanza(self, name: str = "transit", *, disabled: bool = False, **settings: str) -> Stanza:
        """The seal of a server that unseals through this one."""
        facts = {"address": self.server.url, "token": self.token, "key_name": "unseal", **settings}
        return Stanza("transit", name, facts, disabled)


def static(name: str = "static", key: str = "11" * 32, *, disabled: bool = False) -> Stanza:
    """A seal with a key of its own."""
    return Stanza("static", name, {"current_key_id": name, "current_key": key}, disabled)


@pytest.fixture
async def provider(tmp_path: Path) -> AsyncIterator[KeyService]:
    made = KeyService(tmp_path / "provider.db")
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
async def second(tmp_path: Path) -> AsyncIterator[KeyService]:
    made = KeyService(tmp_path / "second.db")
    await made.start()
    yield made
    await made.stop()


Serve = Callable[..., TestServer]


@pytest.fixture
def serve(tmp_path: Path) -> Serve:
    """A server over one and the same database each time: `async with serve(stanza): ...` is one run of it."""

    def make(*seals: Stanza, unsealed: bool = True) -> TestServer:
        return TestServer(path=tmp_path / "served.db", seals=seals, unsealed=unsealed)

    return make
