"""`sys/loggers`: what is refused, and that a level has its effect on the log."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator

import pytest
import structlog

from vaultlike import log
from vaultlike.testing.server import TestServer


@pytest.fixture(autouse=True)
def written() -> Iterator[io.StringIO]:
    """The log, at `info`."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    log.configure("info", "standard", stream)
    yield stream
    log.override({})
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.mark.parametrize(
    ("path", "body", "text"),
    [
        ("loggers", {}, "level is required"),
        ("loggers", {"level": "loud"}, "invalid level provided: unknown log level: loud"),
        ("loggers/http", {"level": ""}, "level is required"),
        ("loggers/none", {"level": "debug"}, 'logger "none" not found'),
    ],
)
async def test_what_is_refused(server: TestServer, path: str, body: dict[str, str], text: str) -> None:
    answer = await server.post(f"sys/{path}", body)
    assert (answer.status, answer.errors) == (400, [text])
    assert (await server.get("sys/loggers/none")).status == 400
    assert (await server.get("sys/loggers", token="")).status == 403
    assert set((await server.get("sys/loggers")).data.values()) == {"info"}


async def test_a_level_has_its_effect_until_it_is_reset(server: TestServer, written: io.StringIO) -> None:
    await server.get("sys/none")  # refused: `http` says so at debug
    assert "refused" not in written.getvalue()
    assert (await server.post("sys/loggers/http", {"level": "TRACE"})).status == 204
    assert (await server.get("sys/loggers/http")).data == {"http": "trace"}
    assert (await server.get("sys/loggers")).data["core"] == "info"
    await server.get("sys/none")
    assert "vaultlike.http: refused" in written.getvalue()
    assert (await server.delete("sys/loggers/http")).status == 204
    assert (await server.get("sys/loggers/http")).data == {"http": "info"}
    assert (await server.post("sys/loggers", {"level": "warning"})).status == 204
    assert set((await server.get("sys/loggers")).data.values()) == {"warn"}
    assert (await server.delete("sys/loggers")).status == 204
    assert set((await server.get("sys/loggers")).data.values()) == {"info"}


async def test_mounts_have_loggers_of_their_own(server: TestServer) -> None:
    await server.post("sys/auth/p", {"type": "people"})
    assert (await server.post("sys/loggers/auth.people", {"level": "debug"})).status == 204
    assert (await server.get("sys/loggers")).data["auth.people"] == "debug"
