"""How the fields of an organization's resources are named and typed: camel case on both faces (spec/infisical.md 2)."""

from __future__ import annotations

from datetime import UTC, datetime

from msgspec import Struct

_WORDS = {"ttl": "TTL", "dn": "DN", "ua": "UA"}


def camel(name: str) -> str:
    """`access_token_max_ttl` as `accessTokenMaxTTL`."""
    first, *rest = name.split("_")
    return first + "".join(_WORDS.get(word) or word.capitalize() for word in rest)


class Wire(Struct, kw_only=True, rename=camel):
    """What a request says or an answer shows."""


def moment(at: float) -> str:
    """Unix seconds as both faces show a time: RFC 3339 in UTC with milliseconds, `2026-11-22T11:00:00.000Z`."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")[:-6] + "Z"
