"""Owns key shares as people hold them: their texts, how many there are, and collecting them. Knows no storage."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Sequence

import msgspec

from vaultlike.errors import Invalid
from vaultlike.seal import shamir
from vaultlike.seal.key import Key, Random, new_nonce
from vaultlike.seal.pgp import Recipient

SHORTEST, LONGEST = 16, 33  # bytes of a share (spec/vault-api.md 2.1)
_LONGEST_TEXT = 256  # characters; nothing longer is looked at


class Split(msgspec.Struct, frozen=True):
    """How many shares a key has and how many of them give it back."""

    shares: int
    threshold: int

    def check(self, what: str, pgp_keys: int = 0) -> None:
        """Raises Invalid, beginning with `what`, for numbers that cannot work (spec 2.1)."""
        problem = ""
        if self.shares < 1:
            problem = "shares must be at least one"
        elif self.threshold < 1:
            problem = "threshold must be at least one"
        elif self.shares > shamir.MAX_SHARES:
            problem = "shares must be less than 256"
        elif self.threshold > self.shares:
            problem = "threshold cannot be larger than shares"
        elif self.shares > 1 and self.threshold == 1:
            problem = "threshold must be greater than one for multiple shares"
        elif pgp_keys and pgp_keys != self.shares:
            problem = "count mismatch between number of provided PGP keys and number of shares"
        if problem:
            raise Invalid(f"{what}: {problem}")


class IssuedKeys(msgspec.Struct, frozen=True):
    """Shares as they leave the server, once: hex and base64 of the same bytes. With recipients, of the OpenPGP
    messages, each of which holds the hex text of its share. Shown by no repr."""

    keys: tuple[str, ...] = ()
    keys_base64: tuple[str, ...] = ()
    fingerprints: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"IssuedKeys({len(self.keys)})"


def issue(secret: Key, split: Split, recipients: Sequence[Recipient], random: Random) -> IssuedKeys:
    """Splits `secret` for its holders. One share of one is the secret itself. The split has been checked."""
    if split.shares == 1:
        pieces = [bytearray(secret.reveal())]
    else:
        pieces = shamir.split(secret.reveal(), split.shares, split.threshold, random)
    sent: list[bytes] = [bytes(piece) for piece in pieces]
    if recipients:
        holders = zip(recipients, pieces, strict=True)
        sent = [recipient.encrypt(piece.hex().encode()) for recipient, piece in holders]
    for piece in pieces:
        piece[:] = bytes(len(piece))
    return IssuedKeys(
        tuple(piece.hex() for piece in sent),
        tuple(base64.b64encode(piece).decode() for piece in sent),
        tuple(recipient.fingerprint for recipient in recipients),
    )


def recover(shares: Sequence[Key], split: Split) -> Key:
    """The secret that the shares give. Raises Invalid when they cannot belong together."""
    if split.shares == 1:
        return shares[0].copy()
    combined = shamir.combine([share.reveal() for share in shares])
    secret = Key(combined)
    combined[:] = bytes(len(combined))
    return secret


def parse_share(text: str) -> Key:
    """A share from hex, else from base64 (spec 2.1). Raises Invalid; the text is never repeated."""
    raw = b""
    if len(text) <= _LONGEST_TEXT:
        try:
            raw = binascii.unhexlify(text)
        except ValueError:
            raw = b""
        if not SHORTEST <= len(raw) <= LONGEST:
            try:
                raw = base64.b64decode(text, validate=True)
            except ValueError:
                raw = b""
    if not raw:
        raise Invalid("'key' must be a valid hex or base64 string")
    if len(raw) < SHORTEST:
        raise Invalid(f"invalid key: key is shorter than minimum {SHORTEST} bytes")
    if len(raw) > LONGEST:
        raise Invalid(f"invalid key: key is longer than maximum {LONGEST} bytes")
    return Key(raw)


class Collector:
    """Shares given so far for one purpose, with the nonce that names the attempt. Holds at most 255 of 33 bytes."""

    __slots__ = ("_random", "_shares", "nonce")

    def __init__(self, random: Random) -> None:
        self._random = random
        self._shares: list[Key] = []
        self.nonce = ""

    def __len__(self) -> int:
        return len(self._shares)

    def start(self) -> None:
        """Begins an attempt under a fresh nonce; what was collected is wiped."""
        self.clear()
        self.nonce = new_nonce(self._random)

    def is_named(self, nonce: str) -> bool:
        """Whether `nonce` names the attempt in progress (constant time; False when there is none)."""
        given = nonce.encode("utf-8", "replace")
        return bool(self.nonce) and hmac.compare_digest(given, self.nonce.encode())

    def add(self, share: Key) -> bool:
        """Keeps a share; False (and the share wiped) when it was given before. Raises Invalid when full."""
        known = False
        for kept in self._shares:  # no early end: the time does not tell which one it was
            known |= kept.matches(share)
        if known:
            share.wipe()
            return False
        if len(self._shares) >= shamir.MAX_SHARES:
            raise Invalid("too many shares")
        self._shares.append(share)
        return True

    def shares(self) -> tuple[Key, ...]:
        """What was collected; the collector goes on owning it."""
        return tuple(self._shares)

    def drop(self) -> None:
        """Wipes the shares and keeps the nonce."""
        for share in self._shares:
            share.wipe()
        self._shares.clear()

    def clear(self) -> None:
        """Wipes the shares and ends the attempt."""
        self.drop()
        self.nonce = ""
