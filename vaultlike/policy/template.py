"""Templates in policy paths, `{{identity.entity.name}}`: checking them when written, filling them in when compiled.

The facts come from the caller; who an entity is, is not known here (spec/vault-api.md 5.3).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import msgspec

from vaultlike.errors import Invalid

_NOTHING: Final[Mapping[str, str]] = MappingProxyType({})
_FORBIDDEN: Final = ("*", "+", "/")


class AliasFacts(msgspec.Struct, frozen=True, kw_only=True):
    """An alias of the entity; `custom_metadata` is what operators set, `metadata` what the login gave."""

    id: str
    name: str
    metadata: Mapping[str, str] = _NOTHING
    custom_metadata: Mapping[str, str] = _NOTHING


class GroupFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A group that the entity is a member of, directly or through another group."""

    id: str
    name: str
    metadata: Mapping[str, str] = _NOTHING


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What templates may ask about a caller. `aliases` by mount accessor; only groups the entity belongs to."""

    id: str
    name: str
    metadata: Mapping[str, str] = _NOTHING
    aliases: Mapping[str, AliasFacts] = MappingProxyType({})
    groups: tuple[GroupFacts, ...] = ()


def is_template(text: str) -> bool:
    """Whether a path holds a template: it then differs from caller to caller."""
    return "{{" in text


def check_template(text: str) -> None:
    """Raises Invalid where the braces of a template do not pair. What stands between them is judged at use."""
    head, *parts = text.split("{{")
    if "}}" in head or any(part.count("}}") != 1 for part in parts):
        raise Invalid("unbalanced templating characters")


def render(text: str, facts: Facts | None) -> str | None:
    """`text` with its templates filled in; None where one has no value, or one that would widen the pattern.

    A value that is empty or holds `*`, `+` or `/` is refused: with it, a user's metadata could reach other
    people's paths.
    """
    head, *parts = text.split("{{")
    filled = [head]
    for part in parts:
        selector, _, rest = part.partition("}}")
        value = _select(selector.strip(), facts) if facts is not None else None
        if not value or any(sign in value for sign in _FORBIDDEN):
            return None
        filled += (value, rest)
    return "".join(filled)


def _select(selector: str, facts: Facts) -> str | None:
    if selector.startswith("identity.entity."):
        return _entity(selector.removeprefix("identity.entity."), facts)
    if selector.startswith("identity.groups.ids."):
        rest = selector.removeprefix("identity.groups.ids.")
        return _group({group.id: group for group in facts.groups}, rest, "name")
    if selector.startswith("identity.groups.names."):
        rest = selector.removeprefix("identity.groups.names.")
        return _group({group.name: group for group in facts.groups}, rest, "id")
    return None


def _entity(field: str, facts: Facts) -> str | None:
    if field == "id":
        return facts.id
    if field == "name":
        return facts.name
    kind, _, rest = field.partition(".")
    if kind == "metadata":
        return facts.metadata.get(rest)
    if kind != "aliases":
        return None
    accessor, _, wanted = rest.partition(".")
    alias = facts.aliases.get(accessor)
    if alias is None:
        return None
    if wanted in ("id", "name"):
        return alias.id if wanted == "id" else alias.name
    kind, _, key = wanted.partition(".")
    if kind in ("metadata", "custom_metadata"):
        return (alias.metadata if kind == "metadata" else alias.custom_metadata).get(key)
    return None


def _group(groups: Mapping[str, GroupFacts], rest: str, field: str) -> str | None:
    """`<group>.<field>` or `<group>.metadata.<key>`; a group's name may hold dots itself."""
    key, _, wanted = rest.rpartition(".")
    if wanted == field and key in groups:
        return groups[key].name if field == "name" else groups[key].id
    key, _, wanted = rest.partition(".metadata.")
    return groups[key].metadata.get(wanted) if key in groups else None
