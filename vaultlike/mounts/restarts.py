"""Which mounts are to be started anew: marks in the configuration, so that every process does it.

A mark is a new text under `mount/<uuid>` or `kind/<name>`; whoever sees another one than before starts the backend.
"""

from __future__ import annotations

import msgspec

from vaultlike.mounts.router import Mount, Router
from vaultlike.mounts.table import SINGLETONS
from vaultlike.storage.view import View

KEY = "restarts"
MAX_MARKS = 1000  # the oldest are forgotten, which restarts nothing
_decode = msgspec.json.Decoder(dict[str, str]).decode


async def mark(storage: View, keys: list[str], text: str) -> None:
    """Marks mounts or kinds; `storage` is the core's own of the root namespace."""

    def edit(raw: bytes | None) -> bytes:
        marks = _decode(raw) if raw is not None else {}
        for key in keys:
            marks.pop(key, None)
            marks[key] = text
        return msgspec.json.encode(dict(list(marks.items())[-MAX_MARKS:]))

    await storage.update(KEY, edit)


class Restarts:
    """What one namespace of one process has seen of the marks."""

    def __init__(self, storage: View) -> None:
        self._storage = storage
        self._seen: dict[str, str] | None = None  # the marks of the last look; None before the first

    async def follow(self, router: Router) -> None:
        """Starts again what was marked since the last look; what is new anyway is left alone."""
        marks, before = await self._storage.cached(KEY, _decode) or {}, self._seen
        self._seen = marks
        if before is None or before == marks:
            return
        fresh = {key for key, text in marks.items() if before.get(key) != text}
        for mount in router.mounts():
            if _keys(mount) & fresh and mount.entry.kind not in SINGLETONS:
                await router.restart(mount)


def _keys(mount: Mount) -> set[str]:
    return {f"mount/{mount.entry.uuid}", f"kind/{mount.entry.kind}"}
