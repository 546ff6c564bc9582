"""The order of a request's phases, verbs, headers, bodies and help: spec/vault-api.md 1.1-1.9, 1.12."""

from __future__ import annotations

import asyncio
import re
from typing import Any

from msgspec import Struct

from tests.api.core.conftest import come_in, open_desk, policy
from vaultlike.mounts.catalog import Plugin
from vaultlike.sdk import Alias, Backend, Call, Login, TokenParams, login
from vaultlike.testing.server import TestServer

DENIED = ["1 error occurred:\n\t* permission denied\n\n"]


class CertBody(Struct, kw_only=True):
    """Nothing."""


class Certs(Backend):
    """Believes any certificate."""

    kind = "certs"

    @login()
    async def log_in(self, call: Call, body: CertBody) -> Login:
        """Logs a certificate in."""
        call.require("certificate", "one", call.peer_certificate, call.peer_certificate is not None)
        return Login(alias=Alias("holder"), token=TokenParams())


async def test_a_dry_run_shows_the_callers_certificate(server: TestServer) -> None:
    server.server.catalog.add(Plugin("certs", True, Certs))
    assert (await server.post("sys/auth/certs", {"type": "certs"})).status == 204
    core = server.server.core
    assert core is not None
    for certificate, outcome in ((None, "refused"), (b"der", "accepted")):
        call = Call(id="x", operation="update", path="", mount="sys/", data={}, peer_certificate=certificate)
        assert (await core.simulate(call, "auth/certs/login", {})).outcome == outcome


async def test_precedence(server: TestServer) -> None:
    nobody = await server.token("default", no_default_policy=True)
    wrong_namespace = {"X-Vault-Namespace": "nope"}
    for method, path, token, headers, status in [
        ("GET", "nothing/here", "", wrong_namespace, 404),
        ("GET", "nothing/here", "", {}, 403),
        ("GET", "nothing/here", "hvs.bad", {}, 403),
        ("GET", "nothing/here", nobody, {}, 403),
        ("GET", "nothing/here", "root", {}, 404),
        ("GET", "auth/token/no-such-path", nobody, {}, 403),
        ("GET", "auth/token/no-such-path", "root", {}, 404),
        ("GET", "auth/token/create", nobody, {}, 403),
        ("GET", "auth/token/create", "root", {}, 405),
        ("POST", "auth/none/login", "", {}, 403),
        ("GET", "auth/token/lookup-self", "root", {"X-Vault-Namespace": "/root/"}, 200),
    ]:
        answer = await server.call(method, path, token=token, headers=headers)
        assert answer.status == status, (method, path, token)
    refused = await server.post("auth/token/create", {}, token=nobody)
    assert refused.errors == DENIED
    assert (await server.post("auth/token/create", {}, token="hvs.bad")).errors == ["permission denied"]
    missing = await server.get("nothing/here")
    assert missing.errors == [
        '1 error occurred:\n\t* no handler for route "nothing/here". route entry not found.\n\n'
    ] or missing.errors == ['no handler for route "nothing/here". route entry not found.']


async def test_policy_comes_before_the_body_and_the_body_before_the_handler(server: TestServer) -> None:
    nobody = await server.token("default")
    assert (await server.post("auth/token/roles/r", {"orphan": "perhaps"}, token=nobody)).status == 403
    assert (await server.post("auth/token/roles/r", {"orphan": "perhaps"})).status == 400


async def test_sealed_comes_before_everything(server: TestServer) -> None:
    await server.server.seal()
    for path in ("auth/token/lookup-self", "nothing/here", "sys/mounts"):
        answer = await server.get(path)
        assert (answer.status, answer.errors) == (503, ["Vault is sealed"])
    assert (await server.get("sys/seal-status", token="")).body["sealed"] is True
    await server.server.unseal(server.keys[0])
    assert (await server.get("auth/token/lookup-self")).status == 200


