"""Group commit: every commit that waits joins one SQL transaction and one fsync. Owns the write connection, the thread
it lives on and the lock against other processes; knows no op.

Small statements run on the event loop's thread: two threads that take turns at the interpreter's lock for every
statement cost more than the statements. What waits hops to the connection's thread, a whole batch at a time: the disk
(COMMIT), another process, and ops that may touch many rows. Before SQLite's own write lock comes a lock of the
operating system on `<file>.lock`: the kernel wakes the next process at once, where SQLite's busy handler would sleep.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import sqlite3
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TypeVar

import aiosqlite
from msgspec import Struct

from vaultlike.storage.engine import Conflict, StorageUnavailable
from vaultlike.storage.ops import (
    DeleteExpired,
    DeleteTokensOf,
    DeleteTokenTree,
    DeleteTree,
    InsertToken,
    Op,
    UpdateToken,
    UseToken,
)
from vaultlike.storage.sqlite_writes import apply

T = TypeVar("T")
MAX_BATCH = 64  # commits in one transaction: bounds how long the event loop is away with their statements
MANY_ROWS = frozenset((DeleteTree, DeleteTokensOf, DeleteTokenTree, DeleteExpired))  # their time has no bound we know
BAD_VALUES = (sqlite3.DataError, sqlite3.InterfaceError, sqlite3.ProgrammingError)


class Waiting(Struct, frozen=True):
    """A commit on its way: its ops and who waits for the results."""

    ops: Sequence[Op]
    future: asyncio.Future[list[object]]


Outcome = list[object] | Exception


class WriteConnection(aiosqlite.Connection):
    """An aiosqlite connection that runs a function with the raw connection on its thread: many statements, one hop."""

    async def open(self) -> None:
        """Starts the thread and connects on it. Raises sqlite3.Error, with the thread ended."""
        try:
            await self
        except BaseException:
            self._thread.join()  # about to end anyway; one that outlived the event loop would print a traceback
            raise

    async def run(self, function: Callable[[sqlite3.Connection], T]) -> T:
        result: T = await self._execute(function, self._conn)  # type: ignore[no-untyped-call]
        return result

    @property
    def raw(self) -> sqlite3.Connection:
        """The connection itself, for use on the event loop's thread while nothing runs on the other one."""
        found: sqlite3.Connection = self._conn
        return found


class FileLock:
    """An advisory lock between processes (and engines) on one file. Not reentrant; one task uses it."""

    def __init__(self, path: str) -> None:
        self._descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)

    def try_acquire(self) -> bool:
        """Takes the lock if nobody has it."""
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def __enter__(self) -> None:
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)

    def __exit__(self, *exc: object) -> None:
        fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def close(self) -> None:
        """Lets go of the file; closing twice is harmless."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)


def run_batch(db: sqlite3.Connection, batch: Sequence[Sequence[Op]]) -> list[Outcome]:
    """One transaction with a savepoint per commit; the outcome of each, once all of it is durable.

    Raises StorageUnavailable when the transaction as a whole failed; then nothing of it was kept.
    """
    with rolling_back(db):
        outcomes = execute(db, batch)
        db.execute("COMMIT")
    return outcomes


def execute(db: sqlite3.Connection, batch: Sequence[Sequence[Op]]) -> list[Outcome]:
    """The statements of a batch in a transaction that is left open."""
    db.execute("BEGIN IMMEDIATE")
    return [_run_commit(db, ops) for ops in batch]


@contextmanager
def rolling_back(db: sqlite3.Connection) -> Iterator[None]:
    """Ends a broken transaction; SQLite's errors become StorageUnavailable."""
    try:
        yield
    except Exception as error:
        with suppress(sqlite3.Error):
            if db.in_transaction:
                db.execute("ROLLBACK")
        if isinstance(error, sqlite3.Error):
            raise StorageUnavailable(reason=f"the database cannot be written: {error}") from error
        raise


ALONE = frozenset((InsertToken, UpdateToken, UseToken))  # their last statement fails or succeeds as a whole


def _run_commit(db: sqlite3.Connection, ops: Sequence[Op]) -> Outcome:
    if len(ops) == 1 and type(ops[0]) in ALONE:  # the most frequent ones need no savepoint
        try:
            return apply(db, ops)
        except (Conflict, *BAD_VALUES) as error:
            return error
    db.execute("SAVEPOINT one")
    try:
        results = apply(db, ops)
    except Exception as error:  # Conflict, or values that SQLite cannot take: only this commit is at fault
        if isinstance(error, sqlite3.Error) and not isinstance(error, BAD_VALUES):
            raise  # the disk, not this commit: SQLite may have ended the transaction already
        db.execute("ROLLBACK TO one")
        db.execute("RELEASE one")
        return error
    db.execute("RELEASE one")
    return results


