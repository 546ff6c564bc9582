"""The reads of the SQLite engine, answered on the calling thread from one read connection (10-20 microseconds each).

No read transaction outlives its statement, so every read sees the newest commit of whichever process. Owns no writes.
"""

from __future__ import annotations

import heapq
import sqlite3
from operator import itemgetter
from typing import Any

from vaultlike.storage.columns import (
    ALIAS_COLUMNS,
    ALIAS_WIDTH,
    ENTITY_COLUMNS,
    TOKEN_COLUMNS,
    alias_row,
    below,
    child_name,
    document_row,
    entity_row,
    hex_floor,
    milliseconds,
    pack_uuid,
    token_row,
    upper,
)
from vaultlike.storage.engine import StorageUnavailable
from vaultlike.storage.filters import Parameter, TokenFilter, walk_children
from vaultlike.storage.rows import AliasRow, Document, EntityRow, Explanation, TokenRow, fold

TOKEN_JOIN = "tokens t CROSS JOIN scopes s ON s.id = t.scope LEFT JOIN tokens p ON p.key = t.parent"
TOKEN = f"""SELECT g.value, {TOKEN_COLUMNS} FROM generation g LEFT JOIN tokens t ON t.id = ?
    LEFT JOIN scopes s ON s.id = t.scope LEFT JOIN tokens p ON p.key = t.parent"""
LIVE_TOKEN = TOKEN.replace("g.value,", "g.value, p.expires_at, p.parent,")
TOKEN_BY_PREFIX = f"SELECT {TOKEN_COLUMNS} FROM {TOKEN_JOIN} WHERE t.id >= ? AND t.id <= ? LIMIT 1"
ANCESTORS = """WITH RECURSIVE up (key, parent, expires_at) AS (
        SELECT key, parent, NULL FROM tokens WHERE id = ?
        UNION ALL SELECT t.key, t.parent, t.expires_at FROM up JOIN tokens t ON t.key = up.parent)
    SELECT count(*), coalesce(sum(expires_at <= ?), 0) FROM up"""
TOKENS_OF_SCOPE = f"SELECT {TOKEN_COLUMNS} FROM {TOKEN_JOIN} WHERE t.scope = ? AND t.key > ? ORDER BY t.key LIMIT ?"
LEAVES_OF_SCOPE = """SELECT id FROM tokens WHERE scope = ? AND id >= ? AND expires_at IS NOT NULL
    ORDER BY id LIMIT ?"""
DOCUMENT = "SELECT value, version FROM documents WHERE namespace = ? AND path = ?"
DOCUMENTS = """SELECT path, value, version FROM documents WHERE namespace = ? AND path >= ? AND path < ?
    ORDER BY path LIMIT ?"""
KEYS = "SELECT path FROM documents WHERE namespace = ? AND path >= ? AND path < ? ORDER BY path LIMIT ?"
NAMED = "a.namespace = ? AND a.mount = ? AND a.folded = ?"
NAMED_EXACTLY = "a.namespace = ? AND a.mount = ? AND a.name = ? AND a.folded IS NULL"  # made by an old program
LOGIN_IDENTITY = f"""SELECT {ALIAS_COLUMNS}, {ENTITY_COLUMNS} FROM aliases a JOIN entities e ON e.id = a.entity
    WHERE """
ALIAS = f"SELECT {ALIAS_COLUMNS} FROM aliases a WHERE "
UNSEEN = f"""SELECT {ALIAS_COLUMNS} FROM aliases a WHERE a.mount = ? AND a.seen_at < ? AND (a.seen_at, a.id) > (?, ?)
    AND a.namespace = ? ORDER BY a.seen_at, a.id LIMIT ?"""
CUBBYHOLE = "SELECT sealed FROM cubbyholes WHERE token = (SELECT key FROM tokens WHERE id = ?) AND path = ?"

Row = Any  # what sqlite3 itself calls a row; `columns` gives it a type


