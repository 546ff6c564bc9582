"""Everything that decides how a server runs, together: files, environment, flags, and what dev mode puts on top."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import structs

from vaultlike.config import (
    ConfigInvalid,
    ListenerConfig,
    Loaded,
    Place,
    Problem,
    ServerConfig,
    StorageConfig,
    load,
)
from vaultlike.log import LEVELS
from vaultlike.server.check import check
from vaultlike.server.flags import Flags

# What a dev server turns on: the second API, open for a first identity, and addresses of the machine itself.
DEV_FACES: Mapping[str, tuple[Mapping[str, str], ...]] = {
    "infisical": ({"name": "", "enabled": "true", "bootstrap": "true", "allow_internal_ip_connections": "true"},),
    "hanzo": ({"name": "", "enabled": "true"},),
}


class Sources:
    """Reads the configuration, now and at every reload. `listener` and `clouds` are a dev server's own."""

    def __init__(self, flags: Flags, environment: Mapping[str, str]) -> None:
        self._flags, self._environment = flags, environment
        self.listener: ListenerConfig | None = None
        self.clouds: tuple[Mapping[str, str], ...] = ()

    def read(self) -> ServerConfig:
        """The configuration. Raises ConfigInvalid with every problem of it."""
        flags = self._flags
        if flags.config:
            loaded = load(flags.config, self._environment, complete=not flags.dev)
        elif flags.dev:
            loaded = Loaded(ServerConfig(), ())
        else:
            raise ConfigInvalid((Problem(Place(), "-config=PATH is needed, or -dev for a server to try things with"),))
        problems = list(loaded.problems)
        config = self._with_dev(loaded.config) if flags.dev else loaded.config
        config = self._with_flags(config, problems)
        if not config.api_addr and config.listeners:
            config = structs.replace(config, api_addr=_address_of(config.listeners[0]))
        problems += check(config)
        if problems:
            raise ConfigInvalid(tuple(problems))
        return config

    def _with_dev(self, config: ServerConfig) -> ServerConfig:
        assert self.listener is not None
        clouds = (*config.stanzas.get("azure_cloud", ()), *self.clouds)
        return structs.replace(
            config,
            storage=StorageConfig(),
            seals=(),
            listeners=(self.listener,),
            api_addr=_address_of(self.listener),
            workers=1,
            stanzas={**DEV_FACES, **config.stanzas, "azure_cloud": clouds},
        )

    def _with_flags(self, config: ServerConfig, problems: list[Problem]) -> ServerConfig:
        flags = self._flags
        changes: dict[str, Any] = {}
        if flags.log_level:
            changes["log_level"] = flags.log_level.lower()
            if flags.log_level.lower() not in LEVELS:
                changes["log_level"] = "info"
                problems.append(Problem(Place(), f'-log-level: "{flags.log_level}" is not one of {", ".join(LEVELS)}'))
        if flags.log_format:
            changes["log_format"] = flags.log_format
            if flags.log_format not in ("standard", "json"):
                problems.append(Problem(Place(), f'-log-format: "{flags.log_format}" is neither standard nor json'))
        if flags.log_file:
            changes["log_file"] = flags.log_file
        changes["workers"] = flags.workers or config.workers or 1
        return structs.replace(config, **changes)


def _address_of(listener: ListenerConfig) -> str:
    """The address by which clients reach a listener; empty where that cannot be told."""
    host, _, port = listener.address.rpartition(":")
    if listener.kind != "tcp" or host in ("", "0.0.0.0", "[::]") or port == "0":
        return ""
    return f"{'https' if listener.secure else 'http'}://{listener.address}"
