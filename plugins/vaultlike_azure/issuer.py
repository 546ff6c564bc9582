"""Whose tokens a mount believes: the v1 and v2 issuers of its tenant, and their keys (spec/azure.md 2.1).

The keys come from the authority's own documents, never from an address in a token.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from vaultlike.errors import Upstream
from vaultlike.sdk import Context
from vaultlike.sdk.discovery import Discovery
from vaultlike.sdk.egress import EgressClient
from vaultlike.sdk.jwks import Claims, Freshness, Health, KeySet, Leeway, verify
from vaultlike_azure import wire
from vaultlike_azure.settings import GUID, Settings

ALGORITHMS: Final = ("RS256",)
# Issuer clocks: Entra dates `nbf` five minutes back, so none is needed; `iat` is not judged (spec/azure.md 2.2).
LEEWAY: Final = Leeway(exp=0.0, nbf=0.0, iat=None)
# Azure publishes keys long before it signs with them; an early look costs one small fetch. Who comes within a second of
# the last one waits for the next, so that a login right after a new key or the end of an outage is not refused.
FRESHNESS: Final = Freshness(refresh_interval=1.0, pause=1.0, wait=1.0, absent=0.0)

Note = Callable[[str, object, object, bool], bool]


class TenantIssuer:
    """The issuers of one tenant. Fetches nothing until a token needs it."""

    def __init__(self, ctx: Context, settings: Settings, client: EgressClient) -> None:
        self._clock, self._settings = ctx.clock, settings
        cloud, tenant = settings.cloud, settings.tenant_guid
        self._v1_issuer = f"{cloud.issuer}/{tenant}/" if cloud.issuer and tenant else ""
        self._audiences = settings.audiences
        allow_http = cloud.authority.startswith("http://")
        base = f"{cloud.authority}/{settings.tenant_id}"

        def discovery(url: str, issuer: str | None) -> Discovery:
            timeout = wire.ATTEMPT
            return Discovery(
                url, client, ctx.clock, issuer=issuer, times=FRESHNESS, timeout=timeout, allow_http=allow_http
            )

        self._v1 = discovery(base, self._v1_issuer or None)
        self._v2 = discovery(f"{base}/v2.0", None)
        self._fixed = self._accepted(self._v1_issuer, tenant) if self._v1_issuer else None

    async def verify(self, token: str, note: Note) -> Claims:
        """The claims of a token for this mount. Raises JwtMalformed, JwtRefused, Upstream."""
        accepted = self._fixed or await self._learned()
        chosen = _Chosen(accepted)

        def heard(name: str, expected: object, received: object, ok: bool) -> bool:
            if name == "jwt.iss":
                expected = list(accepted)
            elif name == "jwt.aud" and not ok and isinstance(received, str):
                slashed = received.rstrip("/") == self._audiences[0].rstrip("/")
                expected = f"{self._audiences[0]} (mind the slash)" if slashed else self._audiences[0]
            return note(name, expected, received, ok)

        return await verify(
            token,
            keys=chosen,
            issuers=chosen.accepts,
            audiences=self._audiences,
            algorithms=ALGORITHMS,
            now=self._clock.now(),
            leeway=LEEWAY,
            check=heard,
        )

    def health(self) -> tuple[Health, ...]:
        """How each publisher is doing: the documents and the key sets of both versions."""
        return (*self._v1.health(), *self._v2.health())

    async def close(self) -> None:
        await self._v1.close()
        await self._v2.close()

    def _accepted(self, v1_issuer: str, tenant: str) -> dict[str, Discovery]:
        accepted = {v1_issuer: self._v1}
        if tenant:
            accepted |= {f"{base}/{tenant}/v2.0": self._v2 for base in self._settings.cloud.v2_issuers}
        return accepted

    async def _learned(self) -> dict[str, Discovery]:
        """Where the tenant is a domain or the cloud names no issuer: what the authority's document says."""
        issuer = (await self._v1.metadata()).issuer
        base, _, tenant = issuer.rstrip("/").rpartition("/")
        cloud = self._settings.cloud
        if not GUID.fullmatch(tenant) or (cloud.issuer and base != cloud.issuer):
            raise Upstream(reason=f"{self._v1.url} names the issuer {issuer[:256]!r}, which is not this cloud's")
        if self._settings.tenant_guid not in ("", tenant.lower()):
            raise Upstream(reason=f"{self._v1.url} names the issuer of another tenant, {issuer[:256]!r}")
        return self._accepted(issuer, tenant)


class _Chosen:
    """Remembers which issuer a token named, so that it is checked with that issuer's keys alone."""

    __slots__ = ("_accepted", "_source")

    def __init__(self, accepted: dict[str, Discovery]) -> None:
        self._accepted = accepted
        self._source: Discovery | None = None

    def accepts(self, issuer: str) -> bool:
        self._source = self._accepted.get(issuer)
        return self._source is not None

    async def keys(self) -> KeySet:
        assert self._source is not None
        return await self._source.keys()

    async def newer(self, than: KeySet, kid: str | None) -> KeySet | None:
        assert self._source is not None
        return await self._source.newer(than, kid)
