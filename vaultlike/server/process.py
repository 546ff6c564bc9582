"""The life of a serving process: start, announce, wait for signals, reload, drain, stop."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
import sys
import tempfile
from collections.abc import Iterator, Mapping
from typing import Any

import structlog
import uvloop

from vaultlike.clock import Clock, SystemClock
from vaultlike.config import ServerConfig
from vaultlike.server import banner
from vaultlike.server.dev import DevAzure, cloud_stanza, dev_listener, open_dev, store_token
from vaultlike.server.failure import StartFailure
from vaultlike.server.flags import Flags
from vaultlike.server.logs import Logs
from vaultlike.server.node import Node, bind_all, shown_addresses
from vaultlike.server.notify import Notifier
from vaultlike.server.reloading import reread
from vaultlike.server.sources import Sources

STOPPING = (signal.SIGTERM, signal.SIGINT)


def serve(flags: Flags, environment: Mapping[str, str]) -> None:
    """Runs a server in the foreground until it is told to stop. Raises StartFailure, ConfigInvalid."""
    sources = Sources(flags, environment)
    if not flags.dev:
        config = sources.read()
        if config.workers > 1:
            from vaultlike.server.supervisor import Supervisor  # it imports this module for its workers

            return Supervisor(config, environment, sources, SystemClock()).run()
    logs = Logs()
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(Process(flags, environment, logs, SystemClock()).run())
    finally:
        logs.close()


def settle_memory() -> None:
    """What is loaded by now stays: the collector need not walk it at every turn, and need not turn as often as it would
    for a short program (a fifth of a login's time went there)."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 50, 100)
    sys.setswitchinterval(0.001)  # seconds; a commit that is through should not wait five milliseconds for the loop


class Process:
    """One server process."""

    def __init__(self, flags: Flags, environment: Mapping[str, str], logs: Logs, clock: Clock) -> None:
        self._flags, self._environment, self._logs, self._clock = flags, environment, logs, clock
        self._sources = Sources(flags, environment)
        self._notifier = Notifier(environment)
        self._stopping = asyncio.Event()
        self._ca_file = ""
        self._azure: Mapping[str, str] = {}
        log: Any = structlog.get_logger("vaultlike")
        self._log = log

    async def run(self) -> None:
        """Serves until SIGTERM or SIGINT; a second one ends the process without waiting.

        Raises StartFailure, ConfigInvalid.
        """
        loop = asyncio.get_running_loop()
        for number in STOPPING:
            loop.add_signal_handler(number, self._stop)
        loop.add_signal_handler(signal.SIGHUP, lambda: None)  # too early to reload, and no reason to die
        async with contextlib.AsyncExitStack() as stack:
            if self._flags.dev:
                await self._prepare_dev(stack)
            config = self._sources.read()
            self._logs.use(config)
            await self._serve(config)

    def _stop(self) -> None:
        self._stopping.set()
        loop = asyncio.get_running_loop()
        for number in STOPPING:
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_DFL)

    async def _prepare_dev(self, stack: contextlib.AsyncExitStack) -> None:
        folder = ""
        if self._flags.dev_tls and not self._flags.dev_tls_cert_dir:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="vaultlike-dev-tls-"))
        now = self._clock.now()
        self._sources.listener, self._ca_file = dev_listener(self._flags, self._environment, folder, now)
        if self._flags.dev_azure:
            emulator = DevAzure()
            stack.push_async_callback(emulator.stop)
            self._azure = await emulator.start()
            self._sources.clouds = (cloud_stanza(self._azure),)

    async def _serve(self, config: ServerConfig) -> None:
        node = Node(config, self._environment, self._clock)
        sockets = bind_all(config)  # before the database: a busy port is the most likely mistake
        try:
            await node.open()
            notice = await self._open_dev(node, config, shown_addresses(sockets)[0][0]) if self._flags.dev else ""
            await node.listen(sockets)
            settle_memory()
            with pid_file(config.pid_file):
                banner.say(banner.configuration(config, shown_addresses(sockets)) + banner.STARTED + notice)
                asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, self._reload, node)
                self._notifier.ready()
                await self._stopping.wait()
                self._notifier.stopping()
                self._log.info("stopping")
        finally:
            await node.close()
            for listener in config.listeners:
                if listener.kind == "unix":
                    with contextlib.suppress(OSError):
                        os.unlink(listener.address)

    async def _open_dev(self, node: Node, config: ServerConfig, bound: str) -> str:
        root_token = self._flags.dev_root_token_id or self._environment.get("VAULT_DEV_ROOT_TOKEN_ID", "")
        keys = await open_dev(node.server, root_token)
        stored = ""
        if not self._flags.dev_no_store_token:
            stored = store_token(keys.root_token, self._environment.get("HOME", ""))
        url = config.api_addr or f"{'https' if config.listeners[0].secure else 'http'}://{bound}"
        return banner.dev_notice(url, keys, stored, self._ca_file, self._azure)

    def _reload(self, node: Node) -> None:
        """Reads everything again; with a problem everything stays as it is."""
        self._notifier.reloading(self._clock.monotonic())
        config = reread(self._sources, self._logs, self._log)
        if config is not None:
            node.reload(config)
            self._log.info("reloaded")
        self._notifier.ready()


@contextlib.contextmanager
def pid_file(path: str) -> Iterator[None]:
    """A file with this process' number while it serves. Raises StartFailure."""
    if not path:
        yield
        return
    try:
        with open(path, "w", encoding="ascii") as file:
            file.write(f"{os.getpid()}\n")
    except OSError as problem:
        raise StartFailure(f"pid_file {path}: {problem.strerror}") from None
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            os.unlink(path)
