"""Everything that can be written, as values. A commit is a sequence of these and is atomic.

Each op says what it puts into the commit's result list. `bump` means: when something changed, the generation counter
grows in the same transaction (once for a whole commit). Keys and paths hold no NUL character.
"""

from __future__ import annotations

from typing import TypeAlias

from msgspec import Struct

from vaultlike.storage.rows import AliasRow, EntityRow, TokenRow


class PutDocument(Struct, frozen=True, gc=False):
    """-> int, the new version. `expect`: 0 = must be absent, n = must be that version, None = whatever is there."""

    namespace: str
    key: str
    value: bytes
    expect: int | None = None
    bump: bool = True


class DeleteDocument(Struct, frozen=True, gc=False):
    """-> bool, whether there was one. With `expect`, another version (or absence, unless 0) is a Conflict."""

    namespace: str
    key: str
    expect: int | None = None
    bump: bool = True


class DeleteTree(Struct, frozen=True, gc=False):
    """-> int, how many documents whose key starts with `prefix` were deleted."""

    namespace: str
    prefix: str
    bump: bool = True


class InsertToken(Struct, frozen=True, gc=False):
    """-> None. Conflict when the id exists, or when the parent does not or is MARKED."""

    row: TokenRow


class UpdateToken(Struct, frozen=True, gc=False):
    """-> bool, False when the token is gone or MARKED. Times in Unix seconds."""

    id: bytes
    expires_at: float | None
    sealed: bytes


class UseToken(Struct, frozen=True, gc=False):
    """-> int | None: uses left after this one (LAST_USE for the last); None when none was left or it is unknown."""

    id: bytes


class DeleteToken(Struct, frozen=True, gc=False):
    """-> bool. Its cubbyhole goes too; its children become orphans."""

    id: bytes


class DeleteTokenTree(Struct, frozen=True, gc=False):
    """-> int, how many tokens were deleted: this one and everything below it, cubbyholes included.

    `bound` > 0: a tree of more tokens is not deleted. Its root gets the expiry ENDED, which ends all of it at once, and
    the answer is MARKED: DeleteExpired(ENDED, ...) then deletes it in batches, and so does every later sweep.
    """

    id: bytes
    bound: int = 0


class DeleteTokensOf(Struct, frozen=True, gc=False, kw_only=True):
    """-> int, how many were deleted: all of the namespace that match every given filter, with all descendants.

    `path_prefix` is a text prefix of `<creation path>/`. `limit` > 0 bounds how many matching tokens are taken in this
    commit (descendants come on top): call again until 0. `bound` as for DeleteTokenTree: after MARKED delete what has
    ENDED, then go on.
    """

    namespace: str
    mount: str | None = None
    path_prefix: str | None = None
    entity: str | None = None
    limit: int = 0
    bound: int = 0


class DeleteExpired(Struct, frozen=True, gc=False):
    """-> int, rows touched: expired tokens deleted plus their children marked expired (at most 2 * limit).

    A parent goes only after its last child, so a deep tree takes several commits: call again until 0.
    """

    now: float
    limit: int


class InsertEntity(Struct, frozen=True, gc=False):
    """-> None. Conflict when id or name exists. The row's version is ignored: it starts at 1."""

    row: EntityRow
    bump: bool = False


class PutEntity(Struct, frozen=True, gc=False):
    """-> int, the new version. Conflict when it is gone, is not at version `expect`, or the new name is taken."""

    row: EntityRow
    expect: int | None = None
    bump: bool = True


class DeleteEntity(Struct, frozen=True, gc=False):
    """-> bool. Its aliases go too; its tokens do not (DeleteTokensOf)."""

    id: str
    bump: bool = True


class PruneEntity(Struct, frozen=True, gc=False):
    """-> bool: deleted with its aliases, unless it changed since `version`, has a token, or has an alias that was seen
    after `seen_at` (Unix seconds) or about which nothing is known.
    """

    id: str
    version: int
    seen_at: float
    bump: bool = True


class InsertAlias(Struct, frozen=True, gc=False):
    """-> None. Conflict when id or (namespace, mount, name whatever its case) exists or the entity does not."""

    row: AliasRow
    bump: bool = False


class PutAlias(Struct, frozen=True, gc=False):
    """-> int, the new version. Conflict as for PutEntity, or when the entity does not exist. `seen_at` stays."""

    row: AliasRow
    expect: int | None = None
    bump: bool = True


class SeeAlias(Struct, frozen=True, gc=False):
    """-> None: it logged in at `at` (Unix seconds); nothing else of the row changes. Conflict when it is gone."""

    id: str
    at: float


class DeleteAlias(Struct, frozen=True, gc=False):
    """-> bool."""

    id: str
    bump: bool = True


class PutCubbyhole(Struct, frozen=True, gc=False):
    """-> None. Conflict when the token does not exist (any more)."""

    token: bytes
    path: str
    sealed: bytes


class DeleteCubbyhole(Struct, frozen=True, gc=False):
    """-> bool."""

    token: bytes
    path: str


class AddExplanation(Struct, frozen=True, gc=False):
    """-> None. Only the newest `keep` stay. Conflict when the request id exists. `at` in Unix seconds."""

    request_id: str
    at: float
    sealed: bytes
    keep: int


class TryLock(Struct, frozen=True, gc=False):
    """-> bool: whether `owner` holds the named lock until `until` (Unix seconds); an owner may extend its own.

    It elects one node for periodic work. Letting go: the same op with `until=now`.
    """

    name: str
    owner: str
    until: float
    now: float


Op: TypeAlias = (
    PutDocument
    | DeleteDocument
    | DeleteTree
    | InsertToken
    | UpdateToken
    | UseToken
    | DeleteToken
    | DeleteTokenTree
    | DeleteTokensOf
    | DeleteExpired
    | InsertEntity
    | PutEntity
    | DeleteEntity
    | PruneEntity
    | InsertAlias
    | PutAlias
    | SeeAlias
    | DeleteAlias
    | PutCubbyhole
    | DeleteCubbyhole
    | AddExplanation
    | TryLock
)
