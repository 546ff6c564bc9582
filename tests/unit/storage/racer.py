"""A second process for the storage tests: `python racer.py use|insert|put <file>`; it talks on stdin and stdout."""

from __future__ import annotations

import asyncio
import sys

from vaultlike.storage.engine import Conflict, InsertToken, PutDocument, UseToken
from vaultlike.storage.sqlite import SqliteEngine
from vaultlike.testing.storage import NS, token, token_id


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


async def use(engine: SqliteEngine) -> None:
    """Uses the tokens once0...once19 all at once; says which uses succeeded."""
    results = await asyncio.gather(*(engine.commit([UseToken(token_id(f"once{i}"))]) for i in range(20)))
    say(" ".join(str(i) for i, result in enumerate(results) if result[0] is not None))


async def put(engine: SqliteEngine) -> None:
    """Adds one to a counter 50 times by compare and swap."""
    added = 0
    while added < 50:
        found = await engine.document(NS, "counter")
        assert found is not None
        try:
            await engine.commit([PutDocument(NS, "counter", b"%d" % (int(found.value) + 1), expect=found.version)])
        except Conflict:
            continue
        added += 1
    say("done")


async def insert(engine: SqliteEngine) -> None:
    """Inserts tokens until it is killed, and names each one when it is acknowledged."""

    async def client(number: int) -> None:
        for turn in range(100_000):
            name = f"{number}-{turn}"
            await engine.commit([InsertToken(token(name))])
            say(name)

    await asyncio.gather(*map(client, range(8)))


async def main(task: str, path: str) -> None:
    engine = SqliteEngine(path)
    await engine.start()
    say("ready")
    sys.stdin.readline()
    await {"use": use, "put": put, "insert": insert}[task](engine)
    await engine.stop()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:3]))
