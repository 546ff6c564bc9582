"""`sys/monitor`: the log as it is written, from a level below the server's own, until the client goes."""

from __future__ import annotations

import asyncio
import io
import logging
from collections.abc import AsyncIterator, Iterator

import aiohttp
import msgspec
import pytest
import structlog

from vaultlike import log
from vaultlike.system import monitor
from vaultlike.testing.server import TestServer


@pytest.fixture(autouse=True)
def written() -> Iterator[io.StringIO]:
    """The log, at `info`."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    log.configure("info", "standard", stream)
    yield stream
    assert log._taps == []
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(headers={"X-Vault-Token": "root"}) as made:
        yield made


@pytest.mark.parametrize(
    ("query", "text"), [("log_level=loud", 'unknown log level "loud"'), ("log_format=xml", 'unknown log format "xml"')]
)
async def test_what_is_refused(server: TestServer, query: str, text: str) -> None:
    answer = await server.get(f"sys/monitor?{query}")
    assert (answer.status, answer.errors) == (400, [text])
    assert (await server.get("sys/monitor", headers={"X-Vault-Wrap-TTL": "60"})).status == 400
    assert (await server.get("sys/monitor", token="")).status == 403


async def line_with(response: aiohttp.ClientResponse, text: str) -> str:
    async with asyncio.timeout(5):
        while True:
            line = (await response.content.readline()).decode()
            assert line, "the stream has ended"
            if text in line:
                return line


async def test_lines_below_the_level_of_the_log(
    server: TestServer, session: aiohttp.ClientSession, written: io.StringIO
) -> None:
    async with session.get(f"{server.url}/v1/sys/monitor?log_level=debug&log_format=json") as response:
        assert response.status == 200 and response.headers["Content-Type"].startswith("text/plain")
        await server.get("sys/none")
        line = msgspec.json.decode(await line_with(response, "refused"))
        assert (line["logger"], line["level"], line["path"]) == ("vaultlike.http", "debug", "/v1/sys/none")
        assert "refused" not in written.getvalue()  # the log itself stays at its level
        await server.post("sys/loggers/http", {"level": "debug"})
        await server.get("sys/none2")
        await line_with(response, "none2")
        assert "none2" in written.getvalue() and "/sys/none " not in written.getvalue()
        await server.delete("sys/loggers")
    core = server.server.core
    assert core is not None
    async with asyncio.timeout(5):
        while log._taps:
            await asyncio.sleep(0.05)
    before = written.getvalue()
    await server.get("sys/none")
    assert written.getvalue() == before


async def test_only_so_many_watch(
    server: TestServer, session: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(monitor, "MAX_CLIENTS", 1)
    async with session.get(f"{server.url}/v1/sys/monitor") as response:
        structlog.get_logger("vaultlike").info("hello")
        await line_with(response, "hello")
        assert (await server.get("sys/monitor")).status == 503
        await server.server.seal()
        assert await asyncio.wait_for(response.content.read(), 5) is not None  # ends


async def test_a_draining_server_does_not_wait_for_watchers(session: aiohttp.ClientSession) -> None:
    async with TestServer() as server:
        response = await session.get(f"{server.url}/v1/sys/monitor")
        structlog.get_logger("vaultlike").info("hello")
        await line_with(response, "hello")
        async with asyncio.timeout(5):
            assert await server._http.drain(10.0) == 0
        await asyncio.wait_for(response.content.read(), 5)
        response.close()
