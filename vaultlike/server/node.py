"""One serving process, put together from its configuration: engine, server, HTTP. Knows no command line and no signals."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import structlog

from vaultlike.clock import Clock, SystemClock
from vaultlike.config import ListenerConfig, ServerConfig
from vaultlike.core.server import Server
from vaultlike.errors import VaultlikeError
from vaultlike.http.listener import ListenerError, ListenerSettings
from vaultlike.http.server import HttpServer
from vaultlike.http.vault import VaultFace
from vaultlike.sdk.egress import Egress
from vaultlike.seal.sealtype import seal_type
from vaultlike.server.failure import StartFailure
from vaultlike.settings import VERSION, Settings
from vaultlike.storage.sqlite import MEMORY, SqliteEngine

DRAIN = 30.0  # seconds that running requests get at the end


def make_settings(config: ServerConfig, environment: Mapping[str, str]) -> Settings:
    """What the services need to know of the configuration."""
    return Settings(
        default_lease_ttl=config.default_lease_ttl,
        max_lease_ttl=config.max_lease_ttl,
        api_addr=config.api_addr,
        cluster_name=config.cluster_name,
        storage_type=config.storage.kind,
        stanzas=config.stanzas,
        environment=environment,
        allowed_plugins=config.allowed_plugins,
    )


def listener_settings(listener: ListenerConfig) -> ListenerSettings:
    """A listener as the HTTP layer takes it. Raises StartFailure."""
    try:
        return msgspec.convert({"type": listener.kind, **listener.settings}, ListenerSettings)
    except msgspec.ValidationError as problem:
        raise StartFailure(f'{listener.place}: listener "{listener.kind}": {problem}') from None


class Node:
    """A server over its database, with its listeners."""

    def __init__(self, config: ServerConfig, environment: Mapping[str, str], clock: Clock | None = None) -> None:
        self.config = config
        self._clock = clock or SystemClock()
        self._environment = environment
        log: Any = structlog.get_logger("vaultlike")
        self._log = log
        try:
            seal = seal_type(config.seal.kind, config.seal.settings, os.urandom)
        except VaultlikeError as problem:
            raise StartFailure(f"{config.seal.place}: {problem}") from None
        self.server = Server(
            engine=SqliteEngine(config.storage.path if config.storage.kind == "sqlite" else MEMORY),
            settings=make_settings(config, environment),
            clock=self._clock,
            log=log,
            egress=Egress(clock=self._clock, log=log, user_agent=f"vaultlike/{VERSION}"),
            seal=seal,
        )
        self.http = HttpServer(self._clock)

    async def open(self) -> None:
        """Opens the database and unseals where the seal does so itself. Raises StartFailure."""
        try:
            await self.server.start()
        except VaultlikeError as problem:
            raise StartFailure(problem.reason) from None

    async def listen(self, sockets: Sequence[Sequence[socket.socket]] | None = None) -> None:
        """Serves from here on, on `sockets` (one group per listener) or on sockets of its own. Raises StartFailure."""
        try:
            listeners = [listener_settings(each) for each in self.config.listeners]
            await self.http.start(VaultFace(self.server, self._log), listeners, sockets)
        except ListenerError as problem:
            raise StartFailure(str(problem)) from None

    async def close(self, drain: float = DRAIN) -> None:
        """Finishes running requests for up to `drain` seconds, then drops every key and closes the database."""
        await self.http.drain(drain)
        await self.server.stop()
