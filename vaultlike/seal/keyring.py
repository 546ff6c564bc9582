"""Owns the keys that seal the database: one per term, newest active, and three that never rotate. Knows no storage.

Terms only grow; an old term stays so that what it sealed opens. The keys of token ids, accessors and derivation keep
for the life of the installation: a new one would make every token unknown.
"""

from __future__ import annotations

import msgspec

from vaultlike.errors import Invalid
from vaultlike.seal.envelope import NotOpened, unwrap, wrap
from vaultlike.seal.key import KEY_BYTES, Key, Random, new_key

MAX_TERMS = 10_000  # about one megabyte; at one rotation a day 27 years
_CONTEXT = b"vaultlike/seal/keyring"


class Term(msgspec.Struct, frozen=True):
    """One data key. `installed_at` in Unix seconds."""

    number: int
    key: Key
    installed_at: float


class _TermRecord(msgspec.Struct):
    term: int
    key: bytearray
    installed_at: float


class _KeyringRecord(msgspec.Struct):
    terms: list[_TermRecord]
    token_key: bytearray
    accessor_key: bytearray
    derivation_key: bytearray


class Keyring:
    """All terms by number, the active (highest) one, and the keys that never rotate. Whoever holds it wipes it."""

    __slots__ = ("__weakref__", "accessor_key", "active", "derivation_key", "terms", "token_key")

    def __init__(self, terms: dict[int, Term], token_key: Key, accessor_key: Key, derivation_key: Key) -> None:
        self.terms = terms
        self.active = terms[max(terms)]
        self.token_key = token_key
        self.accessor_key = accessor_key
        self.derivation_key = derivation_key

    @classmethod
    def create(cls, random: Random, now: float) -> Keyring:
        """A new installation's keyring with term 1."""
        first = Term(1, new_key(random), now)
        return cls({1: first}, new_key(random), new_key(random), new_key(random))

    def rotated(self, random: Random, now: float) -> Keyring:
        """A copy with one more term. Raises Invalid when the keyring is full."""
        if len(self.terms) >= MAX_TERMS:
            raise Invalid(f"the keyring holds {MAX_TERMS} terms and takes no more")
        terms = {number: Term(number, term.key.copy(), term.installed_at) for number, term in self.terms.items()}
        number = self.active.number + 1
        terms[number] = Term(number, new_key(random), now)
        return Keyring(terms, self.token_key.copy(), self.accessor_key.copy(), self.derivation_key.copy())

    def sealed(self, root: Key, random: Random) -> bytes:
        """For the database: everything, encrypted under the root key."""
        record = _KeyringRecord(
            [_TermRecord(term.number, term.key.reveal(), term.installed_at) for term in self.terms.values()],
            self.token_key.reveal(),
            self.accessor_key.reveal(),
            self.derivation_key.reveal(),
        )
        plaintext = bytearray()
        msgspec.json.Encoder().encode_into(record, plaintext)
        try:
            return wrap(root, _CONTEXT, plaintext, random)
        finally:
            plaintext[:] = bytes(len(plaintext))

    @classmethod
    def opened(cls, root: Key, sealed: bytes) -> Keyring:
        """The keyring out of the database. Raises NotOpened for another root key or an altered document."""
        try:
            record = msgspec.json.decode(unwrap(root, _CONTEXT, sealed), type=_KeyringRecord)
        except msgspec.DecodeError:
            raise NotOpened(reason="the keyring has another layout: was it written by a newer server?") from None
        terms = {each.term: Term(each.term, Key(each.key), each.installed_at) for each in record.terms}
        never_rotated = (record.token_key, record.accessor_key, record.derivation_key)
        buffers = [*(each.key for each in record.terms), *never_rotated]
        if not terms or any(len(buffer) != KEY_BYTES for buffer in buffers):
            raise NotOpened(reason="the keyring holds no term or a key of a wrong size")
        keyring = cls(terms, *(Key(buffer) for buffer in never_rotated))
        for buffer in buffers:
            buffer[:] = bytes(KEY_BYTES)
        return keyring

    def wipe(self) -> None:
        """Overwrites every key; safe to repeat."""
        for term in self.terms.values():
            term.key.wipe()
        for key in (self.token_key, self.accessor_key, self.derivation_key):
            key.wipe()

    def __repr__(self) -> str:
        return f"Keyring(active={self.active.number})"
