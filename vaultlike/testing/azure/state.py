"""All that one emulator remembers, and its state file.

Owns loading, saving and the emulated time. The services read it; only `control` and Graph's password calls change it.
"""

from __future__ import annotations

import os
import uuid
from pathlib import Path

import msgspec
from msgspec import Struct

from vaultlike.clock import Clock
from vaultlike.testing.azure.certificates import Authority, make_authority
from vaultlike.testing.azure.directory import Directory
from vaultlike.testing.azure.faults import FaultTable
from vaultlike.testing.azure.keys import KeyRing, SavedKeys
from vaultlike.testing.azure.ledger import Ledger
from vaultlike.testing.azure.model import World
from vaultlike.testing.azure.world import seed


class Addresses(Struct, kw_only=True):
    """Base URLs without a trailing slash. `issuer_base` names another host than `authority`, as in real life: the
    issuer of a v1 token is a name, nobody dials it. `audience` keeps its slash, as Azure's does."""

    authority: str = ""
    issuer_base: str = "https://sts.azure-emulator.test"
    resource_manager: str = ""
    graph: str = ""
    audience: str = "https://management.core.windows.net/"
    metadata: str = ""


class Saved(Struct, kw_only=True):
    """The state file."""

    world: World
    keys: SavedKeys
    authority: Authority


class State:
    """The emulator's memory. Given a `path` it is read from there, when the file exists, and written after changes."""

    def __init__(self, clock: Clock, path: Path | None = None) -> None:
        """Raises ValueError for a state file that cannot be read as one."""
        self.clock = clock
        self.path = path
        self.ledger = Ledger()
        self.faults = FaultTable(clock)
        self.addresses = Addresses()
        saved = _load(path) if path and path.exists() else None
        self.world = saved.world if saved else seed()
        self.keys = KeyRing(saved.keys if saved else None)
        self.authority = saved.authority if saved else make_authority()
        self.directory = Directory(self.world)

    def now(self) -> float:
        """Unix seconds of the emulated Azure: the injected clock plus the offset set by control."""
        return self.clock.now() + self.world.settings.clock_offset

    def new_guid(self) -> str:
        return str(uuid.uuid4())

    def close(self) -> None:
        """Gives the signing keys back for use by later emulators, unless a state file still holds them."""
        if self.path is None:
            self.keys.close()

    def save(self) -> None:
        """Writes the state file, if there is one, in one step."""
        if self.path is None:
            return
        saved = Saved(world=self.world, keys=self.keys.save(), authority=self.authority)
        partial = self.path.with_name(self.path.name + ".partial")
        # 0600 from the first byte: the file holds private keys.
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(saved), indent=1))
        partial.replace(self.path)


def _load(path: Path) -> Saved:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Saved)
    except msgspec.DecodeError as error:
        raise ValueError(f"{path} is not a state file of the Azure emulator: {error}") from error
