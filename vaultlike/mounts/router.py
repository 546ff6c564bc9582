"""From a path to the mount that serves it. Rebuilt when the configuration's generation moves; reuses what stayed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from structlog.typing import FilteringBoundLogger

from vaultlike.mounts.entry import MountEntry
from vaultlike.sdk import Backend
from vaultlike.sdk.routes import RouteTable


class Mount:
    """A mounted backend. `backend` is None where its plugin is unavailable; `problem` says why."""

    __slots__ = ("backend", "entry", "problem", "table")

    def __init__(self, entry: MountEntry, backend: Backend | None, problem: str = "") -> None:
        self.entry, self.backend, self.problem = entry, backend, problem
        self.table = RouteTable(backend.routes() if backend else ())


Make = Callable[[MountEntry], "Mount"]


class Router:
    """The mounts of one namespace by path. Mounts never nest, so the first hit from the left is the only one."""

    def __init__(self, make: Make, log: FilteringBoundLogger) -> None:
        self._make, self._log = make, log
        self._mounts: dict[str, Mount] = {}
        self._by_accessor: dict[str, Mount] = {}

    def find(self, path: str) -> tuple[Mount, str] | None:
        """The mount of a canonical path and the rest of the path; `secret` finds `secret/` with an empty rest."""
        mounts = self._mounts
        slash = path.find("/")
        while slash >= 0:
            mount = mounts.get(path[: slash + 1])
            if mount is not None:
                return mount, path[slash + 1 :]
            slash = path.find("/", slash + 1)
        mount = mounts.get(path + "/")
        return (mount, "") if mount is not None else None

    def at(self, path: str) -> Mount | None:
        """The mount at exactly this path (with its trailing slash)."""
        return self._mounts.get(path)

    def by_accessor(self, accessor: str) -> Mount | None:
        """The mount with this accessor."""
        return self._by_accessor.get(accessor)

    def mounts(self) -> list[Mount]:
        """All mounts by path."""
        return [self._mounts[path] for path in sorted(self._mounts)]

    async def load(self, entries: list[MountEntry]) -> None:
        """Takes over a table: starts what is new, stops what is gone or moved, keeps the rest running."""
        old = {mount.entry.uuid: mount for mount in self._mounts.values()}
        mounts: dict[str, Mount] = {}
        fresh: list[Mount] = []
        for entry in entries:
            mount = old.pop(entry.uuid, None)
            if mount is not None and mount.backend is not None and _same(mount.entry, entry):
                mount.entry = entry
            else:
                if mount is not None:
                    await self._quietly(mount, "stop")
                mount = self._make(entry)
                fresh.append(mount)
            mounts[entry.path] = mount
        self._mounts = mounts
        self._by_accessor = {mount.entry.accessor: mount for mount in mounts.values()}
        for mount in fresh:
            await self._quietly(mount, "start")
        for mount in old.values():
            await self._quietly(mount, "stop")

    async def restart(self, mount: Mount) -> None:
        """Stops and starts a running backend."""
        await self._quietly(mount, "stop")
        await self._quietly(mount, "start")

    async def unload(self) -> None:
        """Stops everything; used by seal and shutdown."""
        mounts, self._mounts, self._by_accessor = self._mounts, {}, {}
        for mount in mounts.values():
            await self._quietly(mount, "stop")

    async def _quietly(self, mount: Mount, what: str) -> None:
        if mount.backend is None:
            return
        run: Callable[[], Awaitable[None]] = getattr(mount.backend, what)
        try:
            await run()
        except Exception as problem:  # one broken mount must not take the others down
            self._log.error(
                f"mount failed to {what}", mount=mount.entry.path, kind=mount.entry.kind, problem=repr(problem)
            )


def _same(one: MountEntry, other: MountEntry) -> bool:
    """Whether a backend that was made for one serves the other."""
    return one.path == other.path and one.options == other.options
