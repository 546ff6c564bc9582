"""`server -dev`: in memory, one unseal key, unsealed, kv version 2 at `secret/`, root token shown."""

from __future__ import annotations

import contextlib
import importlib
import os
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from vaultlike.config import ListenerConfig
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


def dev_listener(flags: Flags, environment: Mapping[str, str], folder: str, now: float) -> tuple[ListenerConfig, str]:
    """The listener of a dev server, and the file of its CA ("" without TLS), which `-dev-tls` makes in `folder`.

    `now` in Unix seconds. Raises StartFailure.
    """
    address = flags.dev_listen_address or environment.get("VAULT_DEV_LISTEN_ADDRESS") or ADDRESS
    if not flags.dev_tls:
        return ListenerConfig(settings={"address": address, "tls_disable": True}), ""
    from vaultlike.server.devtls import make_certificates

    host = address.rpartition(":")[0].strip("[]")
    files = make_certificates(flags.dev_tls_cert_dir or folder, host, now)
    settings = {"address": address, "tls_cert_file": files.certificate, "tls_key_file": files.key}
    return ListenerConfig(settings=settings), files.ca


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
    if not home:
        raise StartFailure("HOME is not set, so there is no place for the root token (-dev-no-store-token)")
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
        """Starts it; returns its addresses by name. Raises StartFailure."""
        try:
            await self._emulator.start()
        except OSError as problem:
            raise StartFailure(f"the Azure emulator cannot start: {problem}") from None
        info = self._emulator.info()
        return {key: str(getattr(info, key)) for key in (*_CLOUD_KEYS, "control")}

    async def stop(self) -> None:
        """Stops it; safe to repeat."""
        await self._emulator.stop()


def cloud_stanza(addresses: Mapping[str, str]) -> Mapping[str, str]:
    """The emulator as a cloud: what its `azure_cloud` stanza would be."""
    return {
        "name": CLOUD,
        "active_directory": addresses["authority"],
        **{key: addresses[key] for key in _CLOUD_KEYS[1:]},
    }
