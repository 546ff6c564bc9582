"""How the server proves itself to Azure: client secret, federation, the kubelet's token file, or its own identity.

Owns access tokens: one per scope, shared by all logins, renewed before they expire. Managed identity endpoints are in
`identity.py` (spec/azure.md 3.3, 3.4).
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

from msgspec import Struct

from vaultlike.errors import Upstream
from vaultlike.sdk import Context
from vaultlike.sdk.egress import SingleFlight
from vaultlike.types import Secret
from vaultlike_azure.grant import granted
from vaultlike_azure.identity import managed_token
from vaultlike_azure.settings import Settings
from vaultlike_azure.wire import Wire

EARLY: Final = 300.0  # seconds before expiry at which a token is replaced
MAX_TOKEN_FILE: Final = 64 * 1024  # bytes
ASSERTION: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class AccessToken(Struct, frozen=True, kw_only=True):
    """A bearer token of the server's own; `refresh_at` is of the monotonic clock."""

    value: Secret
    refresh_at: float


class Credentials:
    """Access tokens for the mount's application or identity, by scope."""

    def __init__(self, ctx: Context, settings: Settings, wire: Wire) -> None:
        self._ctx, self._settings, self._wire = ctx, settings, wire
        self._tokens: dict[str, AccessToken] = {}
        self._flight: SingleFlight[AccessToken] = SingleFlight()

    async def token(self, scope: str) -> Secret:
        """A token for `scope` (a resource with `/.default`). Raises Upstream when Azure gives none."""
        known = self._tokens.get(scope)
        if known is None or self._ctx.clock.monotonic() >= known.refresh_at:
            known = self._tokens[scope] = await self._flight.run(scope, lambda: self._obtain(scope))
        return known.value

    def forget(self, scope: str) -> None:
        """Drops a token that Azure no longer takes."""
        self._tokens.pop(scope, None)

    async def close(self) -> None:
        await self._flight.close()

    async def _obtain(self, scope: str) -> AccessToken:
        settings = self._settings
        if settings.method == "msi":
            value, life = await managed_token(self._ctx, settings, self._wire, scope.removesuffix("/.default"))
        else:
            if not settings.client_id:
                raise Upstream(reason="no client_id is configured, so the server cannot prove itself to Azure")
            value, life = await self._grant(scope, await self._proof())
        early = min(EARLY, life / 2)
        return AccessToken(value=value, refresh_at=self._ctx.clock.monotonic() + life - early)

    async def _proof(self) -> dict[str, str]:
        settings = self._settings
        if settings.method == "root_creds":
            if not settings.client_secret:
                raise Upstream(reason="no client_secret is configured, so the server cannot prove itself to Azure")
            return {"client_secret": settings.client_secret.reveal()}
        if settings.method == "plugin_wif":
            assertion, _ = await self._ctx.system.identity_token(settings.audience, settings.identity_token_ttl)
        else:
            assertion = await asyncio.to_thread(_token_file, settings.token_file)
        return {"client_assertion": assertion, "client_assertion_type": ASSERTION}

    async def _grant(self, scope: str, proof: dict[str, str]) -> tuple[Secret, float]:
        form = {"grant_type": "client_credentials", "client_id": self._settings.client_id, "scope": scope, **proof}
        answer = await self._wire.send("POST", token_url(self._settings), form=form)
        return granted(answer, self._ctx.clock.now(), proof.get("client_secret") or proof.get("client_assertion", ""))


def token_url(settings: Settings) -> str:
    """Where this tenant hands out tokens."""
    return f"{settings.cloud.authority}/{settings.tenant_id}/oauth2/v2.0/token"


def _token_file(path: str) -> str:
    if not path:
        raise Upstream(reason="auth_type aks_wi: AZURE_FEDERATED_TOKEN_FILE is not set for the server")
    try:
        with Path(path).open("rb") as file:
            text = file.read(MAX_TOKEN_FILE).decode("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise Upstream(reason=f"AZURE_FEDERATED_TOKEN_FILE {path}: {type(error).__name__}") from None
    if not text:
        raise Upstream(reason=f"AZURE_FEDERATED_TOKEN_FILE {path} is empty")
    return text
