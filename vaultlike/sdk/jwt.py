"""The outer form of a signed JWT: compact JWS in, header and claims out, nothing believed yet.

Owns the size caps, strict base64url, strict JSON and the list of algorithms that exist for us. Knows no keys, issuers
or times: `verify` in `sdk/verify.py` decides whether a token is good. Everything here runs on an attacker's input
before any other work, so it is linear in the size of the token and cheap.
"""

from __future__ import annotations

import binascii
import re
from typing import Final

import msgspec

from vaultlike.errors import Denied, Invalid, VaultlikeError

MAX_TOKEN: Final = 32 * 1024  # characters; a cloud's token with 200 groups is about 12 KiB
MAX_DEPTH: Final = 16
MAX_KID: Final = 1024

# RFC 7518 3.1 and RFC 8037. HS* is absent for good: a public key must never serve as a shared secret (RFC 8725 3.1).
ALGORITHMS: Final = frozenset(
    ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
)

_ALPHABET: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_TO_STANDARD: Final = bytes.maketrans(b"-_", b"+/")
# RFC 4648 3.5: the unused bits of the last character are zero. Otherwise one signature has several spellings.
_LAST_OF_TWO: Final = b"AQgw"
_LAST_OF_THREE: Final = b"AEIMQUYcgkosw048"
_STRINGS: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+"', re.DOTALL)


class JwtProblem(VaultlikeError):
    """Why a token does not let anyone in. `code` is stable and for programs, `reason` for the operator.

    A method whose wire contract asks for another status catches this class and raises its own error from it.
    """

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason=f"JWT refused: {reason}")
        self.code = code


class JwtMalformed(JwtProblem, Invalid):
    """Not a signed JWT at all (400)."""

    default = "malformed JWT"


class JwtRefused(JwtProblem, Denied):
    """A JWT, but not one that may log in (403)."""


class Header(msgspec.Struct, frozen=True):
    """The JOSE header members that we read (RFC 7515 4.1). `kid` is None when the token names no key."""

    alg: str
    kid: str | None = None
    typ: str | None = None


class UnverifiedJwt(msgspec.Struct, frozen=True):
    """A parsed token that nobody has vouched for. Never base a decision to let someone in on it."""

    header: Header
    claims: dict[str, object]
    signing_input: bytes
    signature: bytes

    def __repr__(self) -> str:
        return f"UnverifiedJwt(alg={self.header.alg!r})"


def decode_unverified(token: str, *, max_size: int = MAX_TOKEN) -> UnverifiedJwt:
    """Splits and parses a compact JWS (RFC 7515 7.1) of at most `max_size` characters. Believes nothing.

    Raises JwtMalformed for anything that is not one, and JwtRefused when it is one that we never accept: another
    algorithm (`alg_refused`), critical extensions (`crit`, RFC 7515 4.1.11) or an unencoded payload (`b64`, RFC 7797).
    """
    if len(token) > max_size:
        raise JwtMalformed("too_large", f"{len(token)} characters, the limit is {max_size}")
    try:
        raw = token.encode("ascii")
    except UnicodeEncodeError:
        raise JwtMalformed("bad_encoding", "characters outside of ASCII") from None
    if raw.translate(None, _ALPHABET) != b"..":
        raise JwtMalformed("bad_form", "not three base64url parts joined by dots")
    signing_input, _, signature = raw.rpartition(b".")
    first, _, second = signing_input.partition(b".")
    if not first or not second or not signature:
        raise JwtMalformed("bad_form", "an empty part")
    header = _header(_object(_base64url(first, "header"), "header"))
    claims = _object(_base64url(second, "payload"), "payload")
    return UnverifiedJwt(header, claims, signing_input, _base64url(signature, "signature"))


def _header(members: dict[str, object]) -> Header:
    if "crit" in members:
        raise JwtRefused("crit", "critical header extensions are not supported")
    if members.get("b64", True) is not True:
        raise JwtRefused("b64", "an unencoded payload is not supported")
    try:
        header = msgspec.convert(members, Header)
    except msgspec.ValidationError as error:
        raise JwtMalformed("bad_header", f"header: {error}") from None
    if header.alg not in ALGORITHMS:
        raise JwtRefused("alg_refused", f"algorithm {header.alg[:32]!r} is never accepted")
    if header.kid is not None and not 0 < len(header.kid) <= MAX_KID:
        raise JwtMalformed("bad_header", f"key id of {len(header.kid)} characters")
    return header


def _base64url(part: bytes, name: str) -> bytes:
    """RFC 7515 2: no padding, no other alphabet (checked by the caller), no second spelling of the same bytes."""
    over = len(part) % 4
    if over == 1 or (over == 2 and part[-1] not in _LAST_OF_TWO) or (over == 3 and part[-1] not in _LAST_OF_THREE):
        raise JwtMalformed("bad_base64", f"{name} is not canonical base64url")
    return binascii.a2b_base64(part.translate(_TO_STANDARD) + b"=="[: -over % 4])


def _object(raw: bytes, name: str) -> dict[str, object]:
    """One JSON object: valid UTF-8, finite numbers, bounded nesting, no member twice (RFC 8725 2.5, RFC 7519 4)."""
    try:
        value = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise JwtMalformed("bad_json", f"{name} is not JSON") from None
    if not isinstance(value, dict):
        raise JwtMalformed("bad_json", f"{name} is not a JSON object")
    members, colons = _measure(value, name, MAX_DEPTH)
    # msgspec keeps the last of two equal names. Each member has one colon outside of strings, so more colons than
    # members means that some were dropped. Without escapes the colons inside of strings can simply be counted.
    separators = _STRINGS.sub(b"", raw).count(b":") if b"\\" in raw else raw.count(b":") - colons
    if separators != members:
        raise JwtMalformed("duplicate_member", f"{name} has a member twice")
    return value


def _measure(value: object, name: str, depth: int) -> tuple[int, int]:
    """(members of objects, colons within strings) of a JSON value; refuses what nests deeper than `depth`."""
    if depth == 0:
        raise JwtMalformed("too_deep", f"{name} nests deeper than {MAX_DEPTH}")
    if isinstance(value, dict):
        members, colons = len(value), "".join(value).count(":")
        items = list(value.values())
    elif isinstance(value, list):
        members, colons, items = 0, 0, value
    else:
        return 0, 0
    # joined and counted at once: this runs for every token of every login
    colons += "".join([item for item in items if item.__class__ is str]).count(":")
    for item in items:
        if item.__class__ is dict or item.__class__ is list:
            inner_members, inner_colons = _measure(item, name, depth - 1)
            members += inner_members
            colons += inner_colons
    return members, colons
