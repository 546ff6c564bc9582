"""LIST and its like beside ordinary verbs on one connection, however the packets are cut."""

from __future__ import annotations

from typing import Any

import pytest

HOST = "Host: x\r\n"
GET = f"GET /v1/get HTTP/1.1\r\n{HOST}\r\n"
LIST = f"LIST /v1/list HTTP/1.1\r\n{HOST}\r\n"
SCAN = f"SCAN /v1/scan HTTP/1.1\r\n{HOST}\r\n"
POST = f"POST /v1/post HTTP/1.1\r\n{HOST}Content-Length: 12\r\n\r\nLIST / x\r\n\r\n"
LIST_BODY = f"LIST /v1/list HTTP/1.1\r\n{HOST}Content-Length: 12\r\n\r\nGET / xx\r\n\r\n"
CHUNKED = f"PUT /v1/put HTTP/1.1\r\n{HOST}Transfer-Encoding: chunked\r\n\r\n5\r\nLIST \r\n3\r\nabc\r\n0\r\n\r\n"
LIST_CHUNKED = f"LIST /v1/list HTTP/1.1\r\n{HOST}Transfer-Encoding: chunked\r\n\r\n3\r\nGET\r\n0\r\nX: y\r\n\r\n"
MIXED = [GET, LIST, GET, POST, LIST_BODY, CHUNKED, LIST, LIST_CHUNKED, GET, SCAN, POST, GET]
BODIES = {POST: "LIST / x\r\n\r\n", LIST_BODY: "GET / xx\r\n\r\n", CHUNKED: "LIST abc", LIST_CHUNKED: "GET"}


@pytest.mark.parametrize("word", ["", "GE T", "G\x00T", "LIST\t", "é", "[]", "A" * 40, "\x16\x03\x01"])
async def test_what_is_no_verb_is_refused(house: Any, word: str) -> None:
    client = await house.connect(await house.serve())
    reply = await client.ask(f"{word} /v1/x HTTP/1.1\r\n{HOST}\r\n")
    assert reply.status in (400, 200)
    if reply.status == 200:  # forty letters are a token, if a strange one: the dispatcher's business
        assert reply.json["method"] == word
    else:
        assert reply.json == {"errors": ["malformed HTTP request"]}
        assert reply.headers["content-type"] == "application/json"
        assert await client.closed()


async def test_a_bad_request_behind_a_good_one_leaves_the_good_answer(house: Any) -> None:
    client = await house.connect(await house.serve())
    await client.send(LIST + "nonsense\r\n\r\n" + GET)
    assert (await client.reply()).json["method"] == "LIST"
    assert (await client.reply()).status == 400
    assert await client.closed()


async def test_a_body_cannot_smuggle_a_request(house: Any) -> None:
    client = await house.connect(await house.serve())
    reply = await client.ask(
        f"LIST / HTTP/1.1\r\n{HOST}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + GET
    )
    assert reply.status == 400
    assert await client.closed()


@pytest.mark.parametrize(
    "lengths", ["Content-Length: 1\r\nContent-Length: 2\r\n", "Content-Length: +3\r\n", "Content-Length: -1\r\n"]
)
@pytest.mark.parametrize("verb", ["POST", "LIST"])
async def test_doubtful_lengths_are_refused(house: Any, verb: str, lengths: str) -> None:
    client = await house.connect(await house.serve())
    assert (await client.ask(f"{verb} / HTTP/1.1\r\n{HOST}{lengths}\r\nabc")).status == 400
    assert await client.closed()


@pytest.mark.parametrize("body", ["2\n{}\n0\n\n", "zz\r\n", "2\r\n{}XX0\r\n\r\n"])
async def test_a_broken_body_is_no_error_of_ours(house: Any, caplog: pytest.LogCaptureFixture, body: str) -> None:
    client = await house.connect(await house.serve())
    reply = await client.ask(f"POST / HTTP/1.1\r\n{HOST}Transfer-Encoding: chunked\r\n\r\n{body}")
    assert reply.status == 400
    assert await client.closed()
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


@pytest.mark.parametrize("verb", ["PUT", "LIST"])
async def test_a_broken_chunk_is_refused(house: Any, verb: str) -> None:
    client = await house.connect(await house.serve())
    reply = await client.ask(f"{verb} / HTTP/1.1\r\n{HOST}Transfer-Encoding: chunked\r\n\r\nxyz\r\n")
    assert reply.status == 400
    assert await client.closed()


async def test_keep_alive_moves_between_the_parsers(house: Any) -> None:
    client = await house.connect(await house.serve())
    for request in MIXED:
        json = (await client.ask(request)).json
        assert json["method"] == request.split()[0]
        assert json["path"] == request.split()[1]
        assert json["body"] == BODIES.get(request, "")


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 16, 61, 100_000])
async def test_pipelined_requests_in_packets_of_any_size(house: Any, size: int) -> None:
    client = await house.connect(await house.serve())
    data = "".join(MIXED).encode()
    for start in range(0, len(data), size):
        client.writer.write(data[start : start + size])
        await client.writer.drain()
    for request in MIXED:
        json = (await client.reply()).json
        assert (json["method"], json["body"]) == (request.split()[0], BODIES.get(request, ""))


async def test_more_pipelined_requests_than_are_queued(house: Any) -> None:
    client = await house.connect(await house.serve())
    await client.send((GET + LIST) * 200)
    for _ in range(200):
        assert (await client.reply()).json["method"] == "GET"
        assert (await client.reply()).json["method"] == "LIST"


async def test_a_large_body_between_two_lists(house: Any) -> None:
    client = await house.connect(await house.serve())
    large = b"x" * 3_000_000
    await client.send(LIST)
    client.writer.write(
        f"POST / HTTP/1.1\r\n{HOST}Content-Length: {len(large)}\r\n\r\n".encode() + large + LIST.encode()
    )
    assert (await client.reply()).json["method"] == "LIST"
    assert len((await client.reply()).json["body"]) == len(large)
    assert (await client.reply()).json["method"] == "LIST"


async def test_verbs_keep_their_case(house: Any) -> None:
    client = await house.connect(await house.serve())
    assert (await client.ask(LIST.replace("LIST", "list", 1))).json["method"] == "list"


@pytest.mark.parametrize("verb", ["GET", "LIST"])
async def test_http_1_0(house: Any, verb: str) -> None:
    server = await house.serve()
    client = await house.connect(server)
    reply = await client.ask(f"{verb} /v1/x HTTP/1.0\r\n\r\n")
    assert (reply.json["method"], reply.headers["connection"]) == (verb, "close")
    assert await client.closed()
    client = await house.connect(server)
    for _ in range(2):
        reply = await client.ask(f"{verb} /v1/x HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        assert reply.headers["connection"] == "keep-alive"


@pytest.mark.parametrize("verb", ["GET", "LIST"])
async def test_an_upgrade_is_answered_and_then_ends(house: Any, verb: str) -> None:
    client = await house.connect(await house.serve())
    reply = await client.ask(f"{verb} / HTTP/1.1\r\n{HOST}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n" + GET)
    assert (reply.status, reply.headers["connection"]) == (200, "close")
    assert await client.closed()


async def test_a_tunnel_is_refused(house: Any) -> None:
    client = await house.connect(await house.serve())
    assert (await client.ask(f"CONNECT x:443 HTTP/1.1\r\n{HOST}\r\n" + GET)).status == 405
    assert await client.closed()
