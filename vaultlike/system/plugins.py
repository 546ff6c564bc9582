"""`sys/plugins`: which kinds can be mounted (spec/vault-api.md 2.10). Plugins are installed as packages, not registered
here: the catalog can be read, not written.
"""

from __future__ import annotations

import re
import uuid
from typing import Annotated

from msgspec import Meta, Struct

from vaultlike.errors import Invalid, NotBuilt
from vaultlike.mounts.catalog import Plugin
from vaultlike.mounts.entry import BUILTIN_SUFFIX
from vaultlike.mounts.table import SINGLETONS
from vaultlike.sdk import Answer, Call, delete, list_, read, write
from vaultlike.settings import VERSION
from vaultlike.system.part import Part
from vaultlike.types import Names

HIDDEN = SINGLETONS | {"generic"}  # kinds that are not offered
TYPES = {"auth": True, "secret": False}


class RegisterBody(Struct, kw_only=True):
    """What old clients send to register a plugin."""

    sha256: Annotated[str, Meta(description="Checksum of a binary.")] = ""
    command: Annotated[str, Meta(description="Name of a binary.")] = ""
    args: Annotated[Names, Meta(description="Its arguments.")] = ()
    env: Annotated[Names, Meta(description="Its environment.")] = ()
    version: Annotated[str, Meta(description="Its version.")] = ""


class ReloadBody(Struct, kw_only=True):
    """What to reload."""

    plugin: Annotated[str, Meta(description="Name of a plugin.")] = ""
    mounts: Annotated[Names, Meta(description="Paths of mounts.")] = ()
    scope: Annotated[str, Meta(description="Empty or `global`.")] = ""


class Plugins(Part):
    """The plugin catalog."""

    @read("plugins/catalog")
    async def catalog(self, call: Call) -> dict[str, object]:
        """Lists all plugins."""
        groups: dict[str, list[Plugin]] = {name: self._offered(auth) for name, auth in TYPES.items()}
        detailed = [_detail(name, plugin) for name, plugins in groups.items() for plugin in plugins]
        names: dict[str, object] = {name: [plugin.kind for plugin in plugins] for name, plugins in groups.items()}
        return {**names, "database": [], "detailed": detailed}

    @read("plugins/catalog/{type}", sudo=True)
    @list_("plugins/catalog/{type}/", sudo=True)
    async def names(self, call: Call) -> dict[str, object]:
        """Lists the plugins of a type."""
        kind = _type(call)
        return {"keys": [plugin.kind for plugin in self._offered(TYPES[kind])] if kind in TYPES else []}

    @read("plugins/catalog/{type}/{name}", sudo=True)
    async def one(self, call: Call) -> Answer:
        """Reads one plugin."""
        plugin = self._find(call)
        if plugin is None:
            return None
        return {
            "name": plugin.kind,
            "command": "",
            "args": None,
            "sha256": "",
            "builtin": plugin.builtin,
            "version": _version(plugin),
            "deprecation_status": "supported",
        }

    @write("plugins/catalog/{type}/{name}", sudo=True)
    async def register(self, call: Call, body: RegisterBody) -> None:
        """Refused: plugins are Python packages that are installed with the server."""
        _type(call)
        if not body.sha256:
            raise Invalid("missing SHA-256 value")
        if not re.fullmatch(r"(?:[0-9a-fA-F]{2})+", body.sha256):
            raise Invalid("Could not decode SHA-256 value from Hex")
        raise NotBuilt("plugins are Python packages: install the package and restart the server")

    @delete("plugins/catalog/{type}/{name}", sudo=True)
    async def deregister(self, call: Call) -> None:
        """Fine for plugins that are not there; an installed one is uninstalled as a package."""
        _type(call)
        if self._find(call) is not None:
            raise NotBuilt("plugins are Python packages: uninstall the package and restart the server")

    @write("plugins/reload/backend", sudo=True)
    async def reload(self, call: Call, body: ReloadBody) -> dict[str, object]:
        """Starts the backends of a plugin or of mounts anew in this process."""
        if not body.plugin and not body.mounts:
            raise Invalid("plugin or mounts must be provided")
        if body.plugin and body.mounts:
            raise Invalid("plugin and mounts cannot be set at the same time")
        router = self.services.router
        wanted = [mount for mount in router.mounts() if mount.entry.kind == body.plugin]
        for path in body.mounts:
            mount = router.at(path.strip("/") + "/")
            if mount is None:
                raise Invalid(f"cannot find the mount {path[:256]}")
            wanted.append(mount)
        for mount in wanted:
            if mount.backend is not None and mount.entry.kind not in SINGLETONS:
                await mount.backend.stop()
                await mount.backend.start()
        return {"reload_id": str(uuid.UUID(bytes=self.services.random(16), version=4))}

    def _offered(self, auth: bool) -> list[Plugin]:
        return [plugin for plugin in self.services.catalog.plugins(auth=auth) if plugin.kind not in HIDDEN]

    def _find(self, call: Call) -> Plugin | None:
        kind = _type(call)
        if kind not in TYPES or call.name in HIDDEN:
            return None
        return self.services.catalog.find(call.name, auth=TYPES[kind])


def _type(call: Call) -> str:
    kind = call.params["type"]
    if kind not in ("auth", "secret", "database"):
        raise Invalid(f'"{kind[:64]}" is not a supported plugin type')
    return kind


def _version(plugin: Plugin) -> str:
    return f"v{VERSION}{BUILTIN_SUFFIX}" if plugin.builtin else f"v{plugin.version}"


def _detail(kind: str, plugin: Plugin) -> dict[str, object]:
    detail: dict[str, object] = {
        "type": kind,
        "name": plugin.kind,
        "version": _version(plugin),
        "builtin": plugin.builtin,
        "deprecation_status": "supported",
    }
    if plugin.problem:
        detail["problem"] = plugin.problem
    return detail
