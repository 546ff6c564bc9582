"""The embedded engine: one SQLite file (or memory). Owns opening, checking and closing; reads and writes have their
own modules. Durable means WAL with `synchronous=FULL`: a commit is answered after its fsync.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from contextlib import suppress

from vaultlike.storage.engine import StorageUnavailable
from vaultlike.storage.ops import Op
from vaultlike.storage.schema import migrate
from vaultlike.storage.sqlite_reads import SqliteReads
from vaultlike.storage.sqlite_writer import FileLock, GroupWriter, InlineWriter, WriteConnection

MEMORY = ":memory:"
MINIMUM = (3, 38, 0)  # RETURNING (3.35) with the fixes that followed it
STATEMENTS = 256  # prepared statements kept per connection


class SqliteEngine(SqliteReads):
    """Implements engine.Engine.

    `path` is a file (mode 0600, with `-wal`, `-shm` and `.lock` beside it) or ":memory:". `cache_kib` and `mmap_mib`
    size the reading side's page cache and memory map; `busy_seconds` bounds the wait for a foreign program that holds
    SQLite's lock (a backup tool); `max_waiting` bounds the commits queued for the disk, more are refused.
    """

    def __init__(
        self,
        path: str,
        *,
        cache_kib: int = 16_384,
        mmap_mib: int = 256,
        busy_seconds: float = 10.0,
        max_waiting: int = 10_000,
        checkpoint_pages: int = 4_000,
    ) -> None:
        super().__init__()
        self._path = path
        self._cache_kib = cache_kib
        self._mmap_mib = mmap_mib
        self._busy_seconds = busy_seconds
        self._max_waiting = max_waiting
        self._checkpoint_pages = checkpoint_pages
        self._writer: GroupWriter | InlineWriter | None = None

    @property
    def transactions(self) -> int:
        """How many SQL transactions this engine has written since its start."""
        return 0 if self._writer is None else self._writer.transactions

    async def start(self) -> None:
        """See engine.Engine.start."""
        if self._writer is not None:
            raise StorageUnavailable(reason="the storage engine is running already")
        if sqlite3.sqlite_version_info < MINIMUM:
            raise StorageUnavailable(reason=f"SQLite {sqlite3.sqlite_version} is too old: 3.38 or newer is needed")
        try:
            if self._path == MEMORY:
                self._reader = self._connect()
                self._writer = InlineWriter(self._reader)
                await self._writer.run(self._prepare)
            else:
                await self._open_file()
        except (sqlite3.Error, OSError) as error:
            await self.stop()
            raise StorageUnavailable(reason=f"cannot open the storage file {self._path}: {error}") from error
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """See engine.Engine.stop."""
        writer, self._writer = self._writer, None
        if writer is not None:
            await writer.stop()
        reader, self._reader = self._reader, None
        if reader is not None:
            with suppress(sqlite3.Error):
                reader.close()

    async def commit(self, ops: Sequence[Op]) -> list[object]:
        """See engine.Engine.commit."""
        if self._writer is None:
            raise StorageUnavailable(reason="the storage engine is not running")
        return await self._writer.commit(ops)

    async def _open_file(self) -> None:
        _create_private(self._path)
        lock = FileLock(self._path + ".lock")
        try:
            connection = WriteConnection(self._connect, iter_chunk_size=64)
            await connection.open()
        except BaseException:
            lock.close()
            raise
        self._writer = GroupWriter(connection, lock, self._max_waiting)
        await self._writer.run(self._prepare)
        self._reader = self._connect()
        self._reader.execute(f"PRAGMA mmap_size = {self._mmap_mib * 1024 * 1024}")
        self._reader.execute("PRAGMA query_only = ON")

    def _connect(self) -> sqlite3.Connection:
        db = sqlite3.connect(
            self._path,
            timeout=self._busy_seconds,
            isolation_level=None,  # we say BEGIN ourselves
            check_same_thread=False,
            cached_statements=STATEMENTS,
        )
        db.execute("PRAGMA foreign_keys = ON")
        db.execute("PRAGMA synchronous = FULL")
        db.execute(f"PRAGMA cache_size = -{self._cache_kib}")
        db.execute("PRAGMA temp_store = MEMORY")
        return db

    def _prepare(self, db: sqlite3.Connection) -> None:
        if self._path != MEMORY:
            mode = db.execute("PRAGMA journal_mode = WAL").fetchone()[0]
            if mode != "wal":
                raise StorageUnavailable(reason=f"the file system of {self._path} does not support SQLite's WAL mode")
            db.execute(f"PRAGMA wal_autocheckpoint = {self._checkpoint_pages}")
            db.execute("PRAGMA journal_size_limit = 67108864")  # give the space of a long WAL back
        db.execute("BEGIN IMMEDIATE")  # also finds out now, not at the first login, that the file is read-only
        try:
            migrate(db)
        except BaseException:
            db.execute("ROLLBACK")
            raise
        db.execute("COMMIT")


def _create_private(path: str) -> None:
    """Makes the file and takes the group's and the world's rights away; its name survives a crash of the machine.

    SQLite gives `-wal` and `-shm` the mode of the main file. An existing file is not opened here: closing it would drop
    the POSIX locks of every SQLite connection that this process has to it.
    """
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600))
    except FileExistsError:
        if os.stat(path).st_mode & 0o077:
            os.chmod(path, 0o600)
        return
    directory = os.open(os.path.dirname(os.path.abspath(path)), os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
