"""Headers of web pages: what cannot be set, and which answers carry them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.sys.conftest import People
from vaultlike.mounts.catalog import Plugin
from vaultlike.sdk import Call, Raw, login
from vaultlike.testing.server import TestServer

HEADERS = "sys/config/ui/headers"


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("X-Vault-Token", {"values": ["x"]}),
        ("Content-Length", {"values": ["1"]}),
        ("transfer-encoding", {"values": ["chunked"]}),
        ("X-A", {"values": ["a\r\nSet-Cookie: b"]}),
        ("X-A", {"values": ["ü"]}),
        ("X-A", {"values": ["x" * 4097]}),
        ("X-A", {"values": ["x"] * 17}),
        ("X(A)", {"values": ["x"]}),
    ],
)
async def test_what_cannot_be_set(server: TestServer, name: str, body: dict[str, Any]) -> None:
    assert (await server.post(f"{HEADERS}/{name}", body)).status == 400
    assert (await server.list(HEADERS)).status == 404


async def test_a_header_that_protects_is_replaced_with_a_warning(server: TestServer) -> None:
    assert (await server.post(f"{HEADERS}/X-A", {"values": ["x"]})).body["warnings"] is None
    answer = await server.post(f"{HEADERS}/content-security-policy", {"values": ["default-src *"]})
    text = "overriding default Content-Security-Policy which is secure by default, proceed with caution"
    assert answer.body["warnings"] == [text]


async def test_only_so_many(server: TestServer) -> None:
    for number in range(64):
        assert (await server.post(f"{HEADERS}/X-A{number}", {"values": ["x"]})).status == 200
    assert (await server.post(f"{HEADERS}/X-B", {"values": ["x"]})).status == 400
    assert (await server.post(f"{HEADERS}/X-A0", {"values": ["y"]})).status == 200


async def test_pages_carry_them_and_the_api_does_not(server: TestServer) -> None:
    class Shown(People):
        """Shows a page."""

        kind = "shown"

        @login("page")
        async def page(self, call: Call) -> Raw:
            """A page with a policy of its own."""
            own = (("Content-Security-Policy", "default-src 'none'"),)
            return Raw(body=b"<p>hello</p>", content_type="text/html; charset=utf-8", headers=own)

    server.server.catalog.add(Plugin("shown", True, Shown))
    await server.post("sys/auth/s", {"type": "shown"})
    await server.post(f"{HEADERS}/content-security-policy", {"values": ["default-src 'self'"]})
    await server.post(f"{HEADERS}/X-Two", {"values": ["a", "b"]})
    for path in ("/ui", "/ui/vault/auth"):
        answer = await server.get(path)
        assert answer.status == 404 and answer.headers["Content-Security-Policy"] == "default-src 'self'"
        assert answer.headers.getall("X-Two") == ["a", "b"]  # type: ignore[attr-defined]
    page = await server.post("auth/s/page", token="")
    assert page.body == b"<p>hello</p>" and page.headers["X-Two"] == "a"
    assert page.headers["Content-Security-Policy"] == "default-src 'none'"
    for path in ("sys/health", "sys/none", "/uix", "/"):
        assert "X-Two" not in (await server.get(path)).headers
    await server.delete(f"{HEADERS}/x-two")
    assert "X-Two" not in (await server.get("/ui")).headers
    await server.server.seal()
    assert "Content-Security-Policy" not in (await server.get("/ui")).headers
