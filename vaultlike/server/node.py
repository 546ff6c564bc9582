"""One serving process, put together from its configuration: engine, server, HTTP. Knows no command line, no signals."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping, Sequence
from typing import Any

import structlog

from vaultlike.clock import Clock
from vaultlike.config import ServerConfig
from vaultlike.core.server import Server
from vaultlike.core.windows import Windows
from vaultlike.errors import VaultlikeError
from vaultlike.http.faces import Faces
from vaultlike.http.listener import ListenerError, bind, bind_shares
from vaultlike.http.message import Handler
from vaultlike.http.server import HttpServer
from vaultlike.meters import Meters
from vaultlike.sdk.egress import Egress
from vaultlike.seal.configured import seals_of
from vaultlike.server.check import listener_settings, seal_stanza
from vaultlike.server.failure import StartFailure
from vaultlike.settings import VERSION, Listening, Settings
from vaultlike.storage.sqlite import MEMORY, SqliteEngine

DRAIN = 30.0  # seconds that running requests get at the end
Sockets = Sequence[Sequence[socket.socket]]


def make_settings(config: ServerConfig, environment: Mapping[str, str]) -> Settings:
    """What the services need to know of the configuration."""
    return Settings(
        default_lease_ttl=config.default_lease_ttl,
        max_lease_ttl=config.max_lease_ttl,
        api_addr=config.api_addr,
        cluster_name=config.cluster_name,
        storage_type=config.storage.kind,
        log_level=config.log_level,
        log_format=config.log_format,
        listeners=tuple(Listening(one.kind, one.address, one.secure) for one in config.listeners),
        seals=tuple((one.kind, one.disabled) for one in config.seals) or (("shamir", False),),
        stanzas=config.stanzas,
        environment=environment,
        allowed_plugins=config.allowed_plugins,
    )


def bind_all(config: ServerConfig) -> list[list[socket.socket]]:
    """The listening sockets of every listener, one group each. Raises StartFailure with all of them closed."""
    groups: list[list[socket.socket]] = []
    try:
        for listener in config.listeners:
            groups.append(bind(listener_settings(listener)))
    except ListenerError as problem:
        for sock in (sock for group in groups for sock in group):
            sock.close()
        raise StartFailure(str(problem)) from None
    return groups


def bind_for(config: ServerConfig, processes: int) -> list[list[list[socket.socket]]]:
    """The listening sockets for each of several processes, as `bind_all` has them for one. Raises StartFailure."""
    listeners: list[list[list[socket.socket]]] = []
    try:
        for listener in config.listeners:
            listeners.append(bind_shares(listener_settings(listener), processes))
    except ListenerError as problem:
        for sock in (sock for shares in listeners for share in shares for sock in share):
            sock.close()
        raise StartFailure(str(problem)) from None
    return [[shares[number] for shares in listeners] for number in range(processes)]


def shown_addresses(groups: Sockets) -> list[list[str]]:
    """What sockets are bound to, as text: `host:port`, `[v6]:port` or a path."""
    return [[_shown(sock) for sock in group] for group in groups]


def _shown(sock: socket.socket) -> str:
    name = sock.getsockname()
    if isinstance(name, str):
        return name
    return f"[{name[0]}]:{name[1]}" if sock.family == socket.AF_INET6 else f"{name[0]}:{name[1]}"


class Node:
    """A server over its database, with its listeners."""

    def __init__(
        self,
        config: ServerConfig,
        environment: Mapping[str, str],
        clock: Clock,
        windows: Windows | None = None,
        meters: Meters | None = None,
    ) -> None:
        """Does no I/O. `windows` and `meters`: where several processes count together.

        Raises StartFailure when the seal cannot be built.
        """
        self.config = config
        self._environment = environment
        log: Any = structlog.get_logger("vaultlike")
        self._log = log
        egress = Egress(clock=clock, log=log, user_agent=f"vaultlike/{VERSION}")
        try:
            seals = seals_of([seal_stanza(each) for each in config.seals], egress, os.urandom, log)
        except VaultlikeError as problem:
            raise StartFailure(f"seal: {problem}") from None
        self.server = Server(
            engine=SqliteEngine(config.storage.path if config.storage.kind == "sqlite" else MEMORY),
            settings=make_settings(config, environment),
            clock=clock,
            log=log,
            egress=egress,
            seals=seals,
            windows=windows,
            meters=meters,
        )
        self.face = Faces(self.server, self._log)
        self._http = HttpServer(clock)

    async def open(self) -> None:
        """Opens the database and unseals where the seal does so itself. Raises StartFailure."""
        try:
            await self.server.start()
        except VaultlikeError as problem:
            raise StartFailure(problem.reason) from None

    async def listen(self, sockets: Sockets, handler: Handler | None = None) -> None:
        """Serves from here on, on `sockets`: one group per listener; `handler` instead of the server's own face.

        Raises StartFailure.
        """
        try:
            listeners = [listener_settings(each) for each in self.config.listeners]
            await self._http.start(handler or self.face, listeners, sockets)
        except ListenerError as problem:
            raise StartFailure(str(problem)) from None

    def reload(self, config: ServerConfig) -> None:
        """Takes over everything that can change while serving: certificates, settings, audit files.

        Storage, seal, addresses and plugins stay; each part that cannot be reloaded is logged and stays as it was.
        """
        self.config = config
        settings = make_settings(config, self._environment)
        self.server.settings = settings
        core = self.server.core
        if core is not None:
            core.settings = settings
            try:
                core.audit.reopen()
            except (VaultlikeError, OSError) as problem:
                self._log.error("audit files cannot be opened again", problem=str(problem))
        try:
            self._http.reload_tls([listener_settings(each) for each in config.listeners])
        except ListenerError as problem:
            self._log.error("certificates cannot be loaded", problem=str(problem))

    async def close(self, drain: float = DRAIN) -> None:
        """Finishes running requests for up to `drain` seconds, then drops every key and closes the database."""
        await self._http.drain(drain)
        await self.server.stop()
