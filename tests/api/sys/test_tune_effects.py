"""What tuning a mount does: every key has its effect on the requests that follow, and none before it is set."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.api.sys.conftest import People
from vaultlike.mounts.catalog import Plugin
from vaultlike.sdk import Call, Raw, Reply, login, read
from vaultlike.testing.server import TestServer

CAP = 2_764_800


class Curious(People):
    """Shows the headers it sees, and sets some."""

    kind = "curious"

    @read("seen")
    async def seen(self, call: Call) -> Reply:
        """What it sees."""
        return Reply(data={"seen": {name.lower(): value for name, value in call.headers.items()}})

    @read("sent")
    async def sent(self, call: Call) -> Reply:
        """Sets headers."""
        return Reply(data={"a": 1}, headers=(("X-One", "1"), ("X-Two", "2"), ("Set-Cookie", "a=b")))

    @login("page")
    async def page(self, call: Call) -> Raw:
        """A page with headers."""
        own = (("Content-Security-Policy", "default-src 'none'"), ("X-One", "1"))
        return Raw(body=b"<p>page</p>", content_type="text/html; charset=utf-8", headers=own)


@pytest.fixture
async def mounted(server: TestServer) -> AsyncIterator[TestServer]:
    """The server with `curious` at `auth/c` and a user in it."""
    server.server.catalog.add(Plugin("curious", True, Curious))
    await server.post("sys/auth/c", {"type": "curious"})
    await server.post("auth/c/users/bob", {"password": "pw"})
    yield server


async def tune(server: TestServer, **settings: object) -> None:
    assert (await server.post("sys/auth/c/tune", settings)).status == 204


async def log_in(server: TestServer) -> Any:
    return (await server.post("auth/c/login/bob", {"password": "pw"}, token="")).auth


async def test_lifetimes(mounted: TestServer) -> None:
    assert (await log_in(mounted))["lease_duration"] == CAP
    await tune(mounted, default_lease_ttl="1h")
    assert (await log_in(mounted))["lease_duration"] == 3600
    await tune(mounted, max_lease_ttl="2h")
    await mounted.post("auth/c/users/bob", {"password": "pw", "token_ttl": "5h"})
    auth = await log_in(mounted)
    assert auth["lease_duration"] == 7200
    mounted.clock.advance(7000)
    renewed = await mounted.post("auth/token/renew-self", {"increment": "1h"}, token=auth["client_token"])
    assert renewed.auth["lease_duration"] <= 200
    await tune(mounted, default_lease_ttl="system", max_lease_ttl="system")
    assert (await log_in(mounted))["lease_duration"] == 5 * 3600


async def test_a_read_shows_the_default_lifetime_beside_a_smaller_maximum(mounted: TestServer) -> None:
    await tune(mounted, max_lease_ttl="1h")
    shown = (await mounted.get("sys/auth/c/tune")).data
    assert (shown["default_lease_ttl"], shown["max_lease_ttl"]) == (CAP, 3600)
    assert (await log_in(mounted))["lease_duration"] == 3600


@pytest.mark.parametrize(
    ("of_mount", "of_user", "comes"),
    [("batch", "service", "batch"), ("service", "batch", "service"), ("default-batch", "default", "batch"),
     ("default-batch", "service", "service"), ("default-service", "batch", "batch")],
)  # fmt: skip
async def test_kinds_of_tokens(mounted: TestServer, of_mount: str, of_user: str, comes: str) -> None:
    await mounted.post("auth/c/users/bob", {"password": "pw", "token_type": of_user})
    await tune(mounted, token_type=of_mount)
    assert (await log_in(mounted))["token_type"] == comes


async def test_who_is_told_of_the_mount(mounted: TestServer) -> None:
    async def told() -> bool:
        return "c/" in (await mounted.get("sys/internal/ui/mounts", token="")).data["auth"]

    assert not await told()
    await tune(mounted, listing_visibility="unauth", description="for people")
    assert await told()
    shown = (await mounted.get("sys/internal/ui/mounts", token="")).data["auth"]["c/"]
    assert shown["description"] == "for people"
    await tune(mounted, listing_visibility="hidden")
    assert not await told()


async def test_headers_that_a_mount_sees(mounted: TestServer) -> None:
    sent = {"X-One": "1", "X-Two": "2", "Authorization": "Bearer other", "X-Three": f"a {mounted.root_token}"}

    async def seen() -> dict[str, str]:
        found: dict[str, str] = (await mounted.get("auth/c/seen", headers=sent)).data["seen"]
        return found

    assert await seen() == {}
    await tune(mounted, passthrough_request_headers=["x-one", "Authorization", "X-Vault-Token", "X-Three", "X-None"])
    assert await seen() == {"x-one": "1", "authorization": "Bearer other"}  # never the token
    bearer = {"Authorization": f"Bearer {mounted.root_token}"}
    assert (await mounted.get("auth/c/seen", token="", headers=bearer)).data["seen"] == {}
    await tune(mounted, passthrough_request_headers=[])
    assert await seen() == {}


async def test_headers_that_a_mount_sets(mounted: TestServer) -> None:
    async def got(path: str = "sent") -> set[str]:
        call = mounted.get if path == "sent" else mounted.post
        headers = (await call(f"auth/c/{path}")).headers
        return {name for name in ("X-One", "X-Two", "Set-Cookie", "Content-Security-Policy") if name in headers}

    assert await got() == set()
    assert await got("page") == {"Content-Security-Policy"}  # what protects the reader of a page always passes
    await tune(mounted, allowed_response_headers="x-one,X-TWO")
    assert await got() == {"X-One", "X-Two"}
    assert await got("page") == {"X-One", "Content-Security-Policy"}


async def test_keys_in_clear_in_the_audit(mounted: TestServer, tmp_path: Path) -> None:
    log = tmp_path / "audit.log"
    await mounted.post("sys/audit/f", {"type": "file", "options": {"file_path": str(log)}})

    async def recorded() -> tuple[Any, Any]:
        log.write_bytes(b"")
        await mounted.post("auth/c/users/eve", {"password": "pw", "token_policies": ["one"]})
        await mounted.get("auth/c/users/eve")
        lines = [msgspec.json.decode(line) for line in log.read_bytes().splitlines()]
        request = next(line["request"]["data"] for line in lines if line["request"].get("data"))
        response = next(line["response"]["data"] for line in lines if line.get("response", {}).get("data"))
        return request, response

    request, response = await recorded()
    assert request["token_policies"][0].startswith("hmac-") and response["token_policies"][0].startswith("hmac-")
    await tune(mounted, audit_non_hmac_request_keys=["token_policies"])
    request, response = await recorded()
    assert request["token_policies"] == ["one"] and response["token_policies"][0].startswith("hmac-")
    await tune(mounted, audit_non_hmac_response_keys=["token_policies"], audit_non_hmac_request_keys=[])
    request, response = await recorded()
    assert request["token_policies"][0].startswith("hmac-") and response["token_policies"] == ["one"]
    assert request["password"].startswith("hmac-")


async def test_a_key_for_its_own_tokens_must_exist(mounted: TestServer) -> None:
    text = 'identity_token_key: there is no key "mine"'
    for path in ("sys/auth/c/tune", "sys/mounts/auth/c/tune"):
        assert (await mounted.post(path, {"identity_token_key": "mine"})).errors == [text]
    body = {"type": "curious", "config": {"identity_token_key": "mine"}}
    assert (await mounted.post("sys/auth/d", body)).errors == [text]
    assert (await mounted.post("sys/mounts/kv", body | {"type": "kv"})).errors == [text]
    await mounted.post("identity/oidc/key/mine", {"allowed_client_ids": "*"})
    assert (await mounted.post("sys/auth/d", body)).status == 204
    await tune(mounted, identity_token_key="mine")
    await tune(mounted, identity_token_key="default")
    assert (await mounted.get("sys/auth/c/tune")).data["identity_token_key"] == "default"
    await tune(mounted, identity_token_key="")
    assert "identity_token_key" not in (await mounted.get("sys/auth/c/tune")).data
