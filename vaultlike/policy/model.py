"""What a policy is once it is read: rules for path patterns. No syntax, no matching (spec/vault-api.md 5.1)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, TypeAlias

import msgspec

from vaultlike.hcl import Value

DENY: Final = "deny"
SUDO: Final = "sudo"
CAPABILITIES: Final = frozenset(
    ("create", "read", "update", "patch", "delete", "list", "scan", "sudo", "deny", "subscribe", "recover")
)

# Lower-case parameter name -> its values; no values means any value.
Parameters: TypeAlias = Mapping[str, tuple[Value, ...]]
NO_PARAMETERS: Final[Parameters] = MappingProxyType({})


class PathRule(msgspec.Struct, frozen=True, kw_only=True):
    """One `path` stanza. `path` has no leading slash and may hold `{{templates}}`; times are seconds, 0 means unset."""

    path: str
    capabilities: frozenset[str] = frozenset()
    allowed: Parameters = NO_PARAMETERS
    denied: Parameters = NO_PARAMETERS
    required: tuple[str, ...] = ()
    min_wrapping_ttl: float = 0
    max_wrapping_ttl: float = 0
    expires_at: float | None = None  # Unix seconds; from then on the stanza does not count


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """A policy as written (`text`, byte for byte) and as read. `warnings` are for whoever writes it."""

    name: str
    text: str
    rules: tuple[PathRule, ...] = ()
    warnings: tuple[str, ...] = ()
