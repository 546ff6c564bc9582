"""What only the SQLite engine promises: clear errors at start, grouping, cancellation, backpressure, plans."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from vaultlike.storage.columns import hex_floor, milliseconds, pack_uuid, unpack_uuid, upper
from vaultlike.storage.engine import (
    Conflict,
    DeleteTokensOf,
    InsertToken,
    PutAlias,
    PutDocument,
    StorageUnavailable,
    TokenRow,
)
from vaultlike.storage.schema import APPLICATION_ID, MIGRATIONS, VERSION
from vaultlike.storage.sqlite import SqliteEngine
from vaultlike.testing.storage import NS, token, token_id


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[SqliteEngine]:
    engine = SqliteEngine(str(tmp_path / "v.db"), max_waiting=50)
    await engine.start()
    yield engine
    await engine.stop()


async def refused(path: Path) -> str:
    engine = SqliteEngine(str(path))
    with pytest.raises(StorageUnavailable) as caught:
        await engine.start()
    with pytest.raises(StorageUnavailable):
        await engine.commit([])
    await engine.stop()
    return caught.value.reason


async def test_files_that_cannot_be_used_say_why(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_bytes(b"no database at all, but long enough to look at" * 100)
    assert "file is not a database" in await refused(tmp_path / "text.db")
    assert "No such file or directory" in await refused(tmp_path / "missing" / "v.db")
    (tmp_path / "folder").mkdir()
    assert "cannot open" in await refused(tmp_path / "folder")
    with sqlite3.connect(tmp_path / "foreign.db") as db:
        db.execute("CREATE TABLE theirs (a)")
    assert "another program" in await refused(tmp_path / "foreign.db")


async def test_a_newer_file_is_used_only_while_it_allows_it(tmp_path: Path, engine: SqliteEngine) -> None:
    await engine.commit([PutDocument(NS, "a", b"1")])
    await engine.stop()
    db = sqlite3.connect(tmp_path / "v.db", isolation_level=None)
    db.execute("UPDATE schema_version SET version = ?, needs = ?", (VERSION + 1, VERSION))
    await engine.start()
    assert await engine.document(NS, "a") is not None
    await engine.stop()
    db.execute("UPDATE schema_version SET needs = ?", (VERSION + 1,))
    assert "upgrade the server" in await refused(tmp_path / "v.db")
    assert db.execute("PRAGMA application_id").fetchone()[0] == APPLICATION_ID
    db.close()


async def test_a_file_of_the_first_schema_is_brought_up_to_date(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "old.db", isolation_level=None) as db:
        db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        db.execute("CREATE TABLE schema_version (version INTEGER NOT NULL, needs INTEGER NOT NULL)")
        db.execute("INSERT INTO schema_version VALUES (1, 1)")
        for statement in MIGRATIONS[0].statements:
            db.execute(statement)
        db.execute("INSERT INTO entities VALUES ('e', 'root', 'e', 'e', 1, x'')")
        for name in ("Kim", "KIM", "Ösi"):
            db.execute(f"INSERT INTO aliases VALUES ('{name}', 'root', 'm', '{name}', 'e', 1, x'')")
    engine = SqliteEngine(str(tmp_path / "old.db"))
    await engine.start()
    found = {name: await engine.alias(NS, "m", name) for name in ("Kim", "KIM", "kim", "öSI", "kai")}
    ids = {name: row.id if row is not None else None for name, row in found.items()}
    assert ids.pop("kim") in ("Kim", "KIM")
    assert ids == {"Kim": "Kim", "KIM": "KIM", "öSI": "Ösi", "kai": None}  # names that were two stay two
    kim = found["Kim"]
    assert kim is not None and kim.seen_at is None
    await engine.commit([PutAlias(replace(kim, sealed=b"new"), expect=1)])
    with pytest.raises(Conflict):
        await engine.commit([PutAlias(replace(kim, name="KIM"))])
    with sqlite3.connect(tmp_path / "old.db") as db:  # a program of the first version, beside this one
        db.execute("INSERT INTO aliases (id, namespace, mount, name, entity, version, sealed) VALUES "
                   "('late', 'root', 'm', 'Late', 'e', 1, x'')")  # fmt: skip
    late = await engine.alias(NS, "m", "Late")
    assert late is not None and await engine.alias(NS, "m", "late") is None
    await engine.commit([PutAlias(late)])
    assert (await engine.alias(NS, "m", "late")) == replace(late, version=2)
    await engine.stop()


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes to read-only files")
async def test_a_read_only_file_is_refused_at_start(tmp_path: Path, engine: SqliteEngine) -> None:
    await engine.stop()
    (tmp_path / "v.db").chmod(0o400)
    assert "cannot open" in await refused(tmp_path / "v.db")


async def test_only_the_owner_may_read_the_files(tmp_path: Path, engine: SqliteEngine) -> None:
    await engine.commit([PutDocument(NS, "a", b"")])
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert modes == {"v.db": 0o600, "v.db-wal": 0o600, "v.db-shm": 0o600, "v.db.lock": 0o600}
    await engine.stop()
    (tmp_path / "v.db").chmod(0o644)
    await engine.start()
    assert stat.S_IMODE((tmp_path / "v.db").stat().st_mode) == 0o600


async def test_a_full_disk_fails_all_waiters_and_the_engine_goes_on(engine: SqliteEngine) -> None:
    writer = engine._writer
    assert writer is not None
    await writer.run(lambda db: db.execute("PRAGMA max_page_count = 40").fetchall())
    big = [engine.commit([PutDocument(NS, f"k{i}", b"x" * 100_000)]) for i in range(5)]
    results = await asyncio.gather(*big, return_exceptions=True)
    assert all(isinstance(result, StorageUnavailable) and "full" in result.reason for result in results)
    assert await engine.keys(NS, "") == []
    await writer.run(lambda db: db.execute("PRAGMA max_page_count = 100000").fetchall())
    assert await engine.commit([PutDocument(NS, "k", b"x" * 100_000)]) == [1]


async def test_a_foreign_lock_is_an_error_after_a_bounded_wait(tmp_path: Path) -> None:
    engine = SqliteEngine(str(tmp_path / "v.db"), busy_seconds=0.02)
    await engine.start()
    foreign = sqlite3.connect(tmp_path / "v.db", isolation_level=None)
    foreign.execute("BEGIN IMMEDIATE")
    with pytest.raises(StorageUnavailable) as caught:
        await engine.commit([PutDocument(NS, "a", b"")])
    assert "locked" in caught.value.reason
    assert await engine.keys(NS, "") == []  # reads go on
    foreign.execute("ROLLBACK")
    foreign.close()
    assert await engine.commit([PutDocument(NS, "a", b"")]) == [1]
    await engine.stop()


async def test_a_damaged_page_is_unavailable_storage_for_reads_and_writes(tmp_path: Path, engine: SqliteEngine) -> None:
    await engine.commit([PutDocument(NS, f"k{i:05}", b"x" * 500) for i in range(2000)])
    await engine.stop()
    with open(tmp_path / "v.db", "r+b") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(size // 3)
        file.write(b"\xff" * (size // 2))
    await engine.start()
    with pytest.raises(StorageUnavailable):
        await engine.documents(NS, "")
    with pytest.raises(StorageUnavailable):
        await engine.commit([PutDocument(NS, f"k{i:05}", b"y") for i in range(2000)])


async def test_waiting_commits_share_one_transaction(engine: SqliteEngine) -> None:
    before = engine.transactions
    await asyncio.gather(*(engine.commit([InsertToken(token(f"t{i}"))]) for i in range(50)))
    assert engine.transactions - before <= 2
    assert await engine.count_tokens() == 50


async def test_too_many_waiting_are_refused(engine: SqliteEngine) -> None:
    many = [engine.commit([InsertToken(token(f"t{i}"))]) for i in range(60)]
    results = await asyncio.gather(*many, return_exceptions=True)
    assert [isinstance(result, StorageUnavailable) for result in results] == [False] * 50 + [True] * 10
    assert await engine.count_tokens() == 50


async def test_cancelled_before_the_start_is_not_written_and_later_is_written_once(engine: SqliteEngine) -> None:
    early = asyncio.create_task(engine.commit([PutDocument(NS, "early", b"")]))
    good = asyncio.create_task(engine.commit([PutDocument(NS, "good", b"")]))
    await asyncio.sleep(0)
    early.cancel()
    assert await good == [1]
    assert await engine.keys(NS, "") == ["good"]
    late = asyncio.create_task(engine.commit([PutDocument(NS, "late", b"")]))
    for _ in range(3):
        await asyncio.sleep(0)  # its batch is on the way to the disk now
    late.cancel()
    with pytest.raises(asyncio.CancelledError):
        await late
    await engine.commit([PutDocument(NS, "next", b"")])
    found = await engine.document(NS, "late")
    assert found is not None
    assert found.version == 1


async def test_stop_serves_who_waits_and_refuses_who_comes_later(tmp_path: Path, engine: SqliteEngine) -> None:
    waiting = [asyncio.create_task(engine.commit([PutDocument(NS, f"k{i}", b"")])) for i in range(20)]
    await asyncio.sleep(0)
    await engine.stop()
    assert [await task for task in waiting] == [[1]] * 20
    with pytest.raises(StorageUnavailable):
        await engine.commit([PutDocument(NS, "k", b"")])
    with pytest.raises(StorageUnavailable):
        await engine.keys(NS, "")
    await engine.start()
    assert len(await engine.keys(NS, "")) == 20


async def test_another_connection_sees_the_generation_at_its_next_read(tmp_path: Path, engine: SqliteEngine) -> None:
    other = SqliteEngine(str(tmp_path / "v.db"))
    await other.start()
    for _ in range(5):
        before = await other.generation()
        await engine.commit([PutDocument(NS, "a", b"")])
        assert await other.generation() == before + 1
    await other.stop()


async def test_children_cost_one_step_per_name() -> None:
    engine = SqliteEngine(":memory:")
    await engine.start()
    keys = [f"wide/{folder}/{leaf:05}" for folder in "ab" for leaf in range(50_000)]
    await engine.commit([PutDocument(NS, key, b"") for key in keys])
    steps = 0

    def progress() -> int:
        nonlocal steps
        steps += 1
        return 0

    assert engine._reader is not None
    engine._reader.set_progress_handler(progress, 10)  # called once for each ten instructions of SQLite's machine
    before = engine.statements
    assert await engine.children(NS, "wide/") == ["a/", "b/"]
    assert engine.statements == before + 1
    assert steps < 50
    await engine.stop()


async def test_big_lists_use_their_indexes() -> None:
    engine = SqliteEngine(":memory:")
    await engine.start()
    rows: list[TokenRow] = [token(f"t{i}", entity="e" if i == 7 else "", mount=f"m{i % 2}") for i in range(5000)]
    await engine.commit([InsertToken(row) for row in rows])
    steps = 0

    def progress() -> int:
        nonlocal steps
        steps += 1
        return 0

    assert engine._reader is not None
    engine._reader.set_progress_handler(progress, 100)
    await engine.tokens(namespace=NS, mount="m1", limit=10)
    await engine.tokens(namespace=NS, entity="e", limit=10)
    await engine.tokens(namespace=NS, parent=token_id("t1"), limit=10)
    await engine.commit([DeleteTokensOf(namespace=NS, entity="e", limit=10)])
    assert steps < 50
    await engine.stop()


def test_columns_round_trip_and_never_round_up() -> None:
    assert [milliseconds(at) for at in (1.001, 1.0019, 0.0, None)] == [1001, 1001, 0, None]
    for text in ("6f1c2a52-6f9f-4a43-8a3c-0d7a3f6f0c11", "6F1c2a52-6f9f-4a43-8a3c-0d7a3f6f0c11", "x" * 36, "", "e"):
        assert unpack_uuid(pack_uuid(text)) == text
    assert [upper(prefix) for prefix in ("", "a/", "\ud7ff", "a\U0010ffff")] == [b"", "a0", "\ue000", "b"]


def test_the_first_id_after_any_text() -> None:
    ids = [bytes([byte]) * 32 for byte in range(256)]
    for after in (
        "",
        "0",
        "09",
        "9:",
        "a/",
        "f",
        "fz",
        "ff",
        "g",
        "-",
        "/",
        "00z",
        ids[3].hex(),
        ids[255].hex(),
        "sub/",
    ):
        floor = hex_floor(after)
        assert [id for id in ids if floor is not None and id >= floor] == [id for id in ids if id.hex() > after], after
