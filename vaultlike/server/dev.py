"""`server -dev`: in memory, initialised with one share of one, unsealed, kv version 2 at `secret/`, root token at hand."""

from __future__ import annotations

import contextlib
import importlib
import os
from collections.abc import Mapping
from typing import Any

from msgspec import Struct, structs

from vaultlike.config import ListenerConfig, ServerConfig
from vaultlike.core.server import Server
from vaultlike.seal.initialization import InitOrder
from vaultlike.server.failure import StartFailure
from vaultlike.server.flags import Flags

ADDRESS = "127.0.0.1:8200"
CLOUD = "AzureEmulator"
_CLOUD_KEYS = ("authority", "issuer", "resource_manager", "graph", "audience", "metadata", "ca_file")


class DevKeys(Struct, frozen=True):
    """What the operator of a throw-away server is shown."""

    unseal_key: str
    root_token: str


def dev_config(flags: Flags, environment: Mapping[str, str]) -> ServerConfig:
    """The configuration of a dev server without a file."""
    address = flags.dev_listen_address or environment.get("VAULT_DEV_LISTEN_ADDRESS") or ADDRESS
    listener = ListenerConfig(settings={"address": address, "tls_disable": True})
    return ServerConfig(listeners=(listener,), api_addr=f"http://{address}")


async def open_dev(server: Server, root_token: str) -> DevKeys:
    """Initialises and unseals a started server over empty storage, and mounts `secret/`."""
    initialized, token = await server.initialize(InitOrder(secret_shares=1, secret_threshold=1), root_token)
    unseal_key = initialized.issued.keys_base64[0]
    await server.unseal(unseal_key)
    core = server.core
    if core is None:
        raise StartFailure("the dev server did not unseal")
    entry = core.table.new("secret/", "kv", "key/value secret storage", options={"version": "2"})
    await core.table.change(lambda entries: [*entries, entry])
    await core.current()
    return DevKeys(unseal_key, token)


def store_token(token: str, home: str) -> str:
    """Puts the token where command line clients look for it; returns the path. Raises StartFailure."""
    path = os.path.join(home, ".vault-token")
    temporary = f"{path}.{os.getpid()}.tmp"
    try:
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(token)
        os.replace(temporary, path)
    except OSError as problem:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise StartFailure(f"cannot store the root token in {path}: {problem.strerror} (-dev-no-store-token)") from None
    return path


class DevAzure:
    """The Azure emulator beside a dev server."""

    def __init__(self) -> None:
        # the emulator is for development: a server that serves must not even load it
        self._emulator: Any = importlib.import_module("vaultlike.testing.azure").AzureEmulator()

    async def start(self) -> Mapping[str, str]:
        """Starts it; returns its addresses by name. Raises OSError."""
        await self._emulator.start()
        info = self._emulator.info()
        return {key: str(getattr(info, key)) for key in (*_CLOUD_KEYS, "control")}

    async def stop(self) -> None:
        """Stops it; safe to repeat."""
        await self._emulator.stop()


def with_cloud(config: ServerConfig, addresses: Mapping[str, str]) -> ServerConfig:
    """The configuration with the emulator as one more cloud (the same as its `azure_cloud` stanza)."""
    cloud = {"name": CLOUD, "active_directory": addresses["authority"]}
    cloud |= {key: addresses[key] for key in _CLOUD_KEYS[1:]}
    clouds = (*config.stanzas.get("azure_cloud", ()), cloud)
    return structs.replace(config, stanzas={**config.stanzas, "azure_cloud": clouds})
