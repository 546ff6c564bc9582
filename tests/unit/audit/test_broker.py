"""What is refused, what a failing or hanging device means, and that all processes have the same table."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.unit.audit.conftest import Log, lines, request, response
from vaultlike.audit import slot as slots
from vaultlike.audit.broker import AuditBroker
from vaultlike.clock import FakeClock
from vaultlike.errors import Internal, Invalid

Enable = Callable[..., Any]


@pytest.mark.parametrize(
    ("kind", "options", "text"),
    [
        ("", {}, 'unknown backend type: ""'),
        ("carrier-pigeon", {}, "unknown backend type"),
        ("file", {}, "file_path is required"),
        ("file", {"file_path": "discard", "format": "xml"}, 'unknown format type "xml"'),
        ("file", {"file_path": "discard", "log_raw": "maybe"}, 'parsing "maybe": invalid syntax'),
        ("file", {"file_path": "discard", "mode": "rw"}, "invalid syntax"),
        ("file", {"file_path": "discard", "mode": "0755"}, "executable"),
        ("file", {"file_path": "discard", "prefix": "#!/bin/sh"}, "prefix"),
        ("file", {"file_path": "relative.log"}, "sanity check failed"),
        ("file", {"file_path": "/proc/no/such.log"}, "sanity check failed"),
        ("file", {"file_path": "/dev/full"}, "sanity check failed"),
        ("syslog", {"facility": "NOPE"}, "invalid syslog facility"),
        ("socket", {}, "address is required"),
        ("socket", {"address": "nowhere"}, "host:port"),
        ("socket", {"address": "127.0.0.1:1", "socket_type": "pigeon"}, "socket_type"),
        ("socket", {"address": "/no/such", "socket_type": "unix"}, "sanity check failed"),
    ],
)
async def test_devices_that_are_refused(broker: AuditBroker, kind: str, options: dict[str, str], text: str) -> None:
    with pytest.raises(Invalid, match=text):
        await broker.enable("f", kind, options=options)
    await broker.load()
    assert broker.devices() == [] and not broker.enabled


async def test_paths_in_use(broker: AuditBroker, enable: Enable) -> None:
    await enable("one", file_path="discard")
    await enable("one-two", file_path="discard")
    for path in ("one", "one/", "one/inside", ""):
        with pytest.raises(Invalid):
            await broker.enable(path, "file", options={"file_path": "discard"})
    assert [entry.path for entry in broker.devices()] == ["one-two/", "one/"]


async def test_two_processes_cannot_enable_the_same_path(node: Callable[[], AuditBroker]) -> None:
    brokers = [node(), node()]
    options = {"file_path": "discard"}
    results = await asyncio.gather(*(b.enable("f", "file", options=options) for b in brokers), return_exceptions=True)
    assert sorted(type(result).__name__ for result in results) == ["Invalid", "NoneType"]


async def test_nothing_is_recorded_without_a_device(broker: AuditBroker) -> None:
    await broker.load()
    assert not broker.enabled
    await broker.record(request())


async def test_a_request_fails_when_no_required_device_takes_it(
    broker: AuditBroker, enable: Enable, file: Path, log: Log
) -> None:
    await enable("bad", file_path=str(file))
    _break(file, broker)
    for _ in range(3):
        with pytest.raises(Internal, match="no audit device"):
            await broker.record(request())
    assert [event for event, _ in log.lines] == ["audit device fails"]  # once, not for every request


async def test_one_required_device_is_enough(broker: AuditBroker, enable: Enable, file: Path, tmp_path: Path) -> None:
    await enable("bad", file_path=str(file))
    await enable("good", file_path=str(tmp_path / "good.log"))
    _break(file, broker)
    await broker.record(request())
    assert len(lines(tmp_path / "good.log")) == 1


async def test_best_effort_counts_neither_way(broker: AuditBroker, enable: Enable, file: Path, tmp_path: Path) -> None:
    await enable("maybe", file_path=str(file), best_effort="true")
    _break(file, broker)
    await broker.record(request())  # alone it never fails a request
    must = tmp_path / "must" / "audit.log"
    await enable("must", file_path=str(must))
    await enable("also", file_path="discard", best_effort="true")
    _break(must, broker, "must/")
    with pytest.raises(Internal):
        await broker.record(request())  # and it does not stand in for a required one


def _break(file: Path, broker: AuditBroker, path: str = "") -> None:
    """What reopening finds afterwards: a directory without a file, at a place where none can be made."""
    for slot in broker._slots:
        if slot.entry.path == (path or slot.entry.path) and slot.entry.options.get("file_path") == str(file):
            slot.close()
    file.unlink()
    file.mkdir()


async def test_a_device_works_again_when_its_target_does(
    broker: AuditBroker, enable: Enable, file: Path, clock: FakeClock, log: Log
) -> None:
    await enable(file_path=str(file))
    _break(file, broker)
    with pytest.raises(Internal):
        await broker.record(request())
    file.rmdir()
    with pytest.raises(Internal):
        await broker.record(request())  # it rests
    clock.advance(slots.REST + 1)
    await broker.record(request())
    assert len(lines(file)) == 1
    assert [event for event, _ in log.lines] == ["audit device fails", "audit device works again"]


async def test_a_device_that_hangs_does_not_hang_requests(
    broker: AuditBroker, enable: Enable, tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slots, "TIMEOUT", 0.05)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        await enable(file_path=str(pipe))
        big = request(data={"x": ["y" * 10] * 2000})  # more than a pipe holds: nobody reads, the writer waits
        began = time.monotonic()
        with pytest.raises(Internal):
            await broker.record(big)
        for _ in range(50):
            with pytest.raises(Internal):
                await broker.record(request())  # not tried: these do not wait
        assert time.monotonic() - began < 2
        clock.advance(slots.REST + 1)
        waiting = broker._slots[0]._device._waiting._queue  # type: ignore[union-attr]
        before = waiting.qsize()
        results = await asyncio.gather(*(broker.record(request()) for _ in range(5)), return_exceptions=True)
        assert all(isinstance(result, Internal) for result in results)
        assert waiting.qsize() == before + 1  # one finds out for all
        while _drain(reader):
            await asyncio.sleep(0.01)
        clock.advance(60)
        await broker.record(request())
    finally:
        os.close(reader)


def _drain(fd: int) -> bool:
    try:
        return len(os.read(fd, 1 << 20)) > 0
    except BlockingIOError:
        return False


async def test_all_processes_have_the_same_devices_and_hashes(
    node: Callable[[], AuditBroker], file: Path, clock: FakeClock
) -> None:
    one, two = node(), node()
    await one.enable("f", "file", description="a log", options={"path": str(file)})
    await one.load()
    await two.load()
    assert two.enabled and two.devices() == one.devices()
    assert two.devices()[0].shown() == {
        "path": "f/", "type": "file", "description": "a log", "options": {"path": str(file)}, "local": False,
    }  # fmt: skip
    assert one.hash("f", "x") == two.hash("f/", "x") != one.hash("f", "y")
    await one.record(request())
    await two.record(response())
    assert [record["type"] for record in lines(file)] == ["request", "response"]
    assert lines(file)[0]["request"]["data"]["password"] == one.hash("f", "CANARY")
    before = one.hash("f", "x")
    assert await one.disable("f")
    assert not await one.disable("never")
    clock.advance(1)
    await one.load()
    assert not one.enabled
    with pytest.raises(Invalid, match='unknown audit backend "f/"'):
        one.hash("f", "x")
    await one.enable("f", "file", options={"path": str(file)})
    await one.load()
    assert one.hash("f", "x") != before  # a new device, a new key


async def test_rotated_files_are_opened_anew(broker: AuditBroker, enable: Enable, file: Path) -> None:
    await enable(file_path=str(file))
    await broker.record(request())
    rotated = file.with_suffix(".1")
    file.rename(rotated)
    await broker.record(request())
    assert len(lines(rotated)) == 2
    broker.reopen()
    await broker.record(request())
    assert len(lines(rotated)) == 2 and len(lines(file)) == 1


async def test_a_file_that_cannot_be_opened_anew_takes_nothing(
    broker: AuditBroker, enable: Enable, file: Path, clock: FakeClock
) -> None:
    await enable(file_path=str(file))
    await broker.record(request())
    file.unlink()
    file.mkdir()
    broker.reopen()
    with pytest.raises(Internal):
        await broker.record(request())
    file.rmdir()
    broker.reopen()
    await broker.record(request())
    assert len(lines(file)) == 1


async def test_request_headers(broker: AuditBroker, enable: Enable, file: Path) -> None:
    for name in ("", "a b", "x" * 257, "ü"):
        with pytest.raises(Invalid):
            await broker.record_header(name, True)
    await broker.record_header("X-Trace", False)
    await broker.record_header("User-Agent", True)
    await enable(file_path=str(file))
    assert broker.headers() == {"x-trace": False, "user-agent": True}
    await broker.record(request())
    assert lines(file)[0]["request"]["headers"] == {
        "x-trace": ["trace-7"], "user-agent": [broker.hash("f", "CANARYagent")],
    }  # fmt: skip
    await broker.forget_header("x-TRACE")
    await broker.forget_header("never")
    await broker.load()
    assert broker.headers() == {"user-agent": True}
