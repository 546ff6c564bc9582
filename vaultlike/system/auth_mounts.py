"""`sys/auth`: which auth methods there are, enabling and disabling one (spec/vault-api.md 2.2). Tuning is in `tune`."""

from __future__ import annotations

from vaultlike.errors import Invalid
from vaultlike.mounts.entry import MountEntry, shown
from vaultlike.mounts.table import check_free
from vaultlike.sdk import Call, delete, read, write
from vaultlike.settings import VERSION
from vaultlike.system.enabling import EnableBody, check_plugin, config_of, entry_of, kind_of, mount_path, options_of
from vaultlike.system.part import Part
from vaultlike.system.unmounting import unmount

TOKEN = "auth/token/"


class AuthMounts(Part):
    """The auth methods of the server."""

    @read("auth", inject=True)
    async def all_of_them(self, call: Call) -> dict[str, object]:
        """Lists the auth methods with their settings."""
        mounts = self.services.router.mounts()
        return {m.entry.shown_path: shown(m.entry, VERSION) for m in mounts if m.entry.auth}

    @read("auth/{path:rest}", sudo=True, inject=True)
    async def one(self, call: Call) -> dict[str, object]:
        """Reads the settings of one auth method."""
        path = mount_path(call.params["path"], "auth/")
        mount = self.services.router.at(path)
        if mount is None:
            raise Invalid(f"No auth engine at {path.removeprefix('auth/')}")
        return shown(mount.entry, VERSION)

    @write("auth/{path:rest}", sudo=True)
    async def enable(self, call: Call, body: EnableBody) -> None:
        """Enables an auth method at a path."""
        path = mount_path(call.params["path"], "auth/")
        config = config_of(body, auth=True, system_max=self.services.settings.max_lease_ttl)
        kind = kind_of(body)
        options = options_of(call.data, body)
        if options and options.get("version"):
            raise Invalid(f'auth method "{kind}" does not allow setting a version')
        if kind == "token":
            raise Invalid("token credential backend cannot be instantiated")
        entry = entry_of(self.services.table.new(path, kind), body, config, options)
        await check_plugin(self.services, kind, config, auth=True)

        def add(entries: list[MountEntry]) -> list[MountEntry]:
            check_free(entries, path)
            self.services.catalog.require(kind, auth=True, version=config.plugin_version)
            return [*entries, entry]

        await self.services.table.change(add)
        await self.services.current()

    @delete("auth/{path:rest}", sudo=True)
    async def disable(self, call: Call) -> None:
        """Disables an auth method: ends its tokens and deletes what it stored. Fine when there is none."""
        path = mount_path(call.params["path"], "auth/")
        if path == TOKEN:
            raise Invalid("token credential backend cannot be disabled")
        await unmount(self.services, path)
