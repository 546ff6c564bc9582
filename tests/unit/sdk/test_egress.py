"""Outbound calls: what is refused, what an unfriendly server cannot do, and what a call looks like."""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
import structlog
from structlog.testing import LogCapture

from tests.unit.sdk.issuer import Issuer, self_signed
from vaultlike.clock import FakeClock
from vaultlike.errors import Invalid, Upstream
from vaultlike.sdk import egress as module
from vaultlike.sdk.egress import Egress, EgressClient, EgressError, Fetched, SingleFlight, public_only, retrying

LIMITS: dict[str, Any] = {"timeout": 5.0, "limit": 100_000}


class Echo(msgspec.Struct):
    query: str


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/x",
        "ftp://127.0.0.1/x",
        "file:///etc/passwd",
        "//127.0.0.1/x",
        "https://user:pass@127.0.0.1/x",
        "https://127.0.0.1@evil.example/x",
        "https://evil.example\\@127.0.0.1/x",
        "https://127.0.0.1/x#part",
        "https://127.0.0.1/x\r\nHost: evil.example",
        "https://127.0.0.1/a b",
        "https://127.0.0.1/\u00e9",
        "https:///x",
        "https://127.0.0.1:99999/x",
        "https://127.0.0.1:/x y",
        "https://[fe80::1%25lo]/x",
        "https://127.1/x",
        "https://2130706433/x",
        "https://0x7f.1/x",
        "https://127.0.0.1./x",
        "https://127.0.0.1/a/../b",
        "https://127.0.0.1/a/%2E%2e/b",
        "https://127.0.0.1/a/..",
        "https://127.0.0.1/" + "a" * 20_000,
    ],
)
async def test_refuses_urls_that_could_go_elsewhere(client: EgressClient, url: str) -> None:
    with pytest.raises(module.UrlRefused) as caught:
        await client.request("GET", url, **LIMITS)
    assert "pass@" not in caught.value.reason


async def test_refuses_headers_methods_and_two_bodies(client: EgressClient, issuer: Issuer) -> None:
    for headers in ({"X-A": "b\r\nX-C: d"}, {"X A": "b"}, {"": "b"}):
        with pytest.raises(module.UrlRefused):
            await client.request("GET", issuer.url + "/echo", headers=headers, **LIMITS)
    with pytest.raises(module.UrlRefused):
        await client.request("GE T", issuer.url + "/echo", **LIMITS)
    with pytest.raises(module.UrlRefused):
        await client.request("POST", issuer.url + "/echo", form={"a": "b"}, json={}, **LIMITS)
    assert issuer.seen is None


async def test_wrong_ca_wrong_name_and_system_roots_are_refused(
    egress: Egress, issuer: Issuer, certificate: tuple[str, ssl.SSLContext], tmp_path: Path
) -> None:
    other, server = self_signed(tmp_path, "other.example")
    for client in (egress.client(), egress.client(ca_pem=other)):
        with pytest.raises(module.TlsFailed, match="certificate refused"):
            await client.request("GET", issuer.url + "/echo", **LIMITS)
    misnamed = Issuer()
    await misnamed.start(server)
    with pytest.raises(module.TlsFailed):
        await egress.client(ca_pem=other).request("GET", misnamed.url + "/echo", **LIMITS)
    await misnamed.stop()
    # a connection opened under one CA is not reused under another
    assert (await egress.client(ca_pem=certificate[0]).request("GET", issuer.url + "/echo", **LIMITS)).status == 200
    with pytest.raises(module.TlsFailed):
        await egress.client(ca_pem=other).request("GET", issuer.url + "/echo", **LIMITS)


async def test_ca_problems_are_reported(egress: Egress, issuer: Issuer, tmp_path: Path) -> None:
    with pytest.raises(Invalid):
        egress.client(ca_pem="-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----")
    with pytest.raises(Invalid):
        egress.client(ca_pem="no certificate")
    with pytest.raises(module.TlsFailed, match="FileNotFoundError"):
        await egress.client(ca_file=str(tmp_path / "none")).request("GET", issuer.url + "/echo", **LIMITS)


async def test_ca_file_is_read_and_read_again(
    egress: Egress, clock: FakeClock, issuer: Issuer, certificate: tuple[str, ssl.SSLContext], tmp_path: Path
) -> None:
    path = tmp_path / "ca.pem"
    path.write_text(self_signed(tmp_path, "other.example")[0])
    client = egress.client(ca_file=str(path))
    with pytest.raises(module.TlsFailed):
        await client.request("GET", issuer.url + "/echo", **LIMITS)
    path.write_text(certificate[0] + "\n")
    clock.advance(31)
    assert (await client.request("GET", issuer.url + "/echo", **LIMITS)).status == 200


