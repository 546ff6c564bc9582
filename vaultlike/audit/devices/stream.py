"""The socket device: lines over TCP, UDP or a Unix socket, reconnecting when the other side has gone."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable

from vaultlike.durations import parse_duration
from vaultlike.errors import Invalid

FAMILIES = {"tcp": socket.SOCK_STREAM, "udp": socket.SOCK_DGRAM, "unix": socket.SOCK_STREAM}
MAX_TIMEOUT = 60  # seconds


class SocketDevice:
    """Sends lines to `address` (`host:port`, or a path for `unix`), each within `timeout`. Connects when first used."""

    def __init__(self, address: str, kind: str, timeout: str) -> None:
        if kind not in FAMILIES:
            raise Invalid(f'unknown socket_type "{kind[:32]}": tcp, udp or unix')
        self._address, self._kind = address, kind
        self._timeout = min(max(parse_duration(timeout), 1), MAX_TIMEOUT)
        if kind != "unix":
            host, _, port = address.rpartition(":")
            if not host or not port.isdigit():
                raise Invalid("address is host:port")
            self._host, self._port = host.strip("[]"), int(port)
        self._socket: socket.socket | None = None
        self._turn = asyncio.Lock()

    def write(self, line: bytes) -> Awaitable[None] | None:
        """Done when the kernel has taken the line. Raises OSError (TimeoutError too)."""
        return asyncio.wait_for(self._send(line), self._timeout)

    def reopen(self) -> None:
        """The next line connects anew."""
        self.close()

    def close(self) -> None:
        """Closes the connection."""
        if self._socket is not None:
            self._socket.close()
        self._socket = None

    async def _send(self, line: bytes) -> None:
        loop = asyncio.get_running_loop()
        async with self._turn:
            if self._socket is not None and self._kind != "udp" and _gone(self._socket):
                self.close()
            if self._socket is None:
                self._socket = await self._connect(loop)
            try:
                await loop.sock_sendall(self._socket, line)
            except BaseException:  # broken, or cancelled inside a line: this connection cannot be used any more
                self.close()
                raise

    async def _connect(self, loop: asyncio.AbstractEventLoop) -> socket.socket:
        kind = FAMILIES[self._kind]
        if self._kind == "unix":
            return await _connected(loop, socket.AF_UNIX, kind, self._address)
        problem: OSError = OSError("the audit socket's address does not resolve")
        for family, _, _, _, target in await loop.getaddrinfo(self._host, self._port, type=kind):
            try:
                return await _connected(loop, family, kind, target)
            except OSError as error:
                problem = error
        raise problem


def _gone(connected: socket.socket) -> bool:
    """Whether the other side has closed: the first line after that would be taken and lost."""
    try:
        return connected.recv(1, socket.MSG_DONTWAIT | socket.MSG_PEEK) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


async def _connected(loop: asyncio.AbstractEventLoop, family: int, kind: int, target: object) -> socket.socket:
    made = socket.socket(family, kind)
    made.setblocking(False)
    try:
        await loop.sock_connect(made, target)  # type: ignore[arg-type]
    except BaseException:
        made.close()
        raise
    return made
