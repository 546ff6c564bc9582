"""What the services need of the server's configuration, already parsed. Spans in seconds."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field

DAY = 86_400
VERSION = "1.14.8"  # the version of the wire contract that clients are told (spec/vault-api.md 8.1)
BUILD_DATE = "2026-11-01T00:00:00Z"


class Listening(Struct, frozen=True):
    """What the server listens on: `tcp` or `unix`, and the address or path."""

    kind: str
    address: str
    tls: bool


class Settings(Struct, frozen=True, kw_only=True):
    """Server-wide facts that only a restart or a reload changes."""

    default_lease_ttl: int = 32 * DAY
    max_lease_ttl: int = 32 * DAY
    api_addr: str = ""
    cluster_name: str = "vault-cluster"
    storage_type: str = "sqlite"
    log_level: str = "info"
    log_format: str = "standard"
    listeners: tuple[Listening, ...] = ()
    seals: tuple[tuple[str, bool], ...] = (("shamir", False),)  # kind, and whether it is disabled
    stanzas: Mapping[str, tuple[Mapping[str, str], ...]] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    allowed_plugins: tuple[str, ...] = ()
    explanations: int = 4_096  # how many refused and accepted logins can be explained
