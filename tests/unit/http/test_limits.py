"""What a request may cost, and what is answered when it costs more."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import pytest

from vaultlike.http.message import Incoming, Outgoing

HOST = "Host: x\r\n"
GET = f"GET /v1/get HTTP/1.1\r\n{HOST}\r\n"


@pytest.mark.parametrize("verb", ["POST", "LIST"])
@pytest.mark.parametrize(
    "framing", ["Content-Length: 1001\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n3e9\r\n" + "x" * 1001 + "\r\n"]
)
async def test_a_body_over_the_limit_is_refused_before_it_is_all_here(house: Any, verb: str, framing: str) -> None:
    client = await house.connect(await house.serve(max_request_size=1000))
    reply = await client.ask(f"{verb} / HTTP/1.1\r\n{HOST}{framing}")
    assert (reply.status, reply.json) == (413, {"errors": ["http: request body too large"]})
    assert reply.headers["connection"] == "close"


async def test_a_whole_body_over_the_limit_is_refused(house: Any) -> None:
    client = await house.connect(await house.serve(max_request_size=3))
    assert (await client.ask(f"POST / HTTP/1.1\r\n{HOST}Content-Length: 4\r\n\r\nabcd")).status == 413


async def test_a_body_of_just_the_limit_is_taken(house: Any) -> None:
    client = await house.connect(await house.serve(max_request_size=4))
    assert (await client.ask(f"POST / HTTP/1.1\r\n{HOST}Content-Length: 4\r\n\r\nabcd")).json["body"] == "abcd"


@pytest.mark.parametrize("verb", ["GET", "LIST"])
@pytest.mark.parametrize(
    "head",
    ["{} /" + "a" * 9000 + " HTTP/1.1\r\nHost: x", "{} / HTTP/1.1\r\nHost: x\r\nX-A: " + "a" * 20_000,
     "{} / HTTP/1.1\r\nHost: x" + "\r\nX-A: b" * 200, "{} / HTTP/1.1\r\nHost: x" + ("\r\nX-A: " + "b" * 9000) * 9],
)  # fmt: skip
async def test_a_head_over_a_limit_is_refused(house: Any, verb: str, head: str) -> None:
    client = await house.connect(await house.serve())
    reply = await client.ask(head.format(verb) + "\r\n\r\n")
    assert reply.status in (400, 431)
    assert list(reply.json) == ["errors"]
    assert "aaaa" not in reply.body.decode()
    assert await client.closed()


async def test_an_endless_head_is_refused(house: Any) -> None:
    client = await house.connect(await house.serve())
    assert (await client.ask("GET / HTTP/1.1\r\nX: " + "a" * 70_000)).status == 431
    assert await client.closed()


@pytest.mark.parametrize("beginning", ["G", "LIS", "GET / HTTP/1.1\r\nHost: x\r\n"])
async def test_a_head_that_never_ends_is_cut_off(house: Any, beginning: str) -> None:
    client = await house.connect(await house.serve(http_read_header_timeout=0.05))
    await client.ask(GET)
    await client.send(beginning)
    assert await client.closed()


async def test_a_body_that_never_ends_is_cut_off(house: Any) -> None:
    client = await house.connect(await house.serve(http_read_timeout=0.05))
    reply = await client.ask(f"POST / HTTP/1.1\r\n{HOST}Content-Length: 10\r\n\r\nabc")
    assert (reply.status, reply.json) == (408, {"errors": ["request was not received in time"]})


async def test_an_idle_connection_is_closed(house: Any) -> None:
    client = await house.connect(await house.serve(http_idle_timeout=0.05))
    await client.ask(GET)
    assert await client.closed()


async def test_a_handler_that_takes_too_long_is_ended(house: Any) -> None:
    ended = asyncio.Event()

    async def slow(incoming: Incoming) -> Outgoing:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        return Outgoing(200)

    client = await house.connect(await house.serve(slow, max_request_duration=0.05))
    reply = await client.ask(GET)
    assert (reply.status, reply.json) == (503, {"errors": ["request took too long"]})
    assert ended.is_set()


async def test_a_client_that_does_not_read_is_cut_off(house: Any) -> None:
    async def large(incoming: Incoming) -> Outgoing:
        return Outgoing(200, b"x" * 30_000_000)

    server = await house.serve(large, max_request_duration=0.1)
    client = await house.connect(server)
    client.writer.transport.pause_reading()
    await client.send(GET)
    async with asyncio.timeout(5):
        while not server.connections:
            await asyncio.sleep(0)
        while server.connections:
            await asyncio.sleep(0.01)
    assert not server.connections  # within the five seconds: the answer alone would have waited for ever


async def test_a_connection_too_many_is_told_so(house: Any) -> None:
    server = await house.serve(max_connections=1)
    first = await house.connect(server)
    await first.ask(GET)
    second = await house.connect(server)
    reply = await second.reply()
    assert (reply.status, reply.json) == (503, {"errors": ["too many connections"]})
    assert await second.closed()
    assert (await first.ask(GET)).status == 200


@pytest.mark.parametrize(
    "outgoing",
    [Outgoing(200, b"x" * 101), Outgoing(99), Outgoing(200, headers=(("X-A", "a\r\nX-B: c"),)),
     Outgoing(200, headers=(("X A", "a"),)), Outgoing(200, headers=(("Content-Length", "7"),)),
     Outgoing(200, content_type="a\r\nb: c")],
)  # fmt: skip
async def test_an_answer_that_cannot_be_sent_is_an_internal_error(house: Any, outgoing: Outgoing) -> None:
    async def answer(incoming: Incoming) -> Outgoing:
        return outgoing

    client = await house.connect(await house.serve(answer, max_response_size=100))
    for _ in range(2):
        reply = await client.ask(GET)
        assert (reply.status, reply.json) == (500, {"errors": ["internal error"]})


@pytest.mark.parametrize(
    "error", [RuntimeError("canary"), ConnectionResetError("canary"), TimeoutError("canary"), KeyError("canary")]
)
async def test_an_exception_is_an_internal_error_and_stays_inside(house: Any, error: Exception) -> None:
    async def fails(incoming: Incoming) -> Outgoing:
        raise error

    client = await house.connect(await house.serve(fails))
    for _ in range(2):
        reply = await client.ask(GET)
        assert (reply.status, reply.json) == (500, {"errors": ["internal error"]})


async def test_a_client_that_leaves_is_no_error(house: Any, capsys: Any) -> None:
    server = await house.serve()
    client = await house.connect(server)
    await client.send(f"POST / HTTP/1.1\r\n{HOST}Content-Length: 10\r\n\r\nabc")
    async with asyncio.timeout(5):
        while not server.connections:
            await asyncio.sleep(0)
        client.writer.transport.abort()
        while server.connections:
            await asyncio.sleep(0)
    captured = capsys.readouterr()
    assert "rror" not in captured.out + captured.err


async def test_a_drain_finishes_what_runs_and_closes_what_idles(house: Any) -> None:
    running, go = asyncio.Event(), asyncio.Event()

    async def waits(incoming: Incoming) -> Outgoing:
        if incoming.raw_path == "/wait":
            running.set()
            await go.wait()
        return Outgoing(200, b"{}")

    server = await house.serve(waits)
    idle, busy = await house.connect(server), await house.connect(server)
    await idle.ask(GET)
    await busy.send(f"GET /wait HTTP/1.1\r\n{HOST}\r\n")
    await running.wait()
    address = server.addresses[0]
    drain = asyncio.create_task(server.drain(5))
    assert await idle.closed()
    with contextlib.suppress(ConnectionError):
        host, _, port = address.rpartition(":")
        _, late = await asyncio.open_connection(host, int(port))
        late.close()
        pytest.fail("a draining server accepted a connection")
    go.set()
    reply = await busy.reply()
    assert (reply.status, reply.headers["connection"]) == (200, "close")
    assert await drain == 0


async def test_a_drain_cuts_off_what_does_not_end(house: Any) -> None:
    running = asyncio.Event()

    async def forever(incoming: Incoming) -> Outgoing:
        running.set()
        await asyncio.Event().wait()
        return Outgoing(200)

    server = await house.serve(forever)
    client = await house.connect(server)
    await client.send(GET)
    await running.wait()
    assert await server.drain(0.02) == 1
    assert await client.closed()
