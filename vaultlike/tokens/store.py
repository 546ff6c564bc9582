"""Tokens in the database: mint, present, use, renew, revoke. The store keeps no token text, only keyed hashes.

Validity is decided here, by the clock, at each use; whether the sweeper has run never matters.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from msgspec import Struct, structs

from vaultlike.clock import Clock
from vaultlike.errors import Denied, Invalid, TooLarge
from vaultlike.storage.engine import (
    ENDED,
    LAST_USE,
    MARKED,
    Conflict,
    DeleteCubbyhole,
    DeleteToken,
    DeleteTokensOf,
    DeleteTokenTree,
    Engine,
    InsertToken,
    Op,
    PutCubbyhole,
    TokenRow,
    UpdateToken,
    UseToken,
)
from vaultlike.tokens import entry as entries
from vaultlike.tokens.accessors import accessor_of, prefix_of
from vaultlike.tokens.batch import BatchTokens
from vaultlike.tokens.entry import Token, TokenEntry, scope_of
from vaultlike.tokens.ids import BATCH as BATCH_PREFIX
from vaultlike.tokens.ids import service_token
from vaultlike.tokens.sweeper import BATCH, delete_expired, sweep

MAX_TOKEN = 8192  # characters of a presented token
OPENED = 16_384  # entries kept open; a plain dictionary that starts afresh is three times as fast as an LRU
MAX_PRIVATE = 8 * 1024 * 1024  # bytes of one cubbyhole value


class Keys(Protocol):
    """What the store needs of the barrier."""

    def seal(self, context: bytes, plaintext: bytes) -> bytes: ...
    def open(self, context: bytes, sealed: bytes) -> bytes: ...
    def token_hmac(self, value: str) -> bytes: ...
    def hide(self, block: bytes) -> bytes: ...
    def unhide(self, block: bytes) -> bytes: ...


def cubbyhole_context(identity: bytes, path: str) -> bytes:
    """What binds a sealed cubbyhole value to its place."""
    return b"cubbyhole:" + identity + path.encode()


def _context(namespace: str, identity: bytes) -> bytes:
    """What binds a token's sealed part to its row; ids of tokens are of one length, those of namespaces too."""
    return b"token:" + namespace.encode() + identity


class NewToken(Struct, frozen=True, kw_only=True):
    """What to mint. Spans in seconds; `expires` False only for root tokens, whose `ttl` is 0."""

    path: str
    policies: tuple[str, ...]
    display_name: str
    ttl: int
    expires: bool = True
    mount: str = ""
    role: str = ""
    entity: str = ""
    parent: bytes | None = None
    renewable: bool = False
    meta: dict[str, str] | None = None
    explicit_max_ttl: int = 0
    period: int = 0
    num_uses: int = 0
    bound_cidrs: tuple[str, ...] = ()
    memo: dict[str, str] = {}
    alias: str = ""
    groups: tuple[str, ...] = ()
    batch: bool = False
    text: str = ""  # a custom id
    jti: str = ""  # with `text`: the name that signed access tokens have for it

    def __repr__(self) -> str:
        return f"NewToken(path={self.path!r})"


def _unspent(row: TokenRow, now: float) -> bool:
    """Whether a token has time and uses left, its ancestors aside."""
    return (row.expires_at is None or row.expires_at > now) and (row.uses_left is None or row.uses_left > 0)


def _same(known: TokenRow, row: TokenRow) -> bool:
    """Whether a row has what was opened before; its id is the same, its life and uses are judged at each use."""
    return (
        known.sealed == row.sealed
        and known.namespace == row.namespace
        and known.entity == row.entity
        and known.mount == row.mount
        and known.role == row.role
        and known.path == row.path
    )


