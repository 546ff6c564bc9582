"""The http device against a real receiver: what is refused, what fails a request, what a slow target costs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import web

from tests.unit.audit.conftest import Log, lines, request
from vaultlike.audit import slot as slots
from vaultlike.audit.broker import AuditBroker
from vaultlike.audit.devices import http as device
from vaultlike.audit.entry import DeviceEntry
from vaultlike.clock import FakeClock
from vaultlike.errors import Internal, Invalid

Enable = Callable[..., Any]


class Receiver:
    """A collector of audit lines; `status` is what it answers, and while `held` is set it answers nothing."""

    def __init__(self) -> None:
        self.status, self.held = 200, False
        self.bodies: list[Any] = []
        self.headers: list[Any] = []
        self.free = asyncio.Event()
        self.address = ""

    async def take(self, incoming: web.BaseRequest) -> web.Response:
        body = await incoming.read()
        if self.held:
            await self.free.wait()
        self.bodies.append(msgspec.json.decode(body))
        self.headers.append(incoming.headers)
        return web.Response(status=self.status, headers={"Location": self.address})


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    made = Receiver()
    runner = web.ServerRunner(web.Server(made.take))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    made.address = f"http://{host}:{port}/in?x=1"
    yield made
    made.free.set()
    await runner.cleanup()


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({}, "uri is required"),
        ({"uri": "ftp://x"}, "https:// or http://"),
        ({"uri": "http://user:pass@127.0.0.1:1/"}, "credentials"),
        ({"uri": "http://127.0.0.1:1/"}, "no connection"),
        ({"uri": "http://127.0.0.1:1/", "headers": "X-A: b"}, "failed to parse headers"),
        ({"uri": "http://127.0.0.1:1/", "headers": '{"Host": "x"}'}, "cannot be set"),
        ({"uri": "http://127.0.0.1:1/", "headers": '{"X-A": "a\\nb"}'}, "cannot be sent"),
        ({"uri": "http://127.0.0.1:1/", "headers": '{"X-A": %s}' % (["1"] * 33)}, "failed to parse"),
        ({"uri": "http://127.0.0.1:1/", "timeout": "60s"}, "between 1s and 5s"),
        ({"uri": "http://127.0.0.1:1/", "timeout": "soon"}, "soon"),
        ({"uri": "http://127.0.0.1:1/", "ca_cert": "none"}, "PEM"),
        ({"uri": "http://127.0.0.1:1/", "ca_cert": "a", "ca_file": "b"}, "at the same time"),
        ({"uri": "https://127.0.0.1:1/", "ca_file": "/no/such"}, "CA file"),
        ({"uri": "http://127.0.0.1:1/", "format": "jsonx"}, "unknown format"),
    ],
)
async def test_options_that_are_refused(broker: AuditBroker, options: dict[str, str], text: str) -> None:
    with pytest.raises(Invalid, match=text):
        await broker.enable("f", "http", options=options)
    await broker.load()
    assert not broker.enabled


@pytest.mark.parametrize("status", [301, 307, 400, 503])
async def test_only_2xx_is_taken(broker: AuditBroker, enable: Enable, receiver: Receiver, status: int) -> None:
    receiver.status = status
    with pytest.raises(Invalid, match=f"answered {status}"):
        await enable(kind="http", uri=receiver.address)
    receiver.status = 204
    await enable(kind="http", uri=receiver.address)
    receiver.status = status
    with pytest.raises(Internal, match="no audit device"):
        await broker.record(request())
    receiver.status = 200
    await broker.record(request())


async def test_lines_arrive_with_their_headers(broker: AuditBroker, enable: Enable, receiver: Receiver) -> None:
    sent = {"Authorization": ["Bearer CANARY"], "x-two": ["a", "b"], "X-One": "c"}
    await enable(kind="http", uri=receiver.address, headers=msgspec.json.encode(sent).decode())
    await broker.record(request())
    test, record = receiver.bodies
    assert test["request"]["path"] == "sys/audit/test"
    assert record["type"] == "request" and "CANARY" not in str(record)
    headers = receiver.headers[1]
    assert headers["Content-Type"] == "application/json"
    assert (headers["Authorization"], headers["X-Two"], headers["X-One"]) == ("Bearer CANARY", "a, b", "c")
    entry = broker.devices()[0]
    assert entry.shown()["options"] == {"uri": receiver.address, "headers": msgspec.json.encode(sent).decode()}
    assert "CANARY" not in repr(entry)


def test_a_content_type_of_ones_own() -> None:
    assert device.headers_of({"headers": '{"content-type": "application/x-ndjson"}'}) == (
        ("Content-Type", "application/x-ndjson"),
    )
    with pytest.raises(Invalid, match="at most"):
        device.headers_of({"headers": msgspec.json.encode({"x": ["1"] * 33}).decode()})


async def test_a_target_that_hangs_stalls_nobody_for_long(
    broker: AuditBroker, enable: Enable, receiver: Receiver, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await enable(kind="http", uri=receiver.address)
    monkeypatch.setattr(slots, "TIMEOUT", 0.05)
    receiver.held = True
    async with asyncio.timeout(2):
        with pytest.raises(Internal):
            await broker.record(request())
        for _ in range(200):  # it rests: nobody waits
            with pytest.raises(Internal):
                await broker.record(request())
    receiver.held = False
    receiver.free.set()
    clock.advance(slots.REST + 1)
    await broker.record(request())


async def test_only_so_many_wait_for_the_target(
    broker: AuditBroker, enable: Enable, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    await enable(kind="http", uri=receiver.address)
    monkeypatch.setattr(device, "MAX_UNDER_WAY", 3)
    receiver.held = True
    waiting = [asyncio.create_task(broker.record(request())) for _ in range(3)]
    slot = broker._slots[0]
    while slot._device is None or slot._device._under_way < 3:  # type: ignore[attr-defined]
        await asyncio.sleep(0)
    with pytest.raises(Internal):
        await broker.record(request())
    receiver.free.set()
    await asyncio.gather(*waiting)


async def test_nobody_waits_for_a_best_effort_target(
    broker: AuditBroker, enable: Enable, receiver: Receiver, tmp_path: Path, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    await enable("must", file_path=str(tmp_path / "audit.log"))
    await enable("maybe", "http", uri=receiver.address, best_effort="true")
    monkeypatch.setattr(slots, "MAX_BEHIND", 4)
    receiver.held = True
    async with asyncio.timeout(1):
        for _ in range(6):
            await broker.record(request())
            await asyncio.sleep(0)
    assert len(lines(tmp_path / "audit.log")) == 6
    assert log.lines[0][1]["problem"] == "OSError: too many records wait for it"
    receiver.free.set()
    await broker.close()  # gives those that are under way a moment
    assert len(receiver.bodies) == 1 + 4


def test_stored_options_are_not_shown_in_texts() -> None:
    entry = DeviceEntry(path="f/", kind="http", enabled_at=1.0, options={"headers": '{"Authorization": "CANARY"}'})
    assert "CANARY" not in f"{entry!r} {entry}"
