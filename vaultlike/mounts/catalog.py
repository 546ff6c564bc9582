"""Which kinds can be mounted: auth methods by entry point (`vaultlike.auth`), engines handed in by the core.

A plugin that cannot be loaded is listed with the reason and its mounts answer 503; it never stops the server.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points

from msgspec import Struct

from vaultlike.errors import Invalid
from vaultlike.mounts.entry import BUILTIN_SUFFIX
from vaultlike.sdk import Backend
from vaultlike.settings import VERSION

GROUP = "vaultlike.auth"
API = 1


class Plugin(Struct, frozen=True):
    """A kind of mount. `problem` says why it is unavailable; then there is no `backend`."""

    kind: str
    auth: bool
    backend: type[Backend] | None
    distribution: str = "vaultlike"
    version: str = ""
    problem: str = ""

    @property
    def shown_version(self) -> str:
        """The version as the API shows it: the server's own where the plugin comes with it."""
        return f"v{VERSION}{BUILTIN_SUFFIX}" if self.builtin else f"v{self.version}"

    @property
    def builtin(self) -> bool:
        """Whether it comes with the server."""
        return self.distribution == "vaultlike"


class Catalog:
    """All kinds. `allow` limits third-party auth methods to those names; empty allows all that are installed."""

    def __init__(self, engines: Mapping[str, type[Backend]], allow: tuple[str, ...] = ()) -> None:
        self._plugins: dict[tuple[bool, str], Plugin] = {}
        for kind, backend in engines.items():
            self._plugins[False, kind] = Plugin(kind, False, backend)
        for point in _installed():
            known = self._plugins.get((True, point.name))
            plugin = _load(point, allow)
            if known is not None:
                plugin = Plugin(point.name, True, None, plugin.distribution, plugin.version, "declared twice")
            self._plugins[True, point.name] = plugin

    def add(self, plugin: Plugin) -> None:
        """Registers a kind that the core itself provides, such as `token`."""
        self._plugins[plugin.auth, plugin.kind] = plugin

    def plugins(self, *, auth: bool) -> list[Plugin]:
        """All kinds of auth methods or of engines, by name."""
        return sorted((p for p in self._plugins.values() if p.auth == auth), key=lambda p: p.kind)

    def find(self, kind: str, *, auth: bool) -> Plugin | None:
        """The plugin of a kind, available or not."""
        return self._plugins.get((auth, kind))

    def require(self, kind: str, *, auth: bool, version: str = "") -> Plugin:
        """The plugin for a new mount. Raises Invalid for an unknown or unavailable kind, or another version of it."""
        plugin = self.find(kind, auth=auth)
        if plugin is None:
            raise Invalid(f"plugin not found in the catalog: {kind}")
        if plugin.backend is None:
            raise Invalid(f"plugin {kind} is unavailable: {plugin.problem}")
        if version and version.removeprefix("v") != plugin.shown_version.removeprefix("v"):
            raise Invalid(f'plugin "{kind}" has no version "{version[:64]}" in the catalog')
        return plugin


@cache  # reading every installed distribution's metadata takes as long as all else that a start does
def _installed() -> tuple[EntryPoint, ...]:
    return tuple(sorted(entry_points(group=GROUP), key=lambda point: point.name))


def _load(point: EntryPoint, allow: tuple[str, ...]) -> Plugin:
    distribution = point.dist.name if point.dist else "unknown"
    version = point.dist.version if point.dist else ""
    if allow and distribution != "vaultlike" and point.name not in allow:
        return Plugin(point.name, True, None, distribution, version, "not in the server's list of allowed plugins")
    try:
        backend = point.load()
    except Exception as problem:  # whatever a third party's import raises must not stop the server
        return Plugin(point.name, True, None, distribution, version, f"{type(problem).__name__}: {problem}"[:500])
    if not (isinstance(backend, type) and issubclass(backend, Backend)):
        return Plugin(point.name, True, None, distribution, version, "is not a vaultlike.sdk.Backend")
    if backend.api != API:
        return Plugin(point.name, True, None, distribution, version, f"needs sdk version {backend.api}, this is {API}")
    return Plugin(point.name, True, backend, distribution, version)