async def test_verbs(server: TestServer) -> None:
    await server.post("auth/token/roles/r", {})
    for method, path, status in [
        ("LIST", "auth/token/roles", 200),
        ("LIST", "auth/token/roles/", 200),
        ("GET", "auth/token/roles?list=true", 200),
        ("GET", "auth/token/roles?list=True", 200),
        ("GET", "auth/token/roles/r?list=false", 200),
        ("GET", "auth/token/roles?list=maybe", 400),
        ("GET", "auth/token/roles?list=false", 405),
        ("HEAD", "auth/token/roles/r", 200),
        ("HEAD", "auth/token/roles/none", 404),
        ("PUT", "auth/token/roles/r", 204),
        ("POST", "auth/token/roles/r/", 400),
        ("PATCH", "auth/token/roles/r", 415),
        ("DELETE", "auth/token/roles/r", 204),
        ("LIST", "auth/token/roles", 404),
        ("OPTIONS", "auth/token/roles", 405),
        ("BREW", "auth/token/roles", 405),
        ("TRACE", "auth/token/roles", 405),
    ]:
        answer = await server.call(method, path)
        assert answer.status == status, (method, path, answer.body)
        if status >= 400 and method != "HEAD":
            assert isinstance(answer.errors, list)
    nothing = {"Content-Type": ""}
    assert (await server.call("PATCH", "auth/token/roles/r", raw=b"{}", headers=nothing)).status == 400
    merge = {"Content-Type": "application/json"}
    assert (await server.call("PATCH", "auth/token/roles/r", raw=b"{}", headers=merge)).status == 415
    merge = {"Content-Type": "application/merge-patch+json; charset=utf-8"}
    assert (await server.call("PATCH", "auth/token/roles/r", raw=b"{}", headers=merge)).status == 405


async def test_how_a_token_may_be_sent(server: TestServer) -> None:
    async def status(**headers: str) -> int:
        named = {key.replace("_", "-"): value for key, value in headers.items()}
        return (await server.get("auth/token/lookup-self", token="", headers=named)).status

    assert await status() == 403
    assert await status(Authorization="root") == 403
    assert await status(Authorization="bearer root") == 403
    assert await status(Authorization="Basic cm9vdA==") == 403
    assert await status(X_Vault_Token="bad", Authorization="Bearer root") == 403
    assert await status(X_Vault_Token="x" * 8200) == 403
    assert await status(Authorization="Bearer root") == 200
    assert await status(x_vault_token="root") == 200
    assert (await server.get("sys/health", token="bad")).status == 200


async def test_odd_bytes_in_a_token_are_an_unknown_token(server: TestServer) -> None:
    host, _, port = server.url.removeprefix("http://").partition(":")
    for text in (b"\xff\xfe", b"hvb.\xc3\xbc", "tökén".encode()):
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"GET /v1/auth/token/lookup-self HTTP/1.1\r\nHost: x\r\nX-Vault-Token: " + text)
        writer.write(b"\r\nConnection: close\r\n\r\n")
        status = int((await reader.readline()).split()[1])
        assert status in (400, 403)
        writer.close()


async def test_bodies(server: TestServer) -> None:
    for raw, headers, status in [
        (b"[1]", {}, 400),
        (b'"x"', {}, 400),
        (b"{", {}, 400),
        (b"\x00\x01", {}, 400),
        (b"null", {}, 200),
        (b"", {}, 200),
        (b"{}", {"Content-Type": "text/plain"}, 200),
        (b"ttl=5m&policies=default", {"Content-Type": "application/x-www-form-urlencoded"}, 200),
        (b'{"ttl":"5m"}', {"Content-Type": "application/x-www-form-urlencoded"}, 200),
        (b"ttl=5m", {"Content-Type": "application/json"}, 400),
    ]:
        answer = await server.call("POST", "auth/token/create", raw=raw, headers=headers)
        assert answer.status == status, raw
    big = b'{"ttl":"' + b" " * (33 * 1024 * 1024) + b'"}'
    answer = await server.call("POST", "auth/token/create", raw=big)
    assert (answer.status, answer.errors) == (413, ["http: request body too large"])


async def test_paths(server: TestServer) -> None:
    from yarl import URL

    async def raw(path: str) -> Any:
        async with server._session.get(
            URL(server.url + path, encoded=True), headers={"X-Vault-Token": "root"}, allow_redirects=False
        ) as response:
            return response.status, response.headers.get("Location", "")

    assert await raw("/v1/auth/token/../token/lookup-self") == (307, "/v1/auth/token/lookup-self")
    assert await raw("/v1/auth//token/lookup-self?a=1") == (307, "/v1/auth/token/lookup-self?a=1")
    assert await raw("/v1//evil.example/x") == (307, "/v1/evil.example/x")
    assert await raw("/v1/../../..//evil.example") == (307, "/evil.example")
    for path, status in [
        ("/v1/auth/token/%2e%2e/token/lookup-self", 400),
        ("/v1/auth/token/lookup%00self", 400),
        ("/v1/auth/token/%ff", 400),
        ("/v1/" + "a" * 5000, 400),
        ("/v1/auth/token/lookup%2Dself", 200),
        ("/v1/auth%2Ftoken%2Flookup-self", 200),
        ("/v2/auth/token/lookup-self", 404),
        ("/v1", 404),
        ("/v1/", 404),
    ]:
        assert (await raw(path))[0] == status, path


