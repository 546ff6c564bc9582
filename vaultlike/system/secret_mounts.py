"""`sys/mounts`: which engines there are, mounting and unmounting one (spec/vault-api.md 2.3). Tuning is in `tune`."""

from __future__ import annotations

from vaultlike.errors import Invalid
from vaultlike.mounts.entry import MountEntry, shown
from vaultlike.mounts.table import PROTECTED, SINGLETONS, check_free
from vaultlike.sdk import Call, delete, read, write
from vaultlike.settings import VERSION
from vaultlike.system.enabling import EnableBody, check_plugin, config_of, entry_of, kind_of, mount_path, options_of
from vaultlike.system.part import Part
from vaultlike.system.unmounting import unmount


class SecretMounts(Part):
    """The engines of the server."""

    @read("mounts", inject=True)
    async def all_of_them(self, call: Call) -> dict[str, object]:
        """Lists the engines with their settings."""
        mounts = self.services.router.mounts()
        return {m.entry.path: shown(m.entry, VERSION) for m in mounts if not m.entry.auth}

    @read("mounts/{path:rest}", inject=True)
    async def one(self, call: Call) -> dict[str, object]:
        """Reads the settings of one mount."""
        path = mount_path(call.params["path"])
        mount = self.services.router.at(path)
        if mount is None:
            raise Invalid(f"No secret engine mount at {path}")
        return shown(mount.entry, VERSION)

    @write("mounts/{path:rest}")
    async def enable(self, call: Call, body: EnableBody) -> None:
        """Mounts an engine at a path."""
        path = mount_path(call.params["path"])
        config = config_of(body, auth=False, system_max=self.services.settings.max_lease_ttl)
        kind = kind_of(body)
        options = options_of(call.data, body)
        if kind in ("kv-v1", "kv-v2"):
            kind, options = "kv", {**(options or {}), "version": kind[-1]}
        version = (options or {}).get("version", "")
        if version and kind != "kv":
            raise Invalid(f'secrets engine "{kind}" does not allow setting a version')
        if path.startswith(PROTECTED):
            raise Invalid(f'cannot mount "{path}"')
        if (inner := self.services.namespaces.taken(self.services.namespace, path)) is not None:
            raise Invalid(f"path is already in use at {inner.path}")
        if kind in SINGLETONS:
            raise Invalid(f'mount type of "{kind}" is not mountable')
        entry = entry_of(self.services.table.new(path, kind), body, config, options)
        await check_plugin(self.services, kind, config, auth=False)

        def add(entries: list[MountEntry]) -> list[MountEntry]:
            check_free(entries, path)
            self.services.catalog.require(kind, auth=False, version=config.plugin_version)
            if version not in ("", "1", "2"):
                raise Invalid(f'nil backend of type "{kind}" returned from factory')
            return [*entries, entry]

        await self.services.table.change(add)
        await self.services.current()

    @delete("mounts/{path:rest}")
    async def disable(self, call: Call) -> None:
        """Unmounts an engine and deletes what it stored. Fine when there is none."""
        path = mount_path(call.params["path"])
        if path.startswith(PROTECTED):
            raise Invalid(f'cannot unmount "{path}"')
        await unmount(self.services, path)
