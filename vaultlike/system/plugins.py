"""`sys/plugins`: which kinds can be mounted (spec/vault-api.md 2.10). Plugins are installed as packages: the catalog
shows what is installed, and a registration or a pin says which state of a package may be used (`mounts.vetting`).
"""

from __future__ import annotations

import re
import uuid
from typing import Annotated

from msgspec import Meta, Struct

from vaultlike.errors import Invalid
from vaultlike.mounts.catalog import GROUP, Plugin
from vaultlike.mounts.restarts import mark
from vaultlike.mounts.table import SINGLETONS
from vaultlike.mounts.vetting import Vetted, checksum, key_of, vet, vetted
from vaultlike.sdk import Answer, Call, Reply, delete, list_, read, write
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


class PinBody(Struct, kw_only=True):
    """A version to stay at."""

    version: Annotated[str, Meta(description="The installed version.")] = ""


class ScopeBody(Struct, kw_only=True):
    """Where to reload."""

    scope: Annotated[str, Meta(description="Empty or `global`; both mean every process.")] = ""


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
            "sha256": "" if plugin.builtin else checksum(plugin.distribution),
            "builtin": plugin.builtin,
            "version": plugin.shown_version,
            "deprecation_status": "supported",
        }

    @write("plugins/catalog/{type}/{name}", sudo=True)
    async def register(self, call: Call, body: RegisterBody) -> None:
        """Vouches for an installed plugin: its mounts work only while its package has this checksum."""
        _type(call)
        if not body.sha256:
            raise Invalid("missing SHA-256 value")
        if not re.fullmatch(r"(?:[0-9a-fA-F]{2})+", body.sha256):
            raise Invalid("Could not decode SHA-256 value from Hex")
        plugin = self._installed(call)
        if body.command not in ("", plugin.kind):
            raise Invalid(f'a plugin is registered under the name of its entry point, "{plugin.kind}"')
        if body.args or body.env:
            raise Invalid("a plugin is a Python package: it takes no arguments and no environment")
        if body.version and body.version.removeprefix("v") != plugin.version:
            raise Invalid(f"version {plugin.version} of the plugin is installed")
        if body.sha256.lower() != checksum(plugin.distribution):
            raise Invalid("the checksum is not that of the installed package")
        await self._vet(plugin, sha256=body.sha256.lower())

    @delete("plugins/catalog/{type}/{name}", sudo=True)
    async def deregister(self, call: Call) -> None:
        """Takes a registration back; the plugin stays installed. Fine where there is none."""
        plugin = self._find(call)
        if plugin is not None and not plugin.builtin:
            await self._vet(plugin, sha256="")

    @read("plugins/pins", sudo=True)
    async def pins(self, call: Call) -> dict[str, object]:
        """Lists the pinned versions."""
        table = await vetted(self.services.root_storage)
        pinned = [(key.partition("/"), entry.pinned) for key, entry in sorted(table.items()) if entry.pinned]
        shown = [{"type": type, "name": name, "version": f"v{version}"} for (type, _, name), version in pinned]
        return {"pinned_versions": shown}

    @read("plugins/pins/{type}/{name}", sudo=True)
    async def pin(self, call: Call) -> Answer:
        """Shows the pinned version of a plugin."""
        entry = (await vetted(self.services.root_storage)).get(f"{_type(call)}/{call.name}")
        if entry is None or not entry.pinned:
            return None
        return {"type": _type(call), "name": call.name, "version": f"v{entry.pinned}"}

    @write("plugins/pins/{type}/{name}", sudo=True)
    async def save_pin(self, call: Call, body: PinBody) -> None:
        """Pins an installed plugin to its version: with another one its mounts do not work."""
        if not body.version:
            raise Invalid("missing version")
        plugin = self._installed(call)
        if body.version.removeprefix("v") != plugin.version:
            raise Invalid(f"version {plugin.version} of the plugin is installed")
        await self._vet(plugin, pinned=plugin.version)

    @delete("plugins/pins/{type}/{name}", sudo=True)
    async def unpin(self, call: Call) -> None:
        """Takes a pin back. Fine where there is none."""
        plugin = self._find(call)
        if plugin is not None and not plugin.builtin:
            await self._vet(plugin, pinned="")

    @write("plugins/reload/backend", sudo=True)
    async def reload(self, call: Call, body: ReloadBody) -> Reply:
        """Starts the backends of a plugin or of mounts anew, in every process."""
        if not body.plugin and not body.mounts:
            raise Invalid("plugin or mounts must be provided")
        if body.plugin and body.mounts:
            raise Invalid("plugin and mounts cannot be set at the same time")
        if body.plugin and not any(self.services.catalog.find(body.plugin, auth=auth) for auth in (True, False)):
            raise Invalid(f'plugin not found in the catalog: "{body.plugin[:128]}"')
        keys = [f"kind/{body.plugin}"] if body.plugin else []
        for path in body.mounts:
            mount = self.services.router.at(path.strip("/") + "/")
            if mount is None:
                raise Invalid(f"cannot find the mount {path[:256]}")
            keys.append(f"mount/{mount.entry.uuid}")
        return await self._reload(keys, body.scope)

    @write("plugins/reload/{type}/{name}", sudo=True)
    async def reload_one(self, call: Call, body: ScopeBody) -> Reply:
        """Starts the backends of a plugin anew, in every process."""
        if self._find(call) is None:
            raise Invalid(f"plugin not found in the catalog: {call.name[:128]}")
        return await self._reload([f"kind/{call.name}"], body.scope)

    async def _reload(self, keys: list[str], scope: str) -> Reply:
        if scope not in ("", "global"):
            raise Invalid("reload scope must be omitted or 'global'")
        identity = str(uuid.UUID(bytes=self.services.random(16), version=4))
        await mark(self.services.root_storage, keys, identity)
        await self.services.current()
        return Reply(data={"reload_id": identity}, status=202 if scope else 200)

    async def _vet(self, plugin: Plugin, *, sha256: str | None = None, pinned: str | None = None) -> None:
        storage, key = self.services.root_storage, key_of(plugin.kind, auth=plugin.auth)
        entry = (await vetted(storage)).get(key, Vetted())
        await vet(
            storage,
            key,
            Vetted(
                sha256=entry.sha256 if sha256 is None else sha256, pinned=entry.pinned if pinned is None else pinned
            ),
        )
        await self.services.current()

    def _installed(self, call: Call) -> Plugin:
        """The third party's plugin that a path names. Raises Invalid."""
        plugin = self._find(call)
        if plugin is None:
            raise Invalid(
                f'no installed package has a plugin "{call.name[:128]}": plugins are Python packages with an entry '
                f"point in the group {GROUP}; install the package, restart the server, then register it"
            )
        if plugin.builtin:
            raise Invalid(f'"{plugin.kind}" comes with the server: there is nothing to register')
        return plugin

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


def _detail(kind: str, plugin: Plugin) -> dict[str, object]:
    detail: dict[str, object] = {
        "type": kind,
        "name": plugin.kind,
        "version": plugin.shown_version,
        "builtin": plugin.builtin,
        "deprecation_status": "supported",
    }
    if not plugin.builtin:
        detail["sha256"] = checksum(plugin.distribution)
    if plugin.problem:
        detail["problem"] = plugin.problem
    return detail
