"""What each op does to an SQLite database, inside a transaction that somebody else owns. No locks, no threads.

A broken precondition or unique constraint raises Conflict; the caller rolls back to its savepoint.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence

from vaultlike.storage import ops
from vaultlike.storage.columns import milliseconds, pack_uuid, upper
from vaultlike.storage.engine import Conflict
from vaultlike.storage.filters import Parameter, TokenFilter
from vaultlike.storage.rows import ENDED, MARKED, AliasRow, TokenRow, fold

Result = tuple[object, bool]  # what the op answers, and whether the generation moves

KEY = "(SELECT key FROM tokens WHERE id = ?)"
FIND_SCOPE = "SELECT id FROM scopes WHERE namespace = ? AND path = ? AND mount = ? AND role = ?"
INSERT_SCOPE = "INSERT INTO scopes (namespace, path, mount, role) VALUES (?, ?, ?, ?)"
INSERT_TOKEN = """INSERT INTO tokens (id, scope, parent, entity, expires_at, uses_left, sealed)
    VALUES (?, ?, ?, ?, ?, ?, ?)"""
NOT_ENDED = f"(expires_at IS NULL OR expires_at > {milliseconds(ENDED)})"
FIND_PARENT = f"SELECT key FROM tokens WHERE id = ? AND {NOT_ENDED}"
UPDATE_TOKEN = f"UPDATE tokens SET expires_at = ?, sealed = ? WHERE id = ? AND {NOT_ENDED}"
USE_TOKEN = """UPDATE tokens SET uses_left = CASE uses_left WHEN 1 THEN -1 ELSE uses_left - 1 END
    WHERE id = ? AND uses_left > 0 RETURNING uses_left"""
TREES = """WITH RECURSIVE doomed (key) AS (SELECT key FROM ({roots}) UNION
        SELECT c.key FROM doomed d CROSS JOIN tokens c ON c.parent = d.key)
    SELECT key FROM doomed"""
END = f"UPDATE tokens SET expires_at = {milliseconds(ENDED)} WHERE key IN ({{roots}})"
PRUNE_SCOPES = "DELETE FROM scopes AS s WHERE {condition} AND NOT EXISTS (SELECT 1 FROM tokens WHERE scope = s.id)"
EXPIRED = "SELECT key, expires_at FROM tokens WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2"
EXPIRE_CHILDREN = f"""UPDATE tokens SET expires_at = (SELECT expires_at - 1 FROM tokens p WHERE p.key = tokens.parent)
    WHERE key IN (SELECT c.key FROM ({EXPIRED}) e CROSS JOIN tokens c ON c.parent = e.key
        WHERE c.expires_at IS NULL OR c.expires_at >= e.expires_at LIMIT ?2)"""
DELETE_CHILDLESS = f"""DELETE FROM tokens WHERE key IN (SELECT e.key FROM ({EXPIRED}) e
    WHERE NOT EXISTS (SELECT 1 FROM tokens c WHERE c.parent = e.key))"""

SAME_NAME = "SELECT 1 FROM aliases WHERE namespace = ? AND mount = ? AND folded = ? AND id <> ?"
PRUNE_ENTITY = """DELETE FROM entities WHERE id = ?1 AND version = ?2
    AND NOT EXISTS (SELECT 1 FROM aliases WHERE entity = ?1 AND (seen_at IS NULL OR seen_at > ?3))
    AND NOT EXISTS (SELECT 1 FROM tokens WHERE entity = ?1)"""


def apply(db: sqlite3.Connection, batch: Sequence[ops.Op]) -> list[object]:
    """Runs the ops of one commit in order; moves the generation once if any asks for it."""
    results: list[object] = []
    bump = False
    try:
        for op in batch:
            result, bumps = _APPLY[type(op)](db, op)
            results.append(result)
            bump = bump or bumps
    except sqlite3.IntegrityError as error:
        raise Conflict(str(error)) from error
    if bump:
        db.execute("UPDATE generation SET value = value + 1")
    return results


def _text(key: str) -> str:
    if "\x00" in key:
        raise ValueError("a storage key must not contain NUL")
    return key


def _put_document(db: sqlite3.Connection, op: ops.PutDocument) -> Result:
    key = _text(op.key)
    if op.expect is None:
        row = db.execute(
            "INSERT INTO documents (namespace, path, version, value) VALUES (?, ?, 1, ?) ON CONFLICT (namespace, path) "
            "DO UPDATE SET version = version + 1, value = excluded.value RETURNING version",
            (op.namespace, key, op.value),
        ).fetchone()
    elif op.expect == 0:
        row = db.execute(
            "INSERT INTO documents (namespace, path, version, value) VALUES (?, ?, 1, ?) "
            "ON CONFLICT (namespace, path) DO NOTHING RETURNING version",
            (op.namespace, key, op.value),
        ).fetchone()
    else:
        row = db.execute(
            "UPDATE documents SET version = version + 1, value = ? WHERE namespace = ? AND path = ? AND version = ? "
            "RETURNING version",
            (op.value, op.namespace, key, op.expect),
        ).fetchone()
    if row is None:
        raise Conflict(f"document is not at version {op.expect}")
    return row[0], op.bump


def _delete_document(db: sqlite3.Connection, op: ops.DeleteDocument) -> Result:
    if op.expect is not None:
        row = db.execute("SELECT version FROM documents WHERE namespace = ? AND path = ?", (op.namespace, op.key))
        found = row.fetchone()
        if (found[0] if found else 0) != op.expect:
            raise Conflict(f"document is not at version {op.expect}")
    gone = db.execute("DELETE FROM documents WHERE namespace = ? AND path = ?", (op.namespace, op.key)).rowcount
    return gone > 0, op.bump and gone > 0


def _delete_tree(db: sqlite3.Connection, op: ops.DeleteTree) -> Result:
    sql = "DELETE FROM documents WHERE namespace = ? AND path >= ? AND path < ?"
    gone = db.execute(sql, (op.namespace, op.prefix, upper(op.prefix))).rowcount
    return gone, op.bump and gone > 0


def _scope(db: sqlite3.Connection, row: TokenRow) -> int:
    scope = (row.namespace, _text(row.path) + "/", row.mount, row.role)
    found = db.execute(FIND_SCOPE, scope).fetchone()
    return int(found[0]) if found else int(db.execute(INSERT_SCOPE, scope).lastrowid or 0)


def _insert_token(db: sqlite3.Connection, op: ops.InsertToken) -> Result:
    row = op.row
    parent = None
    if row.parent is not None:
        found = db.execute(FIND_PARENT, (row.parent,)).fetchone()
        if found is None:
            raise Conflict("the parent token is gone")
        parent = found[0]
    entity = pack_uuid(row.entity) if row.entity else None
    expires_at = milliseconds(row.expires_at)
    values = (row.id, _scope(db, row), parent, entity, expires_at, row.uses_left, row.sealed)
    db.execute(INSERT_TOKEN, values)
    return None, False


def _update_token(db: sqlite3.Connection, op: ops.UpdateToken) -> Result:
    return db.execute(UPDATE_TOKEN, (milliseconds(op.expires_at), op.sealed, op.id)).rowcount > 0, False


def _use_token(db: sqlite3.Connection, op: ops.UseToken) -> Result:
    row = db.execute(USE_TOKEN, (op.id,)).fetchone()
    return None if row is None else row[0], False


def _delete_token(db: sqlite3.Connection, op: ops.DeleteToken) -> Result:
    return db.execute("DELETE FROM tokens WHERE id = ?", (op.id,)).rowcount > 0, False


def _delete_token_tree(db: sqlite3.Connection, op: ops.DeleteTokenTree) -> Result:
    return _end(db, "SELECT key FROM tokens WHERE id = ?", (op.id,), op.bound), False


def _delete_tokens_of(db: sqlite3.Connection, op: ops.DeleteTokensOf) -> Result:
    wanted = TokenFilter(namespace=op.namespace, mount=op.mount, entity=op.entity, path_prefix=op.path_prefix)
    roots, values = wanted.matching_keys()
    gone = _end(db, f"{roots} LIMIT ?", (*values, op.limit or -1), op.bound)
    if not wanted.is_by_row:
        condition, scope_values = wanted.scope_condition()
        db.execute(PRUNE_SCOPES.format(condition=condition), scope_values)
    return gone, False


def _end(db: sqlite3.Connection, roots: str, values: Sequence[Parameter], bound: int) -> int:
    """Deletes tokens with all below them, or only ends them where that would be more than `bound` rows."""
    trees = TREES.format(roots=roots)
    if bound and len(db.execute(f"{trees} LIMIT ?", (*values, bound + 1)).fetchall()) > bound:
        db.execute(END.format(roots=roots), values)
        return MARKED
    return db.execute(f"DELETE FROM tokens WHERE key IN ({trees})", values).rowcount


def _delete_expired(db: sqlite3.Connection, op: ops.DeleteExpired) -> Result:
    """Children of expired parents expire a millisecond before them, which puts them first in line: a tree goes from
    its leaves up in batches, and at no moment does a child outlive its parent's row.
    """
    window = (milliseconds(op.now), op.limit)
    marked = db.execute(EXPIRE_CHILDREN, window).rowcount
    gone = db.execute(DELETE_CHILDLESS, window).rowcount
    if gone and gone + marked < op.limit:  # the end of a sweep
        db.execute(PRUNE_SCOPES.format(condition="1"))
    return gone + marked, False


def _insert_entity(db: sqlite3.Connection, op: ops.InsertEntity) -> Result:
    row = op.row
    db.execute(
        "INSERT INTO entities (id, namespace, name, folded, version, sealed) VALUES (?, ?, ?, ?, 1, ?)",
        (pack_uuid(row.id), row.namespace, row.name, fold(row.name), row.sealed),
    )
    return None, op.bump


def _put_entity(db: sqlite3.Connection, op: ops.PutEntity) -> Result:
    row = op.row
    found = db.execute(
        "UPDATE entities SET namespace = ?1, name = ?2, folded = ?3, sealed = ?4, version = version + 1 "
        "WHERE id = ?5 AND (?6 IS NULL OR version = ?6) RETURNING version",
        (row.namespace, row.name, fold(row.name), row.sealed, pack_uuid(row.id), op.expect),
    ).fetchone()
    if found is None:
        raise Conflict("entity is gone or was changed")
    return found[0], op.bump


def _delete_entity(db: sqlite3.Connection, op: ops.DeleteEntity) -> Result:
    gone = db.execute("DELETE FROM entities WHERE id = ?", (pack_uuid(op.id),)).rowcount > 0
    return gone, op.bump and gone


def _prune_entity(db: sqlite3.Connection, op: ops.PruneEntity) -> Result:
    gone = db.execute(PRUNE_ENTITY, (pack_uuid(op.id), op.version, milliseconds(op.seen_at))).rowcount > 0
    return gone, op.bump and gone


def _insert_alias(db: sqlite3.Connection, op: ops.InsertAlias) -> Result:
    row = op.row
    folded = _free_name(db, row)
    db.execute(
        "INSERT INTO aliases (id, namespace, mount, name, folded, entity, version, sealed, seen_at) "
        "VALUES (?, ?, ?, ?, ?, ?, 1, ?, ?)",
        (pack_uuid(row.id), row.namespace, row.mount, row.name, folded, pack_uuid(row.entity), row.sealed,
         milliseconds(row.seen_at)),
    )  # fmt: skip
    return None, op.bump


def _put_alias(db: sqlite3.Connection, op: ops.PutAlias) -> Result:
    row = op.row
    before = db.execute("SELECT namespace, mount, folded FROM aliases WHERE id = ?", (pack_uuid(row.id),)).fetchone()
    moves = before != (row.namespace, row.mount, fold(row.name))
    folded = _free_name(db, row) if moves else before[2]
    found = db.execute(
        "UPDATE aliases SET namespace = ?1, mount = ?2, name = ?3, folded = ?8, entity = ?4, sealed = ?5, "
        "version = version + 1 WHERE id = ?6 AND (?7 IS NULL OR version = ?7) RETURNING version",
        (row.namespace, row.mount, row.name, pack_uuid(row.entity), row.sealed, pack_uuid(row.id), op.expect, folded),
    ).fetchone()
    if found is None:
        raise Conflict("alias is gone or was changed")
    return found[0], op.bump


def _free_name(db: sqlite3.Connection, row: AliasRow) -> str:
    """The folded name of an alias; Conflict when another one of its mount has it.

    No unique index says so, because files from before may have two names that differ in case alone.
    """
    folded = fold(row.name)
    if db.execute(SAME_NAME, (row.namespace, row.mount, folded, pack_uuid(row.id))).fetchone():
        raise Conflict("another alias of the mount has this name")
    return folded


def _see_alias(db: sqlite3.Connection, op: ops.SeeAlias) -> Result:
    if db.execute("UPDATE aliases SET seen_at = ? WHERE id = ?", (milliseconds(op.at), pack_uuid(op.id))).rowcount < 1:
        raise Conflict("alias is gone")
    return None, False


def _delete_alias(db: sqlite3.Connection, op: ops.DeleteAlias) -> Result:
    gone = db.execute("DELETE FROM aliases WHERE id = ?", (pack_uuid(op.id),)).rowcount > 0
    return gone, op.bump and gone


def _put_cubbyhole(db: sqlite3.Connection, op: ops.PutCubbyhole) -> Result:
    put = db.execute(
        "INSERT INTO cubbyholes (token, path, sealed) SELECT key, ?, ? FROM tokens WHERE id = ? "
        "ON CONFLICT (token, path) DO UPDATE SET sealed = excluded.sealed",
        (_text(op.path), op.sealed, op.token),
    )
    if put.rowcount < 1:
        raise Conflict("the token of the cubbyhole is gone")
    return None, False


def _delete_cubbyhole(db: sqlite3.Connection, op: ops.DeleteCubbyhole) -> Result:
    gone = db.execute(f"DELETE FROM cubbyholes WHERE token = {KEY} AND path = ?", (op.token, op.path)).rowcount
    return gone > 0, False


def _add_explanation(db: sqlite3.Connection, op: ops.AddExplanation) -> Result:
    added = db.execute(
        "INSERT INTO explanations (request_id, at, sealed) VALUES (?, ?, ?)",
        (op.request_id, milliseconds(op.at), op.sealed),
    ).lastrowid
    db.execute("DELETE FROM explanations WHERE seq <= ?", ((added or 0) - op.keep,))
    return None, False


def _try_lock(db: sqlite3.Connection, op: ops.TryLock) -> Result:
    taken = db.execute(
        "INSERT INTO locks (name, owner, until) VALUES (?1, ?2, ?3) ON CONFLICT (name) DO UPDATE "
        "SET owner = excluded.owner, until = excluded.until WHERE locks.until <= ?4 OR locks.owner = excluded.owner",
        (op.name, op.owner, milliseconds(op.until), milliseconds(op.now)),
    )
    return taken.rowcount > 0, False


_APPLY: dict[type, Callable[..., Result]] = {
    ops.PutDocument: _put_document,
    ops.DeleteDocument: _delete_document,
    ops.DeleteTree: _delete_tree,
    ops.InsertToken: _insert_token,
    ops.UpdateToken: _update_token,
    ops.UseToken: _use_token,
    ops.DeleteToken: _delete_token,
    ops.DeleteTokenTree: _delete_token_tree,
    ops.DeleteTokensOf: _delete_tokens_of,
    ops.DeleteExpired: _delete_expired,
    ops.InsertEntity: _insert_entity,
    ops.PutEntity: _put_entity,
    ops.DeleteEntity: _delete_entity,
    ops.PruneEntity: _prune_entity,
    ops.InsertAlias: _insert_alias,
    ops.PutAlias: _put_alias,
    ops.SeeAlias: _see_alias,
    ops.DeleteAlias: _delete_alias,
    ops.PutCubbyhole: _put_cubbyhole,
    ops.DeleteCubbyhole: _delete_cubbyhole,
    ops.AddExplanation: _add_explanation,
    ops.TryLock: _try_lock,
}
