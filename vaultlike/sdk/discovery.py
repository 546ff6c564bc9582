"""OpenID Connect discovery: an issuer's metadata, and its keys through it (OpenID Connect Discovery 1.0, section 4)."""

from __future__ import annotations

from typing import Final

import msgspec

from vaultlike.clock import Clock
from vaultlike.sdk.egress import EgressClient
from vaultlike.sdk.fetched import BadAnswer
from vaultlike.sdk.jwks import FETCH_TIMEOUT, MAX_DOCUMENT, JwksSource
from vaultlike.sdk.keyset import KeySet
from vaultlike.sdk.upstream_copy import Freshness, Health, UpstreamCopy

WELL_KNOWN: Final = "/.well-known/openid-configuration"


class Metadata(msgspec.Struct, frozen=True):
    """What we read of a discovery document. Endpoints that the issuer does not have are empty."""

    issuer: str
    jwks_uri: str
    authorization_endpoint: str = ""
    token_endpoint: str = ""
    userinfo_endpoint: str = ""
    end_session_endpoint: str = ""
    device_authorization_endpoint: str = ""  # RFC 8628 4
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)
    id_token_signing_alg_values_supported: tuple[str, ...] = ()


class Discovery:
    """An issuer's metadata and, as a KeySource, its keys; both cached by the rules of `Freshness`."""

    def __init__(
        self,
        base: str,
        client: EgressClient,
        clock: Clock,
        *,
        issuer: str | None = "",
        times: Freshness | None = None,
        uses: tuple[str, ...] = ("sig",),
        timeout: float = FETCH_TIMEOUT,
        limit: int = MAX_DOCUMENT,
        allow_http: bool = False,
    ) -> None:
        """No I/O. `base`: the URL in front of `/.well-known/openid-configuration` (appended when it is not there).

        `issuer`: what the document must name, to the letter (4.3); "" means `base` itself, None means that the document
        decides, which is right only when `base` is fixed by the server (Entra's v1 document: spec/azure.md 2.1).
        """
        stem = base.removesuffix(WELL_KNOWN)
        self.url = stem.rstrip("/") + WELL_KNOWN
        self._issuer = stem if issuer == "" else issuer
        self._client = client
        self._clock = clock
        self._times = times or Freshness()
        self._uses = uses
        self._timeout = timeout
        self._limit = limit
        self._allow_http = allow_http
        self._copy: UpstreamCopy[Metadata] = UpstreamCopy(self.url, self._fetch, clock, self._times)
        self._source: JwksSource | None = None

    async def metadata(self) -> Metadata:
        """The issuer's document. Raises Upstream when there is none to serve."""
        return await self._copy.get()

    async def keys(self) -> KeySet:
        return await self._keys_of(await self._copy.get()).keys()

    async def newer(self, than: KeySet, kid: str | None) -> KeySet | None:
        return await self._keys_of(await self._copy.get()).newer(than, kid)

    def health(self) -> tuple[Health, ...]:
        """Of the document and, once known, of the keys."""
        source = self._source
        return (self._copy.health(),) if source is None else (self._copy.health(), source.health())

    async def close(self) -> None:
        """Stops fetches that are under way."""
        await self._copy.close()
        if self._source is not None:
            await self._source.close()

    def _keys_of(self, metadata: Metadata) -> JwksSource:
        source = self._source
        if source is None or source.url != metadata.jwks_uri:
            source = self._source = JwksSource(
                metadata.jwks_uri,
                self._client,
                self._clock,
                times=self._times,
                uses=self._uses,
                timeout=self._timeout,
                limit=self._limit,
                allow_http=self._allow_http,
            )
        return source

    async def _fetch(self) -> Metadata:
        fetched = await self._client.request(
            "GET",
            self.url,
            headers=(("Accept", "application/json"),),
            timeout=self._timeout,
            limit=self._limit,
            allow_http=self._allow_http,
        )
        # an issuer may say null for an endpoint that it does not have
        said = {name: value for name, value in fetched.expect(200).json(dict[str, object]).items() if value is not None}
        try:
            metadata = msgspec.convert(said, Metadata)
        except msgspec.ValidationError as error:
            raise BadAnswer(fetched.where, f"not a discovery document: {error}") from None
        if not metadata.issuer or not metadata.jwks_uri:
            raise BadAnswer(fetched.where, "a discovery document without issuer or jwks_uri")
        if self._issuer is not None and metadata.issuer != self._issuer:
            raise BadAnswer(
                fetched.where, f"names the issuer {metadata.issuer[:256]!r} where {self._issuer!r} was expected"
            )
        return metadata
