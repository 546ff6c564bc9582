"""The mount table of a namespace: one document, changed by compare-and-set: two nodes cannot both win a path."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import msgspec

from vaultlike.clock import Clock
from vaultlike.errors import Invalid, Unavailable
from vaultlike.mounts.entry import MountConfig, MountEntry
from vaultlike.storage.engine import Conflict
from vaultlike.storage.view import View

KEY = "mounts"
PROTECTED = ("audit/", "auth/", "sys/", "cubbyhole/", "identity/")
SINGLETONS = frozenset(
    ("cubbyhole", "system", "token", "identity", "ns_cubbyhole", "ns_system", "ns_identity", "ns_token", "organization")
)
DEFAULT_HEADERS = {"identity": ("Authorization",), "system": ("Accept",)}  # what these mounts may see of a request
Edit = Callable[[list[MountEntry]], list[MountEntry]]

_decode = msgspec.json.Decoder(list[MountEntry]).decode


class MountTable:
    """Reads and changes the mounts of one namespace; `view` is its core storage."""

    def __init__(self, view: View, clock: Clock, random: Callable[[int], bytes]) -> None:
        self._view, self._clock, self._random = view, clock, random

    async def load(self) -> list[MountEntry]:
        """The mounts in the order they were made; empty before the first unseal."""
        raw = await self._view.get(KEY)
        return _decode(raw) if raw else []

    async def ensure(self, defaults: list[tuple[str, str, str]]) -> list[MountEntry]:
        """Adds the mounts every namespace has: (path, kind, description) each; returns the table."""
        entries = await self.load()
        present = {entry.path for entry in entries}
        missing = [self._default(path, kind, text) for path, kind, text in defaults if path not in present]
        if not missing:
            return entries
        return await self.change(lambda now: now + [m for m in missing if m.path not in {e.path for e in now}])

    def _default(self, path: str, kind: str, text: str) -> MountEntry:
        entry = self.new(path, kind, text, local=kind == "cubbyhole", seal_wrap=kind == "system")
        if kind in DEFAULT_HEADERS:
            entry.config.passthrough_request_headers = DEFAULT_HEADERS[kind]
        return entry

    def new(self, path: str, kind: str, description: str = "", **facts: object) -> MountEntry:
        """An entry with a fresh uuid and accessor `auth_<type>_<8 hex>` (or without `auth_`)."""
        prefix = "auth_" if path.startswith("auth/") else ""
        entry = MountEntry(
            path=path,
            kind=kind,
            uuid=str(uuid.UUID(bytes=self._random(16), version=4)),
            accessor=f"{prefix}{kind}_{self._random(4).hex()}",
            description=description,
            config=MountConfig(),
        )
        return msgspec.structs.replace(entry, **facts)

    async def change(self, edit: Edit) -> list[MountEntry]:
        """Applies `edit` to the table and stores it; `edit` may run again when another node was faster.

        What `edit` raises goes through. Raises Unavailable when it loses too often.
        """
        for _ in range(16):
            found = await self._view.versioned(KEY)
            entries = edit(_decode(found[0]) if found else [])
            try:
                await self._view.put_if(KEY, msgspec.json.encode(entries), found[1] if found else 0)
            except Conflict:
                continue
            return entries
        raise Unavailable("the mount table is changing too fast, try again")


def check_free(entries: list[MountEntry], path: str, *, ignore: str = "") -> None:
    """Refuses a path that is in use, lies inside a mount or around one (spec/vault-api.md 2.2)."""
    for entry in entries:
        if entry.path == ignore:
            continue
        if entry.path.startswith(path) or path.startswith(entry.path):
            raise Invalid(f"path is already in use at {entry.shown_path}")
