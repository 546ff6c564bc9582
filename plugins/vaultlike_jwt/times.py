"""When a token is valid, by rules of the reference that differ from RFC 7519 (spec/auth-methods.md 2b, surprises 29).

`expiration_leeway` and `not_before_leeway` only invent claims that are missing; `clock_skew_leeway` alone widens.
"""

from __future__ import annotations

from typing import Final

from vaultlike.errors import Invalid
from vaultlike.sdk import Call
from vaultlike.sdk.jwks import Claims, TokenDate
from vaultlike_jwt.role import Role

DEFAULT_LIFE: Final = 150.0  # seconds, where a leeway is 0
DEFAULT_SKEW: Final = 60.0
_PREFIX: Final = "error validating token: "


def _leeway(value: int, default: float) -> float:
    """0 is the default, negative is none."""
    return default if value == 0 else float(max(value, 0))


def check_times(call: Call, role: Role, claims: Claims, now: float) -> None:
    """Judges `nbf`, `exp` and `iat` (numbers already: `verify` saw to it) at `now`, Unix seconds. Raises Invalid."""
    exp, nbf, iat = (float(claims.number(name) or 0) // 1 for name in ("exp", "nbf", "iat"))
    none = Invalid(f"{_PREFIX}no issued at (iat), not before (nbf), or expiration time (exp) claims in token")
    call.require(
        "jwt.times", "iat, nbf or exp", "present" if exp or nbf or iat else "absent", bool(exp or nbf or iat), none
    )
    ends = exp or max(iat, nbf) + _leeway(role.expiration_leeway, DEFAULT_LIFE)
    begins = nbf or iat or ends - _leeway(role.not_before_leeway, DEFAULT_LIFE)
    skew = _leeway(role.clock_skew_leeway, DEFAULT_SKEW)
    early = Invalid(f"{_PREFIX}invalid not before (nbf) claim: token not yet valid")
    call.require("jwt.nbf", TokenDate(now + skew, "not after"), TokenDate(begins), begins <= now + skew, early)
    late = Invalid(f"{_PREFIX}invalid expiration time (exp) claim: token is expired")
    call.require("jwt.exp", TokenDate(now - skew, "not before"), TokenDate(ends), now - skew <= ends, late)
    future = Invalid(f"{_PREFIX}invalid issued at (iat) claim: token issued in the future")
    issued = TokenDate(iat) if iat else "absent"
    call.require("jwt.iat", TokenDate(now + skew, "not after"), issued, iat <= now + skew, future)
