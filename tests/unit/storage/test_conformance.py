"""Both shapes of the SQLite engine keep the contract."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from vaultlike.storage.engine import Engine
from vaultlike.storage.sqlite import SqliteEngine
from vaultlike.testing.storage import StorageConformance


class TestMemory(StorageConformance):
    @pytest.fixture
    async def engine(self) -> AsyncIterator[Engine]:
        engine = SqliteEngine(":memory:")
        await engine.start()
        yield engine
        await engine.stop()


class TestFile(StorageConformance):
    @pytest.fixture
    async def engine(self, tmp_path: Path) -> AsyncIterator[Engine]:
        engine = SqliteEngine(str(tmp_path / "v.db"))
        await engine.start()
        yield engine
        await engine.stop()
