"""What systemd is told about this process (sd_notify(3)): one datagram to the socket named by NOTIFY_SOCKET."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Mapping


class Notifier:
    """Tells the service manager; does nothing where there is none."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        name = environment.get("NOTIFY_SOCKET", "")
        self._address = "\0" + name[1:] if name.startswith("@") else name

    def ready(self) -> None:
        """Requests are answered; also ends `reloading`."""
        self._tell("READY=1")

    def reloading(self, monotonic: float) -> None:
        """The configuration is read again; `monotonic` is that clock's time in seconds (needed by notify-reload)."""
        self._tell(f"RELOADING=1\nMONOTONIC_USEC={int(monotonic * 1_000_000)}")

    def stopping(self) -> None:
        """Running requests are finished, then the process ends."""
        self._tell("STOPPING=1")

    def _tell(self, text: str) -> None:
        if not self._address:
            return
        # a manager that does not listen is no reason to stop serving
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
            sock.setblocking(False)
            sock.sendto(text.encode(), self._address)
