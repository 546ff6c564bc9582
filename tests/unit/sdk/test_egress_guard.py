"""The guard against requests to private addresses: nothing is sent, however the address is written or comes about."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
import structlog
from structlog.testing import LogCapture

from tests.unit.sdk.issuer import Issuer
from vaultlike.clock import FakeClock
from vaultlike.sdk import Context
from vaultlike.sdk import egress as module
from vaultlike.sdk.egress import Egress, public_only

LIMITS: dict[str, Any] = {"timeout": 5.0, "limit": 100_000, "allow_http": True}
PRIVATE = "connection refused: private address"


class Listener:
    """A server that counts connections and answers every request, in IPv4 and IPv6."""

    def __init__(self) -> None:
        self.connections = 0
        self.received = b""
        self.port = 0
        self._servers: list[asyncio.Server] = []

    async def start(self) -> None:
        first = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = first.sockets[0].getsockname()[1]
        self._servers = [first, await asyncio.start_server(self._serve, "::1", self.port)]

    async def stop(self) -> None:
        for server in self._servers:
            server.close()
            await server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.received += await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
        await writer.drain()
        writer.close()


@pytest.fixture
async def listener() -> AsyncIterator[Listener]:
    made = Listener()
    await made.start()
    yield made
    await made.stop()


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "LOCALHOST",
        "127.9.9.9",
        "0.0.0.0",
        "[::1]",
        "[0:0:0:0:0:0:0:1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "[64:ff9b::127.0.0.1]",
        "[2002:7f00:1::]",
        "[2001:0:7f00:1::]",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.0.1",
        "100.64.0.1",
        "169.254.169.254",
        "224.0.0.1",
        "[fe80::1]",
        "[fd00::1]",
    ],
)
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_no_connection_to_a_private_address(egress: Egress, listener: Listener, scheme: str, host: str) -> None:
    client = egress.guarded().client()
    with pytest.raises(module.AddressRefused) as caught:
        await client.request("GET", f"{scheme}://{host}:{listener.port}/latest?secret=canary", **LIMITS)
    assert caught.value.reason.endswith(PRIVATE)
    assert "canary" not in caught.value.reason
    assert not caught.value.transient
    assert (listener.connections, listener.received) == (0, b"")


@pytest.mark.parametrize(
    "host",
    ["2130706433", "0x7f000001", "0x7f.1", "017700000001", "0177.0.0.1", "127.1", "127.0.1", "127.0.0.1.", "0", "0x0"],
)
async def test_other_spellings_of_an_address_are_not_even_looked_up(
    egress: Egress, listener: Listener, host: str
) -> None:
    for way_out in (egress, egress.guarded()):
        with pytest.raises(module.UrlRefused, match="host name or port that is not valid"):
            await way_out.client().request("GET", f"http://{host}:{listener.port}/", **LIMITS)
    assert listener.connections == 0


async def test_without_the_guard_all_of_it_is_reached(egress: Egress, listener: Listener) -> None:
    for host in ("127.0.0.1", "localhost", "[::1]"):
        fetched = await egress.client().request("GET", f"http://{host}:{listener.port}/x", **LIMITS)
        assert fetched.body == b"ok"
    assert listener.connections == 3
    assert listener.received.startswith(b"GET /x ")


async def test_with_tls_too_and_never_over_a_connection_of_somebody_else(
    egress: Egress, issuer: Issuer, certificate: tuple[str, ssl.SSLContext]
) -> None:
    pem = certificate[0]
    assert (await egress.client(ca_pem=pem).request("GET", issuer.url + "/echo", **LIMITS)).status == 200
    issuer.seen = None  # that connection is kept open, for calls without the guard alone
    with pytest.raises(module.AddressRefused):
        await egress.guarded().client(ca_pem=pem).request("GET", issuer.url + "/echo", **LIMITS)
    assert issuer.seen is None
    assert (await egress.client(ca_pem=pem).request("GET", issuer.url + "/echo", **LIMITS)).status == 200


async def test_a_name_that_changes_its_address_is_judged_by_what_is_connected(
    egress: Egress, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A resolver in an attacker's hands: public when one looks first, private when it counts."""
    answers = ["93.184.216.34", "127.0.0.1"]

    async def resolve(
        self: object, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[dict[str, Any]]:
        address = answers.pop(0) if len(answers) > 1 else answers[0]
        facts = {"hostname": host, "host": address, "port": port, "family": socket.AF_INET}
        return [{**facts, "proto": 0, "flags": socket.AI_NUMERICHOST}]

    monkeypatch.setattr(aiohttp.resolver.DefaultResolver, "resolve", resolve)
    looked_up = await aiohttp.resolver.DefaultResolver().resolve("rebind.example", listener.port)
    assert public_only(ipaddress.ip_address(looked_up[0]["host"]))
    with pytest.raises(module.AddressRefused, match=PRIVATE):
        await egress.guarded().client().request("GET", f"http://rebind.example:{listener.port}/", **LIMITS)
    assert listener.connections == 0
    assert (await egress.client().request("GET", f"http://rebind.example:{listener.port}/", **LIMITS)).status == 200


async def test_the_operator_sees_it(egress: Egress, listener: Listener, logged: LogCapture) -> None:
    with pytest.raises(module.AddressRefused):
        await egress.guarded().client().request("GET", f"http://localhost:{listener.port}/x?a=canary", **LIMITS)
    reason = f"GET http://localhost:{listener.port}/x: {PRIVATE}"
    assert [(entry["log_level"], entry["reason"]) for entry in logged.entries] == [("warning", reason)]


async def test_one_guarded_way_out_that_ends_with_the_other(egress: Egress, listener: Listener) -> None:
    guarded = egress.guarded()
    assert guarded is egress.guarded() is guarded.guarded()
    assert guarded is not egress
    await egress.close()
    for way_out in (egress, guarded, egress.guarded()):
        with pytest.raises(module.ConnectionFailed, match="shutting down"):
            await way_out.client().request("GET", f"http://127.0.0.1:{listener.port}/", **LIMITS)


async def test_behind_a_proxy_nothing_passes_the_guard(clock: FakeClock, listener: Listener) -> None:
    proxy = f"http://127.0.0.1:{listener.port}"
    egress = Egress(clock=clock, log=structlog.get_logger(), user_agent="t", proxy=proxy)
    with pytest.raises(module.AddressRefused, match="behind a proxy"):
        await egress.guarded().client().request("GET", "http://public.example/", **LIMITS)
    assert listener.connections == 0
    assert (await egress.client().request("GET", "http://public.example/", **LIMITS)).body == b"ok"
    await egress.close()


async def test_a_mount_under_the_guard(egress: Egress, listener: Listener) -> None:
    facts: dict[str, Any] = dict.fromkeys(("storage", "clock", "log", "system", "random", "options"))
    context = Context(mount="auth/x/", accessor="x", uuid="x", namespace="", egress=egress, **facts)
    guarded = context.guarded()
    assert (guarded.mount, guarded.egress) == ("auth/x/", egress.guarded())
    url = f"http://127.0.0.1:{listener.port}/"
    with pytest.raises(module.AddressRefused):
        await guarded.egress.client().request("GET", url, **LIMITS)
    assert (await context.egress.client().request("GET", url, **LIMITS)).status == 200


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True),
        ("2a00:1450:4001::1", True),
        ("64:ff9b::5db8:d822", True),
        ("2002:5db8:d822::1", True),
        ("::ffff:93.184.216.34", True),
        ("192.0.0.192", False),
        ("192.88.99.1", False),
        ("198.18.0.1", False),
        ("240.0.0.1", False),
        ("255.255.255.255", False),
        ("168.63.129.16", False),
        ("100.100.100.200", False),
        ("::7f00:1", False),
        ("::ffff:0:7f00:1", False),
        ("64:ff9b:1::7f00:1", False),
        ("64:ff9b::a00:1", False),
        ("2002:a9fe:a9fe::", False),
        ("2001:0:5db8:d822::1", False),
        ("fec0::1", False),
        ("ff0e::1", False),
        ("2001:db8::1", False),
        ("100::1", False),
    ],
)
def test_what_is_public(address: str, public: bool) -> None:
    assert public_only(ipaddress.ip_address(address)) is public
