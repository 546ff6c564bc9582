"""What the server asks of a database. Owns the contract; knows no SQL (engines do) and no keys (`seal` does).

Every engine passes `vaultlike.testing.storage.StorageConformance`. Listing conventions: results are sorted (texts by
code point), `after` is the last element of the page before (exclusive), `limit` 0 means all. `keys`, `documents` and
`children` answer relative to `prefix` and leave out a document whose key is exactly `prefix`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from vaultlike.errors import Unavailable
from vaultlike.storage.ops import (
    AddExplanation,
    DeleteAlias,
    DeleteCubbyhole,
    DeleteDocument,
    DeleteEntity,
    DeleteExpired,
    DeleteToken,
    DeleteTokensOf,
    DeleteTokenTree,
    DeleteTree,
    InsertAlias,
    InsertEntity,
    InsertToken,
    Op,
    PruneEntity,
    PutAlias,
    PutCubbyhole,
    PutDocument,
    PutEntity,
    SeeAlias,
    TryLock,
    UpdateToken,
    UseToken,
)
from vaultlike.storage.rows import (
    ENDED,
    LAST_USE,
    MARKED,
    AliasRow,
    Document,
    EntityRow,
    Explanation,
    TokenRow,
    fold,
)

__all__ = [
    "ENDED",
    "LAST_USE",
    "MARKED",
    "AddExplanation",
    "AliasRow",
    "Conflict",
    "DeleteAlias",
    "DeleteCubbyhole",
    "DeleteDocument",
    "DeleteEntity",
    "DeleteExpired",
    "DeleteToken",
    "DeleteTokenTree",
    "DeleteTokensOf",
    "DeleteTree",
    "Document",
    "Engine",
    "EntityRow",
    "Explanation",
    "InsertAlias",
    "InsertEntity",
    "InsertToken",
    "Op",
    "PruneEntity",
    "PutAlias",
    "PutCubbyhole",
    "PutDocument",
    "PutEntity",
    "SeeAlias",
    "StorageUnavailable",
    "TokenRow",
    "TryLock",
    "UpdateToken",
    "UseToken",
    "fold",
]


class Conflict(Exception):
    """A precondition of a commit does not hold or something unique exists already; nothing of the commit was kept."""


class StorageUnavailable(Unavailable):
    """The database cannot be opened, read or written now; `reason` says why (503)."""


class Engine(Protocol):
    """One database. Reads see every commit acknowledged before, by whichever process."""

    async def start(self) -> None:
        """Opens, checks and migrates. Raises StorageUnavailable with a reason an operator can act on."""

    async def stop(self) -> None:
        """Finishes the commits in flight and closes. Safe to call twice."""

    async def commit(self, ops: Sequence[Op]) -> list[object]:
        """All of `ops` or none, durable when it returns; one result per op (see each op).

        Raises Conflict (nothing kept) or StorageUnavailable (disk, lock, too many waiting). A caller that is cancelled
        while waiting does not know whether its commit happened; it happens at most once.
        """

    async def generation(self) -> int:
        """The counter that every `bump` moves."""

    async def token(self, id: bytes) -> tuple[int, TokenRow | None]:
        """Generation and token, in one statement; the generation also when the token is unknown."""

    async def live_token(self, id: bytes, now: float) -> tuple[int, TokenRow | None]:
        """Generation and token, which must not have expired at `now` (Unix seconds), nor any ancestor of it.

        One statement where it has no parent or a parent without one, which is nearly always.
        """

    async def token_by_prefix(self, prefix: bytes) -> TokenRow | None:
        """A token whose id starts with these 16 bytes (two would be a coincidence of 128 bits)."""

    async def ancestors_alive(self, id: bytes, now: float) -> bool:
        """Whether the token exists and each of its ancestors does and has not expired at `now` (Unix seconds)."""

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
        """Tokens that match every given filter, by id. `path_prefix` is a text prefix of `<creation path>/`."""

    async def count_tokens(
        self,
        *,
        namespace: str | None = None,
        parent: bytes | None = None,
        mount: str | None = None,
        entity: str | None = None,
        path_prefix: str | None = None,
    ) -> int:
        """How many match; `namespace=None` counts all namespaces."""

    async def lease_children(self, namespace: str, prefix: str, after: str = "", limit: int = 0) -> list[str]:
        """The creation paths of existing tokens as a directory: names below `prefix` ("" or ends with "/").

        Folders end with "/"; leaves are the ids of the tokens created at exactly that path, in lower-case hex. Tokens
        that never expire have no lease.
        """

    async def document(self, namespace: str, key: str) -> Document | None: ...

    async def documents(
        self, namespace: str, prefix: str, after: str = "", limit: int = 0
    ) -> list[tuple[str, Document]]: ...

    async def keys(self, namespace: str, prefix: str, after: str = "", limit: int = 0) -> list[str]: ...

    async def children(self, namespace: str, prefix: str, after: str = "", limit: int = 0) -> list[str]:
        """Immediate names below `prefix` ("" or ends with "/"); folders end with "/". One step per name returned."""

    async def entity(self, id: str) -> EntityRow | None: ...

    async def entity_by_name(self, namespace: str, name: str) -> EntityRow | None: ...

    async def entities(self, namespace: str, after: str = "", limit: int = 0) -> list[EntityRow]:
        """By id."""

    async def alias(self, namespace: str, mount: str, name: str) -> AliasRow | None: ...

    async def login_identity(self, namespace: str, mount: str, name: str) -> tuple[AliasRow, EntityRow] | None:
        """The alias and the entity that it stands for, in one statement."""

    async def alias_by_id(self, id: str) -> AliasRow | None: ...

    async def aliases_of(self, entity: str) -> list[AliasRow]:
        """By id."""

    async def aliases(
        self, namespace: str, mount: str | None = None, after: str = "", limit: int = 0
    ) -> list[AliasRow]:
        """By id."""

    async def unseen_aliases(
        self, namespace: str, mount: str, before: float, after: tuple[float, str] = (0.0, ""), limit: int = 0
    ) -> list[AliasRow]:
        """Those that were last seen before a moment (Unix seconds), longest ago first; `after` is the time and the id
        of the last one of the page before.
        """

    async def cubbyhole(self, token: bytes, path: str) -> bytes | None: ...

    async def cubbyhole_children(self, token: bytes, prefix: str) -> list[str]:
        """Immediate names below `prefix`, as `children`."""

    async def explanation(self, request_id: str) -> Explanation | None: ...
