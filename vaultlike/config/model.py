"""A server's configuration, checked. Knows what an operator may write, not what the parts of the server make of it."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field

DAY = 86_400
ListenerValue = str | int | float | bool | tuple[str, ...] | dict[str, dict[str, tuple[str, ...]]]


class Place(Struct, frozen=True):
    """Where something stands: file name and line (0: not in a file)."""

    file: str = ""
    line: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.file else "command line"


class StorageConfig(Struct, frozen=True, kw_only=True):
    """`sqlite` with the path of its file, or `inmem`."""

    kind: str = "inmem"
    path: str = ""
    place: Place = Place()


class ListenerConfig(Struct, frozen=True, kw_only=True):
    """One `listener` stanza. `settings` holds only what was written: spans in seconds, sizes in bytes."""

    kind: str = "tcp"
    settings: Mapping[str, ListenerValue] = field(default_factory=dict)
    place: Place = Place()

    @property
    def address(self) -> str:
        """What it listens on: host:port, or a path for a unix socket."""
        return str(self.settings.get("address", "127.0.0.1:8200"))


class SealConfig(Struct, frozen=True, kw_only=True):
    """The `seal` stanza; `env://` and `file://` are resolved."""

    kind: str = "shamir"
    settings: Mapping[str, str] = field(default_factory=dict)
    place: Place = Place()

    def __repr__(self) -> str:
        return f"SealConfig(kind={self.kind!r})"


class LockoutConfig(Struct, frozen=True, kw_only=True):
    """A `user_lockout` stanza; spans in seconds, None: not said."""

    method: str  # "all", "userpass", "ldap" or "approle"
    threshold: int | None = None
    duration: int | None = None
    counter_reset: int | None = None
    disable: bool | None = None


class ServerConfig(Struct, frozen=True, kw_only=True):
    """Everything that was configured, with its defaults. Spans in seconds."""

    storage: StorageConfig = StorageConfig()
    listeners: tuple[ListenerConfig, ...] = ()
    seal: SealConfig = SealConfig()
    api_addr: str = ""
    cluster_name: str = "vault-cluster"
    log_level: str = "info"
    log_format: str = "standard"
    log_file: str = ""
    default_lease_ttl: int = 32 * DAY
    max_lease_ttl: int = 32 * DAY
    lockout: tuple[LockoutConfig, ...] = ()
    stanzas: Mapping[str, tuple[Mapping[str, str], ...]] = field(default_factory=dict)  # `azure_cloud` and its likes
    allowed_plugins: tuple[str, ...] = ()
    workers: int = 1
    warnings: tuple[str, ...] = ()