async def test_no_answer_too_large_or_too_late(client: EgressClient, issuer: Issuer, logged: LogCapture) -> None:
    with pytest.raises(module.TooBig):
        await client.request("GET", issuer.url + "/endless", timeout=5, limit=100_000)
    issuer.mode = "huge"
    with pytest.raises(module.TooBig, match="2000000"):
        await client.request("GET", issuer.url + "/jwks", timeout=5, limit=100_000)
    with pytest.raises(module.TimedOut, match=r"0\.05 s") as caught:
        await client.request("GET", issuer.url + "/hang?code=canary", timeout=0.05, limit=1)
    assert isinstance(caught.value, Upstream)
    issuer.mode = "coded"
    with pytest.raises(module.BadAnswer, match="content coding"):
        await client.request("GET", issuer.url + "/jwks", **LIMITS)
    assert len(logged.entries) == 4
    assert "canary" not in str(logged.entries)


async def test_connection_and_name_failures(client: EgressClient, unused_tcp_port: int) -> None:
    with pytest.raises(module.ConnectionFailed, match=f"127.0.0.1:{unused_tcp_port}"):
        await client.request("GET", f"https://127.0.0.1:{unused_tcp_port}/x?secret=canary", **LIMITS)
    with pytest.raises(module.NameNotFound) as caught:
        await client.request("GET", "https://does-not-exist.invalid/x?secret=canary", **LIMITS)
    assert "canary" not in caught.value.reason


async def test_redirects_come_back_as_they_are(client: EgressClient, issuer: Issuer) -> None:
    issuer.mode = "redirect"
    fetched = await client.request("GET", issuer.url + "/jwks", **LIMITS)
    assert (fetched.status, fetched.headers["Location"]) == (302, "/elsewhere")
    with pytest.raises(module.BadStatus, match="302"):
        fetched.expect(200)


async def test_no_proxy_from_the_environment(
    client: EgressClient, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert (await client.request("GET", issuer.url + "/echo", **LIMITS)).status == 200


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "[::1]"])
async def test_address_policy_sees_the_socket_address(
    clock: FakeClock, certificate: tuple[str, ssl.SSLContext], issuer: Issuer, host: str
) -> None:
    egress = Egress(clock=clock, log=structlog.get_logger(), user_agent="t", allow_address=public_only)
    port = issuer.url.rpartition(":")[2]
    with pytest.raises(module.AddressRefused):
        await egress.client(ca_pem=certificate[0]).request("GET", f"https://{host}:{port}/echo", **LIMITS)
    assert issuer.seen is None
    await egress.close()


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1", True),
        ("10.0.0.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("fd00::1", False),
        ("fe80::1", False),
        ("::ffff:10.0.0.1", False),
        ("64:ff9b::7f00:1", False),
        ("2002:7f00:1::", False),
    ],
)
def test_public_only(address: str, public: bool) -> None:
    assert public_only(ipaddress.ip_address(address)) is public


async def test_a_call_and_its_bodies(client: EgressClient, issuer: Issuer, logged: LogCapture) -> None:
    fetched = await client.request(
        "GET", issuer.url + "/echo?a=1", params={"$filter": "appId eq 'x&y'"}, headers={"X-T": "canary"}, **LIMITS
    )
    assert fetched.json(Echo).query == "a=1&%24filter=appId%20eq%20%27x%26y%27"
    assert issuer.seen is not None
    assert issuer.seen.headers["User-Agent"] == "vaultlike-test/1"
    assert issuer.seen.headers["Accept-Encoding"] == "identity"
    await client.request("POST", issuer.url + "/echo", form={"client_secret": "canary&"}, **LIMITS)
    assert issuer.body == b"client_secret=canary%26"
    await client.request("POST", issuer.url + "/echo", json={"a": [1]}, **LIMITS)
    assert (issuer.body, issuer.seen.headers["Content-Type"]) == (b'{"a":[1]}', "application/json")
    assert len(logged.entries) == 3
    assert "canary" not in str(logged.entries)
    assert "a=1" not in str(logged.entries) + repr(fetched)


@pytest.mark.parametrize("body", [b"<html>", b"", b"{", b"[]", b'{"query":1}', b"\xff", b"[" * 100_000])
def test_json_of_garbage_is_the_upstreams_fault(body: bytes) -> None:
    with pytest.raises(module.BadAnswer) as caught:
        Fetched(200, {}, body, "GET https://x/y").json(Echo)
    assert caught.value.status == 502


async def test_after_close_nothing_leaves(egress: Egress, client: EgressClient, issuer: Issuer) -> None:
    await client.request("GET", issuer.url + "/echo", **LIMITS)
    await egress.close()
    with pytest.raises(module.ConnectionFailed, match="shutting down"):
        await client.request("GET", issuer.url + "/echo", **LIMITS)


