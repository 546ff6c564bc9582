"""A server on a free port and a raw client: what is tested here is bytes on a socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest
import uvloop

from vaultlike.clock import FakeClock
from vaultlike.http.listener import ListenerSettings
from vaultlike.http.message import Handler, Incoming, Outgoing
from vaultlike.http.server import HttpServer


@dataclass
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.body)


@dataclass
class Client:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, data: bytes | str) -> None:
        self.writer.write(data.encode() if isinstance(data, str) else data)
        await self.writer.drain()

    async def reply(self, *, bodyless: bool = False) -> Reply:
        head = (await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), 5)).decode()
        first, *lines = head.strip().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        status = int(first.split()[1])
        length = 0 if bodyless or status in (100, 204) else int(headers["content-length"])
        return Reply(status, headers, await self.reader.readexactly(length))

    async def ask(self, data: bytes | str) -> Reply:
        await self.send(data)
        return await self.reply()

    async def closed(self) -> bool:
        """Whether the server closes without sending anything more."""
        try:
            return await asyncio.wait_for(self.reader.read(1), 5) == b""
        except ConnectionResetError:
            return True


async def echo(incoming: Incoming) -> Outgoing:
    """Answers with what arrived."""
    return Outgoing(200, msgspec.json.encode({
        "method": incoming.method, "path": incoming.raw_path, "query": incoming.query, "remote": incoming.remote,
        "body": incoming.body.decode("latin-1"), "secure": incoming.secure, "cert": bool(incoming.peer_certificate),
    }))  # fmt: skip


@dataclass
class House:
    """Starts servers and opens connections; closes both afterwards."""

    clients: list[Client] = field(default_factory=list)
    servers: list[HttpServer] = field(default_factory=list)

    async def serve(self, handler: Handler = echo, **settings: Any) -> HttpServer:
        server = HttpServer(FakeClock())
        options = {"address": "127.0.0.1:0", "tls_disable": True, **settings}
        await server.start(handler, (ListenerSettings(**options),))
        self.servers.append(server)
        return server

    async def connect(self, server: HttpServer, **tls: Any) -> Client:
        host, _, port = server.addresses[0].rpartition(":")
        if not host:
            client = Client(*await asyncio.open_unix_connection(server.addresses[0]))
        else:
            client = Client(*await asyncio.open_connection(host, int(port), **tls))
        self.clients.append(client)
        return client


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The loop that the server runs on in earnest: its TLS and flow control are not asyncio's."""
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture
async def house() -> AsyncIterator[House]:
    house = House()
    yield house
    for client in house.clients:
        client.writer.close()
    for server in house.servers:
        await server.drain(0)