class GroupWriter:
    """Batches waiting commits. All methods belong to the event loop's thread."""

    def __init__(self, connection: WriteConnection, lock: FileLock, max_waiting: int) -> None:
        self._connection = connection
        self._lock = lock
        self._max_waiting = max_waiting
        self._waiting: deque[Waiting] = deque()
        self._task: asyncio.Task[None] | None = None
        self._closed = False
        self.transactions = 0

    async def commit(self, ops: Sequence[Op]) -> list[object]:
        """See engine.Engine.commit."""
        if self._closed:
            raise StorageUnavailable(reason="the storage engine is not running")
        if len(self._waiting) >= self._max_waiting:
            raise StorageUnavailable(reason=f"{self._max_waiting} commits are waiting for the disk")
        future: asyncio.Future[list[object]] = asyncio.get_running_loop().create_future()
        self._waiting.append(Waiting(ops, future))
        if self._task is None:
            self._task = asyncio.create_task(self._drain())
        return await future

    async def run(self, function: Callable[[sqlite3.Connection], T]) -> T:
        """Runs something else on the write connection, under the lock between processes."""

        def locked(db: sqlite3.Connection) -> T:
            with self._lock:
                return function(db)

        return await self._connection.run(locked)

    async def stop(self) -> None:
        """Serves who waits already, then closes; new commits are refused from now on."""
        self._closed = True
        if self._task is not None:
            await self._task
        await self._connection.close()
        self._lock.close()

    async def _drain(self) -> None:
        try:
            while self._waiting:
                batch: list[Waiting] = []
                while self._waiting and len(batch) < MAX_BATCH:
                    waiting = self._waiting.popleft()
                    if not waiting.future.done():  # who was cancelled before the start wants nothing written
                        batch.append(waiting)
                if batch:
                    await self._write(batch)
        finally:
            self._task = None
            _resolve(self._waiting, StorageUnavailable(reason="the server is stopping"))  # empty unless cancelled
            self._waiting.clear()

    async def _write(self, batch: Sequence[Waiting]) -> None:
        work = [waiting.ops for waiting in batch]
        self.transactions += 1
        try:
            if any(type(op) in MANY_ROWS for ops in work for op in ops):
                outcomes = await self.run(lambda db: run_batch(db, work))
            else:
                outcomes = await self._write_here(work)
        except Exception as error:
            failed = error if isinstance(error, StorageUnavailable) else StorageUnavailable(reason=repr(error))
            _resolve(batch, failed)
        except BaseException:
            _resolve(batch, StorageUnavailable(reason="the server is stopping; the commit may have happened"))
            raise
        else:
            for waiting, outcome in zip(batch, outcomes, strict=True):
                if waiting.future.done():
                    continue
                if isinstance(outcome, Exception):
                    waiting.future.set_exception(outcome)
                else:
                    waiting.future.set_result(outcome)

    async def _write_here(self, work: Sequence[Sequence[Op]]) -> list[Outcome]:
        """Statements on this thread, the wait for lock and disk on the other."""
        if not self._lock.try_acquire():
            await self._connection.run(lambda _: self._lock.__enter__())
        try:
            db = self._connection.raw
            with rolling_back(db):
                outcomes = execute(db, work)
                await self._connection.run(_commit)
            return outcomes
        finally:
            self._lock.__exit__()


def _commit(db: sqlite3.Connection) -> None:
    db.execute("COMMIT")


def _resolve(batch: Sequence[Waiting] | deque[Waiting], error: StorageUnavailable) -> None:
    """Fails everyone; each gets an exception of its own, because tracebacks grow on shared ones."""
    for waiting in batch:
        if not waiting.future.done():
            waiting.future.set_exception(StorageUnavailable(reason=error.reason))


class InlineWriter:
    """For databases in memory: no disk to wait for, so each commit runs at once on the caller's thread."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.transactions = 0

    async def commit(self, ops: Sequence[Op]) -> list[object]:
        """See engine.Engine.commit."""
        self.transactions += 1
        outcome = run_batch(self._connection, [ops])[0]
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    async def run(self, function: Callable[[sqlite3.Connection], T]) -> T:
        """Runs something else on the connection."""
        return function(self._connection)

    async def stop(self) -> None:
        """The engine closes the connection, which is the readers' too."""
