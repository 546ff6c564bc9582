"""One of several serving processes, from its birth in the supervisor to its end. Its sockets are inherited."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from collections.abc import Mapping
from typing import Any

import structlog
import uvloop

from vaultlike.clock import Clock
from vaultlike.config import ServerConfig
from vaultlike.core.windows import Windows
from vaultlike.meters import Meters
from vaultlike.server.channel import Channel, PeerGone
from vaultlike.server.failure import StartFailure
from vaultlike.server.frames import Frame, Kind
from vaultlike.server.logs import Logs
from vaultlike.server.node import Node, Sockets
from vaultlike.server.process import settle_memory
from vaultlike.server.reloading import reread
from vaultlike.server.siblings import Siblings
from vaultlike.server.sources import Sources


class Worker:
    """One serving process of several."""

    def __init__(
        self,
        number: int,
        config: ServerConfig,
        environment: Mapping[str, str],
        sources: Sources,
        clock: Clock,
        windows: Windows,
        meters: Meters,
    ) -> None:
        self._number, self._config, self._environment = number, config, environment
        self._sources, self._clock, self._windows, self._meters = sources, clock, windows, meters
        meters.take_row(number)
        self._logs = Logs()
        log: Any = structlog.get_logger("vaultlike")
        self._log = log

    def work(self, pair: socket.socket, sockets: Sockets) -> int:
        """Serves until SIGTERM or until the supervisor is gone; the exit code of the process."""
        try:
            self._logs.use(self._config)
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                return runner.run(self._run(pair, sockets))
        finally:
            self._logs.close()

    async def _run(self, pair: socket.socket, sockets: Sockets) -> int:
        structlog.contextvars.bind_contextvars(worker=self._number)
        stopping = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, _stop, stopping)
        channel = Channel(pair, self._log)
        await channel.open()
        try:
            await self._serve(channel, sockets, stopping)
        except StartFailure as failure:
            channel.tell(Frame(Kind.FAILED, 0, 0, str(failure).encode()))
            return 1
        finally:
            await channel.close()
        return 0

    async def _serve(self, channel: Channel, sockets: Sockets, stopping: asyncio.Event) -> None:
        node = Node(self._config, self._environment, self._clock, self._windows, self._meters)
        siblings = Siblings(self._number, self._config.workers, channel, node.server, node.face)
        node.server.siblings = siblings
        reading = asyncio.create_task(channel.run(siblings.answer), name="channel")
        reading.add_done_callback(
            lambda _: stopping.set()
        )  # without a supervisor nobody restarts or stops this process
        watching = asyncio.create_task(siblings.watch(), name="siblings")
        try:
            await node.open()
            await node.listen(sockets, siblings.handle)
            settle_memory()
            siblings.serving()
            asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, self._reload, node, channel)
            channel.tell(Frame(Kind.READY, 0, 0))
            await stopping.wait()
        except PeerGone:
            self._log.error("the supervisor is gone")
        finally:
            watching.cancel()
            await node.close()
            reading.cancel()
            await asyncio.gather(watching, reading, return_exceptions=True)

    def _reload(self, node: Node, channel: Channel) -> None:
        config = reread(self._sources, self._logs, self._log)
        if config is not None:
            node.reload(config)
            self._log.info("reloaded")
        with contextlib.suppress(PeerGone):
            channel.tell(Frame(Kind.READY, 0, 0))


def _stop(stopping: asyncio.Event) -> None:
    """The first SIGTERM; a second one ends the process without waiting."""
    stopping.set()
    asyncio.get_running_loop().remove_signal_handler(signal.SIGTERM)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
