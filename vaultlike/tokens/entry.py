"""What a token is, beside the columns the store searches by. Stored sealed, as a MessagePack array, to stay small."""

from __future__ import annotations

from hashlib import blake2b

import msgspec
from msgspec import Struct

from vaultlike.storage.engine import TokenRow

UNSEALED = -1.0  # TokenEntry.ends_at of tokens that were made before it was sealed: their column alone counts
SCOPE = 12  # bytes of the digest that ties a token to its columns; it is sealed, so nobody can search for a twin


def scope_of(entity: str, mount: str, role: str, path: str) -> bytes:
    """A digest of the columns that never change: who a token stands for, and what made it."""
    return blake2b(f"{entity}\0{mount}\0{role}\0{path}".encode(), digest_size=SCOPE).digest()


class TokenEntry(Struct, array_like=True, kw_only=True, frozen=True, gc=False):
    """The sealed part of a token. Times in Unix seconds, spans in seconds. New fields go to the end, with a default."""

    accessor: str
    policies: tuple[str, ...]  # the token's own; identity policies are looked up at each use
    display_name: str
    created_at: float
    creation_ttl: int
    renewable: bool = False
    meta: dict[str, str] | None = None
    explicit_max_ttl: int = 0
    period: int = 0
    bound_cidrs: tuple[str, ...] = ()
    renewed_at: float | None = None
    memo: dict[str, str] = {}  # what the login left for the renewal
    alias: str = ""
    groups: tuple[str, ...] = ()
    num_uses: int = 0  # as created
    ends_at: float | None = UNSEALED  # the column may say less, never more; None = never
    scope: bytes = b""  # scope_of its row; empty: made before it was sealed
    jti: str = ""  # the name that signed access tokens call it by (ADR 7); empty for all others

    def within(self, row: TokenRow) -> bool:
        """Whether a row's life and uses are no more than what is sealed: who can only write the database gives nobody
        a longer one. Less is fine: uses are spent, and children of what expired are marked (storage.ops).
        """
        if self.num_uses and (row.uses_left is None or row.uses_left > self.num_uses):
            return False
        if self.ends_at is None or self.ends_at == UNSEALED:
            return True
        return row.expires_at is not None and row.expires_at <= self.ends_at


class Token(Struct, frozen=True, gc=False):
    """A token as the core handles it: its row, its opened entry, and (only where the caller showed it) its text."""

    row: TokenRow
    entry: TokenEntry
    text: str = ""

    @property
    def is_root(self) -> bool:
        """Whether the policy `root` is on it."""
        return "root" in self.entry.policies

    @property
    def batch(self) -> bool:
        """Whether it is a batch token: self-contained, without a row in the database."""
        return not self.entry.accessor

    @property
    def lease_id(self) -> str:
        """`<creation path>/h<id>` (spec/vault-api.md 3.5)."""
        return f"{self.row.path}/h{self.row.id.hex()}"

    def remaining(self, now: float) -> int:
        """Seconds left, 0 for a token that never expires or has."""
        return max(0, int(self.row.expires_at - now + 0.001)) if self.row.expires_at is not None else 0

    @property
    def granted(self) -> int:
        """Seconds that the last renewal, or the creation, gave it."""
        if self.row.expires_at is None:
            return 0
        since = self.entry.created_at if self.entry.renewed_at is None else self.entry.renewed_at
        return max(0, round(self.row.expires_at - since))

    def __repr__(self) -> str:
        return f"Token(path={self.row.path!r})"


encode = msgspec.msgpack.Encoder().encode
decode = msgspec.msgpack.Decoder(TokenEntry).decode
