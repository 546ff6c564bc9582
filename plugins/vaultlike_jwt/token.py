"""The judgement on a presented JWT: the sdk's `verify` for form and signature, the reference's rules for the rest.

Order and texts are the wire contract's (spec/auth-methods.md 2b, 6-7).
"""

from __future__ import annotations

import re
from typing import Final

from vaultlike.errors import Invalid, Upstream
from vaultlike.sdk import Call
from vaultlike.sdk.jwks import (
    ALGORITHMS,
    Claims,
    JwtProblem,
    KeySource,
    Leeway,
    UnverifiedJwt,
    decode_unverified,
    verify,
)
from vaultlike_jwt.bound_claims import find_claim, shorten
from vaultlike_jwt.config import Config
from vaultlike_jwt.key_sources import KeySources
from vaultlike_jwt.patterns import admits, any_audience
from vaultlike_jwt.role import Role
from vaultlike_jwt.times import check_times

PREFIX: Final = "error validating token: "
UNSIGNED: Final = f"{PREFIX}error verifying token signature: "
NO_KEY: Final = f"{UNSIGNED}no known key successfully validated the token signature"
NO_REMOTE_KEY: Final = f"{UNSIGNED}failed to verify id token signature"
NOT_NUMBER: Final = f"{PREFIX}go-jose/go-jose/jwt: expected number value to unmarshal NumericDate"
MAX_SENT: Final = 64 * 1024  # characters before blanks are removed
# `verify` leaves the times to times.py, which knows the role's leeways
_ANY_TIME: Final = Leeway(exp=float("inf"), nbf=float("inf"), iat=None)
_LATER: Final = frozenset(("jwt.exp", "jwt.nbf", "jwt.iat", "jwt.alg"))
_TEXTS: Final = ("iss", "sub", "jti")
_BLANKS: Final = re.compile(r"\s+")
_FOREIGN: Final = re.compile(r"[^A-Za-z0-9_-]")


async def prove(call: Call, sent: str, sources: KeySources, config: Config, role: Role, now: float) -> Claims:
    """The claims of a token that may log in with this role. Raises Invalid, or Upstream when keys cannot be had."""
    token = _tidy(sent)
    unverified = _parse(call, token)
    claims = await _signed(call, unverified, await sources.choose(unverified), bool(config.jwt_validation_pubkeys), now)
    alg = unverified.header.alg
    unexpected = Invalid(f"{PREFIX}invalid algorithm (alg) header parameter: token signed with unexpected algorithm")
    call.require("jwt.alg", list(config.algorithms), alg, alg in config.algorithms, unexpected)
    _check_shapes(call, claims)
    if config.bound_issuer:
        refusal = Invalid(f"{PREFIX}invalid issuer (iss) claim")
        issuer = claims.get("iss")
        call.require("bound_issuer", config.bound_issuer, shorten(issuer), issuer == config.bound_issuer, refusal)
    if role.bound_subject:
        refusal = Invalid(f"{PREFIX}invalid subject (sub) claim")
        subject = claims.get("sub")
        ok = admits(role.bound_claims_type, (role.bound_subject,), (subject,))
        call.require("bound_subject", role.bound_subject, shorten(subject), ok, refusal)
    _check_audience(call, role, claims)
    check_times(call, role, claims, now)
    # Whoever the issuer means by an audience, it is not us unless the role says so.
    unbound = Invalid("audience claim found in JWT but no audiences bound to the role")
    named = _audiences(claims)
    if named and not role.bound_audiences:
        call.require("bound_audiences", "at least one, for the token names some", shorten(named), False, unbound)
    return claims


def _check_shapes(call: Call, claims: Claims) -> None:
    """Registered claims must be what RFC 7519 4.1 says they are, whether or not the role binds them."""
    for name in _TEXTS:
        value = claims.get(name)
        if value is not None and not isinstance(value, str):
            text = f"{PREFIX}json: cannot unmarshal {_kind(value)} into Go struct field Claims.{name} of type string"
            call.require(f"jwt.{name}", "a text", shorten(value), False, Invalid(text))
    if "aud" in claims:
        named = claims["aud"]
        good = isinstance(named, (str, list)) and all(isinstance(one, str) for one in named)
        if not good:
            refusal = Invalid(f"{PREFIX}go-jose/go-jose/jwt: expected string or array value to unmarshal to Audience")
            call.require("jwt.aud", "a text or a list of texts", shorten(named), False, refusal)


def _kind(value: object) -> str:
    names = {bool: "bool", list: "array", dict: "object"}
    return names.get(type(value), "number")


def _tidy(sent: str) -> str:
    """The token without blanks (files end with a newline) and base64 padding, both of which the reference takes."""
    if len(sent) > MAX_SENT:
        raise Invalid(f"{UNSIGNED}the token is too large")
    token = _BLANKS.sub("", sent)
    return ".".join(part.rstrip("=") for part in token.split(".")) if "=" in token else token


def _parse(call: Call, token: str) -> UnverifiedJwt:
    try:
        return decode_unverified(token)
    except JwtProblem as problem:
        call.check("jwt.form", "a compact signed JWT", problem.code, False)
        raise Invalid(_form_text(token, problem), reason=problem.reason) from None


def _form_text(token: str, problem: JwtProblem) -> str:
    parts = token.split(".")
    if len(parts) != 3:
        return f"{UNSIGNED}go-jose/go-jose: compact JWS format must have three parts"
    if problem.code == "alg_refused":
        return NO_KEY
    for part in parts:
        foreign = _FOREIGN.search(part)
        if foreign or len(part) % 4 == 1:
            at = foreign.start() if foreign else len(part) - 1
            return f"{UNSIGNED}illegal base64 data at input byte {at}"
    return NO_KEY if problem.code == "bad_form" else f"{UNSIGNED}{problem.code.replace('_', ' ')}"


async def _signed(call: Call, token: UnverifiedJwt, keys: KeySource, fixed: bool, now: float) -> Claims:
    def note(name: str, expected: object, received: object, ok: bool) -> bool:
        return ok if name in _LATER and ok else call.check(name, expected, received, ok)

    try:
        return await verify(
            token,
            keys=keys,
            issuers=None,
            audiences=None,
            algorithms=tuple(ALGORITHMS),
            now=now,
            leeway=_ANY_TIME,
            require_exp=False,
            check=note,
        )
    except JwtProblem as problem:
        texts = {"claim_type": NOT_NUMBER}
        text = texts.get(problem.code, NO_KEY if fixed else NO_REMOTE_KEY)
        raise Invalid(text, reason=problem.reason) from None
    except Upstream as problem:
        call.check("jwt.keys", "the issuer's keys", "none to be had", False)
        raise Upstream(f"{UNSIGNED}fetching keys failed", reason=problem.reason) from None


def _audiences(claims: Claims) -> list[object]:
    named = find_claim(claims, "aud")
    return named if isinstance(named, list) else [] if named is None else [named]


def _check_audience(call: Call, role: Role, claims: Claims) -> None:
    if not role.bound_audiences:
        return
    named = _audiences(claims)
    text = f"{PREFIX}invalid audience (aud) claim: audience claim does not match any expected audience"
    ok = any_audience(role.bound_claims_type, role.bound_audiences)
    ok = ok or admits(role.bound_claims_type, role.bound_audiences, named)
    call.require("bound_audiences", list(role.bound_audiences), shorten(named), ok, Invalid(text))
