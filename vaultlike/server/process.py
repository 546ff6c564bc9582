"""The life of a serving process: start, announce, wait for signals, drain, stop."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Mapping

from vaultlike.config import ServerConfig
from vaultlike.server import banner
from vaultlike.server.dev import DevAzure, DevKeys, open_dev, store_token, with_cloud
from vaultlike.server.failure import StartFailure
from vaultlike.server.flags import Flags
from vaultlike.server.node import Node

STOPPING = (signal.SIGTERM, signal.SIGINT)


class Process:
    """One server process in the foreground."""

    def __init__(self, config: ServerConfig, flags: Flags, environment: Mapping[str, str]) -> None:
        self._config, self._flags, self._environment = config, flags, environment
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Serves until SIGTERM or SIGINT; a second one ends the process without waiting. Raises StartFailure."""
        loop = asyncio.get_running_loop()
        for number in STOPPING:
            loop.add_signal_handler(number, self._stop)
        emulator = DevAzure() if self._flags.dev_azure else None
        try:
            azure: Mapping[str, str] = {}
            if emulator is not None:
                azure = await emulator.start()
                self._config = with_cloud(self._config, azure)
            await self._serve(azure)
        finally:
            if emulator is not None:
                await emulator.stop()

    def _stop(self) -> None:
        self._stopping.set()
        loop = asyncio.get_running_loop()
        for number in STOPPING:
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_DFL)

    async def _serve(self, azure: Mapping[str, str]) -> None:
        node = Node(self._config, self._environment)
        try:
            await node.open()
            keys: DevKeys | None = None
            if self._flags.dev:
                root_token = self._flags.dev_root_token_id or self._environment.get("VAULT_DEV_ROOT_TOKEN_ID", "")
                keys = await open_dev(node.server, root_token)
            await node.listen()
            self._announce(node, keys, azure)
            await self._stopping.wait()
        finally:
            await node.close()

    def _announce(self, node: Node, keys: DevKeys | None, azure: Mapping[str, str]) -> None:
        addresses = [node.http.addresses]
        banner.say(banner.configuration(self._config, addresses, {}))
        banner.say(banner.STARTED)
        if keys is None:
            return
        stored = ""
        if not self._flags.dev_no_store_token:
            home = self._environment.get("HOME", "")
            if not home:
                raise StartFailure("HOME is not set: there is no place for the root token (-dev-no-store-token)")
            stored = store_token(keys.root_token, home)
        banner.say(banner.dev_notice(self._config.api_addr, keys, stored, "", azure))
