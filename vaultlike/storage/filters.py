"""Which tokens: the filters shared by listing, counting and deleting, as SQL conditions. Owns no connection."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from vaultlike.storage.columns import child_floor, pack_uuid, upper

Parameter = str | bytes | int | None


class TokenFilter(Struct, frozen=True, kw_only=True):
    """Every given field must match. `path_prefix` is a text prefix of the creation path followed by a slash: both
    `auth/a` and `auth/a/login/` match a token of `auth/a/login` (leases are named `<path>/<id>`).
    """

    namespace: str | None = None
    parent: bytes | None = None
    mount: str | None = None
    entity: str | None = None
    path_prefix: str | None = None

    @property
    def is_by_row(self) -> bool:
        """Whether an index of `tokens` itself answers it (else it is answered scope by scope)."""
        return self.parent is not None or self.entity is not None

    def scope_condition(self) -> tuple[str, list[Parameter]]:
        """The part about `scopes s`."""
        parts: list[str] = []
        values: list[Parameter] = []
        if self.namespace is not None:
            parts.append("s.namespace = ?")
            values.append(self.namespace)
        if self.mount is not None:
            parts.append("s.mount = ?")
            values.append(self.mount)
        if self.path_prefix is not None:
            parts.append("s.path >= ? AND s.path < ?")
            values += [self.path_prefix, upper(self.path_prefix)]
        return " AND ".join(parts) or "1", values

    def row_condition(self) -> tuple[str, list[Parameter]]:
        """The part about `tokens t`."""
        parts: list[str] = []
        values: list[Parameter] = []
        if self.parent is not None:
            parts.append("t.parent = (SELECT key FROM tokens WHERE id = ?)")
            values.append(self.parent)
        if self.entity is not None:
            parts.append("t.entity = ?")
            values.append(pack_uuid(self.entity))
        return " AND ".join(parts) or "1", values

    def matching_keys(self) -> tuple[str, list[Parameter]]:
        """A SELECT of the `key`s of all tokens that match."""
        scope, scope_values = self.scope_condition()
        row, row_values = self.row_condition()
        if self.is_by_row:  # CROSS JOIN keeps SQLite from starting at the scopes
            sql = f"SELECT t.key FROM tokens t CROSS JOIN scopes s ON s.id = t.scope WHERE {row} AND {scope}"
            return sql, [*row_values, *scope_values]
        # only what expires has a lease, and only leases are named by a prefix (a root token without an end is no lease)
        leased = " AND t.expires_at IS NOT NULL" if self.path_prefix is not None else ""
        return f"SELECT t.key FROM scopes s CROSS JOIN tokens t ON t.scope = s.id WHERE {scope}{leased}", scope_values


def walk_children(
    table: str, condition: str, values: Sequence[Parameter], prefix: str, after: str, limit: int
) -> tuple[str, list[Parameter]]:
    """A SELECT of one path per immediate child of `prefix`: each step jumps behind the whole folder just found.

    `table` has a `path` column and an index on what `condition` fixes, followed by `path`.
    """
    rest = len(prefix) + 1  # where the part below the prefix starts, counted from 1
    slash = "instr(substr(walk.path, ?), '/')"
    behind = f"CASE {slash} WHEN 0 THEN walk.path || char(1) ELSE substr(walk.path, 1, ? + {slash}) || '0' END"
    select = f"SELECT path FROM {table} WHERE {condition} AND path >= %s AND path < ? ORDER BY path LIMIT 1"
    sql = (
        f"WITH RECURSIVE walk (path) AS (SELECT ({select % '?'}) UNION ALL SELECT ({select % behind}) FROM walk "
        "WHERE walk.path IS NOT NULL LIMIT ?) SELECT path FROM walk WHERE path IS NOT NULL"
    )
    end = upper(prefix)
    start = [*values, child_floor(prefix, after), end]
    return sql, [*start, *values, rest, rest - 2, rest, end, limit or -1]
