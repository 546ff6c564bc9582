"""`sys/wrapping`: answers behind single-use tokens."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from vaultlike.testing.server import TestServer

GONE = ["wrapping token is not valid or does not exist"]


async def _wrap(server: TestServer, data: dict[str, Any], ttl: str = "60") -> str:
    answer = await server.post("sys/wrapping/wrap", data, headers={"X-Vault-Wrap-TTL": ttl})
    token: str = answer.body["wrap_info"]["token"]
    return token


@pytest.mark.parametrize("path", ["unwrap", "rewrap", "lookup"])
async def test_what_is_no_wrapping_token(server: TestServer, path: str) -> None:
    ordinary = await server.token("default")
    for body in ({"token": "hvs.none"}, {"token": ordinary}, {}, {"token": None}, {"token": server.root_token}):
        answer = await server.post(f"sys/wrapping/{path}", body)
        assert (answer.status, answer.errors) == (400, GONE)
    empty = await server.post(f"sys/wrapping/{path}", {"token": ""})
    assert (empty.status, empty.errors) == (403, ["error validating wrapping token: empty token in request body"])
    assert (await server.get("auth/token/lookup-self", token=ordinary)).status == 200


async def test_wrapping_wants_the_header(server: TestServer) -> None:
    answer = await server.post("sys/wrapping/wrap", {"a": 1})
    assert answer.errors == ["endpoint requires response wrapping to be used"]


async def test_unwrapping_somebody_elses_needs_a_token_with_that_right(server: TestServer) -> None:
    token = await _wrap(server, {"a": 1})
    bare = await server.token("none", no_default_policy=True)
    assert (await server.post("sys/wrapping/unwrap", {"token": token}, token="")).status == 403
    assert (await server.post("sys/wrapping/unwrap", {"token": token}, token=bare)).status == 403
    assert (await server.post("sys/wrapping/unwrap", {"token": token}, token=await server.token())).status == 200


@pytest.mark.parametrize("own", [True, False])
async def test_of_many_who_unwrap_one_succeeds(server: TestServer, own: bool) -> None:
    token = await _wrap(server, {"a": 1})
    body, header = ({}, token) if own else ({"token": token}, server.root_token)
    calls = (server.post("sys/wrapping/unwrap", body, token=header) for _ in range(8))
    answers = await asyncio.gather(*calls)
    assert sorted(answer.status for answer in answers) == [200, *[400] * 7]
    assert (await server.post("sys/wrapping/unwrap", body, token=header)).errors == GONE


async def test_the_answer_comes_back_as_it_was(server: TestServer) -> None:
    data = {"n": 5, "l": [1, "x"], "big": 12345678901234567890, "t": "é"}
    token = await _wrap(server, data)
    answer = await server.post("sys/wrapping/unwrap", token=token)
    assert answer.data == data
    assert answer.body["request_id"]


async def test_any_other_use_burns_it(server: TestServer) -> None:
    token = await _wrap(server, {"a": 1})
    assert (await server.get("auth/token/lookup-self", token=token)).status == 403
    assert (await server.post("sys/wrapping/unwrap", token=token)).errors == GONE


async def test_looking_does_not_open(server: TestServer) -> None:
    token = await _wrap(server, {"a": 1}, "5m")
    for _ in range(2):
        shown = (await server.post("sys/wrapping/lookup", {"token": token}, token="")).data
        assert (shown["creation_path"], shown["creation_ttl"]) == ("sys/wrapping/wrap", 300)
    assert (await server.post("sys/wrapping/lookup", {}, token="")).status == 403
    server.clock.advance(301)
    assert (await server.post("sys/wrapping/lookup", {"token": token}, token="")).errors == GONE
    assert (await server.post("sys/wrapping/unwrap", token=token)).errors == GONE


async def test_rewrapping_keeps_path_ttl_and_accessor(server: TestServer) -> None:
    headers = {"X-Vault-Wrap-TTL": "2m"}
    first = (await server.post("auth/token/create", {"policies": ["default"]}, headers=headers)).body["wrap_info"]
    second = (await server.post("sys/wrapping/rewrap", {"token": first["token"]})).body["wrap_info"]
    for key in ("ttl", "creation_path", "wrapped_accessor"):
        assert second[key] == first[key]
    assert (await server.post("sys/wrapping/unwrap", {"token": first["token"]})).errors == GONE
    inner = (await server.post("sys/wrapping/unwrap", token=second["token"])).auth["client_token"]
    assert (await server.get("auth/token/lookup-self", token=inner)).status == 200


async def test_rewrapping_for_another_time(server: TestServer) -> None:
    first = await _wrap(server, {"a": 1}, "2m")
    headers = {"X-Vault-Wrap-TTL": "30"}
    second = (await server.post("sys/wrapping/rewrap", {"token": first}, headers=headers)).body["wrap_info"]
    assert (second["ttl"], second["creation_path"]) == (30, "sys/wrapping/wrap")
    assert (await server.post("sys/wrapping/lookup", {"token": second["token"]})).data["creation_ttl"] == 30


@pytest.mark.parametrize("own", [True, False])
async def test_what_is_unwrapped_can_be_wrapped_again(server: TestServer, own: bool) -> None:
    token = await _wrap(server, {"a": 1})
    body, header = ({}, token) if own else ({"token": token}, server.root_token)
    outer = await server.post("sys/wrapping/unwrap", body, token=header, headers={"X-Vault-Wrap-TTL": "30"})
    info = outer.body["wrap_info"]
    assert (outer.data, info["ttl"], info["creation_path"]) == (None, 30, "sys/wrapping/unwrap")
    assert (await server.post("sys/wrapping/unwrap", {"token": token})).errors == GONE
    assert (await server.post("sys/wrapping/unwrap", token=info["token"])).data == {"a": 1}


async def test_the_old_way_shows_the_answer_as_a_text(server: TestServer) -> None:
    token = await _wrap(server, {"a": 1})
    answer = await server.get("cubbyhole/response", token=token)
    assert json.loads(answer.data["response"])["data"] == {"a": 1}
    assert answer.body["warnings"][0].startswith("Reading from 'cubbyhole/response' is deprecated.")
    assert (await server.get("cubbyhole/response", token=token)).status == 403
    assert (await server.post("sys/wrapping/unwrap", {"token": token})).errors == GONE
