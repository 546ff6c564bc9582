"""The HTTP server: listeners up, certificates reloaded, connections drained. Knows nothing of what is served.

server = HttpServer(clock)
await server.start(handler, (ListenerSettings(tls_disable=True),))
...
await server.drain(30)
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence

import structlog

from vaultlike.clock import Clock
from vaultlike.http.endpoint import Endpoint
from vaultlike.http.listener import ListenerError, ListenerSettings, bind
from vaultlike.http.message import Handler, Incoming, Outgoing
from vaultlike.http.tls import ReloadableTls

__all__ = ["Handler", "HttpServer", "Incoming", "ListenerSettings", "Outgoing"]

HANDSHAKE = 10.0  # seconds
CUT = 0.05  # seconds for cancelled handlers to end
SWEEP = 0.02  # seconds between two looks for connections that have become idle during a drain
log = structlog.get_logger("vaultlike.http")


class HttpServer:
    """Serves one handler on any number of listeners. Not started twice."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._endpoints: list[Endpoint] = []
        self._tls: list[ReloadableTls] = []
        self._servers: list[asyncio.Server] = []
        self._tick: asyncio.TimerHandle | None = None
        self._interval = 1.0

    async def start(
        self,
        handler: Handler,
        listeners: Sequence[ListenerSettings],
        sockets: Sequence[Sequence[socket.socket]] | None = None,
    ) -> None:
        """Accepts connections from here on.

        `sockets` are already listening ones (from `bind`, perhaps inherited), one group per listener; without them the
        listeners' addresses are bound here. Raises ListenerError, with nothing left open.
        """
        loop = asyncio.get_running_loop()
        groups: list[Sequence[socket.socket]] = list(sockets or ())
        try:
            self._interval = min([1.0, *(_shortest(settings) / 4 for settings in listeners)])
            endpoints = [Endpoint(settings, handler, loop) for settings in listeners]
            contexts = [ReloadableTls(settings) if settings.secure else None for settings in listeners]
            if sockets is None:
                for settings in listeners:
                    groups.append(bind(settings))
            if len(groups) != len(listeners):
                raise ListenerError("sockets do not match listeners")
        except ListenerError:
            for sock in (sock for group in groups for sock in group):
                sock.close()
            raise
        self._endpoints = endpoints
        self._tls = [tls for tls in contexts if tls is not None]
        self._run_tick()
        for endpoint, tls, group in zip(endpoints, contexts, groups, strict=True):
            for sock in group:
                await self._listen(loop, endpoint, tls, sock)

    @property
    def addresses(self) -> list[str]:
        """What is listened on: `host:port`, `[v6]:port` or a path, in the order of the listeners."""
        found: list[str] = []
        for server in self._servers:
            for sock in server.sockets:
                name = sock.getsockname()
                if isinstance(name, str):
                    found.append(name)
                else:
                    found.append(f"[{name[0]}]:{name[1]}" if sock.family == socket.AF_INET6 else f"{name[0]}:{name[1]}")
        return found

    @property
    def connections(self) -> int:
        """How many clients are connected."""
        return sum(len(endpoint.open) for endpoint in self._endpoints)

    def reload_tls(self, listeners: Sequence[ListenerSettings] | None = None) -> None:
        """Reads every listener's certificate, key and client CA again; open connections keep what they have.

        `listeners`: settings that may name other files than before, in the order of the start; only their TLS counts.
        Raises ListenerError for the first that cannot be used; that listener stays as it was, the others are reloaded.
        """
        failed: ListenerError | None = None
        secure = [settings for settings in listeners or () if settings.secure]
        if listeners is not None and len(secure) != len(self._tls):
            raise ListenerError("listeners were added or removed, or TLS switched: that needs a restart")
        for number, tls in enumerate(self._tls):
            try:
                tls.reload(secure[number] if secure else None)
            except ListenerError as exc:
                failed = failed or exc
        if failed is not None:
            raise failed

    async def drain(self, timeout: float) -> int:
        """Stops: no new connections, idle ones closed, running requests finished for up to `timeout` seconds.

        Returns how many connections had to be cut off.
        """
        for server in self._servers:
            server.close()
        for endpoint in self._endpoints:
            endpoint.draining = True
        loop = asyncio.get_running_loop()
        until = loop.time() + timeout
        while True:
            for endpoint in self._endpoints:
                for connection in endpoint.open:
                    if connection.idle:
                        connection.force_close()
            await asyncio.sleep(0)
            if not self.connections or loop.time() >= until:
                break
            await asyncio.sleep(SWEEP)
        cut = 0
        for endpoint in self._endpoints:
            for connection in endpoint.open:
                if connection.transport is not None:  # not one that is closed already and about to go
                    cut += 1
                    connection.abort()
            await endpoint.shutdown(CUT)
        if self._tick is not None:
            self._tick.cancel()
            self._tick = None
        if cut:
            log.warning("connections cut off while draining", count=cut)
        return cut

    async def _listen(
        self, loop: asyncio.AbstractEventLoop, endpoint: Endpoint, tls: ReloadableTls | None, sock: socket.socket
    ) -> None:
        context = tls.context if tls else None
        handshake = HANDSHAKE if tls else None
        if sock.family == socket.AF_UNIX:
            server = await loop.create_unix_server(endpoint, sock=sock)
        else:
            server = await loop.create_server(endpoint, sock=sock, ssl=context, ssl_handshake_timeout=handshake)
        self._servers.append(server)

    def _run_tick(self) -> None:
        loop = asyncio.get_running_loop()
        self._tick = loop.call_later(self._interval, self._run_tick)
        now = loop.time()
        date = self._clock.now()
        for endpoint in self._endpoints:
            endpoint.heads.set_date(date)
            endpoint.tick(now)


def _shortest(settings: ListenerSettings) -> float:
    """The shortest timeout of a listener in seconds. Raises ListenerError when one would let no request through."""
    shortest = min(
        settings.max_request_duration,
        settings.http_read_header_timeout,
        settings.http_read_timeout,
        settings.http_idle_timeout,
    )
    if shortest <= 0:
        raise ListenerError("timeouts of a listener must be above 0")
    return shortest