def _script(*outcomes: object) -> tuple[Callable[[], Any], list[int]]:
    made: list[int] = []

    async def call() -> Fetched:
        outcome = outcomes[len(made)]
        made.append(1)
        if isinstance(outcome, EgressError):
            raise outcome
        status, headers = outcome if isinstance(outcome, tuple) else (outcome, {})
        return Fetched(status, headers, b"", "GET https://x/")

    return call, made


@pytest.mark.parametrize(
    ("outcomes", "waited", "status", "calls"),
    [
        ((400,), 0, 400, 1),
        ((403, 200), 0, 403, 1),
        ((503, 500, 200), 4 + 12, 200, 3),
        ((429, 429, 429, 429, 200), 4 + 12 + 20, 429, 4),
        (((429, {"Retry-After": "7"}), 200), 7, 200, 2),
        (((429, {"Retry-After": "21"}), 200), 0, 429, 1),
        (((503, {"Retry-After": "Thu, 01 Jan 2026 00:00:09 GMT"}), 200), 9, 200, 2),
        (((503, {"Retry-After": "junk"}), 200), 4, 200, 2),
        ((module.ConnectionFailed("x", "y"), 200), 4, 200, 2),
        ((module.TimedOut("x", "y"), 200), 4, 200, 2),
    ],
)
async def test_retrying(clock: FakeClock, outcomes: tuple[object, ...], waited: float, status: int, calls: int) -> None:
    start = clock.now()
    call, made = _script(*outcomes)
    fetched = await retrying(call, attempts=4, base_delay=4, max_delay=20, clock=clock, jitter=lambda: 1.0)
    assert (fetched.status, len(made), clock.now() - start) == (status, calls, waited)


async def test_retrying_gives_up(clock: FakeClock) -> None:
    call, made = _script(module.TlsFailed("x", "y"), 200)
    with pytest.raises(module.TlsFailed):
        await retrying(call, attempts=4, base_delay=1, max_delay=9, clock=clock, jitter=lambda: 1.0)
    call, made = _script(module.TimedOut("x", "y"), module.TimedOut("x", "z"), 200)
    with pytest.raises(module.TimedOut, match="z"):
        await retrying(call, attempts=2, base_delay=1, max_delay=9, clock=clock, jitter=lambda: 1.0)
    call, made = _script(503, 503, 200)
    deadline = clock.monotonic() + 3
    late = await retrying(
        call, attempts=9, base_delay=1, max_delay=9, clock=clock, jitter=lambda: 1.0, deadline=deadline
    )
    assert (late.status, len(made)) == (503, 2)
    assert clock.monotonic() < deadline


async def test_single_flight_shares_result_and_failure_and_survives_a_cancelled_waiter() -> None:
    flight: SingleFlight[int] = SingleFlight()
    gate, started = asyncio.Event(), 0

    async def work() -> int:
        nonlocal started
        started += 1
        await gate.wait()
        if started == 2:
            raise Upstream(reason="no")
        return 7

    waiters = [asyncio.create_task(flight.run("k", work)) for _ in range(3)]
    await asyncio.sleep(0)
    waiters[0].cancel()
    await asyncio.gather(waiters[0], return_exceptions=True)
    gate.set()
    assert await asyncio.gather(*waiters[1:]) == [7, 7]
    assert (started, len(flight)) == (1, 0)
    failed = await asyncio.gather(*(flight.run("k", work) for _ in range(3)), return_exceptions=True)
    assert all(isinstance(outcome, Upstream) for outcome in failed)
    assert started == 2


async def test_a_server_that_asks_who_we_are_and_has_another_name(egress: Egress, tmp_path: Path) -> None:
    certificate, context = self_signed(tmp_path, "keys.example")
    ours, _ = self_signed(tmp_path, "us.example")
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(cadata=ours)
    mine = str(tmp_path / "us.example.pem")
    issuer = Issuer()
    await issuer.start(context)
    try:
        for options in (
            {"server_name": "keys.example"},
            {"certificate_file": mine, "key_file": mine},
            {"certificate_file": mine, "key_file": mine, "server_name": "other.example"},
            {"certificate_file": mine + ".gone", "key_file": mine, "server_name": "keys.example"},
        ):
            with pytest.raises((module.TlsFailed, module.ConnectionFailed)):
                await egress.client(ca_pem=certificate, **options).request("GET", issuer.url + "/echo", **LIMITS)
        client = egress.client(ca_pem=certificate, certificate_file=mine, key_file=mine, server_name="keys.example")
        assert (await client.request("GET", issuer.url + "/echo", **LIMITS)).status == 200
    finally:
        await issuer.stop()
