"""What a token is, beside the columns the store searches by. Stored sealed, as a MessagePack array, to stay small."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from vaultlike.storage.engine import TokenRow


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
