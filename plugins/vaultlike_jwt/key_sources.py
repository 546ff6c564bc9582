"""Where the keys for a mount's tokens come from: fixed keys, one or several key sets, or an issuer's discovery.

Owns which source judges which token. Fetching and its rules (stale while the issuer is down with a cap, one fetch in
flight, a pause after failures, rate-limited looks for unknown key ids) are the sdk's.
"""

from __future__ import annotations

from typing import Final

from vaultlike.errors import Invalid, Upstream
from vaultlike.sdk import Context
from vaultlike.sdk.discovery import Discovery
from vaultlike.sdk.egress import EgressClient
from vaultlike.sdk.jwks import (
    FETCH_TIMEOUT,
    MAX_DOCUMENT,
    Freshness,
    Health,
    JwksSource,
    KeySet,
    KeySource,
    StaticKeys,
    UnverifiedJwt,
)
from vaultlike_jwt.config import Config, static_keys

USES: Final = ("sig", "jwt-svid")  # SPIFFE bundles mark the keys of JWT-SVIDs so
FRESHNESS: Final = Freshness()


class KeySources:
    """The sources of one configuration. Fetches nothing until a token needs it."""

    def __init__(self, ctx: Context, config: Config) -> None:
        """Raises Invalid where a CA is no certificate."""
        self.discovery: Discovery | None = None
        self._by_issuer: dict[str, JwksSource] = {}
        self._by_kid: list[JwksSource] = []
        self._one: KeySource | None = None
        if config.jwt_validation_pubkeys:
            self._one = StaticKeys(static_keys(config.jwt_validation_pubkeys))
        elif config.oidc_discovery_url:
            self.discovery = self._one = discovery_of(ctx, config)
        elif config.jwks_url:
            self._by_kid = [_jwks(ctx, config.jwks_url, config.jwks_ca_pem)]
            self._one = self._by_kid[0]
        for pair in config.pairs:
            source = _jwks(ctx, pair.jwks_url, pair.jwks_ca_pem)
            if pair.issuer:
                self._by_issuer[pair.issuer] = source
            else:
                self._by_kid.append(source)

    async def choose(self, token: UnverifiedJwt) -> KeySource:
        """The source that must vouch for this token. Raises Invalid when there is none, Upstream when nobody knows."""
        if self._one is not None:
            return self._one
        if self._by_issuer:
            issuer = token.claims.get("iss")
            source = self._by_issuer.get(issuer) if isinstance(issuer, str) else None
            if source is None:
                raise Invalid("error validating token: invalid issuer (iss) claim")
            return source
        return await self._with_kid(token.header.kid)

    async def _with_kid(self, kid: str | None) -> KeySource:
        if kid is None:
            raise Invalid("error validating token: error verifying token signature: token missing kid header parameter")
        down: Upstream | None = None
        for source in self._by_kid:
            try:
                keys = await source.keys()
                if keys.knows(kid):
                    return source
            except Upstream as problem:
                down = problem
        for source in self._by_kid:
            try:
                newer = await source.newer(await source.keys(), kid)
                if newer is not None and newer.knows(kid):
                    return source
            except Upstream as problem:
                down = problem
        if down is not None:
            raise down
        raise Invalid(f"error validating token: error verifying token signature: no key set found with kid {kid[:128]}")

    async def ready(self) -> None:
        """Raises Upstream when one of the sources has no keys to offer now."""
        if self.discovery is not None:
            await self.discovery.metadata()
        elif self._one is not None:
            await self._one.keys()
        for source in (*self._by_kid, *self._by_issuer.values()):
            await source.keys()

    def health(self) -> tuple[Health, ...]:
        """How each publisher of keys is doing."""
        found = () if self.discovery is None else self.discovery.health()
        return (*found, *(source.health() for source in (*self._by_kid, *self._by_issuer.values())))

    async def close(self) -> None:
        """Stops fetches that are under way."""
        for source in (*self._by_kid, *self._by_issuer.values()):
            await source.close()
        if self.discovery is not None:
            await self.discovery.close()


def discovery_of(ctx: Context, config: Config) -> Discovery:
    """The issuer's metadata and keys. Raises Invalid where its CA is no certificate."""
    url = config.oidc_discovery_url
    client = ctx.egress.client(ca_pem=config.oidc_discovery_ca_pem or None)
    issuer = None if config.skip_discovery_issuer_check else ""
    http = url.startswith("http://")
    return Discovery(url, client, ctx.clock, issuer=issuer, times=FRESHNESS, uses=USES, allow_http=http)


def _jwks(ctx: Context, url: str, ca_pem: str) -> JwksSource:
    client = ctx.egress.client(ca_pem=ca_pem or None)
    return JwksSource(url, client, ctx.clock, times=FRESHNESS, uses=USES, allow_http=url.startswith("http://"))


async def probe(ctx: Context, config: Config) -> list[str]:
    """Asks the written configuration's publishers once. Raises Invalid with the reference's texts, or warns instead
    where the write says so. A key set without keys is taken: an issuer may make its first key later."""
    problems: list[str] = []
    if config.oidc_discovery_url:
        try:
            await discovery_of(ctx, config).metadata()
        except (Upstream, Invalid) as problem:
            problems.append("error checking oidc discovery URL")
            ctx.log.warning("oidc_discovery_url refused", reason=problem.reason)
    single = ((config.jwks_url, config.jwks_ca_pem, ""),) if config.jwks_url else ()
    several = ((pair.jwks_url, pair.jwks_ca_pem, f" for jwks_pairs[{i}]") for i, pair in enumerate(config.pairs))
    for url, ca_pem, where in (*single, *several):
        try:
            client = ctx.egress.client(ca_pem=ca_pem or None)
        except Invalid:
            raise Invalid(f"error checking jwks_ca_pem{where}") from None
        problem_text = await _probe_jwks(client, url)
        if problem_text:
            problems.append(f"error checking jwks URL{where}")
            ctx.log.warning("jwks_url refused", url=url.partition("?")[0][:512], reason=problem_text)
    if problems and not config.skip_jwks_validation:
        raise Invalid(problems[0])
    return problems


async def _probe_jwks(client: EgressClient, url: str) -> str:
    try:
        fetched = await client.request(
            "GET", url, timeout=FETCH_TIMEOUT, limit=MAX_DOCUMENT, allow_http=url.startswith("http://")
        )
        KeySet.parse(fetched.expect(200).body, uses=USES)
    except (Upstream, Invalid) as problem:
        return problem.reason
    return ""


def shown_health(sources: KeySources) -> list[dict[str, object]]:
    """Health for the config's read; times in Unix seconds."""
    return [
        {
            "url": item.url,
            "keys": item.keys,
            "skipped": item.skipped,
            "failing": item.failing,
            "age": round(item.age),
            "last_success_at": round(item.last_success_at),
            "last_failure_at": round(item.last_failure_at),
            "last_error": item.last_error[:512],
            "fetches": item.fetches,
        }
        for item in sources.health()
    ]
