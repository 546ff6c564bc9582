"""The template of a token role: a JSON object with `{{identity...}}` selectors, each replaced by a JSON value.

Values are encoded as JSON, so that nothing in a name or in metadata can add or change a claim.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import msgspec

from vaultlike.durations import parse_duration
from vaultlike.errors import Invalid
from vaultlike.json_problems import json_problem
from vaultlike.policy.template import Facts

RESERVED: Final = ("iat", "aud", "exp", "iss", "sub", "namespace", "nonce", "auth_time", "at_hash", "c_hash")
MAX_TEMPLATE = 32_768  # characters
_SELECTOR = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")
_NOBODY = Facts(id="", name="")


def check(template: str) -> None:
    """Raises Invalid unless the template, filled in, is a JSON object without reserved claims."""
    if not template:
        return
    if len(template) > MAX_TEMPLATE:
        raise Invalid(f"the template is longer than {MAX_TEMPLATE} characters")
    try:
        claims = fill(template, _NOBODY, 0.0)
    except msgspec.DecodeError as problem:
        wrong = json_problem(_text(template, _NOBODY, 0.0).encode())
        raise Invalid(f"error parsing template JSON: {wrong or problem}") from None
    for key in claims:
        if key in RESERVED:
            raise Invalid(f'top level key "{key}" not allowed. Restricted keys: {", ".join(RESERVED)}')


def fill(template: str, facts: Facts, now: float) -> dict[str, object]:
    """The claims of a template for an entity; `now` in Unix seconds.

    Raises Invalid for an unknown selector and msgspec.DecodeError where the result is no JSON object.
    """
    if not template:
        return {}
    claims: dict[str, object] = msgspec.json.decode(_text(template, facts, now).encode(), type=dict[str, object])
    return claims


def _text(template: str, facts: Facts, now: float) -> str:
    return _SELECTOR.sub(lambda hit: msgspec.json.encode(select(hit.group(1), facts, now)).decode(), template)


def select(selector: str, facts: Facts, now: float) -> object:
    """The value of one selector; what an entity lacks is empty. Raises Invalid for an unknown selector."""
    if selector.startswith("identity.entity."):
        return _entity(selector.removeprefix("identity.entity."), facts)
    if selector == "time.now":
        return int(now)
    for prefix, sign in (("time.now.plus.", 1), ("time.now.minus.", -1)):
        if selector.startswith(prefix):
            return int(now) + sign * parse_duration(selector.removeprefix(prefix))
    raise Invalid(f"error parsing template: unknown selector {selector[:128]!r}")


def _entity(field: str, facts: Facts) -> object:
    simple: dict[str, object] = {
        "id": facts.id,
        "name": facts.name,
        "metadata": dict(facts.metadata),
        "groups.ids": [group.id for group in facts.groups],
        "groups.names": [group.name for group in facts.groups],
    }
    if field in simple:
        return simple[field]
    kind, _, rest = field.partition(".")
    if kind == "metadata":
        return facts.metadata.get(rest, "")
    accessor, _, wanted = rest.partition(".")
    if kind != "aliases" or not wanted:
        raise Invalid(f"error parsing template: unknown selector {'identity.entity.' + field[:128]!r}")
    return _alias(accessor, wanted, facts)


def _alias(accessor: str, wanted: str, facts: Facts) -> object:
    alias = facts.aliases.get(accessor)
    if wanted in ("id", "name"):
        return "" if alias is None else getattr(alias, wanted)
    kind, _, key = wanted.partition(".")
    if kind not in ("metadata", "custom_metadata"):
        raise Invalid(f"error parsing template: unknown selector of an alias {wanted[:128]!r}")
    pairs: Mapping[str, str] = {} if alias is None else getattr(alias, kind)
    return pairs.get(key, "") if key else dict(pairs)
