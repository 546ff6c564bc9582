"""Where audit lines go. Devices see finished lines only; the broker decides what their failures mean."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Protocol

from vaultlike.audit.entry import DeviceEntry, file_mode, file_path
from vaultlike.errors import Invalid
from vaultlike.sdk.egress import Egress


class Device(Protocol):
    """An opened device."""

    def write(self, line: bytes) -> Awaitable[None] | None:
        """Takes one line with its newline: at once (None), or when the awaitable is done. Raises OSError."""

    def reopen(self) -> None:
        """Opens its target anew, e.g. after a log was rotated. Raises OSError."""

    def close(self) -> None:
        """Lets go of its target; never raises, never waits."""


def open_device(entry: DeviceEntry, egress: Egress) -> Device:
    """The device that an entry declares; `egress` is its way to other servers.

    Raises OSError when its target cannot be opened, Invalid.
    """
    options = entry.options
    if entry.kind == "file":
        from vaultlike.audit.devices.file import FileDevice

        return FileDevice(file_path(options), file_mode(options))
    if entry.kind == "syslog":
        from vaultlike.audit.devices.syslog import SyslogDevice

        return SyslogDevice(options.get("facility", "AUTH"), options.get("tag", "vaultlike"))
    if entry.kind == "socket":
        from vaultlike.audit.devices.stream import SocketDevice

        return SocketDevice(
            options.get("address", ""), options.get("socket_type", "tcp"), options.get("write_timeout", "2s")
        )
    if entry.kind == "http":
        from vaultlike.audit.devices.http import HttpDevice

        return HttpDevice(options, egress)
    raise Invalid(f'unknown backend type: "{entry.kind[:64]}"')
