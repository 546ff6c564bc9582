"""An issuer and a group store over a real database in a temporary file."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from vaultlike.clock import FakeClock
from vaultlike.identity.groups import GroupStore
from vaultlike.identity.issuer import Issuer
from vaultlike.storage.sqlite import SqliteEngine
from vaultlike.storage.view import DecodedCache, Generation, View

ADDRESS = "https://vault.example.com:8200"


class OpenSealer:
    """Seals nothing: what is tested here does not look at the sealed form."""

    def seal(self, context: bytes, plaintext: bytes) -> bytes:
        return plaintext

    def open(self, context: bytes, sealed: bytes) -> bytes:
        return sealed


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[SqliteEngine]:
    engine = SqliteEngine(str(tmp_path / "test.db"))
    await engine.start()
    yield engine
    await engine.stop()


class Nodes:
    """Several servers over one database: each call makes another one, with a cache of its own."""

    def __init__(self, engine: SqliteEngine, clock: FakeClock) -> None:
        self._engine, self._clock = engine, clock

    def _view(self, folder: str) -> tuple[View, Generation]:
        generation = Generation(1)
        return View(self._engine, OpenSealer(), "", folder, cache=DecodedCache(generation)), generation

    def issuer(self, address: str = ADDRESS) -> Issuer:
        return Issuer(self._view("oidc/")[0], self._clock, os.urandom, address)

    def groups(self) -> tuple[GroupStore, Generation]:
        view, generation = self._view("groups/")
        return GroupStore(view, self._clock, os.urandom), generation


@pytest.fixture
def nodes(engine: SqliteEngine, clock: FakeClock) -> Nodes:
    return Nodes(engine, clock)