async def test_headers_of_every_answer(server: TestServer) -> None:
    for answer in (
        await server.get("auth/token/lookup-self"),
        await server.get("auth/token/lookup-self", token=""),
        await server.post("auth/token/roles/r", {}),
        await server.get("nothing/here"),
    ):
        assert answer.headers["Content-Type"] == "application/json"
        assert answer.headers["Cache-Control"] == "no-store"
        assert "max-age" in answer.headers["Strict-Transport-Security"]
    assert (await server.get("auth/token/lookup-self", token="")).headers["X-Request-ID"]


async def test_the_envelope(server: TestServer) -> None:
    body = (await server.get("auth/token/lookup-self")).body
    envelope = ["request_id", "lease_id", "renewable", "lease_duration", "data", "wrap_info", "warnings", "auth"]
    assert list(body) == [*envelope, "mount_type"]
    assert (body["lease_id"], body["renewable"], body["lease_duration"], body["warnings"]) == ("", False, 0, None)
    assert len(body["request_id"]) == 36
    created = (await server.post("auth/token/create", {})).body
    assert created["data"] is None and created["auth"]["mfa_requirement"] is None


async def test_injected_keys_stand_beside_the_envelopes(server: TestServer) -> None:
    body = (await server.get("sys/auth")).body
    assert body["token/"] == body["data"]["token/"]
    assert "keys" not in (await server.list("auth/token/accessors")).body


async def test_unknown_parameters_are_named(server: TestServer) -> None:
    answer = await server.post("auth/token/renew", {"token": await server.token("default"), "b": 1, "a": 2})
    assert answer.body["warnings"] == ["Endpoint ignored these unrecognized parameters: [a b]"]
    assert (await server.post("auth/token/roles/r", {"color": "red"})).status == 204


async def test_help(server: TestServer) -> None:
    nobody = await server.token("default", no_default_policy=True)
    for call in (server.get("auth/token/create?help=1", token=nobody), server.call("HELP", "auth/token/create")):
        answer = await call
        assert answer.status == 200
        assert "explicit_max_ttl" in answer.body["help"]
    assert "create" in (await server.get("auth/token?help=1")).body["help"]
    shown = (await server.get("sys/auth/some/where/tune?help=1")).body["help"].splitlines()
    assert shown[:2] == ["Request:        auth/some/where/tune", "Matching Route: ^auth/(?P<path>.+)/tune$"]
    for line in (await server.get("sys?help=1")).body["help"].splitlines():
        if line.startswith("    ^"):
            re.compile(line.strip())
    assert (await server.get("auth/token/none-such?help=1")).status == 404
    await server.post("cubbyhole/kept", {"a": 1})
    for method in ("LIST", "DELETE", "POST", "PUT"):  # whatever the method: help, and nothing is done
        assert "help" in (await server.call(method, "cubbyhole/kept?help=1")).body
    assert (await server.get("cubbyhole/kept")).data == {"a": 1}
    assert (await server.delete("cubbyhole/kept?help=")).status == 204
    assert (await server.get("cubbyhole/kept")).status == 404
    assert (await server.get("auth/token/create?help=1", token="")).status == 403


async def test_any_answer_can_be_wrapped(server: TestServer) -> None:
    async def wrapped(method: str, path: str, body: object = None, ttl: str = "60") -> Any:
        return await server.call(method, path, body, headers={"X-Vault-Wrap-TTL": ttl})

    for ttl, text in {
        "soon": "error parsing X-Vault-Wrap-TTL header",
        "-1": "error parsing X-Vault-Wrap-TTL header: requested wrap ttl cannot be negative",
    }.items():
        assert (await wrapped("GET", "auth/token/lookup-self", ttl=ttl)).errors[0].startswith(text)
    plain = await wrapped("GET", "auth/token/lookup-self", ttl="0")
    assert plain.data["id"] == "root"
    answer = await wrapped("GET", "auth/token/lookup-self")
    info = answer.body["wrap_info"]
    assert (answer.body["request_id"], answer.body["data"], answer.body["auth"]) == ("", None, None)
    assert (info["ttl"], info["creation_path"]) == (60, "auth/token/lookup-self")
    assert "wrapped_accessor" not in info
    opened = await server.post("sys/wrapping/unwrap", token=info["token"])
    assert opened.data["id"] == "root"
    assert (await server.post("sys/wrapping/unwrap", token=info["token"])).status == 400
    made = (await wrapped("POST", "auth/token/create", {"policies": ["default"]})).body["wrap_info"]
    opened = await server.post("sys/wrapping/unwrap", token=made["token"])
    assert opened.auth["accessor"] == made["wrapped_accessor"]
    # no answer without a body, no refusal and no empty list is wrapped
    assert (await wrapped("POST", "auth/token/roles/r", {})).status == 204
    assert (await wrapped("GET", "auth/token/roles/none")).status == 404
    assert (await server.delete("auth/token/roles/r")).status == 204
    assert (await wrapped("LIST", "auth/token/roles")).status == 404
    assert (await wrapped("POST", "auth/token/renew", {})).status == 400


