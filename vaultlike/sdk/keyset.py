"""Public keys of an issuer, and the signature check itself.

Owns: reading a JWKS document or PEM texts, which keys may be used, and which key fits which algorithm. joserfc parses
the JWK; the check itself calls `cryptography` directly, because keys are imported once and used for every login.
Knows nothing of claims or of where the keys come from.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Final, Protocol

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512, HashAlgorithm

from vaultlike.errors import Invalid

MIN_RSA_BITS: Final = 2048  # RFC 7518 3.3
MAX_RSA_BITS: Final = 8192  # a larger key only makes our checks slow
MAX_KEYS: Final = 256
REMEMBERED: Final = 8192  # good signatures, 32 bytes each
MAX_TRIES: Final = 8  # signature checks spent on one token that names no key

VerifyKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey


class Algorithm(msgspec.Struct, frozen=True):
    """One JWS algorithm: the family of keys it takes and how it checks. `size`: bytes of r and of s for ECDSA."""

    name: str
    family: str
    digest: HashAlgorithm | None = None
    pss: bool = False
    size: int = 0

    def check(self, key: VerifyKey, signature: bytes, message: bytes) -> bool:
        """Whether `signature` is this key's over `message`. A key of another family is simply no match."""
        try:
            if isinstance(key, rsa.RSAPublicKey) and self.family == "RSA" and self.digest is not None:
                if len(signature) != (key.key_size + 7) // 8:
                    return False
                scheme = padding.PSS(padding.MGF1(self.digest), self.digest.digest_size) if self.pss else _PKCS1
                key.verify(signature, message, scheme, self.digest)
            elif isinstance(key, ec.EllipticCurvePublicKey) and self.digest is not None:
                if self.family != key.curve.name or len(signature) != 2 * self.size:
                    return False
                r, s = int.from_bytes(signature[: self.size], "big"), int.from_bytes(signature[self.size :], "big")
                if not r or not s:
                    return False
                key.verify(encode_dss_signature(r, s), message, ec.ECDSA(self.digest))
            elif isinstance(key, ed25519.Ed25519PublicKey) and self.family == "Ed25519":
                key.verify(signature, message)
            else:
                return False
        except InvalidSignature:
            return False
        return True


_PKCS1: Final = padding.PKCS1v15()
_CURVES: Final = ("secp256r1", "secp384r1", "secp521r1")
_TABLE: Final = {
    algorithm.name: algorithm
    for algorithm in (
        Algorithm("RS256", "RSA", SHA256()),
        Algorithm("RS384", "RSA", SHA384()),
        Algorithm("RS512", "RSA", SHA512()),
        Algorithm("PS256", "RSA", SHA256(), pss=True),
        Algorithm("PS384", "RSA", SHA384(), pss=True),
        Algorithm("PS512", "RSA", SHA512(), pss=True),
        Algorithm("ES256", _CURVES[0], SHA256(), size=32),
        Algorithm("ES384", _CURVES[1], SHA384(), size=48),
        Algorithm("ES512", _CURVES[2], SHA512(), size=66),
        Algorithm("EdDSA", "Ed25519"),
    )
}


class PublicKey(msgspec.Struct, frozen=True):
    """One usable key. `family` is RSA, a curve's name, or Ed25519; `alg` is empty when the issuer names none."""

    key: VerifyKey
    family: str
    kid: str | None = None
    alg: str = ""

    def fits(self, algorithm: Algorithm) -> bool:
        return self.family == algorithm.family and self.alg in ("", algorithm.name)


class _Document(msgspec.Struct):
    keys: list[dict[str, object]]


