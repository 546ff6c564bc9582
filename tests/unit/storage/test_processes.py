"""Several processes on one file: exactly-once uses, no lost update, no lost acknowledged write, fresh reads."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from vaultlike.storage.engine import InsertToken, PutDocument
from vaultlike.storage.sqlite import SqliteEngine
from vaultlike.testing.storage import NS, names_left, token

RACER = Path(__file__).with_name("racer.py")
ROOT = Path(__file__).parents[3]


def racer(task: str, path: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, str(RACER), task, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def go(*racers: subprocess.Popen[str]) -> list[str]:
    """Lets all start at once and returns what each said."""
    for process in racers:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    said = [process.communicate()[0].strip() for process in racers]
    assert [process.returncode for process in racers] == [0] * len(racers)
    return said


async def test_a_token_of_one_use_is_used_once_by_two_processes(tmp_path: Path) -> None:
    engine = SqliteEngine(str(tmp_path / "v.db"))
    await engine.start()
    await engine.commit([InsertToken(token(f"once{i}", uses_left=1)) for i in range(20)])
    said = go(racer("use", tmp_path / "v.db"), racer("use", tmp_path / "v.db"))
    await engine.stop()
    assert sorted(" ".join(said).split(), key=int) == [str(i) for i in range(20)]


async def test_compare_and_swap_loses_no_update_and_reads_are_fresh(tmp_path: Path) -> None:
    engine = SqliteEngine(str(tmp_path / "v.db"))
    await engine.start()
    await engine.commit([PutDocument(NS, "counter", b"0")])
    before = await engine.generation()
    go(racer("put", tmp_path / "v.db"), racer("put", tmp_path / "v.db"))
    found = await engine.document(NS, "counter")
    assert found is not None
    assert (found.value, found.version) == (b"100", 101)
    assert (await engine.token(b"unknown"))[0] == before + 100
    await engine.stop()


async def test_kill_9_loses_no_acknowledged_write(tmp_path: Path) -> None:
    process = racer("insert", tmp_path / "v.db")
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("go\n")
    process.stdin.flush()
    acknowledged = [process.stdout.readline().strip() for _ in range(1000)]
    process.kill()
    acknowledged += [line.strip() for line in process.communicate()[0].split("\n")[:-1]]
    engine = SqliteEngine(str(tmp_path / "v.db"))
    await engine.start()
    assert len(acknowledged) >= 1000
    assert await names_left(engine, *acknowledged) == set(acknowledged)
    await engine.commit([InsertToken(token("after"))])  # the dead process holds no lock
    await engine.stop()
