"""The traps for clocks and sockets: what falls in, and who may pass."""

from __future__ import annotations

import asyncio
import datetime
import socket
import sys
import time
from collections.abc import Iterator
from types import ModuleType

import aiohttp
import pytest

from vaultlike.testing.outside import Outside, Reached

SOURCE = """
import asyncio, datetime, socket, time
from datetime import date, datetime as When
from time import monotonic, time as seconds
import aiohttp

def late():
    from time import time
    return time()

def connect():
    return socket.create_connection(("127.0.0.1", 9))

async def ask():
    async with aiohttp.ClientSession() as session:
        await session.get("http://127.0.0.1:9/")

async def stream():
    await asyncio.open_connection("127.0.0.1", 9)

def asked(server):
    return server()

def kept(moment):
    return isinstance(moment, When), When.fromtimestamp(0, datetime.UTC).year
"""
CLOCKS = [
    "time.time()",
    "time.monotonic()",
    "seconds()",
    "monotonic()",
    "late()",
    "When.now()",
    "When.now(datetime.UTC)",
    "When.utcnow()",
    "When.today()",
    "date.today()",
    "datetime.datetime.now()",
]


@pytest.fixture
def naughty() -> Iterator[ModuleType]:
    module = ModuleType("naughty.inner")
    sys.modules[module.__name__] = module
    exec(SOURCE, vars(module))
    yield module
    del sys.modules[module.__name__]


@pytest.mark.parametrize("words", CLOCKS)
def test_clocks_are_caught(naughty: ModuleType, words: str) -> None:
    with Outside("naughty") as outside, pytest.raises(Reached):
        eval(words, vars(naughty))
    assert len(outside.reached) == 1
    assert "naughty.inner" in outside.reached[0]
    eval(words, vars(naughty))  # all is as it was


@pytest.mark.parametrize("words", ["connect()", "ask()", "stream()"])
async def test_sockets_are_caught(naughty: ModuleType, words: str) -> None:
    with Outside("naughty") as outside, pytest.raises(Reached):
        made = eval(words, vars(naughty))
        await made
    assert len(outside.reached) == 1


async def test_others_may_pass(naughty: ModuleType) -> None:
    server = ModuleType("vaultlike.somewhere")
    exec("import socket\ndef serve():\n    socket.socket().close()", vars(server))
    with Outside("naughty") as outside:
        assert time.time() > 0
        assert datetime.datetime.now(datetime.UTC).year > 2000
        socket.socket().close()
        await aiohttp.ClientSession().close()
        await asyncio.sleep(0)
        naughty.asked(server.serve)  # the server's own code opens it
        assert naughty.kept(datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)) == (True, 1970)
    assert outside.reached == []


def test_only_the_package_itself_is_meant(naughty: ModuleType) -> None:
    with Outside("naught") as outside:
        assert eval("time.time()", vars(naughty)) > 0
    assert outside.reached == []
