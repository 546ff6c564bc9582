"""Bounds that are patterns: `bound_claims_type` of `picomatch` or `picomatch-bash`, an extension of ours.

They mean what they mean for Infisical's identities (spec/infisical.md 1, oidc-auth 4-7), so that its API and this one
are two faces of the same check. What a pattern fits is the sdk's, which is imported when a role first has patterns; the
reference's types are in `bound_claims.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Final

import msgspec

from vaultlike.errors import Invalid
from vaultlike.sdk.conversion import go_text

if TYPE_CHECKING:
    from vaultlike_jwt.role import Role

KINDS: Final[Mapping[str, bool]] = {"picomatch": False, "picomatch-bash": True}  # and whether `*` crosses slashes
MAX_REMARKS: Final = 8
ANY: Final = "**"
_INTEGER: Final = re.compile(r"-?[0-9]{1,32}")


def admits(kind: str, allowed: Iterable[str], received: Iterable[object]) -> bool:
    """Whether any received text is one of `allowed`, or fits one of them where the role's type makes them patterns."""
    if kind in KINDS:
        from vaultlike.sdk.picomatch import fits_any

        return fits_any(allowed, received, bash=KINDS[kind])
    wanted = tuple(allowed)
    return any(isinstance(value, str) and value in wanted for value in received)


def any_audience(kind: str, allowed: tuple[str, ...]) -> bool:
    """Whether the role says in so many words that the audience does not matter: `**` alone, as a pattern. Then a token
    without one is as good."""
    return kind in KINDS and allowed == (ANY,)


def misfit(name: str, patterns: list[object], received: object, kind: str) -> str:
    """Why a claim does not fit any of the patterns; "" when it does. A claim that is empty, 0 or false never does."""
    from vaultlike.sdk.picomatch import fits_any

    if received is None:
        return f'claim "{name}" is missing'
    if received in ("", 0, False):
        return f'claim "{name}" is empty'
    items = received if isinstance(received, list) else [received]
    if not isinstance(received, (list, str, bool, int, float)):
        return f"received claim is not a string, bool, int or list: {go_text(received)[:256]}"
    texts = [item for item in items if isinstance(item, str)]
    others = [item for item in items if isinstance(item, (bool, int, float))]
    if any(_equals(pattern, item) for pattern in patterns for item in others):
        return ""
    if fits_any(patterns, texts, bash=KINDS[kind]):
        return ""
    return f'claim "{name}" does not match any associated bound claim values'


def _equals(pattern: object, item: bool | int | float) -> bool:
    """A bool by its name, a number by its integer value."""
    if not isinstance(pattern, str):
        return False
    if isinstance(item, bool):
        return pattern == ("true" if item else "false")
    return _INTEGER.fullmatch(pattern) is not None and int(pattern) == item


def as_text(value: object) -> str:
    """A claim as metadata: texts as they are, all else as JSON; 3.0 is 3."""
    if isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return msgspec.json.encode(value).decode()


def check_patterns(role: Role) -> list[str]:
    """What the writer of these patterns should know. Raises Invalid for a bound that is no pattern."""
    from vaultlike.sdk.picomatch import MAX_PATTERN, remark

    remarks = []
    for field, pattern in _patterns(role):
        if not isinstance(pattern, str):
            raise Invalid(f"{field}: a pattern must be a string: {go_text(pattern)[:256]}")
        if not pattern:
            # upstream fails at the login; an empty one must never come to mean "anything"
            raise Invalid(f"{field}: a pattern must not be empty")
        if len(pattern) > MAX_PATTERN:
            raise Invalid(f"{field}: a pattern of {len(pattern)} characters, at most {MAX_PATTERN} are allowed")
        if note := remark(pattern, bash=KINDS[role.bound_claims_type]):
            remarks.append(f"{field}: the pattern {pattern[:128]!r} {note}")
    return remarks[:MAX_REMARKS]


def _patterns(role: Role) -> Iterator[tuple[str, object]]:
    if role.bound_subject:
        yield "bound_subject", role.bound_subject
    for audience in role.bound_audiences or ():
        yield "bound_audiences", audience
    for name, value in (role.bound_claims or {}).items():
        field = f"bound_claims.{name[:128]}"
        patterns = value if isinstance(value, list) else [value]
        if not patterns:
            raise Invalid(f"{field}: at least one pattern is needed")
        for pattern in patterns:
            yield field, pattern
