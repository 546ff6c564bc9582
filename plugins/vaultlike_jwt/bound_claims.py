"""Claims by name or JSON pointer, and whether they have the values that a role binds (spec/auth-methods.md 2b, 11)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeGuard

from vaultlike.errors import Invalid
from vaultlike.sdk import Call
from vaultlike.sdk.conversion import go_text
from vaultlike.sdk.glob import fits_glob
from vaultlike.sdk.jwks import Claims
from vaultlike_jwt.patterns import KINDS, misfit

SCALARS: Final = (str, bool, int, float)
MAX_SHOWN: Final = 256  # characters of a claim in a text


def find_claim(claims: Claims, name: str) -> object:
    """The claim of that name, or what a name that begins with a slash points to (RFC 6901); None when absent or null.

    A lone audience is a list of one (RFC 7519 4.1.3).
    """
    if name.startswith("/"):
        try:
            return claims.at(name)
        except Invalid:  # a pointer that can never be resolved: nothing is there
            return None
    value = claims.get(name)
    return [value] if name == "aud" and isinstance(value, str) else value


def as_list(value: object) -> list[object] | None:
    """A list as it is, a scalar as a list of one, None for what is neither."""
    if isinstance(value, list):
        return value
    return [value] if _is_scalar(value) else None


def _is_scalar(value: object) -> TypeGuard[str | bool | int | float]:
    return isinstance(value, SCALARS)


def same(wanted: object, received: object) -> bool:
    """Equal in value and in kind: "1" is not 1, true is not 1; 3.0 is 3, for JSON knows one kind of number."""
    if isinstance(wanted, bool) or isinstance(received, bool):
        return wanted is received
    if isinstance(wanted, str) or isinstance(received, str):
        return type(wanted) is type(received) and wanted == received
    return _is_scalar(wanted) and _is_scalar(received) and wanted == received


def check_bound_claims(call: Call, bound: Mapping[str, object], kind: str, claims: Claims) -> None:
    """Tests every bound claim and records each test. Raises Invalid with the reference's text at the first misfit."""
    for name, wanted in sorted(bound.items()):
        received = find_claim(claims, name)
        problem = _problem(name, wanted, received, kind)
        shown = shorten(received)
        refusal = Invalid(f"error validating claims: {problem}") if problem else None
        call.require(f"bound_claims.{name[:128]}", wanted, shown, not problem, refusal)


def _problem(name: str, wanted: object, received: object, kind: str) -> str:
    if kind in KINDS:
        return misfit(name, as_list(wanted) or [], received, kind)
    if received is None:
        return f'claim "{name}" is missing'
    actual, expected = as_list(received), as_list(wanted)
    if actual is None:
        return f"received claim is not a string, bool, int or list: {go_text(received)[:MAX_SHOWN]}"
    if expected is None:
        return f"bound claim is not a string, bool, int or list: {go_text(wanted)[:MAX_SHOWN]}"
    if kind == "glob":
        for pattern in expected:
            if not isinstance(pattern, str):
                return f"received claim is not a glob string: {go_text(pattern)[:MAX_SHOWN]}"
        fits = any(
            fits_glob(pattern, text)
            for pattern in expected
            for text in actual
            if isinstance(pattern, str) and isinstance(text, str)
        )
    else:
        fits = any(same(one, other) for one in expected for other in actual)
    return "" if fits else f'claim "{name}" does not match any associated bound claim values'


def shorten(value: object) -> object:
    """A claim as the explanation shows it."""
    if isinstance(value, str):
        return value[:MAX_SHOWN]
    if isinstance(value, list):
        return [shorten(item) for item in value[:16]]
    return value if value is None or _is_scalar(value) else go_text(value)[:MAX_SHOWN]
