"""Deletes expired tokens in bounded batches. Tidiness only: validity never depends on it."""

from __future__ import annotations

import asyncio

from vaultlike.clock import Clock
from vaultlike.storage.engine import DeleteExpired, Engine

BATCH = 500  # tokens a transaction, so that logins never wait long behind it


async def sweep(engine: Engine, clock: Clock) -> int:
    """Deletes what has expired by now; returns how many rows went or were marked."""
    return await delete_expired(engine, clock.now())


async def delete_expired(engine: Engine, at: float) -> int:
    """Deletes what had expired at `at` (Unix seconds); returns how many rows went or were marked."""
    total = 0
    while True:
        (count,) = await engine.commit([DeleteExpired(at, BATCH)])
        if not isinstance(count, int) or count == 0:
            return total
        total += count
        await asyncio.sleep(0)
