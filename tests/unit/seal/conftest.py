"""One database in memory, a clock that stands still, and custodians over both: two of them are two nodes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence

import pytest
from pysequoia import Tsk, decrypt

from vaultlike.clock import FakeClock
from vaultlike.seal.barrier import Barrier
from vaultlike.seal.custodian import Custodian
from vaultlike.seal.initialization import InitOrder
from vaultlike.seal.seals import Seals
from vaultlike.storage.engine import Document, Op
from vaultlike.storage.sqlite import SqliteEngine


class SealedMidway:
    """Documents of an engine, whose `victim` is sealed by somebody while it waits for a commit."""

    def __init__(self, engine: SqliteEngine, before: bool) -> None:
        self._engine = engine
        self._before = before
        self.victim: Custodian | None = None

    async def document(self, namespace: str, key: str) -> Document | None:
        return await self._engine.document(namespace, key)

    async def commit(self, ops: Sequence[Op]) -> list[object]:
        if self.victim is not None and self._before:
            self.victim.seal()
        results = await self._engine.commit(ops)
        if self.victim is not None:
            self.victim.seal()
        return results


def opened_by(holder: Tsk, message: bytes) -> str:
    """What the holder of the private key reads."""
    content = decrypt(message, decryptor=holder.decryptor()).bytes
    assert content is not None
    return content.decode()


MakeNode = Callable[..., Custodian]


async def opened(custodian: Custodian) -> str:
    """Initialises with one share of one and unseals; the share, in base64."""
    made = await custodian.initialize(InitOrder(secret_shares=1, secret_threshold=1))
    made.close()
    share = made.issued.keys_base64[0]
    assert isinstance(await custodian.submit(share), Barrier)
    return share


@pytest.fixture
async def engine() -> AsyncIterator[SqliteEngine]:
    engine = SqliteEngine(":memory:")
    await engine.start()
    yield engine
    await engine.stop()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def node(engine: SqliteEngine, clock: FakeClock) -> MakeNode:
    def make(seals: Seals | None = None) -> Custodian:
        return Custodian(engine, seals or Seals(), clock, storage_type="inmem")

    return make
