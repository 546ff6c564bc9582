"""Policy names that name claims: `team-{{.team}}` (a role's `token_policies_template_claims`).

Only plain claims and fields of objects can be named; the reference's template language can do more, and such a policy
is refused when the role is written rather than misunderstood at a login.
"""

from __future__ import annotations

import re
from typing import Final

from vaultlike.errors import Invalid
from vaultlike.sdk.jwks import Claims

_PLACE: Final = re.compile(r"\{\{-?\s*((?:\.\w+)+)\s*-?\}\}", re.ASCII)
_CLEAN: Final = re.compile(r"[^\x00-\x1f\x7f]{1,512}")


def check_templates(policies: tuple[str, ...]) -> None:
    """Raises Invalid for a template that is not understood."""
    for index, policy in enumerate(policies):
        rest = _PLACE.sub("", policy)
        if "{{" in rest or "}}" in rest:
            raise Invalid(f"failed to parse template policy [{index}]: only claims can be named, as in {{{{.team}}}}")


def fill_templates(policies: tuple[str, ...], claims: Claims) -> tuple[str, ...]:
    """The policies with their claims filled in; empty ones are left out. Raises Invalid where a claim is missing."""
    filled = []
    for index, policy in enumerate(policies):
        parts = _PLACE.split(policy)  # literal text and the paths of claims in turn
        for place in range(1, len(parts), 2):
            parts[place] = _value(parts[place], claims, index)
        filled.append("".join(parts))
    return tuple(dict.fromkeys(text for text in filled if text))


def _value(path: str, claims: Claims, index: int) -> str:
    value = claims.at(path.replace(".", "/"))
    if isinstance(value, bool):
        return "true" if value else "false"
    # no commas or blanks at the ends: a claim must not become another or a second policy
    if isinstance(value, (str, int)) and _CLEAN.fullmatch(str(value)):
        return str(value)
    raise Invalid(f"failed to template policy [{index}]: no text in claim {path[1:][:128]}")
