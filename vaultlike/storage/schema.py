"""The SQLite schema and its versions. Owns table definitions and migration; knows no operation.

Migrations expand first and contract later, so that version N runs beside N-1 and N+1 on one file: each step records
the oldest program (`needs`) that may still use the file, and a program opens every file whose `needs` it satisfies.

What a login token costs decides the shape of `tokens` (tests/bench/storage_bench.py measures bytes and time): rows are
appended in a rowid table, so its pages are full; namespace, path, mount and role repeat for millions of rows and live
once in `scopes` (whose path ends with a slash, so that all of it are folders of leases); parent and scope are integers.
Only `id` is random. Every other index grows at the end of what it groups, so that the inserts of one commit meet in a
few pages: with two more random ones (an accessor, ids in the paging indexes) a durable insert took three times as long.
Listing pages go by `key`; only the ids of leases are sorted when asked for. Indexes are partial: absent costs nothing.
"""

from __future__ import annotations

import sqlite3

from msgspec import Struct

from vaultlike.storage.engine import StorageUnavailable
from vaultlike.storage.rows import fold

APPLICATION_ID = 0x766C746B  # "vltk": tells our file from any other SQLite file


class Migration(Struct, frozen=True):
    """One step. `needs`: the oldest program version that still works on the file after it."""

    version: int
    needs: int
    statements: tuple[str, ...]


MIGRATIONS: tuple[Migration, ...] = (
    Migration(
        version=1,
        needs=1,
        statements=(
            "CREATE TABLE generation (id INTEGER PRIMARY KEY CHECK (id = 1), value INTEGER NOT NULL)",
            "INSERT INTO generation (id, value) VALUES (1, 1)",
            """CREATE TABLE documents (
                id INTEGER PRIMARY KEY, namespace TEXT NOT NULL, path TEXT NOT NULL,
                version INTEGER NOT NULL, value BLOB NOT NULL, UNIQUE (namespace, path))""",
            """CREATE TABLE scopes (
                id INTEGER PRIMARY KEY, namespace TEXT NOT NULL, path TEXT NOT NULL, mount TEXT NOT NULL,
                role TEXT NOT NULL, UNIQUE (namespace, path, mount, role))""",
            "CREATE INDEX scopes_mount ON scopes (namespace, mount)",
            """CREATE TABLE tokens (
                key INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE,
                scope INTEGER NOT NULL REFERENCES scopes (id),
                parent INTEGER REFERENCES tokens (key) ON DELETE SET NULL,
                entity BLOB, expires_at INTEGER, uses_left INTEGER, sealed BLOB NOT NULL)""",
            "CREATE INDEX tokens_scope ON tokens (scope)",
            "CREATE INDEX tokens_parent ON tokens (parent) WHERE parent IS NOT NULL",
            "CREATE INDEX tokens_entity ON tokens (entity) WHERE entity IS NOT NULL",
            "CREATE INDEX tokens_expiry ON tokens (expires_at) WHERE expires_at IS NOT NULL",
            """CREATE TABLE cubbyholes (
                token INTEGER NOT NULL REFERENCES tokens (key) ON DELETE CASCADE, path TEXT NOT NULL,
                sealed BLOB NOT NULL, PRIMARY KEY (token, path)) WITHOUT ROWID""",
            """CREATE TABLE entities (
                id BLOB PRIMARY KEY, namespace TEXT NOT NULL, name TEXT NOT NULL, folded TEXT NOT NULL,
                version INTEGER NOT NULL, sealed BLOB NOT NULL, UNIQUE (namespace, folded))""",
            "CREATE INDEX entities_page ON entities (namespace, id)",
            """CREATE TABLE aliases (
                id BLOB PRIMARY KEY, namespace TEXT NOT NULL, mount TEXT NOT NULL, name TEXT NOT NULL,
                entity BLOB NOT NULL REFERENCES entities (id) ON DELETE CASCADE,
                version INTEGER NOT NULL, sealed BLOB NOT NULL, UNIQUE (namespace, mount, name))""",
            "CREATE INDEX aliases_page ON aliases (namespace, id)",
            "CREATE INDEX aliases_entity ON aliases (entity, id)",
            """CREATE TABLE explanations (
                seq INTEGER PRIMARY KEY, request_id TEXT NOT NULL UNIQUE, at INTEGER NOT NULL, sealed BLOB NOT NULL)""",
            "CREATE TABLE locks (name TEXT PRIMARY KEY, owner TEXT NOT NULL, until INTEGER NOT NULL) WITHOUT ROWID",
        ),
    ),
    Migration(  # a program of version 1 leaves `folded` empty: such an alias is found by its exact name
        version=2,
        needs=1,
        statements=(
            "ALTER TABLE aliases ADD COLUMN folded TEXT",
            "ALTER TABLE aliases ADD COLUMN seen_at INTEGER",
            "UPDATE aliases SET folded = fold(name)",
            "CREATE INDEX aliases_folded ON aliases (namespace, mount, folded)",
            "CREATE INDEX aliases_seen ON aliases (mount, seen_at, id) WHERE seen_at IS NOT NULL",
        ),
    ),
)
VERSION = MIGRATIONS[-1].version


def migrate(db: sqlite3.Connection) -> None:
    """Brings the file to VERSION inside the caller's write transaction; an up-to-date or newer compatible file is left.

    Raises StorageUnavailable when the file is another program's or needs a newer version of this one.
    """
    application = int(db.execute("PRAGMA application_id").fetchone()[0])
    tables = int(db.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0])
    if application != APPLICATION_ID and (application or tables):
        raise StorageUnavailable(reason="the storage file is an SQLite database of another program")
    db.create_function("fold", 1, fold, deterministic=True)
    if not tables:
        db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        db.execute("CREATE TABLE schema_version (version INTEGER NOT NULL, needs INTEGER NOT NULL)")
        db.execute("INSERT INTO schema_version (version, needs) VALUES (0, 0)")
    version, needs = db.execute("SELECT version, needs FROM schema_version").fetchone()
    if needs > VERSION:
        raise StorageUnavailable(
            reason=f"the storage file has schema {version}, which needs a program that knows schema {needs}; "
            f"this one knows {VERSION}: upgrade the server"
        )
    for step in MIGRATIONS:
        if step.version > version:
            for statement in step.statements:
                db.execute(statement)
            db.execute("UPDATE schema_version SET version = ?, needs = max(needs, ?)", (step.version, step.needs))