async def test_any_other_use_of_a_wrapping_token_burns_it(server: TestServer) -> None:
    answer = await server.get("auth/token/lookup-self", headers={"X-Vault-Wrap-TTL": "60"})
    token = answer.body["wrap_info"]["token"]
    await server.get("auth/token/lookup-self", token=token)
    assert (await server.post("sys/wrapping/unwrap", token=token)).status == 400


async def test_a_wrapping_token_expires(server: TestServer) -> None:
    answer = await server.get("auth/token/lookup-self", headers={"X-Vault-Wrap-TTL": "60"})
    server.clock.advance(60)
    assert (await server.post("sys/wrapping/unwrap", token=answer.body["wrap_info"]["token"])).status == 400


async def test_a_login_through_the_whole_pipeline(server: TestServer) -> None:
    await policy(server, "x", auth__desk__login="deny")
    await open_desk(server, token_policies="X, x", token_ttl="10m", token_max_ttl="20m", token_num_uses=0)
    denied_there = await server.token("x")
    answer = await server.post(
        "auth/desk/login", {"role": "r", "name": "ann", "color": "red"}, token=denied_there
    )  # rules do not bind open paths
    auth = answer.auth
    assert (auth["policies"], auth["token_policies"]) == (["default", "x"], ["default", "x"])
    assert (auth["lease_duration"], auth["orphan"], auth["token_type"]) == (600, True, "service")
    assert auth["metadata"] == {"role": "r"} and auth["entity_id"]
    looked = (await server.get("auth/token/lookup-self", token=auth["client_token"])).data
    assert (looked["path"], looked["display_name"]) == ("auth/desk/login", "desk-ann")
    assert (await server.list("auth/desk/login", token="")).status == 403
    assert (await server.get("auth/desk/login", token="")).status == 405
    server.clock.advance(590)
    renewed = await server.post("auth/token/renew-self", {"increment": "1h"}, token=auth["client_token"])
    assert renewed.auth["lease_duration"] == 610
    await server.post("auth/desk/role/r", {"token_max_ttl": "15m"})
    renewed = await server.post("auth/token/renew-self", {}, token=auth["client_token"])
    assert renewed.auth["lease_duration"] == 310
    server.clock.advance(300)
    await server.post("auth/desk/role/r", {"token_max_ttl": "11m"})
    assert (await server.post("auth/token/renew-self", {}, token=auth["client_token"])).errors == [
        "past the max TTL, cannot renew"
    ]


async def test_the_type_of_a_mount_rules_its_roles(server: TestServer) -> None:
    await open_desk(server, token_num_uses=2)
    await server.post("sys/auth/desk/tune", {"token_type": "batch"})
    assert (await come_in(server)).errors == ['batch tokens cannot have "num_uses" set']
    await server.post("auth/desk/role/r", {"token_num_uses": 0, "token_type": "service"})
    assert (await come_in(server)).auth["token_type"] == "batch"
    await server.post("sys/auth/desk/tune", {"token_type": "default-batch"})
    assert (await come_in(server)).auth["token_type"] == "service"
    await server.post("auth/desk/role/r", {"token_type": "default"})
    assert (await come_in(server)).auth["token_type"] == "batch"


async def test_a_token_bound_to_the_address_that_logged_in(server: TestServer) -> None:
    await open_desk(server, token_strictly_bind_ip=True)
    token = (await come_in(server)).auth["client_token"]
    assert (await server.get("auth/token/lookup-self", token=token)).data["bound_cidrs"] == ["127.0.0.1"]
