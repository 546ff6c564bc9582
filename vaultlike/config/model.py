"""A server's configuration, checked. Knows what an operator may write, not what the parts of the server make of it."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field

DAY = 86_400
Headers = dict[str, dict[str, tuple[str, ...]]]  # "default", "4xx" or "404" -> name -> values
ListenerValue = str | int | float | bool | tuple[str, ...] | Headers
Stanzas = Mapping[str, tuple[Mapping[str, str], ...]]


class Place(Struct, frozen=True):
    """Where something stands: file name and line (0: the file as a whole)."""

    file: str = ""
    line: int = 0

    def __str__(self) -> str:
        if not self.file:
            return "command line"
        return f"{self.file}:{self.line}" if self.line else self.file


class Problem(Struct, frozen=True):
    """One thing that is wrong with a configuration."""

    place: Place
    text: str

    def __str__(self) -> str:
        return f"{self.place}: {self.text}"


class ConfigInvalid(Exception):
    """A configuration cannot be used; all that is wrong with it, in the order of the files."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        self.problems = problems
        super().__init__("\n".join(str(problem) for problem in problems))


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

    @property
    def secure(self) -> bool:
        """Whether it speaks TLS."""
        return self.kind == "tcp" and not self.settings.get("tls_disable", False)


class SealConfig(Struct, frozen=True, kw_only=True):
    """One `seal` stanza; `env://` and `file://` are resolved. Holds a secret: shows its kind and name only.

    `disabled`: the seal that was used before, named so that the server can migrate away from it.
    """

    kind: str
    name: str
    disabled: bool = False
    settings: Mapping[str, str] = field(default_factory=dict)
    place: Place = Place()

    def __repr__(self) -> str:
        return f"SealConfig(kind={self.kind!r}, name={self.name!r}, disabled={self.disabled})"


class ServerConfig(Struct, frozen=True, kw_only=True):
    """Everything that was configured, with its defaults. Spans in seconds.

    `stanzas`: `azure_cloud` and `user_lockout`, each with its label under `name`; `workers` 0: not said.
    """

    storage: StorageConfig = StorageConfig()
    listeners: tuple[ListenerConfig, ...] = ()
    seals: tuple[SealConfig, ...] = ()  # none that is not disabled: people hold shares of the unseal key
    api_addr: str = ""
    cluster_name: str = "vault-cluster"
    log_level: str = "info"
    log_format: str = "standard"
    log_file: str = ""
    pid_file: str = ""
    default_lease_ttl: int = 32 * DAY
    max_lease_ttl: int = 32 * DAY
    stanzas: Stanzas = field(default_factory=dict)
    allowed_plugins: tuple[str, ...] = ()
    workers: int = 0
    warnings: tuple[str, ...] = ()
