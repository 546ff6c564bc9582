"""SPIRE's OIDC discovery provider over a real socket, with or without TLS (spec/infisical.md 6).

Beside its own paths it has two that SPIRE does not serve over HTTP: `/_emu/mint` (what `spire-server jwt mint` does)
and `/bundle` (what `spire-server bundle show -format spiffe` prints).
"""

from __future__ import annotations

import ssl

from aiohttp import web

from vaultlike.testing.spire.authority import LIFE, Authority

ALGORITHMS = ["RS256", "ES256", "ES384"]


class DiscoveryProvider:
    """Serves one authority. `domains` are the hosts that may be asked for, without port; () takes any.

    `tls` is the server's context; None serves plain HTTP (SPIRE's `allow_insecure_scheme`).
    """

    def __init__(
        self, authority: Authority, *, domains: tuple[str, ...] = (), tls: ssl.SSLContext | None = None
    ) -> None:
        self.authority, self._domains, self._tls = authority, domains, tls
        self.url = ""
        self.asked: list[str] = []  # the paths of requests, in order
        self.down = False  # answers 503 to everything
        self._runner: web.AppRunner | None = None

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listens; `url` is where. Port 0 takes a free one. Raises OSError."""
        app = web.Application()
        app.router.add_get("/.well-known/openid-configuration", self._configuration)
        app.router.add_get("/keys", self._keys)
        app.router.add_get("/bundle", self._bundle)
        app.router.add_get("/_emu/mint", self._mint)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port, ssl_context=self._tls)
        await site.start()
        name = self._runner.addresses[0]
        self.url = f"{'https' if self._tls else 'http'}://{name[0]}:{name[1]}"

    async def stop(self) -> None:
        """Stops listening; safe to repeat."""
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    async def __aenter__(self) -> DiscoveryProvider:
        await self.start()
        return self

    async def __aexit__(self, *problem: object) -> None:
        await self.stop()

    def _refusal(self, request: web.Request) -> web.Response | None:
        self.asked.append(request.path)
        if self.down:
            return web.Response(status=503)
        host = request.host.rpartition(":")[0] or request.host
        if self._domains and host not in self._domains:
            return web.Response(status=400, text=f'domain "{host[:255]}" is not allowed\n')
        return None

    async def _configuration(self, request: web.Request) -> web.Response:
        if (refusal := self._refusal(request)) is not None:
            return refusal
        base = f"{request.scheme}://{request.host}"
        return web.json_response({
            "issuer": self.authority.issuer or base,
            "jwks_uri": f"{base}/keys",
            "authorization_endpoint": "",
            "response_types_supported": ["id_token"],
            "subject_types_supported": [],
            "id_token_signing_alg_values_supported": ALGORITHMS,
        })  # fmt: skip

    async def _keys(self, request: web.Request) -> web.Response:
        if (refusal := self._refusal(request)) is not None:
            return refusal
        keys = self.authority.keys()
        if not keys:  # SPIRE has not heard from its server yet
            return web.Response(status=501, text="document not available\n")
        return web.json_response({"keys": keys})

    async def _bundle(self, request: web.Request) -> web.Response:
        return self._refusal(request) or web.json_response(self.authority.bundle())

    async def _mint(self, request: web.Request) -> web.Response:
        query = request.query
        try:
            ttl = int(query.get("ttl", LIFE))
            token = self.authority.mint(query.get("spiffeID", ""), query.getall("audience", []), ttl=ttl)
        except ValueError as problem:
            return web.Response(status=400, text=f"{problem}\n")
        return web.Response(text=f"{token}\n")
