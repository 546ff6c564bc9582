"""The judgement on a JWT: the one place that turns a token into `Claims`.

Owns the order of the checks: what costs nothing comes first, so that a token which is expired or meant for somebody
else causes neither a fetch nor a signature check (spec/azure.md 2.2). Knows no method's own claims.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

import msgspec

from vaultlike.errors import Upstream
from vaultlike.sdk.claims import Claims, TokenDate, numeric_date
from vaultlike.sdk.jwt import MAX_TOKEN, JwtProblem, JwtRefused, UnverifiedJwt, decode_unverified
from vaultlike.sdk.keyset import KeySource

Recorder: TypeAlias = Callable[[str, object, object, bool], object]
Issuers: TypeAlias = tuple[str, ...] | Callable[[str], bool]


class Leeway(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds by which the issuer's clock may differ from ours. `iat` None: the issue time is not judged."""

    exp: float = 0.0
    nbf: float = 0.0
    iat: float | None = 60.0


NO_LEEWAY = Leeway()


async def verify(
    token: str | UnverifiedJwt,
    *,
    keys: KeySource,
    issuers: Issuers | None,
    audiences: tuple[str, ...] | None,
    algorithms: tuple[str, ...],
    now: float,
    leeway: Leeway = NO_LEEWAY,
    required: tuple[str, ...] = (),
    require_exp: bool = True,
    check: Recorder | None = None,
    max_size: int = MAX_TOKEN,
) -> Claims:
    """The claims of `token`, once issuer, audience, times, algorithm, key and signature have passed, in this order.

    A token that was taken apart already, to look at its issuer, is not taken apart again.
    `issuers`: accepted values of `iss`, or a function that accepts one; None: not judged (a method that pins keys).
    `audiences`: one of them must be in `aud`; None: not judged. An empty tuple of any of them refuses everything.
    `algorithms`: of `ALGORITHMS`. `required`: claims that must be there and not null. `now`: Unix seconds.
    `check(name, expected, received, ok)` hears of every check, passed or failed, and never of the token itself.
    Raises JwtMalformed, JwtRefused (see their `code`), or Upstream when the keys cannot be had.
    """
    note = check or _nobody
    unverified = _decoded(token, max_size, note) if isinstance(token, str) else token
    _judge_origin(unverified.claims, issuers, audiences, note)
    _judge_times(unverified.claims, now, leeway, require_exp, note)
    for name in required:
        there = unverified.claims.get(name) is not None
        _require(note, f"jwt.{name}", "present", "present" if there else "absent", there, "claim_missing")
    alg = unverified.header.alg
    _require(note, "jwt.alg", algorithms, alg, alg in algorithms, "alg_refused")
    await _judge_signature(unverified, keys, note)
    return Claims(unverified.claims)


def _decoded(token: str, max_size: int, note: Recorder) -> UnverifiedJwt:
    try:
        return decode_unverified(token, max_size=max_size)
    except JwtProblem as problem:
        note("jwt.form", "a compact signed JWT", problem.code, False)
        raise


def _judge_origin(
    claims: Mapping[str, object], issuers: Issuers | None, audiences: tuple[str, ...] | None, note: Recorder
) -> None:
    if issuers is not None:
        issuer = claims.get("iss")
        accepted = isinstance(issuer, str) and (issuers(issuer) if callable(issuers) else issuer in issuers)
        expected = "an accepted issuer" if callable(issuers) else issuers
        _require(note, "jwt.iss", expected, _short(issuer), accepted, "issuer")
    if audiences is not None:
        audience = claims.get("aud")
        named = [audience] if isinstance(audience, str) else audience if isinstance(audience, list) else []
        fits = all(isinstance(name, str) for name in named) and any(name in audiences for name in named)
        _require(note, "jwt.aud", audiences, _short(audience), fits, "audience")


def _judge_times(claims: Mapping[str, object], now: float, leeway: Leeway, require_exp: bool, note: Recorder) -> None:
    exp, nbf, iat = _dates(claims, note)
    if exp is not None:
        # RFC 7519 4.1.4: on or after this time the token must not be accepted
        after = TokenDate(now - leeway.exp, "after")
        _require(note, "jwt.exp", after, TokenDate(exp), now < exp + leeway.exp, "expired")
    elif require_exp:
        _require(note, "jwt.exp", "present", "absent", False, "claim_missing")
    if nbf is not None:
        latest = TokenDate(now + leeway.nbf, "not after")
        _require(note, "jwt.nbf", latest, TokenDate(nbf), nbf <= now + leeway.nbf, "not_yet_valid")
    if iat is not None and leeway.iat is not None:
        latest = TokenDate(now + leeway.iat, "not after")
        _require(note, "jwt.iat", latest, TokenDate(iat), iat <= now + leeway.iat, "issued_later")


def _dates(claims: Mapping[str, object], note: Recorder) -> tuple[float | None, float | None, float | None]:
    name = "exp"
    try:
        exp = numeric_date(claims, name)
        name = "nbf"
        nbf = numeric_date(claims, name)
        name = "iat"
        return exp, nbf, numeric_date(claims, name)
    except JwtRefused:
        note(f"jwt.{name}", "a number of seconds", _short(claims.get(name)), False)
        raise


async def _judge_signature(unverified: UnverifiedJwt, source: KeySource, note: Recorder) -> None:
    header = unverified.header
    keys = await source.keys()
    good = keys.verifies(header.kid, header.alg, unverified.signature, unverified.signing_input)
    if not good:
        # Rotated keys, new or under an old id: the source decides whether it may ask the issuer now.
        known = keys.knows(header.kid)
        try:
            newer = await source.newer(keys, header.kid)
        except Upstream:
            if not known:
                note("jwt.kid", "a key of the issuer", header.kid, False)
                raise
            newer = None  # the named key is here and does not fit: that is an answer
        if newer is not None:
            keys = newer
            good = keys.verifies(header.kid, header.alg, unverified.signature, unverified.signing_input)
    found = good or bool(keys.candidates(header.kid, header.alg))
    _require(note, "jwt.kid", f"a key of the issuer that fits {header.alg}", _short(header.kid), found, "unknown_key")
    _require(note, "jwt.signature", "valid", "valid" if good else "invalid", good, "signature")


def _require(note: Recorder, name: str, expected: object, received: object, ok: bool, code: str) -> None:
    note(name, expected, received, ok)
    if not ok:
        raise JwtRefused(code, f"{name}: expected {expected}, received {received}")


def _short(value: object) -> object:
    """A claim as the explanation shows it: numbers as they are, texts and lists cut."""
    if isinstance(value, str):
        return value[:256]
    if isinstance(value, list):
        return [_short(item) for item in value[:16]]
    return value if value is None or isinstance(value, (bool, int, float)) else type(value).__name__


def _nobody(name: str, expected: object, received: object, ok: bool) -> None:
    return None
