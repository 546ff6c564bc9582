"""The method in a cluster of two processes on one database, and with the server itself as the issuer."""

from __future__ import annotations

import asyncio
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import aiohttp

from tests.plugins.jwt.provider import Provider
from vaultlike.clock import FakeClock
from vaultlike.testing.server import TestServer

NOW = 1_795_000_000.0
LOCAL = "http://localhost:8250/oidc/callback"


async def test_any_process_ends_a_browser_login_and_one_of_all_who_try(tmp_path: Path) -> None:
    clock, path = FakeClock(NOW), tmp_path / "two.db"
    provider = Provider(clock.now)
    await provider.start()
    async with TestServer(clock=clock, path=path) as first:
        assert (await first.post("sys/auth/oidc", {"type": "oidc"})).status == 204
        assert (await first.post("auth/oidc/config", provider.config())).status == 204
        role = {"user_claim": "sub", "allowed_redirect_uris": LOCAL}
        assert (await first.post("auth/oidc/role/web", role)).status == 204
        async with TestServer(clock=clock, path=path, root_token=first.root_token) as second:
            assert (await second.post("sys/unseal", {"key": first.keys[0]}, token="")).status == 200
            started = await first.post("auth/oidc/oidc/auth_url", {"role": "web", "redirect_uri": LOCAL}, token="")
            async with (
                aiohttp.ClientSession() as session,
                session.get(started.data["auth_url"], allow_redirects=False) as sent,
            ):
                query = parse_qs(urlsplit(sent.headers["Location"]).query)
            where = f"auth/oidc/oidc/callback?{urlencode({name: values[0] for name, values in query.items()})}"
            answers = await asyncio.gather(*(server.get(where, token="") for server in [first, second] * 10))
            assert sorted(answer.status for answer in answers) == [200] + [400] * 19
    await provider.stop()


async def test_the_server_as_its_own_issuer() -> None:
    async with TestServer() as server:
        issuer = f"{server.url}/v1/identity/oidc"
        assert (await server.post("identity/oidc/config", {"issuer": server.url})).status in (200, 204)
        assert (await server.post("sys/auth/jwt", {"type": "jwt"})).status == 204
        for config in ({"oidc_discovery_url": issuer}, {"jwks_url": f"{issuer}/.well-known/keys"}):
            assert (await server.post("auth/jwt/config", config)).status == 204
            shown = await server.get("auth/jwt/config")
            assert shown.status == 200
