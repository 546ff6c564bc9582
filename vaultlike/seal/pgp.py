"""Owns OpenPGP encryption (RFC 9580) of shares and root tokens to their holders. Never decrypts, holds no private key.

The work is pysequoia's (Sequoia PGP). It is imported only when a request brings a key; without it such a request is
answered 501, everything else works.
"""

from __future__ import annotations

import base64
import binascii
import string
from collections.abc import Sequence
from typing import TYPE_CHECKING

from vaultlike.errors import Invalid, NotBuilt

if TYPE_CHECKING:
    from pysequoia import Cert

MAX_KEY = 64 * 1024  # characters of base64; a certificate with many signatures may be large, ours need none of them
MAX_KEYS = 255
_ALPHABET = frozenset(string.ascii_letters + string.digits + "+/")


class Recipient:
    """One public key that can be encrypted to. `fingerprint`: lower-case hex of the primary key."""

    __slots__ = ("_certificate", "fingerprint")

    def __init__(self, certificate: Cert) -> None:
        self._certificate = certificate
        self.fingerprint = certificate.fingerprint.lower()

    @classmethod
    def parse(cls, text: str, now: float) -> Recipient:
        """From base64 of a binary (or armored) public key that is good at `now` (Unix seconds).

        Raises Invalid (unreadable, private, revoked, expired, not for encryption); NotBuilt without pysequoia.
        """
        try:
            from pysequoia import Cert, Tsk
        except ImportError:
            raise NotBuilt("PGP encryption needs the package pysequoia on the server") from None
        raw = _decoded(text)
        try:
            certificate = Cert.from_bytes(raw)
            if str(Tsk.from_bytes(raw)).startswith("-----BEGIN PGP PRIVATE"):
                raise Invalid("error parsing PGP key: this is a private key; send the public key")
            # The library encrypts to revoked and expired keys without a word.
            expires = certificate.expiration
            if certificate.is_revoked or (expires is not None and expires.timestamp() <= now):
                raise Invalid("error parsing PGP key: the key is revoked or has expired")
            recipient = cls(certificate)
            recipient.encrypt(b"probe")  # a key that cannot encrypt must fail before anything is changed
        except RuntimeError as problem:
            # The library puts a stack trace behind the first line.
            raise Invalid(f"error parsing PGP key: {str(problem).partition(chr(10))[0][:200]}") from None
        return recipient

    def encrypt(self, plaintext: bytes) -> bytes:
        """A binary OpenPGP message that only the holder of the private key reads."""
        from pysequoia import encrypt

        return encrypt(plaintext, recipients=[self._certificate], armor=False)


def parse_all(texts: Sequence[str], now: float) -> tuple[Recipient, ...]:
    """Every key, in order. Raises Invalid, NotBuilt."""
    if len(texts) > MAX_KEYS:
        raise Invalid(f"at most {MAX_KEYS} PGP keys are taken")
    return tuple(Recipient.parse(text, now) for text in texts)


def _decoded(text: str) -> bytes:
    if len(text) > MAX_KEY:
        raise Invalid("error parsing PGP key: key too large")
    text = text.replace("\n", "").replace("\r", "")  # as files have it
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        body = text.rstrip("=")
        position = next((at for at, letter in enumerate(body) if letter not in _ALPHABET), len(text))
        problem = f"error decoding given PGP key: illegal base64 data at input byte {position}"
        raise Invalid(f"error parsing PGP key: {problem}") from None