class TokenStore:
    """The tokens of one namespace (by its id). `random(n)` gives n random bytes.

    Only `present` knows the tokens of all namespaces; whoever asks it judges where they may be used. Everything else
    finds those of namespaces that `sees` names, by id.
    """

    def __init__(
        self,
        engine: Engine,
        keys: Keys,
        clock: Clock,
        random: Callable[[int], bytes],
        namespace: str = "",
        sees: Callable[[str], bool] = lambda namespace: True,
    ) -> None:
        self._engine, self._keys, self._clock, self._random = engine, keys, clock, random
        self._namespace, self._sees = namespace, sees
        self._opened: dict[bytes, tuple[TokenRow, TokenEntry]] = {}
        self._batch = BatchTokens(keys)

    async def mint(self, new: NewToken, ops: Sequence[Op] = (), cubbyhole: Mapping[str, bytes] | None = None) -> Token:
        """Makes a token durable together with `ops` (one transaction) and returns it with its text.

        `cubbyhole` is what its private store holds from the start, by path. Raises storage Conflict when a custom id
        exists or the parent is gone.
        """
        token = self.build(new)
        if token.batch:
            if ops:
                await self._engine.commit(ops)
            return token
        identity = token.row.id
        private = [
            PutCubbyhole(identity, path, self._keys.seal(cubbyhole_context(identity, path), value))
            for path, value in (cubbyhole or {}).items()
        ]
        await self._engine.commit([*ops, InsertToken(token.row), *private])
        return token

    def build(self, new: NewToken) -> Token:
        """A token that is not stored yet (a batch token never is)."""
        now = self._clock.now()
        text = new.text or service_token(self._random, self._namespace)
        identity = self._keys.token_hmac(text)
        entry = TokenEntry(
            accessor="" if new.batch else accessor_of(self._keys, identity),
            policies=new.policies,
            display_name=new.display_name,
            created_at=round(now, 3),
            creation_ttl=new.ttl,
            renewable=new.renewable,
            meta=new.meta,
            explicit_max_ttl=new.explicit_max_ttl,
            period=new.period,
            bound_cidrs=new.bound_cidrs,
            memo=new.memo,
            alias=new.alias,
            groups=new.groups,
            num_uses=new.num_uses,
            ends_at=now + new.ttl if new.expires else None,
            scope=b"" if new.batch else scope_of(new.entity, new.mount, new.role, new.path),
            jti=new.jti,
        )
        row = TokenRow(
            id=identity,
            namespace=self._namespace,
            path=new.path,
            sealed=b"" if new.batch else self._keys.seal(_context(self._namespace, identity), entries.encode(entry)),
            parent=new.parent,
            mount=new.mount,
            role=new.role,
            entity=new.entity,
            expires_at=entry.ends_at,
            uses_left=new.num_uses or None,
        )
        if new.batch:
            return self._batch.issue(row, entry)
        return Token(row, entry, text)

    async def present(self, text: str) -> tuple[int, Token | None]:
        """The generation, and the token of this text if it is valid now; spends no use.

        One storage read, unless it is a grandchild.
        """
        if text.startswith(BATCH_PREFIX):
            generation = await self._engine.generation()
            return generation, await self._present_batch(text)
        if len(text) > MAX_TOKEN:
            return await self._engine.generation(), None
        identity = self._keys.token_hmac(text)
        generation, row = await self._engine.live_token(identity, self._clock.now())
        if row is None or (row.uses_left is not None and row.uses_left <= 0):
            return generation, None
        return generation, self._token(row, text)

    async def _present_batch(self, text: str) -> Token | None:
        token = self._batch.open(text) if len(text) <= MAX_TOKEN else None
        if token is None or (token.row.expires_at or 0) <= self._clock.now():
            return None
        if token.row.parent is not None:
            _, parent = await self._engine.token(token.row.parent)
            if parent is None or not await self._alive(parent):
                return None
        return token

    async def _alive(self, row: TokenRow) -> bool:
        now = self._clock.now()
        if not _unspent(row, now):
            return False
        return row.parent is None or await self._engine.ancestors_alive(row.id, now)

    def _token(self, row: TokenRow, text: str = "") -> Token | None:
        """The token of a row; None where the columns say something else than what is sealed with it."""
        known = self._opened.get(row.id)
        entry = known[1] if known is not None and _same(known[0], row) else self._open(row)
        return Token(row, entry, text) if entry is not None and entry.within(row) else None

    def _open(self, row: TokenRow) -> TokenEntry | None:
        entry = entries.decode(self._keys.open(_context(row.namespace, row.id), row.sealed))
        if entry.scope and entry.scope != scope_of(row.entity, row.mount, row.role, row.path):
            return None
        if len(self._opened) >= OPENED:
            self._opened.clear()
        self._opened[row.id] = (row, entry)
        return entry

    async def use(self, token: Token) -> Token | None:
        """Spends one use, atomically across nodes; None when none was left. The last use leaves `uses_left` at -1."""
        (left,) = await self._engine.commit([UseToken(token.row.id)])
        if not isinstance(left, int):
            return None
        return Token(structs.replace(token.row, uses_left=left), token.entry, token.text)

    async def find(self, text: str) -> Token | None:
        """The valid token of this text, the last use of one included; None otherwise."""
        if text.startswith(BATCH_PREFIX):
            batch = await self._present_batch(text)
            return batch if batch is not None and self._sees(batch.row.namespace) else None
        if not text or len(text) > MAX_TOKEN:
            return None
        _, row = await self._engine.token(self._keys.token_hmac(text))
        return self._token(row, text) if row and await self._visible(row) else None

    async def find_id(self, identity: bytes) -> Token | None:
        """The valid token with this id."""
        _, row = await self._engine.token(identity)
        return self._token(row) if row and await self._visible(row) else None

    async def find_accessor(self, accessor: str) -> Token | None:
        """The valid token with this accessor."""
        prefix = prefix_of(self._keys, accessor)
        row = await self._engine.token_by_prefix(prefix) if prefix is not None else None
        return self._token(row) if row and await self._visible(row) else None

    async def _visible(self, row: TokenRow) -> bool:
        if not self._sees(row.namespace):
            return False
        if row.uses_left == LAST_USE:
            row = structs.replace(row, uses_left=None)
        return await self._alive(row)

    async def renew(self, token: Token, expires_at: float) -> Token:
        """Sets the end of the token's life (Unix seconds). Raises Invalid when it vanished meanwhile."""
        now = self._clock.now()
        old = token.row
        # the scope too: with their first renewal, tokens from before it was sealed get it
        entry = structs.replace(
            token.entry,
            renewed_at=round(now, 3),
            ends_at=expires_at,
            scope=scope_of(old.entity, old.mount, old.role, old.path),
        )
        sealed = self._keys.seal(_context(token.row.namespace, token.row.id), entries.encode(entry))
        (kept,) = await self._engine.commit([UpdateToken(token.row.id, expires_at, sealed)])
        if not kept:
            raise Invalid("token not found")
        row = structs.replace(token.row, expires_at=expires_at, sealed=sealed)
        return Token(row, entry, token.text)

    async def revoke(self, identity: bytes) -> None:
        """Ends a token and everything that descends from it: at once, however much that is."""
        (answer,) = await self._engine.commit([DeleteTokenTree(identity, bound=BATCH)])
        if answer == MARKED:
            await delete_expired(self._engine, ENDED)

    async def revoke_orphan(self, identity: bytes) -> bool:
        """Deletes only this token; its children become orphans."""
        (found,) = await self._engine.commit([DeleteToken(identity)])
        return bool(found)

    async def revoke_matching(self, namespace: str, *, mount: str = "", prefix: str = "", entity: str = "") -> None:
        """Revokes all tokens of a mount, below a creation path or of an entity, in bounded transactions."""
        op = DeleteTokensOf(
            namespace=namespace, mount=mount or None, path_prefix=prefix or None, entity=entity or None,
            limit=BATCH, bound=2 * BATCH,
        )  # fmt: skip
        while True:
            (answer,) = await self._engine.commit([op])
            if not answer:
                return
            if answer == MARKED:
                await delete_expired(self._engine, ENDED)

    async def tokens(self, namespace: str, after: int = 0, limit: int = 1000) -> list[Token]:
        """A page of the tokens of a namespace, oldest first, without expired and spent ones; [] at the end.

        A child of an expired token is listed until it is swept; it is of no use to anybody.
        """
        while rows := await self._engine.tokens(namespace=namespace, after=after, limit=limit):
            now, after = self._clock.now(), rows[-1].position
            if page := [token for row in rows if _unspent(row, now) and (token := self._token(row)) is not None]:
                return page
        return []

    async def made_by(self, namespace: str, mount: str, entity: str, after: int = 0, limit: int = 1000) -> list[Token]:
        """A page of an entity's tokens that a mount (by its accessor) made, oldest first; [] at the end."""
        while rows := await self._engine.tokens(
            namespace=namespace, mount=mount, entity=entity, after=after, limit=limit
        ):
            after = rows[-1].position
            if page := [token for row in rows if (token := self._token(row)) is not None]:
                return page
        return []

    async def sweep(self) -> int:
        """Deletes the expired tokens of all namespaces; returns how many rows were touched."""
        return await sweep(self._engine, self._clock)

    # What a token keeps for itself (the cubbyhole)

    async def private(self, identity: bytes, path: str) -> bytes | None:
        """The value that a token keeps at `path`."""
        sealed = await self._engine.cubbyhole(identity, path)
        return None if sealed is None else self._keys.open(cubbyhole_context(identity, path), sealed)

    async def put_private(self, identity: bytes, path: str, value: bytes) -> None:
        """Keeps a value with a token, until the token ends. Raises Denied when it has ended, TooLarge."""
        if len(value) > MAX_PRIVATE:
            raise TooLarge(reason=f"a cubbyhole value of {len(value)} bytes; at most {MAX_PRIVATE}")
        sealed = self._keys.seal(cubbyhole_context(identity, path), value)
        try:
            await self._engine.commit([PutCubbyhole(identity, path, sealed)])
        except Conflict:
            raise Denied(reason="the token ended before its cubbyhole was written") from None

    async def delete_private(self, identity: bytes, path: str) -> None:
        """Deletes what a token keeps at `path`; absent is fine."""
        await self._engine.commit([DeleteCubbyhole(identity, path)])

    async def private_names(self, identity: bytes, folder: str) -> list[str]:
        """Names directly in a folder ("" or ends with a slash) of what a token keeps."""
        return await self._engine.cubbyhole_children(identity, folder)

    def forget(self) -> None:
        """Drops everything opened; called on seal."""
        self._opened.clear()
