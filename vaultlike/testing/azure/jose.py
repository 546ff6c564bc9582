"""Just enough JOSE: compact tokens in and out, RSA keys as JWK.

Owns encoding and signatures. Knows no claim rules: `tokens` mints, `bearer` and `federation` judge.
Written over `cryptography` and not over a JOSE library on purpose: an emulator must be able to sign what no
library agrees to sign (`alg` none, duplicate keys, HMAC with a public key).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from typing import Generic, Literal, TypeAlias, TypeVar

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

Algorithm: TypeAlias = Literal["RS256", "RS384", "RS512", "PS256", "HS256", "none"]
LIMIT = 64 * 1024  # characters of a token

C = TypeVar("C")
_HASHES: dict[str, hashes.HashAlgorithm] = {
    "RS256": hashes.SHA256(),
    "RS384": hashes.SHA384(),
    "RS512": hashes.SHA512(),
    "PS256": hashes.SHA256(),
}


class Header(msgspec.Struct, frozen=True):
    alg: str = ""
    kid: str = ""
    x5t: str = ""


class Parsed(msgspec.Struct, Generic[C], frozen=True, kw_only=True):
    """A token taken apart; nothing about it is verified yet."""

    header: Header
    claims: C
    signed: bytes
    signature: bytes


class Jwk(msgspec.Struct, frozen=True, kw_only=True):
    kty: str = ""
    kid: str = ""
    n: str = ""
    e: str = ""
    use: str = ""


class JwkSet(msgspec.Struct, frozen=True, kw_only=True):
    keys: list[Jwk] = []


def b64(data: bytes) -> str:
    """base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    """Reverse of `b64`. Raises ValueError."""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError("not base64url") from error


def number(value: int) -> str:
    """A big number as JWK spells it."""
    return b64(value.to_bytes((value.bit_length() + 7) // 8, "big"))


def parse(token: str, claims: type[C]) -> Parsed[C]:
    """Takes a compact token apart. Raises ValueError for anything malformed or longer than `LIMIT`."""
    if len(token) > LIMIT:
        raise ValueError("token too long")
    parts = token.split(".")
    if len(parts) != 3:
        raise ValueError("a token has three parts")
    try:
        header = msgspec.json.decode(unb64(parts[0]), type=Header)
        body = msgspec.json.decode(unb64(parts[1]), type=claims)
    except msgspec.DecodeError as error:
        raise ValueError(f"token does not decode: {error}") from error
    return Parsed(header=header, claims=body, signed=f"{parts[0]}.{parts[1]}".encode(), signature=unb64(parts[2]))


def verified(signed: bytes, signature: bytes, key: rsa.RSAPublicKey) -> bool:
    """Whether this is an RS256 signature of that key."""
    try:
        key.verify(signature, signed, padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature:
        return False
    return True


def public_key(jwk: Jwk) -> rsa.RSAPublicKey:
    """The RSA key of a JWK. Raises ValueError for other kinds and bad numbers."""
    if jwk.kty != "RSA":
        raise ValueError("not an RSA key")
    n, e = int.from_bytes(unb64(jwk.n), "big"), int.from_bytes(unb64(jwk.e), "big")
    return rsa.RSAPublicNumbers(e, n).public_key()


def sign(header: bytes, payload: bytes, alg: Algorithm, key: rsa.RSAPrivateKey) -> str:
    """A compact token over these exact bytes. `HS256` uses the PEM of the public key as the shared secret: the
    well-known confusion attack. `none` leaves the signature empty."""
    signed = f"{b64(header)}.{b64(payload)}".encode()
    return f"{signed.decode()}.{b64(_signature(signed, alg, key))}"


def _signature(signed: bytes, alg: Algorithm, key: rsa.RSAPrivateKey) -> bytes:
    if alg == "none":
        return b""
    if alg == "HS256":
        pem = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        return hmac.new(pem, signed, hashlib.sha256).digest()
    digest = _HASHES[alg]
    if alg == "PS256":
        return key.sign(signed, padding.PSS(padding.MGF1(digest), padding.PSS.DIGEST_LENGTH), digest)
    return key.sign(signed, padding.PKCS1v15(), digest)
