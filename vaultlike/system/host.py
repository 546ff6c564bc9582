"""`sys/host-info`: the machine and how busy it is (spec/vault-api.md 2.12). Reads what Linux tells; elsewhere less."""

from __future__ import annotations

import os
import platform
from contextlib import suppress

from vaultlike.clock import rfc3339
from vaultlike.sdk import Call, read
from vaultlike.system.part import Part

MAX_FILE = 1024 * 1024  # bytes of a file below /proc
TIMES = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal", "guest", "guestNice")


class Host(Part):
    """Facts about the machine."""

    @read("host-info")
    async def host(self, call: Call) -> dict[str, object]:
        """Shows what the machine has and how busy it is."""
        load = os.getloadavg()
        return {
            "timestamp": rfc3339(self.services.clock.now()),
            "host": self._host(),
            "cpu": _processors(),
            "cpu_times": _times(),
            "load": {"load1": load[0], "load5": load[1], "load15": load[2]},
            "disk": [_disk("/")],
            "memory": _memory(),
        }

    def _host(self) -> dict[str, object]:
        name = platform.uname()
        uptime = int(float((_text("/proc/uptime").split() or ["0"])[0]))
        release = {}
        with suppress(OSError):
            release = platform.freedesktop_os_release()
        return {
            "hostname": name.node,
            "uptime": uptime,
            "bootTime": int(self.services.clock.now()) - uptime,
            "procs": sum(entry.isdigit() for entry in _names("/proc")),
            "os": name.system.lower(),
            "platform": release.get("ID", ""),
            "platformVersion": release.get("VERSION_ID", ""),
            "kernelVersion": name.release,
            "kernelArch": name.machine,
        }


def _processors() -> list[dict[str, object]]:
    found: list[dict[str, object]] = []
    for block in _text("/proc/cpuinfo").split("\n\n"):
        facts = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in block.splitlines())}
        if "processor" in facts:
            shown: dict[str, object] = {"cpu": int(facts["processor"]), "cores": 1}
            for key, name in (("vendor_id", "vendorId"), ("cpu family", "family"), ("model name", "modelName")):
                shown[name] = facts.get(key, "")
            found.append(shown)
    return found or [{"cpu": number} for number in range(os.cpu_count() or 1)]


def _times() -> list[dict[str, object]]:
    """Seconds that each processor has spent, by kind."""
    hertz = os.sysconf("SC_CLK_TCK")
    found: list[dict[str, object]] = []
    for line in _text("/proc/stat").splitlines():
        name, *ticks = line.split() or [""]
        if name.startswith("cpu") and name != "cpu":
            spent = {kind: int(count) / hertz for kind, count in zip(TIMES, ticks, strict=False)}
            found.append({"cpu": name, **spent})
    return found


def _memory() -> dict[str, object]:
    """Bytes."""
    facts: dict[str, int] = {}
    for line in _text("/proc/meminfo").splitlines():
        name, _, value = line.partition(":")
        if words := value.split():
            facts[name] = int(words[0]) * 1024
    page = os.sysconf("SC_PAGE_SIZE")
    total = facts.get("MemTotal", os.sysconf("SC_PHYS_PAGES") * page)
    available = facts.get("MemAvailable", os.sysconf("SC_AVPHYS_PAGES") * page)
    return {
        "total": total,
        "available": available,
        "used": total - available,
        "usedPercent": 100 * (total - available) / total,
        "free": facts.get("MemFree", available),
        "buffers": facts.get("Buffers", 0),
        "cached": facts.get("Cached", 0),
        "swapTotal": facts.get("SwapTotal", 0),
        "swapFree": facts.get("SwapFree", 0),
    }


def _disk(path: str) -> dict[str, object]:
    """Bytes."""
    stat = os.statvfs(path)
    total, free = stat.f_blocks * stat.f_frsize, stat.f_bavail * stat.f_frsize
    used = total - stat.f_bfree * stat.f_frsize
    return {
        "path": path,
        "total": total,
        "free": free,
        "used": used,
        "usedPercent": 100 * used / (used + free) if used + free else 0.0,
        "inodesTotal": stat.f_files,
        "inodesFree": stat.f_ffree,
        "inodesUsed": stat.f_files - stat.f_ffree,
    }


def _text(path: str) -> str:
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            return file.read(MAX_FILE)
    except OSError:
        return ""


def _names(path: str) -> list[str]:
    try:
        return os.listdir(path)
    except OSError:
        return []
