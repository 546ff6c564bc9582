"""The syslog device: datagrams to the local syslog socket (RFC 3164 as the C library sends it)."""

from __future__ import annotations

import errno
import socket
from collections.abc import Awaitable

from vaultlike.errors import Invalid

SOCKET = "/dev/log"
INFO = 6
_GONE = frozenset((errno.ECONNREFUSED, errno.ECONNRESET, errno.ENOTCONN, errno.EPIPE, errno.ENOENT))
FACILITIES = {
    name: number
    for number, name in enumerate(
        ("KERN", "USER", "MAIL", "DAEMON", "AUTH", "SYSLOG", "LPR", "NEWS", "UUCP", "CRON", "AUTHPRIV", "FTP")
    )
} | {f"LOCAL{number}": 16 + number for number in range(8)}


class SyslogDevice:
    """Sends each line as one message. Raises OSError where nobody listens, Invalid for an unknown facility."""

    def __init__(self, facility: str, tag: str, path: str = SOCKET) -> None:
        number = FACILITIES.get(facility.upper())
        if number is None:
            raise Invalid(f'invalid syslog facility: "{facility[:32]}"')
        if not tag.isprintable() or len(tag) > 32:
            raise Invalid("invalid syslog tag")
        self._path = path
        self._head = f"<{number * 8 + INFO}>{tag}: ".encode()
        self._socket = self._connect()

    def write(self, line: bytes) -> Awaitable[None] | None:
        """Sends one message; never waits: a full or absent daemon is an OSError. Reconnects once."""
        message = self._head + line.rstrip(b"\n")
        try:
            self._socket.send(message)
        except OSError as problem:
            if problem.errno not in _GONE:
                raise
            self.reopen()
            self._socket.send(message)
        return None

    def reopen(self) -> None:
        """Connects anew."""
        fresh = self._connect()
        self._socket.close()
        self._socket = fresh

    def close(self) -> None:
        """Closes the socket."""
        self._socket.close()

    def _connect(self) -> socket.socket:
        made = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
        try:
            made.connect(self._path)
        except OSError:
            made.close()
            raise
        return made
