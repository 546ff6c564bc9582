"""Requests from web pages of other origins (spec/vault-api.md 1.15). The setting is `sys/config/cors`, off at first."""

from __future__ import annotations

from vaultlike.core.server import Server
from vaultlike.errors import Denied, UnsupportedOperation
from vaultlike.http.message import Incoming, Outgoing
from vaultlike.system.cors import CorsSettings, cors_settings

METHODS = ("DELETE", "GET", "OPTIONS", "POST", "PUT", "LIST", "SCAN")
MAX_AGE = "300"  # seconds that a browser may remember the answer


async def cross_origin(server: Server, incoming: Incoming) -> tuple[tuple[tuple[str, str], ...], Outgoing | None]:
    """Headers to add to the answer of a request with an Origin, and the answer itself where it asks for permission.

    Raises Denied for an origin that is not allowed, UnsupportedOperation for a method that is not.
    """
    origin = incoming.headers.get("Origin", "")
    settings = await _settings(server)
    if settings is None:
        return (), None
    if not settings.admits(origin):
        raise Denied("origin not allowed")
    headers = (("Access-Control-Allow-Origin", origin), ("Vary", "Origin"))
    if incoming.method != "OPTIONS":
        return headers, None
    if incoming.headers.get("Access-Control-Request-Method", "") not in METHODS:
        raise UnsupportedOperation
    allowed = (
        ("Access-Control-Allow-Methods", ",".join(METHODS)),
        ("Access-Control-Allow-Headers", ",".join(settings.all_headers)),
        ("Access-Control-Max-Age", MAX_AGE),
    )
    return headers, Outgoing(200, b"", headers=(*headers, *allowed))


async def _settings(server: Server) -> CorsSettings | None:
    core = server.core
    if core is None:  # sealed: the setting cannot be read, and nothing is answered that a page could use
        return None
    await core.current()
    return await cors_settings(core.storage)
