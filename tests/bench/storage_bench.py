"""Measures the SQLite engine: bytes per login token, reads, group commit with one and with two processes.

    python tests/bench/storage_bench.py [tokens]        (default 100000)

Figures of one machine compare versions of the code with each other, not machines.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path

from vaultlike.storage.engine import InsertToken, PutDocument, TokenRow, UseToken
from vaultlike.storage.sqlite import SqliteEngine

NOW = 1_767_225_600.0


def login_token(entities: list[str], uses_left: int | None = None) -> TokenRow:
    """A token as a cloud login makes it: no parent, an entity, an expiry, 200 sealed bytes."""
    number = int.from_bytes(os.urandom(2), "big")
    return TokenRow(
        id=os.urandom(32),
        namespace="root",
        mount=f"auth_azure_{number % 3:08x}",
        path=f"auth/azure-{number % 3}/login",
        role=f"role-{number % 50}",
        entity=entities[number % len(entities)],
        expires_at=NOW + number,
        uses_left=uses_left,
        sealed=os.urandom(200),
    )


async def insert(engine: SqliteEngine, count: int, concurrency: int) -> list[float]:
    """Single-token commits from `concurrency` clients; the latency of each in seconds."""
    entities = [str(uuid.uuid4()) for _ in range(1000)]
    latencies: list[float] = []

    async def client(share: int) -> None:
        for _ in range(share):
            begin = time.perf_counter()
            await engine.commit([InsertToken(login_token(entities))])
            latencies.append(time.perf_counter() - begin)

    await asyncio.gather(*(client(count // concurrency) for _ in range(concurrency)))
    return sorted(latencies)


def show(text: str) -> None:
    """One line of the report."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


async def rate(label: str, count: int, call: Callable[[int], Awaitable[object]]) -> None:
    """Microseconds per call, one after the other."""
    begin = time.perf_counter()
    for number in range(count):
        await call(number)
    show(f"{label:34s} {(time.perf_counter() - begin) / count * 1e6:8.1f} us")


async def fill(engine: SqliteEngine, path: str, count: int) -> list[bytes]:
    """Adds tokens in large commits and prints what each costs on disk."""
    entities = [str(uuid.uuid4()) for _ in range(max(count // 10, 1))]
    ids: list[bytes] = []
    empty = os.path.getsize(path)
    for _ in range(count // 1000):
        rows = [login_token(entities) for _ in range(1000)]
        await engine.commit([InsertToken(row) for row in rows])
        ids += [row.id for row in rows[::100]]
    await engine.stop()
    show(f"{'bytes on disk per login token':34s} {(os.path.getsize(path) - empty) / count:8.1f}")
    await engine.start()
    return ids


async def report(engine: SqliteEngine, label: str, count: int, concurrency: int) -> None:
    """Throughput and latency of single-token commits."""
    before = engine.transactions
    begin = time.perf_counter()
    latencies = await insert(engine, count, concurrency)
    spent = time.perf_counter() - begin
    show(
        f"{label:34s} {len(latencies) / spent:8.0f} /s  p50 {latencies[len(latencies) // 2] * 1e3:.1f} ms"
        f"  p99 {latencies[len(latencies) * 99 // 100] * 1e3:.1f} ms"
        f"  {len(latencies) / (engine.transactions - before):.1f} commits a transaction"
    )


async def busy(stop: asyncio.Event, engine: SqliteEngine, ids: list[bytes]) -> None:
    """A loop that is never idle, as under load: lookups between the commits."""
    number = 0
    while not stop.is_set():
        for _ in range(5):
            number += 1
            await engine.token(ids[number % len(ids)])
        await asyncio.sleep(0)


async def main(count: int) -> None:
    path = str(Path(tempfile.mkdtemp(prefix="storage-bench-")) / "bench.db")
    engine = SqliteEngine(path)
    await engine.start()
    try:
        ids = await fill(engine, path, count)
        await rate("token by id, with generation", 20_000, lambda n: engine.token(ids[n % len(ids)]))
        await rate("token unknown", 20_000, lambda n: engine.token(n.to_bytes(32, "big")))
        await engine.commit([PutDocument("root", f"auth/azure/role/{n}", b"x" * 500) for n in range(1000)])
        await rate("document", 20_000, lambda n: engine.document("root", f"auth/azure/role/{n % 1000}"))
        await engine.commit([PutDocument("root", f"wide/a/{n:06}", b"") for n in range(50_000)])
        await rate("children of 2 names, 50k leaves", 1000, lambda n: engine.children("root", "wide/"))
        for clients in (1, 16, 128, 512):
            await report(engine, f"insert, {clients} clients", max(min(clients * 100, 10_000), 1000), clients)
        await rate("use of a token, one client", 500, lambda n: engine.commit([UseToken(ids[n % len(ids)])]))
        stop = asyncio.Event()
        load = asyncio.create_task(busy(stop, engine, ids))
        await report(engine, "insert, 64 clients, busy loop", 5000, 64)
        stop.set()
        await load
        child = [sys.executable, __file__, "--child", path]
        other = subprocess.Popen(child)
        await asyncio.sleep(0.5)
        await report(engine, "two processes, 64 clients: one", 8000, 64)
        other.wait()
    finally:
        await engine.stop()


async def second(path: str) -> None:
    engine = SqliteEngine(path)
    await engine.start()
    await report(engine, "two processes, 64 clients: other", 8000, 64)
    await engine.stop()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        asyncio.run(second(sys.argv[2]))
    else:
        asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000))
