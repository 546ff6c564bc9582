"""Accessors: names of tokens that are not the tokens. Each is the first half of its token's id, hidden by a permutation
that only this installation can compute, in base62. So the database needs no column and no index to find a token by its
accessor, and whoever holds the accessor alone learns nothing.
"""

from __future__ import annotations

from typing import Protocol

from vaultlike.tokens.ids import ALPHABET, LENGTH

BLOCK = 16  # bytes
_PAIRS = [chr(low) + chr(high) for high in ALPHABET for low in ALPHABET]  # the two letters of a number below 62 * 62


class Hiding(Protocol):
    """What accessors need of the barrier."""

    def hide(self, block: bytes) -> bytes: ...
    def unhide(self, block: bytes) -> bytes: ...


def accessor_of(keys: Hiding, identity: bytes) -> str:
    """The accessor of a token id: 24 letters (spec/vault-api.md 3.3)."""
    number = int.from_bytes(keys.hide(identity[:BLOCK]), "big")
    pairs = []
    for _ in range(LENGTH // 2):
        number, pair = divmod(number, 62 * 62)
        pairs.append(_PAIRS[pair])
    return "".join(pairs)


def prefix_of(keys: Hiding, accessor: str) -> bytes | None:
    """The first 16 bytes of the id that an accessor names; None for a text that is no accessor."""
    if len(accessor) != LENGTH or not accessor.isascii() or not accessor.isalnum():
        return None
    number = 0
    for letter in reversed(accessor.encode()):
        number = number * 62 + ALPHABET.index(letter)
    return keys.unhide(number.to_bytes(BLOCK, "big")) if number < 1 << 8 * BLOCK else None
