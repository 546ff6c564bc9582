"""Owns one sealed value under one key: AES-256-GCM with a context. The barrier has its own format with key terms.

Layout: format byte 0x02, 96-bit random nonce, ciphertext with 128-bit tag. Format byte and context are authenticated.
"""

from __future__ import annotations

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from vaultlike.errors import Internal
from vaultlike.seal.key import Key, Random

NONCE_BYTES = 12
TAG_BYTES = 16
_FORMAT = b"\x02"


class NotOpened(Internal):
    """A sealed value does not open: moved to another place, altered, or sealed with another key (500)."""


def wrap(key: Key, context: bytes, plaintext: bytes | bytearray, random: Random) -> bytes:
    """Seals `plaintext` so that it opens only with the same key and context."""
    nonce = random(NONCE_BYTES)
    return _FORMAT + nonce + AESGCM(key.reveal()).encrypt(nonce, plaintext, _FORMAT + context)


def unwrap(key: Key, context: bytes, sealed: bytes) -> bytes:
    """The plaintext of `wrap`. Raises NotOpened."""
    if len(sealed) < 1 + NONCE_BYTES + TAG_BYTES or sealed[:1] != _FORMAT:
        raise NotOpened(reason=f"{context!r}: not a sealed value")
    nonce, ciphertext = sealed[1 : 1 + NONCE_BYTES], sealed[1 + NONCE_BYTES :]
    try:
        return AESGCM(key.reveal()).decrypt(nonce, ciphertext, _FORMAT + context)
    except InvalidTag:
        raise NotOpened(reason=f"{context!r}: does not open with this key") from None
