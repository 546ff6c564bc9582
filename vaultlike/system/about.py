"""What the server tells of itself: versions, nodes, settings (spec/vault-api.md 2.12). Read only."""

from __future__ import annotations

import socket

import msgspec
from msgspec import Struct

from vaultlike.clock import rfc3339
from vaultlike.sdk import Call, list_, read
from vaultlike.settings import BUILD_DATE, VERSION
from vaultlike.system.part import Part

HISTORY = "versions"


class Installed(Struct, frozen=True):
    """One version that ran here; `at` in Unix seconds."""

    version: str
    at: float


_decode = msgspec.json.Decoder(list[Installed]).decode


class About(Part):
    """Facts about the server."""

    async def start(self) -> None:
        """Notes the first start of a version."""
        storage = self.services.storage
        if any(one.version == VERSION for one in await self._history()):
            return
        now = self.services.clock.now()

        def add(raw: bytes | None) -> bytes:
            known = _decode(raw) if raw is not None else []
            if any(one.version == VERSION for one in known):
                return msgspec.json.encode(known)
            return msgspec.json.encode([*known, Installed(VERSION, now)])

        await storage.below("", bump=False).update(HISTORY, add)

    async def _history(self) -> list[Installed]:
        raw = await self.services.storage.get(HISTORY)
        return _decode(raw) if raw is not None else []

    @list_("version-history/")
    async def versions(self, call: Call) -> dict[str, object]:
        """Lists the versions that ran here."""
        info: dict[str, object] = {}
        previous: str | None = None
        for one in await self._history():
            info[one.version] = {
                "timestamp_installed": rfc3339(one.at),
                "build_date": BUILD_DATE,
                "previous_version": previous,
            }
            previous = one.version
        return {"keys": list(info), "key_info": info}

    @read("ha-status", inject=True)
    async def nodes(self, call: Call) -> dict[str, object]:
        """Shows this node; every node is active."""
        node = {
            "hostname": socket.gethostname(),
            "api_address": self.services.settings.api_addr,
            "cluster_address": "",
            "active_node": True,
            "last_echo": None,
            "version": VERSION,
        }
        return {"nodes": [node]}

    @read("replication/status", open=True)
    async def replication(self, call: Call) -> dict[str, object]:
        """There is no replication: every node works on one database."""
        return {"mode": "disabled"}

    @read("config/state/sanitized", sudo=True)
    async def settings(self, call: Call) -> dict[str, object]:
        """Shows the server's settings without secrets."""
        settings = self.services.settings
        listeners = [
            {"type": one.kind, "config": {"address": one.address, "tls_disable": not one.tls}}
            for one in settings.listeners
        ]
        return {
            "api_addr": settings.api_addr,
            "cluster_addr": "",
            "cluster_name": settings.cluster_name,
            "default_lease_ttl": settings.default_lease_ttl,
            "max_lease_ttl": settings.max_lease_ttl,
            "disable_cache": False,
            "disable_mlock": True,
            "enable_ui": False,
            "introspection_endpoint": False,
            "raw_storage_endpoint": False,
            "listeners": listeners,
            "log_format": settings.log_format,
            "log_level": settings.log_level,
            "seals": [{"type": kind, "disabled": disabled} for kind, disabled in settings.seals],
            "storage": {
                "type": settings.storage_type,
                "redirect_addr": settings.api_addr,
                "cluster_addr": "",
                "disable_clustering": True,
            },
            "stanzas": sorted(settings.stanzas),
        }

    @read("internal/ui/version")
    async def version(self, call: Call) -> dict[str, object]:
        """Shows the version."""
        return {"version": VERSION}

    @read("experiments")
    async def experiments(self, call: Call) -> dict[str, object]:
        """There are no experiments."""
        return {"available": [], "enabled": []}
