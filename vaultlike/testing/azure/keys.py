"""The signing keys of the emulated Entra: which exist, which are published, which one signs.

Owns the key ring and its JWKS. Making an RSA key costs a tenth of a second, so keys of stopped emulators are used again
by later ones of the same process; two running emulators never share a key.
"""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from msgspec import Struct

from vaultlike.testing.azure.jose import b64, number

# Fixed and wide: clients check certificates by the machine's clock, which a test's clock knows nothing about.
NOT_BEFORE = datetime(2020, 1, 1, tzinfo=UTC)
NOT_AFTER = datetime(2049, 12, 31, tzinfo=UTC)
STRANGER = "stranger"  # names the key that signs forgeries; it is in no key set
PUBLISHED_AT_START = 3  # spec/azure.md 7.1: never fewer than three keys

_SPARE: list[SigningKey] = []


class SigningKey(Struct, kw_only=True):
    """One RSA key with its certificate. Only a `published` one is in the key set."""

    kid: str
    private_pem: str
    certificate: str  # base64 DER, as in x5c
    published: bool = True

    def __repr__(self) -> str:
        return f"SigningKey(kid={self.kid!r}, published={self.published})"


class PublicJwk(Struct, frozen=True, omit_defaults=True):
    """An entry of the key set: as Entra's, without `alg`."""

    kty: str
    use: str
    kid: str
    x5t: str
    n: str
    e: str
    x5c: tuple[str, ...]
    issuer: str = ""


class KeyInfo(Struct, frozen=True):
    kid: str
    published: bool
    active: bool


class SavedKeys(Struct, kw_only=True):
    """The ring as it is written to the state file."""

    active: str
    keys: list[SigningKey]


class KeyRing:
    """All keys of one emulator. The active one signs; it need not be published (Entra never does that, a test may)."""

    def __init__(self, saved: SavedKeys | None = None) -> None:
        self._keys = saved.keys if saved else [_take() for _ in range(PUBLISHED_AT_START)]
        self._active = saved.active if saved else self._keys[0].kid
        self._stranger: SigningKey | None = None
        self._loaded: dict[str, rsa.RSAPrivateKey] = {}

    def save(self) -> SavedKeys:
        return SavedKeys(active=self._active, keys=self._keys)

    def close(self) -> None:
        """Hands the keys to later emulators of this process. Only for keys that no file keeps."""
        _SPARE.extend(self._keys)
        if self._stranger:
            _SPARE.append(self._stranger)
        self._keys = []
        self._stranger = None

    @property
    def active(self) -> str:
        return self._active

    def listing(self) -> list[KeyInfo]:
        return [KeyInfo(key.kid, key.published, key.kid == self._active) for key in self._keys]

    def rotate(self, *, publish: bool = True, activate: bool = True) -> str:
        """Adds a key and returns its kid. `publish=False` with `activate=True` signs with a key nobody can know yet."""
        key = _take()
        key.published = publish
        self._keys.append(key)
        if activate:
            self._active = key.kid
        return key.kid

    def publish(self, kid: str) -> None:
        self._find(kid).published = True

    def withdraw(self, kid: str) -> None:
        """Takes a key out of the key set; it can still sign."""
        self._find(kid).published = False

    def activate(self, kid: str) -> None:
        self._active = self._find(kid).kid

    def retire(self, kid: str) -> None:
        """Drops a key for good. Raises KeyError when unknown, ValueError for the active one."""
        key = self._find(kid)
        if kid == self._active:
            raise ValueError("the active key cannot be retired: rotate first")
        self._keys.remove(key)

    def private(self, kid: str = "") -> rsa.RSAPrivateKey:
        """The key to sign with: the active one, one by kid, or `STRANGER`. Raises KeyError when unknown."""
        if kid == STRANGER:
            self._stranger = self._stranger or _take()
            return self._load(self._stranger)
        return self._load(self._find(kid or self._active))

    def certificate(self, kid: str = "") -> bytes:
        """The DER certificate of a key."""
        return base64.b64decode(self._find(kid or self._active).certificate)

    def public(self, kid: str) -> rsa.RSAPublicKey | None:
        """A published key by kid: what a resource server that follows the key set would find."""
        key = next((key for key in self._keys if key.kid == kid and key.published), None)
        return self._load(key).public_key() if key else None

    def jwks(self, issuer: str = "") -> list[PublicJwk]:
        """The published keys; the v2 document adds `issuer`."""
        found = []
        for key in self._keys:
            if key.published:
                public = self._load(key).public_key().public_numbers()
                n, e = number(public.n), number(public.e)
                found.append(PublicJwk("RSA", "sig", key.kid, key.kid, n, e, (key.certificate,), issuer))
        return found

    def _find(self, kid: str) -> SigningKey:
        for key in self._keys:
            if key.kid == kid:
                return key
        raise KeyError(kid)

    def _load(self, key: SigningKey) -> rsa.RSAPrivateKey:
        loaded = self._loaded.get(key.kid)
        if loaded is None:
            # Our own keys: checking their primes at every start would cost more than all the rest of it.
            private = serialization.load_pem_private_key(
                key.private_pem.encode(), None, unsafe_skip_rsa_key_validation=True
            )
            if not isinstance(private, rsa.RSAPrivateKey):
                raise ValueError(f"key {key.kid} of the state file is not RSA")
            loaded = self._loaded[key.kid] = private
        return loaded


def _take() -> SigningKey:
    try:
        key = _SPARE.pop()
    except IndexError:
        return _make()
    key.published = True
    return key


def _make() -> SigningKey:
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "accounts.accesscontrol.azure-emulator.test")])
    builder = x509.CertificateBuilder(name, name, private.public_key(), x509.random_serial_number())
    certificate = builder.not_valid_before(NOT_BEFORE).not_valid_after(NOT_AFTER).sign(private, hashes.SHA256())
    der = certificate.public_bytes(serialization.Encoding.DER)
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    # Entra's kid is the certificate's SHA-1 thumbprint (x5t).
    kid = b64(hashlib.sha1(der, usedforsecurity=False).digest())
    return SigningKey(kid=kid, private_pem=pem.decode(), certificate=base64.b64encode(der).decode())
