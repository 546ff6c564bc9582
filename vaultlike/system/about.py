"""What the server tells of itself: versions, nodes, host, settings, requests (spec/vault-api.md 2.12). Read only."""

from __future__ import annotations

import os
import platform
import socket
import time

import msgspec
from msgspec import Struct

from vaultlike.clock import rfc3339
from vaultlike.sdk import Call, Raw, list_, read
from vaultlike.settings import BUILD_DATE, VERSION
from vaultlike.system.part import Part
from vaultlike.system.seal import bare

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

    @read("in-flight-req")
    async def in_flight(self, call: Call) -> Raw:
        """Shows this request; others are not tracked."""
        request = {
            "start_time": rfc3339(self.services.clock.now()),
            "client_remote_address": call.remote,
            "request_path": "/v1/" + call.mount + call.path,
            "request_method": "GET",
            "client_id": call.caller.entity_id if call.caller is not None else "",
        }
        return bare({call.id: request})

    @read("config/state/sanitized", sudo=True)
    async def settings(self, call: Call) -> dict[str, object]:
        """Shows the server's settings without secrets."""
        settings = self.services.settings
        return {
            "api_addr": settings.api_addr,
            "cluster_name": settings.cluster_name,
            "default_lease_ttl": settings.default_lease_ttl,
            "max_lease_ttl": settings.max_lease_ttl,
            "storage": {"type": settings.storage_type},
            "stanzas": sorted(settings.stanzas),
        }

    @read("host-info")
    async def host(self, call: Call) -> dict[str, object]:
        """Shows what the machine has and how busy it is."""
        name = platform.uname()
        load = os.getloadavg()
        disk = os.statvfs("/")
        return {
            "timestamp": rfc3339(self.services.clock.now()),
            "host": {
                "hostname": name.node,
                "os": name.system.lower(),
                "kernelVersion": name.release,
                "kernelArch": name.machine,
                "uptime": int(time.clock_gettime(time.CLOCK_BOOTTIME)) if hasattr(time, "CLOCK_BOOTTIME") else 0,
            },
            "cpu": [{"cpu": number} for number in range(os.cpu_count() or 1)],
            "cpu_times": [],
            "load": {"load1": load[0], "load5": load[1], "load15": load[2]},
            "disk": [{"path": "/", "total": disk.f_blocks * disk.f_frsize, "free": disk.f_bavail * disk.f_frsize}],
            "memory": {
                "total": os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"),
                "available": os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"),
            },
        }

    @read("experiments")
    async def experiments(self, call: Call) -> dict[str, object]:
        """There are no experiments."""
        return {"available": [], "enabled": []}
