"""Which backends the server itself brings, and how each mount's Context is made."""

from __future__ import annotations

from collections.abc import Mapping

from vaultlike.builtin.identity import Identity
from vaultlike.builtin.organization.backend import Organization
from vaultlike.builtin.organization.instances import Instances
from vaultlike.builtin.token import TokenBackend
from vaultlike.core.core import Core
from vaultlike.engines.cubbyhole import Cubbyhole
from vaultlike.engines.kv import Kv
from vaultlike.engines.transit import Transit
from vaultlike.log import named
from vaultlike.mounts.catalog import Catalog, Plugin
from vaultlike.mounts.entry import MountEntry
from vaultlike.sdk import Backend, Context
from vaultlike.settings import Settings
from vaultlike.system.backend import System
from vaultlike.system.seal import Life


def make_catalog(settings: Settings) -> Catalog:
    """The engines and the core's own backends, and every auth method that is installed."""
    catalog = Catalog(
        {"kv": Kv, "cubbyhole": Cubbyhole, "transit": Transit, "system": System, "identity": Identity},
        settings.allowed_plugins,
    )
    catalog.add(Plugin("token", True, TokenBackend))
    catalog.add(Plugin("generic", False, Kv))  # the old name of kv
    catalog.add(Plugin("organization", False, Organization))
    return catalog


def make_backend(life: Life, core: Core, entry: MountEntry) -> Backend:
    """The backend instance of a mount."""
    context = Context(
        mount=entry.path,
        accessor=entry.accessor,
        uuid=entry.uuid,
        namespace=core.namespace.id,
        storage=core.documents.below(entry.storage_prefix),
        clock=core.clock,
        egress=core.egress,
        log=named(core.log, f"{'auth' if entry.auth else 'secrets'}.{entry.kind}").bind(mount=entry.path),
        system=MountSystem(core, entry),
        random=core.random,
        options=entry.options or {},
    )
    if entry.kind == "system":
        return System(context, core, life)
    if entry.kind == "token":
        return TokenBackend(context, core)
    if entry.kind == "identity":
        return Identity(context, core)
    if entry.kind == "organization":
        return Organization(context, core)
    if entry.kind == "cubbyhole":
        return Cubbyhole(context, core.tokens)
    plugin = core.catalog.find(entry.kind, auth=entry.auth)
    assert plugin is not None and plugin.backend is not None
    if entry.instances:
        return Instances(context, plugin.backend, core)
    return plugin.backend(context)


class MountSystem:
    """What one mount may ask the server (the sdk's System)."""

    def __init__(self, core: Core, entry: MountEntry) -> None:
        self._core, self._entry = core, entry

    def _now(self) -> MountEntry:
        mount = self._core.router.at(self._entry.path)
        return mount.entry if mount is not None else self._entry

    def default_ttl(self) -> int:
        """Effective default TTL, seconds."""
        return self._core.default_ttl(self._now())

    def max_ttl(self) -> int:
        """Effective maximum TTL, seconds."""
        return self._core.max_ttl(self._now())

    def settings(self, stanza: str) -> tuple[Mapping[str, str], ...]:
        """The server config's stanzas of that name."""
        return self._core.settings.stanzas.get(stanza, ())

    def environ(self, name: str) -> str:
        """An environment variable of the server process."""
        return self._core.settings.environment.get(name, "")

    async def identity_token(self, audience: str, ttl: int) -> tuple[str, int]:
        """A workload identity token of this mount."""
        return await self._core.identity_token(self._now(), audience, ttl)