class SqliteReads:
    """Implements the reading half of `engine.Engine`; `statements` counts what was executed (tests look at it)."""

    def __init__(self) -> None:
        self._reader: sqlite3.Connection | None = None
        self.statements = 0

    def _one(self, sql: str, *values: Parameter) -> Row:
        self.statements += 1
        try:
            return self._connection().execute(sql, values).fetchone()
        except sqlite3.Error as error:
            raise StorageUnavailable(reason=f"the database cannot be read: {error}") from error

    def _all(self, sql: str, *values: Parameter) -> list[Row]:
        self.statements += 1
        try:
            return self._connection().execute(sql, values).fetchall()
        except sqlite3.Error as error:
            raise StorageUnavailable(reason=f"the database cannot be read: {error}") from error

    def _connection(self) -> sqlite3.Connection:
        if self._reader is None:
            raise StorageUnavailable(reason="the storage engine is not running")
        return self._reader

    async def generation(self) -> int:
        return int(self._one("SELECT value FROM generation")[0])

    # Tokens

    async def token(self, id: bytes) -> tuple[int, TokenRow | None]:
        row = self._one(TOKEN, id)
        return row[0], None if row[1] is None else token_row(row[1:])

    async def live_token(self, id: bytes, now: float) -> tuple[int, TokenRow | None]:
        generation, parent_expires_at, grandparent, *columns = self._one(LIVE_TOKEN, id)
        if columns[0] is None:
            return generation, None
        row = token_row(columns)
        if row.expires_at is not None and row.expires_at <= now:
            return generation, None
        if row.parent is not None:
            if parent_expires_at is not None and parent_expires_at <= now * 1000:
                return generation, None
            if grandparent is not None and not await self.ancestors_alive(id, now):
                return generation, None
        return generation, row

    async def token_by_prefix(self, prefix: bytes) -> TokenRow | None:
        row = self._one(TOKEN_BY_PREFIX, prefix.ljust(32, b"\x00"), prefix.ljust(32, b"\xff"))
        return None if row is None else token_row(row)

    async def ancestors_alive(self, id: bytes, now: float) -> bool:
        found, expired = self._one(ANCESTORS, id, milliseconds(now))
        return bool(found) and not expired

    async def tokens(
        self,
        *,
        namespace: str,
        parent: bytes | None = None,
        mount: str | None = None,
        entity: str | None = None,
        path_prefix: str | None = None,
        after: int = 0,
        limit: int = 0,
    ) -> list[TokenRow]:
        wanted = TokenFilter(namespace=namespace, parent=parent, mount=mount, entity=entity, path_prefix=path_prefix)
        scope, scope_values = wanted.scope_condition()
        if wanted.is_by_row:
            row, row_values = wanted.row_condition()
            sql = (
                f"SELECT {TOKEN_COLUMNS} FROM {TOKEN_JOIN} WHERE {row} AND {scope} AND t.key > ? ORDER BY t.key LIMIT ?"
            )
            return [token_row(found) for found in self._all(sql, *row_values, *scope_values, after, limit or -1)]
        scopes = self._all(f"SELECT s.id FROM scopes s WHERE {scope}", *scope_values)
        pages = [self._all(TOKENS_OF_SCOPE, found[0], after, limit or -1) for found in scopes]
        merged = heapq.merge(*pages, key=itemgetter(-1))  # the position is the last column
        return [token_row(found) for found, _ in zip(merged, range(limit or sum(map(len, pages))), strict=False)]

    async def count_tokens(
        self,
        *,
        namespace: str | None = None,
        parent: bytes | None = None,
        mount: str | None = None,
        entity: str | None = None,
        path_prefix: str | None = None,
    ) -> int:
        wanted = TokenFilter(namespace=namespace, parent=parent, mount=mount, entity=entity, path_prefix=path_prefix)
        if wanted == TokenFilter():
            return int(self._one("SELECT count(*) FROM tokens")[0])
        sql, values = wanted.matching_keys()
        return int(self._one(f"SELECT count(*) FROM ({sql})", *values)[0])

    async def lease_children(self, namespace: str, prefix: str, after: str = "", limit: int = 0) -> list[str]:
        live = (
            "namespace = ? AND EXISTS (SELECT 1 FROM tokens t WHERE t.scope = scopes.id AND t.expires_at IS NOT NULL)"
        )
        sql, values = walk_children("scopes", live, [namespace], prefix, after, limit)
        names = [child_name(row[0], prefix) for row in self._all(sql, *values)]
        floor = hex_floor(after)
        if floor is not None:
            for (scope,) in self._all("SELECT id FROM scopes WHERE namespace = ? AND path = ?", namespace, prefix):
                names += [row[0].hex() for row in self._all(LEAVES_OF_SCOPE, scope, floor, limit or -1)]
        names.sort()
        return names[:limit] if limit else names

    # Documents

    async def document(self, namespace: str, key: str) -> Document | None:
        row = self._one(DOCUMENT, namespace, key)
        return None if row is None else document_row(row)

    async def documents(
        self, namespace: str, prefix: str, after: str = "", limit: int = 0
    ) -> list[tuple[str, Document]]:
        rows = self._all(DOCUMENTS, namespace, below(prefix, after), upper(prefix), limit or -1)
        return [(path[len(prefix) :], Document(value, version)) for path, value, version in rows]

    async def keys(self, namespace: str, prefix: str, after: str = "", limit: int = 0) -> list[str]:
        rows = self._all(KEYS, namespace, below(prefix, after), upper(prefix), limit or -1)
        return [row[0][len(prefix) :] for row in rows]

    async def children(self, namespace: str, prefix: str, after: str = "", limit: int = 0) -> list[str]:
        sql, values = walk_children("documents", "namespace = ?", [namespace], prefix, after, limit)
        return [child_name(row[0], prefix) for row in self._all(sql, *values)]

    # Identity

    async def entity(self, id: str) -> EntityRow | None:
        row = self._one(f"SELECT {ENTITY_COLUMNS} FROM entities e WHERE e.id = ?", pack_uuid(id))
        return None if row is None else entity_row(row)

    async def entity_by_name(self, namespace: str, name: str) -> EntityRow | None:
        sql = f"SELECT {ENTITY_COLUMNS} FROM entities e WHERE e.namespace = ? AND e.folded = ?"
        row = self._one(sql, namespace, fold(name))
        return None if row is None else entity_row(row)

    async def entities(self, namespace: str, after: str = "", limit: int = 0) -> list[EntityRow]:
        sql = f"SELECT {ENTITY_COLUMNS} FROM entities e WHERE e.namespace = ? AND e.id > ? ORDER BY e.id LIMIT ?"
        return [entity_row(row) for row in self._all(sql, namespace, pack_uuid(after), limit or -1)]

    async def alias(self, namespace: str, mount: str, name: str) -> AliasRow | None:
        row = self._named(ALIAS, namespace, mount, name)
        return None if row is None else alias_row(row)

    async def login_identity(self, namespace: str, mount: str, name: str) -> tuple[AliasRow, EntityRow] | None:
        row = self._named(LOGIN_IDENTITY, namespace, mount, name)
        return None if row is None else (alias_row(row[:ALIAS_WIDTH]), entity_row(row[ALIAS_WIDTH:]))

    def _named(self, select: str, namespace: str, mount: str, name: str) -> Row:
        found = self._all(select + NAMED, namespace, mount, fold(name))
        if not found:
            return self._one(select + NAMED_EXACTLY, namespace, mount, name)
        # of several that differ in case alone, made before case stopped to count, the exact one
        return found[0] if len(found) == 1 else next((row for row in found if row[3] == name), found[0])

    async def alias_by_id(self, id: str) -> AliasRow | None:
        row = self._one(f"{ALIAS}a.id = ?", pack_uuid(id))
        return None if row is None else alias_row(row)

    async def aliases_of(self, entity: str) -> list[AliasRow]:
        sql = f"SELECT {ALIAS_COLUMNS} FROM aliases a WHERE a.entity = ? ORDER BY a.id"
        return [alias_row(row) for row in self._all(sql, pack_uuid(entity))]

    async def aliases(
        self, namespace: str, mount: str | None = None, after: str = "", limit: int = 0
    ) -> list[AliasRow]:
        sql = f"""SELECT {ALIAS_COLUMNS} FROM aliases a WHERE a.id > ?1 AND a.namespace = ?2
            AND (?3 IS NULL OR a.mount = ?3) ORDER BY a.id LIMIT ?4"""
        return [alias_row(row) for row in self._all(sql, pack_uuid(after), namespace, mount, limit or -1)]

    async def unseen_aliases(
        self, namespace: str, mount: str, before: float, after: tuple[float, str] = (0.0, ""), limit: int = 0
    ) -> list[AliasRow]:
        since, id = after
        values = (mount, milliseconds(before), milliseconds(since), pack_uuid(id), namespace, limit or -1)
        return [alias_row(row) for row in self._all(UNSEEN, *values)]

    # What hangs on tokens and requests

    async def cubbyhole(self, token: bytes, path: str) -> bytes | None:
        row = self._one(CUBBYHOLE, token, path)
        return None if row is None else row[0]

    async def cubbyhole_children(self, token: bytes, prefix: str) -> list[str]:
        of_token = "token = (SELECT key FROM tokens WHERE id = ?)"
        sql, values = walk_children("cubbyholes", of_token, [token], prefix, "", 0)
        return [child_name(row[0], prefix) for row in self._all(sql, *values)]

    async def explanation(self, request_id: str) -> Explanation | None:
        row = self._one("SELECT at, sealed FROM explanations WHERE request_id = ?", request_id)
        return None if row is None else Explanation(request_id, row[0] / 1000, row[1])
