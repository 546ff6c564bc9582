"""The server of a trust domain: its keys, its bundle, and JWT-SVIDs (spec/infisical.md 6; SPIFFE JWT-SVID 2, 3)."""

from __future__ import annotations

import base64
import re
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from vaultlike.clock import Clock

LIFE = 300  # seconds: SPIRE's default for JWT-SVIDs
HINT = 300  # seconds between looks at the bundle
_PATH = re.compile(r"(?:/[A-Za-z0-9._-]+)*", re.ASCII)
_DOMAIN = re.compile(r"[a-z0-9._-]{1,255}", re.ASCII)


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


class _Key:
    def __init__(self, kid: str) -> None:
        self.kid, self.private = kid, ec.generate_private_key(ec.SECP256R1())

    def jwk(self, **more: str) -> dict[str, str]:
        numbers = self.private.public_key().public_numbers()
        x, y = (_b64(value.to_bytes(32, "big")) for value in (numbers.x, numbers.y))
        return {"kty": "EC", "kid": self.kid, **more, "crv": "P-256", "x": x, "y": y}

    def sign(self, claims: dict[str, Any]) -> str:
        header = {"alg": "ES256", "kid": self.kid, "typ": "JWT"}
        signed = f"{_b64(msgspec.json.encode(header))}.{_b64(msgspec.json.encode(claims))}"
        r, s = decode_dss_signature(self.private.sign(signed.encode(), ec.ECDSA(SHA256())))
        return f"{signed}.{_b64(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


class Authority:
    """One trust domain. `issuer` is SPIRE's `jwt_issuer`: "" leaves `iss` out of every SVID, as SPIRE does."""

    def __init__(self, trust_domain: str, clock: Clock, *, issuer: str = "") -> None:
        """Raises ValueError for a name that is no trust domain."""
        if not _DOMAIN.fullmatch(trust_domain):
            raise ValueError(f"{trust_domain!r} is no trust domain")
        self.trust_domain, self.issuer, self._clock = trust_domain, issuer, clock
        self._made = 0
        self._keys: list[_Key] = []
        self.rotate()

    def rotate(self) -> None:
        """A new key signs from now on; the one before is still published."""
        self._made += 1
        self._keys = [*self._keys[-1:], _Key(f"key-{self._made}")]

    def forget(self) -> None:
        """No key is left: nothing of this trust domain is proved until the next `rotate`."""
        self._keys = []

    def mint(self, spiffe_id: str, audience: list[str], *, ttl: int = LIFE, **claims: Any) -> str:
        """A JWT-SVID, as `spire-server jwt mint` gives it; `ttl` in seconds, other `claims` on top.

        Raises ValueError for an id of another trust domain or shape, and without an audience.
        """
        prefix = f"spiffe://{self.trust_domain}"
        if not spiffe_id.startswith(prefix) or not _PATH.fullmatch(spiffe_id[len(prefix) :]):
            raise ValueError(f"{spiffe_id!r} is no SPIFFE ID of {self.trust_domain}")
        if not audience or not self._keys:
            raise ValueError("a JWT-SVID needs an audience, and a key that signs it")
        now = int(self._clock.now())
        said: dict[str, Any] = {"sub": spiffe_id, "aud": audience, "exp": now + ttl, "iat": now}
        if self.issuer:
            said["iss"] = self.issuer
        return self._keys[-1].sign({**said, **claims})

    def keys(self) -> list[dict[str, str]]:
        """The public keys as the OIDC discovery provider shows them: with `alg`, for signatures."""
        return [key.jwk(use="sig", alg="ES256") for key in self._keys]

    def bundle(self) -> dict[str, object]:
        """The trust bundle in SPIFFE's own form: keys of use `jwt-svid`, a sequence number, a refresh hint."""
        keys = [key.jwk(use="jwt-svid") for key in self._keys]
        return {"keys": keys, "spiffe_sequence": self._made, "spiffe_refresh_hint": HINT}
