"""One named key and what it does: versions, limits, and the text form of a ciphertext. Knows no storage, no paths.

A ciphertext is `vault:v<version>:` and base64 of a 96-bit random nonce, AES-256-GCM ciphertext and 128-bit tag.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from msgspec import Struct
from msgspec.structs import replace

from vaultlike.errors import Invalid

AES = "aes256-gcm96"
NONCE, TAG, KEY = 12, 16, 32  # bytes
MAX_VERSIONS = 10_000
_PREFIX = "vault:v"


class KeyVersion(Struct, frozen=True):
    """One version's key. `created_at` in Unix seconds. Shown by no repr."""

    key: bytes
    created_at: float

    def __repr__(self) -> str:
        return "KeyVersion(...)"


class NamedKey(Struct, frozen=True, kw_only=True):
    """A key with all its versions. `min_encryption_version` 0: the latest alone encrypts unless one is named."""

    name: str
    versions: dict[int, KeyVersion]
    min_decryption_version: int = 1
    min_encryption_version: int = 0
    deletion_allowed: bool = False

    @classmethod
    def create(cls, name: str, random: Callable[[int], bytes], now: float) -> NamedKey:
        """A new key with version 1."""
        return cls(name=name, versions={1: KeyVersion(random(KEY), now)})

    @property
    def latest_version(self) -> int:
        """The version that encrypts by default."""
        return max(self.versions)

    def rotated(self, random: Callable[[int], bytes], now: float) -> NamedKey:
        """With one more version. Raises Invalid when there are too many."""
        if len(self.versions) >= MAX_VERSIONS:
            raise Invalid(f"a key has at most {MAX_VERSIONS} versions")
        return replace(self, versions={**self.versions, self.latest_version + 1: KeyVersion(random(KEY), now)})

    def limited(self, min_decryption: int | None, min_encryption: int | None, deletion: bool | None) -> NamedKey:
        """With the limits that were given. Raises Invalid for versions that do not exist or contradict each other."""
        latest, decryption = self.latest_version, self.min_decryption_version
        if min_decryption is not None:
            if min_decryption < 0:
                raise Invalid("min decryption version cannot be negative")
            if min_decryption > latest:
                raise Invalid(f"cannot set min decryption version of {min_decryption}, latest key version is {latest}")
            decryption = min_decryption or 1
        encryption = self.min_encryption_version if min_encryption is None else min_encryption
        if encryption < 0:
            raise Invalid("min encryption version cannot be negative")
        if encryption > latest:
            raise Invalid(f"cannot set min encryption version of {encryption}, latest key version is {latest}")
        if 0 < encryption < decryption:
            raise Invalid(f"cannot set min encryption/decryption values; min encryption version of {encryption} "
                          f"must be greater than or equal to min decryption version of {decryption}")  # fmt: skip
        return replace(
            self,
            min_decryption_version=decryption,
            min_encryption_version=encryption,
            deletion_allowed=self.deletion_allowed if deletion is None else deletion,
        )

    def encrypt(
        self, plaintext: bytes, version: int, associated: bytes, random: Callable[[int], bytes]
    ) -> tuple[str, int]:
        """The ciphertext and the version it is under; `version` 0 is the latest. Raises Invalid for one too old."""
        number = version or self.latest_version
        if number < 0:
            raise Invalid("requested version for encryption is negative")
        if number > self.latest_version:
            raise Invalid("requested version for encryption is higher than the latest key version")
        if number < max(self.min_encryption_version, self.min_decryption_version):
            raise Invalid("requested version for encryption is less than the minimum encryption key version")
        nonce = random(NONCE)
        sealed = nonce + AESGCM(self.versions[number].key).encrypt(nonce, plaintext, associated or None)
        return f"{_PREFIX}{number}:{base64.b64encode(sealed).decode()}", number

    def decrypt(self, ciphertext: str, associated: bytes) -> bytes:
        """What was encrypted. Raises Invalid: unreadable, a version that is not allowed, altered, another key's."""
        number, sealed = _parsed(ciphertext)
        if number < self.min_decryption_version:
            raise Invalid("ciphertext or signature version is disallowed by policy (too old)")
        if number not in self.versions:
            raise Invalid("invalid ciphertext: version is too new")
        if len(sealed) < NONCE + TAG:
            raise Invalid("invalid ciphertext length")
        try:
            return AESGCM(self.versions[number].key).decrypt(sealed[:NONCE], sealed[NONCE:], associated or None)
        except InvalidTag:
            raise Invalid("cipher: message authentication failed") from None

    def shown(self) -> dict[str, object]:
        """What a read of the key answers: everything but the keys."""
        return {
            "name": self.name,
            "type": AES,
            "keys": {
                str(number): int(version.created_at)
                for number, version in self.versions.items()
                if number >= self.min_decryption_version
            },
            "latest_version": self.latest_version,
            "min_available_version": 0,
            "min_decryption_version": self.min_decryption_version,
            "min_encryption_version": self.min_encryption_version,
            "deletion_allowed": self.deletion_allowed,
            "derived": False,
            "exportable": False,
            "allow_plaintext_backup": False,
            "auto_rotate_period": 0,
            "imported_key": False,
            "supports_encryption": True,
            "supports_decryption": True,
            "supports_derivation": True,
            "supports_signing": False,
        }


def _parsed(ciphertext: str) -> tuple[int, bytes]:
    if not ciphertext.startswith(_PREFIX):
        raise Invalid("invalid ciphertext: no prefix")
    digits, colon, text = ciphertext.removeprefix(_PREFIX).partition(":")
    if not colon:
        raise Invalid("invalid ciphertext: wrong number of fields")
    if not (digits.isascii() and digits.isdigit() and len(digits) < 10):
        raise Invalid("invalid ciphertext: version number could not be decoded")
    try:
        return int(digits), base64.b64decode(text, validate=True)
    except binascii.Error:
        raise Invalid("invalid ciphertext: could not decode base64") from None