class KeySet:
    """An issuer's keys at one time: fixed, imported, indexed by key id."""

    def __init__(self, keys: Iterable[PublicKey], *, skipped: int = 0) -> None:
        """`skipped`: how many entries of the document were not usable (for health)."""
        self.keys: tuple[PublicKey, ...] = tuple(keys)
        self.skipped = skipped
        self._verified: set[bytes] = set()
        self._named: dict[str, list[PublicKey]] = {}
        self._unnamed = [key for key in self.keys if key.kid is None]
        for key in self.keys:
            if key.kid is not None:
                self._named.setdefault(key.kid, []).append(key)

    def __len__(self) -> int:
        return len(self.keys)

    @classmethod
    def parse(cls, document: bytes, *, uses: tuple[str, ...] = ("sig",)) -> KeySet:
        """A JWKS document (RFC 7517 5). `uses`: which values of `use` are ours (`jwt-svid` for SPIFFE bundles).

        Entries that are unknown, weak, private or meant for something else are skipped, as RFC 7517 5 asks.
        Raises Invalid when the document is not a JWKS or has more than 256 keys.
        """
        try:
            entries = msgspec.json.decode(document, type=_Document).keys
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise Invalid("not a JSON Web Key Set", reason=f"not a JWKS document: {error}") from None
        if len(entries) > MAX_KEYS:
            raise Invalid("too many keys", reason=f"a JWKS of {len(entries)} keys, the limit is {MAX_KEYS}")
        keys = [key for entry in entries if (key := _from_jwk(entry, uses)) is not None]
        return cls(keys, skipped=len(entries) - len(keys))

    @classmethod
    def from_pems(cls, texts: Sequence[str]) -> KeySet:
        """PEM public keys or certificates (only their key counts, not their dates). Such keys have no id.

        Raises Invalid naming the first text (counted from 1) that is no usable public key.
        """
        return cls([_from_pem(text, number) for number, text in enumerate(texts, 1)])

    def knows(self, kid: str | None) -> bool:
        """Whether some key has exactly this id."""
        return kid is not None and kid in self._named

    def candidates(self, kid: str | None, alg: str) -> tuple[PublicKey, ...]:
        """Keys to try, at most 8: those with this id, or else those without any; all for a token that names none.

        A key whose type or `alg` does not fit `alg` is never among them.
        """
        algorithm = _TABLE[alg]
        among = self.keys if kid is None else self._named.get(kid, self._unnamed)
        return tuple(key for key in among if key.fits(algorithm))[:MAX_TRIES]

    def verifies(self, kid: str | None, alg: str, signature: bytes, message: bytes) -> bool:
        """Whether one of the candidates made this signature.

        A machine presents one token for hours, so signatures that were good are remembered, by hash and for as long as
        these keys are the issuer's. Only the signature: what the token says is judged anew each time.
        """
        seen = sha256(b"%d.%s.%s.%s" % (len(signature), signature, alg.encode(), message)).digest()
        if seen in self._verified:
            return True
        algorithm = _TABLE[alg]
        good = any(algorithm.check(key.key, signature, message) for key in self.candidates(kid, alg))
        if good:
            if len(self._verified) >= REMEMBERED:
                self._verified.clear()
            self._verified.add(seen)
        return good


class KeySource(Protocol):
    """Where `verify` gets keys from. Both methods raise Upstream when the issuer cannot be asked."""

    async def keys(self) -> KeySet:
        """The keys in use now."""
        ...

    async def newer(self, than: KeySet, kid: str | None) -> KeySet | None:
        """Keys other than `than`, in which `kid` may be; None when there are none now."""
        ...


def _from_jwk(entry: dict[str, object], uses: tuple[str, ...]) -> PublicKey | None:
    from joserfc.errors import JoseError
    from joserfc.jwk import ECKey, OKPKey, RSAKey

    kid, alg, operations = entry.get("kid"), entry.get("alg", ""), entry.get("key_ops")
    if entry.get("use", uses[0]) not in uses or not isinstance(alg, str):
        return None
    if operations is not None and not (isinstance(operations, list) and "verify" in operations):
        return None
    if "d" in entry or not (kid is None or isinstance(kid, str)):
        return None  # a published private key proves nothing about who signs with it
    kinds: dict[object, type[RSAKey] | type[ECKey] | type[OKPKey]] = {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey}
    kind = kinds.get(entry.get("kty"))
    if kind is None:
        return None
    modulus = entry.get("n", "")
    if kind is RSAKey and not (isinstance(modulus, str) and MIN_RSA_BITS <= len(modulus) * 6 <= MAX_RSA_BITS + 64):
        return None  # too weak, or too large to be worth importing; exactly judged below
    # Only the members that make the key: what else an issuer adds (x5c, issuer, ...) must not decide whether it loads.
    parts = {name: value for name, value in entry.items() if name in ("kty", "n", "e", "crv", "x", "y")}
    try:
        public = kind.import_key(parts).public_key  # type: ignore[arg-type]
    except (JoseError, ValueError, TypeError, KeyError, AttributeError, OverflowError):
        return None
    key = _usable(public)
    return PublicKey(key, _family(key), kid or None, alg) if key is not None else None


def _from_pem(text: str, number: int) -> PublicKey:
    from cryptography import x509
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    raw = text.encode()
    try:
        if "BEGIN CERTIFICATE" in text:
            found: PublicKeyTypes = x509.load_pem_x509_certificate(raw).public_key()
        else:
            found = load_pem_public_key(raw)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise Invalid(f"public key {number} is not a PEM public key or certificate") from None
    key = _usable(found)
    if key is None:
        raise Invalid(f"public key {number} is of a type or strength that is not accepted")
    return PublicKey(key, _family(key))


def _usable(key: object) -> VerifyKey | None:
    """The key when its type and strength are ones that we accept."""
    if isinstance(key, rsa.RSAPublicKey):
        return key if MIN_RSA_BITS <= key.key_size <= MAX_RSA_BITS else None
    if isinstance(key, ec.EllipticCurvePublicKey):
        return key if key.curve.name in _CURVES else None
    return key if isinstance(key, ed25519.Ed25519PublicKey) else None


def _family(key: VerifyKey) -> str:
    if isinstance(key, rsa.RSAPublicKey):
        return "RSA"
    return key.curve.name if isinstance(key, ec.EllipticCurvePublicKey) else "Ed25519"
