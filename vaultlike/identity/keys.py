"""The keys that sign identity tokens, as they are stored: what they are made of and how they age. Knows no storage.

A named key always holds two: the one that signs, and the next one, which is published before it is used so that
verifiers that cache the key set already know it. A retired key stays published until its last token has expired.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Mapping

import msgspec
from joserfc.jwk import ECKey, OKPKey, RSAKey
from msgspec import Struct
from msgspec.structs import replace

from vaultlike.errors import Invalid

JsonWebKey = RSAKey | ECKey | OKPKey
RSA_BITS = 2048
CURVES = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}
ALGORITHMS = ("RS256", "RS384", "RS512", "ES256", "ES384", "ES512", "EdDSA")
DAY = 86_400


class SigningKey(Struct, frozen=True, kw_only=True):
    """One key pair. `private` is the private JWK: it is only ever stored sealed, and never shown."""

    kid: str
    private: dict[str, str]

    def __repr__(self) -> str:
        return f"SigningKey(kid={self.kid!r})"


class PublicKey(Struct, frozen=True, kw_only=True):
    """What remains of a retired key: published until `expires_at` (Unix seconds)."""

    kid: str
    public: dict[str, str]
    expires_at: float


class NamedKey(Struct, frozen=True, kw_only=True):
    """A named key of `identity/oidc/key/:name`. Spans in seconds, times in Unix seconds."""

    name: str
    algorithm: str = "RS256"
    rotation_period: int = DAY
    verification_ttl: int = DAY
    allowed_client_ids: tuple[str, ...] = ()
    current: SigningKey
    next: SigningKey
    retired: tuple[PublicKey, ...] = ()
    next_rotation: float = 0.0


encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(NamedKey).decode


class LoadedKey:
    """A named key with its signing key imported once; what the cache holds."""

    def __init__(self, raw: bytes) -> None:
        self.key = _decode(raw)
        self._signer: JsonWebKey | None = None

    @property
    def signer(self) -> JsonWebKey:
        """The private key that signs now."""
        if self._signer is None:
            self._signer = load(self.key.current.private)
        return self._signer


def load(jwk: Mapping[str, str]) -> JsonWebKey:
    """The key object of a stored JWK."""
    kinds: dict[str, type[JsonWebKey]] = {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey}
    return kinds[jwk["kty"]].import_key(dict(jwk))


def _make(algorithm: str) -> JsonWebKey:
    if algorithm in CURVES:
        return ECKey.generate_key(CURVES[algorithm])
    if algorithm == "EdDSA":
        return OKPKey.generate_key("Ed25519")
    return RSAKey.generate_key(RSA_BITS)


async def generate(algorithm: str, random: Callable[[int], bytes]) -> SigningKey:
    """A fresh key pair; RSA takes a tenth of a second, so it is made off the event loop."""
    key = await asyncio.to_thread(_make, algorithm)
    private = {name: str(value) for name, value in key.as_dict(private=True).items() if isinstance(value, str)}
    return SigningKey(kid=str(uuid.UUID(bytes=random(16), version=4)), private=private)


SHOWN = ("kty", "n", "e", "crv", "x", "y")


def public(key: SigningKey, algorithm: str) -> dict[str, str]:
    """The JWK to publish: only public members are copied, so nothing private can slip through."""
    members = {name: key.private[name] for name in SHOWN if name in key.private}
    return {"use": "sig", "kid": key.kid, "alg": algorithm, **members}


def published(key: NamedKey, now: float) -> list[dict[str, str]]:
    """Every JWK that a verifier may need now: signing, next, and retired ones that still count."""
    fresh = [public(key.current, key.algorithm), public(key.next, key.algorithm)]
    return fresh + [old.public for old in key.retired if old.expires_at > now]


def check(key: NamedKey) -> None:
    """Raises Invalid for settings that contradict each other (spec/vault-api.md 6.4)."""
    if key.rotation_period < 60:
        raise Invalid("rotation_period must be at least one minute")
    if key.verification_ttl > 10 * key.rotation_period:
        raise Invalid("verification_ttl cannot be longer than 10x rotation_period")
    if key.algorithm not in ALGORITHMS:
        raise Invalid(f'unknown signing algorithm "{key.algorithm[:64]}"')


def retire(key: NamedKey, now: float, verification_ttl: int) -> tuple[PublicKey, ...]:
    """The retired keys after the signing one joined them; those that nobody needs any more are dropped."""
    kept = tuple(old for old in key.retired if old.expires_at > now)
    jwk = public(key.current, key.algorithm)
    return (*kept, PublicKey(kid=key.current.kid, public=jwk, expires_at=now + verification_ttl))


def rotated(key: NamedKey, fresh: SigningKey, now: float, verification_ttl: int | None = None) -> NamedKey:
    """The key after a rotation: the next one signs, `fresh` is next. `verification_ttl` (seconds) for the old one."""
    ttl = key.verification_ttl if verification_ttl is None else verification_ttl
    return replace(
        key,
        current=key.next,
        next=fresh,
        retired=retire(key, now, ttl),
        next_rotation=now + key.rotation_period,
    )
