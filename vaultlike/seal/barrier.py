"""Owns sealing and opening of every value in the database while the server is unsealed. Knows no storage, no shares.

A `Barrier` exists only while the server is unsealed; `close` ends it for everybody who still holds a reference.
Layout of a sealed value: format byte 0x01, key term (4 bytes, big endian), 96-bit random nonce, AES-256-GCM ciphertext
with 128-bit tag. Format, term and the caller's context (the row's own key) are authenticated, so a value that was
copied to another row does not open. Random nonces are safe for 2^32 values a key (NIST SP 800-38D 8.3): the barrier
counts, `rotation` rotates in time.
"""

from __future__ import annotations

import hmac
import os
from typing import NoReturn, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import ECB
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from vaultlike.errors import Sealed, TooLarge
from vaultlike.seal.envelope import NONCE_BYTES, TAG_BYTES, NotOpened
from vaultlike.seal.key import KEY_BYTES, Random
from vaultlike.seal.keyring import Keyring, Term

MAX_PLAINTEXT = 64 * 1024 * 1024  # bytes
_FORMAT = b"\x01"
_HEADER = 5  # format byte and term
_BODY = _HEADER + NONCE_BYTES
_SHORTEST = _BODY + TAG_BYTES


class UnknownTerm(NotOpened):
    """The value was sealed under a key term that this process has not loaded: refresh the keyring and try again."""


class _Hmac(Protocol):
    """What `hmac.new` returns, as far as it is used: a state that was keyed once and is copied for each message."""

    def copy(self) -> _Hmac: ...
    def update(self, msg: bytes, /) -> None: ...
    def digest(self) -> bytes: ...


class Barrier:
    """Seals, opens and hashes with one keyring, which it owns and wipes. For one process; calls are synchronous."""

    __slots__ = (
        "__weakref__",
        "_active",
        "_ciphers",
        "_encryptions",
        "_header",
        "_hiding",
        "_keyring",
        "_random",
        "_token_state",
        "_unhiding",
    )

    def __init__(self, keyring: Keyring, random: Random = os.urandom) -> None:
        self._random = random
        self._keyring: Keyring | None = None
        self._ciphers: dict[bytes, AESGCM] = {}
        self._active: AESGCM | None = None
        self._header = b""
        self._encryptions = 0
        self._token_state: _Hmac | None = None
        self._hiding: CipherContext | None = None
        self._unhiding: CipherContext | None = None
        self._install(keyring)

    def seal(self, context: bytes, plaintext: bytes) -> bytes:
        """`plaintext` (at most 64 MiB) sealed for one place. Raises Sealed after `close`, TooLarge."""
        cipher = self._active
        if cipher is None:
            raise Sealed
        if len(plaintext) > MAX_PLAINTEXT:
            raise TooLarge("value too large to be stored")
        self._encryptions += 1
        header = self._header
        nonce = self._random(NONCE_BYTES)
        return header + nonce + cipher.encrypt(nonce, plaintext, header + context)

    def open(self, context: bytes, sealed: bytes) -> bytes:
        """What `seal` was given for the same context.

        Raises NotOpened when the value was moved or altered, UnknownTerm when its key is not loaded, Sealed.
        """
        header = sealed[:_HEADER]
        cipher = self._ciphers.get(header)
        if cipher is None:
            self._refuse(context, header)
        if len(sealed) < _SHORTEST:
            raise NotOpened(reason=f"{context!r}: too short for a sealed value")
        try:
            return cipher.decrypt(sealed[_HEADER:_BODY], sealed[_BODY:], header + context)
        except InvalidTag:
            raise NotOpened(reason=f"{context!r}: the value was moved here or altered") from None

    def token_hmac(self, value: str) -> bytes:
        """32 bytes that stand for a token id in the database (HMAC-SHA256). Raises Sealed."""
        if self._token_state is None:
            raise Sealed
        state = self._token_state.copy()
        state.update(value.encode("utf-8", "surrogatepass"))  # any text is hashed; an odd one is merely unknown
        return state.digest()

    def hide(self, block: bytes) -> bytes:
        """A permutation of 16-byte blocks that only this installation can compute: what an accessor is made of.

        Raises Sealed.
        """
        if self._hiding is None:
            raise Sealed
        return self._hiding.update(block)

    def unhide(self, block: bytes) -> bytes:
        """The inverse of `hide`. Raises Sealed."""
        if self._unhiding is None:
            raise Sealed
        return self._unhiding.update(block)

    def derive(self, purpose: str) -> bytes:
        """A 32-byte key for `purpose`, the same for the life of the installation (HKDF-SHA256, RFC 5869).

        About 10 µs: callers keep the result as long as they live. Raises Sealed.
        """
        keyring = self._opened()
        kdf = HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=b"vaultlike/derive/" + purpose.encode())
        return kdf.derive(keyring.derivation_key.reveal())

    def active(self) -> Term:
        """The term that seals new values. Raises Sealed."""
        return self._opened().active

    def keyring(self) -> Keyring:
        """The keyring in use, for the seal package alone: not to be kept or wiped. Raises Sealed."""
        return self._opened()

    def take_encryptions(self) -> int:
        """Values sealed under the active term by this process since the last call; starts again at 0."""
        count, self._encryptions = self._encryptions, 0
        return count

    @property
    def encryptions(self) -> int:
        """Values sealed since the last `take_encryptions` or change of term."""
        return self._encryptions

    def adopt(self, keyring: Keyring) -> None:
        """Replaces the keyring (a rotation, here or on another node) and wipes the old one. Raises Sealed."""
        old = self._opened()
        if keyring.active.number != old.active.number:
            self._encryptions = 0
        self._install(keyring)
        old.wipe()

    def close(self) -> None:
        """Wipes and drops every key; from now on every call raises Sealed. Safe to repeat."""
        keyring, self._keyring = self._keyring, None
        self._active = self._token_state = self._hiding = self._unhiding = None
        self._ciphers = {}
        if keyring is not None:
            keyring.wipe()

    def _install(self, keyring: Keyring) -> None:
        # Built whole before anything is assigned: a keyring that fails leaves the barrier as it was.
        ciphers = {_header(number): AESGCM(term.key.reveal()) for number, term in keyring.terms.items()}
        token_state = hmac.new(keyring.token_key.reveal(), digestmod="sha256")
        # One block under a key of its own, each block once: a permutation of ids, not a mode for messages.
        permutation = Cipher(AES256(keyring.accessor_key.reveal()), ECB())  # noqa: S305
        self._keyring = keyring
        self._ciphers = ciphers
        self._header = _header(keyring.active.number)
        self._active = ciphers[self._header]
        self._token_state = token_state
        self._hiding, self._unhiding = permutation.encryptor(), permutation.decryptor()

    def _opened(self) -> Keyring:
        if self._keyring is None:
            raise Sealed
        return self._keyring

    def _refuse(self, context: bytes, header: bytes) -> NoReturn:
        self._opened()
        if len(header) == _HEADER and header[:1] == _FORMAT:
            raise UnknownTerm(reason=f"{context!r}: sealed under term {int.from_bytes(header[1:], 'big')}, not loaded")
        raise NotOpened(reason=f"{context!r}: not a sealed value")

    def __repr__(self) -> str:
        return "Barrier(closed)" if self._keyring is None else "Barrier(open)"


def _header(term: int) -> bytes:
    return _FORMAT + term.to_bytes(4, "big")
