"""Where the keys that verify JWTs come from: a JWKS URL, OIDC discovery, or fixed keys. One door to all JWT validation.

Owns fetching a key set and when an unknown key id may cause a fetch. Parsing is in `sdk/jwt.py`, keys in
`sdk/keyset.py`, the judgement on a token in `sdk/verify.py`; their public names are available here.
"""

from __future__ import annotations

from typing import Final

import msgspec
from cachetools import TTLCache

from vaultlike.clock import Clock
from vaultlike.errors import Invalid
from vaultlike.sdk.claims import Claims, TokenDate
from vaultlike.sdk.egress import EgressClient
from vaultlike.sdk.fetched import BadAnswer
from vaultlike.sdk.jwt import (
    ALGORITHMS,
    Header,
    JwtMalformed,
    JwtProblem,
    JwtRefused,
    UnverifiedJwt,
    decode_unverified,
)
from vaultlike.sdk.keyset import KeySet, KeySource, PublicKey
from vaultlike.sdk.upstream_copy import Freshness, Health, UpstreamCopy
from vaultlike.sdk.verify import NO_LEEWAY, Issuers, Leeway, Recorder, verify

__all__ = [
    "ALGORITHMS",
    "NO_LEEWAY",
    "Claims",
    "Freshness",
    "Header",
    "Health",
    "Issuers",
    "JwksSource",
    "JwtMalformed",
    "JwtProblem",
    "JwtRefused",
    "KeySet",
    "KeySource",
    "Leeway",
    "PublicKey",
    "Recorder",
    "StaticKeys",
    "TokenDate",
    "UnverifiedJwt",
    "decode_unverified",
    "verify",
]

MAX_DOCUMENT: Final = 512 * 1024  # bytes
FETCH_TIMEOUT: Final = 10.0  # seconds
_ABSENT_KIDS: Final = 256


class StaticKeys:
    """Keys from the configuration. They never change; a new configuration is a new object."""

    def __init__(self, keys: KeySet) -> None:
        """Raises Invalid for an empty key set: nothing could ever log in, and nobody would know why."""
        if not len(keys):
            raise Invalid("no usable public key")
        self._keys = keys

    async def keys(self) -> KeySet:
        return self._keys

    async def newer(self, than: KeySet, kid: str | None) -> KeySet | None:
        return None


class JwksSource:
    """The key set behind a URL, by the rules of `Freshness`. An empty set counts as a failed fetch."""

    def __init__(
        self,
        url: str,
        client: EgressClient,
        clock: Clock,
        *,
        times: Freshness | None = None,
        uses: tuple[str, ...] = ("sig",),
        timeout: float = FETCH_TIMEOUT,
        limit: int = MAX_DOCUMENT,
        allow_http: bool = False,
        headers: tuple[tuple[str, str], ...] = (),
    ) -> None:
        """No I/O. `timeout` seconds and `limit` bytes of one fetch; `uses` as in KeySet.parse."""
        self.url = url
        self._client = client
        self._uses = uses
        self._timeout = timeout
        self._limit = limit
        self._allow_http = allow_http
        self._headers = headers
        times = times or Freshness()
        self._copy: UpstreamCopy[KeySet] = UpstreamCopy(url, self._fetch, clock, times)
        # Ids that a fetch has just shown to be absent: one misconfigured client must not cause fetches for good.
        self._absent: TTLCache[str, bool] = TTLCache(_ABSENT_KIDS, times.absent, timer=clock.monotonic)

    async def keys(self) -> KeySet:
        return await self._copy.get()

    async def newer(self, than: KeySet, kid: str | None) -> KeySet | None:
        current = self._copy.peek()
        if kid is not None and kid in self._absent and (current is than or current is None or not current.knows(kid)):
            return None
        # Only a new id is worth a wait: a bad signature under a known one is mostly just that.
        found = await self._copy.newer(than, wait=kid is not None and not than.knows(kid))
        if found is not None and kid is not None and not found.knows(kid):
            self._absent[kid] = True
        return found

    def health(self) -> Health:
        """Last success, last error and number of keys."""
        keys = self._copy.peek()
        return msgspec.structs.replace(
            self._copy.health(),
            keys=len(keys) if keys is not None else 0,
            skipped=keys.skipped if keys is not None else 0,
        )

    async def close(self) -> None:
        """Stops a fetch that is under way."""
        await self._copy.close()

    async def _fetch(self) -> KeySet:
        fetched = await self._client.request(
            "GET",
            self.url,
            headers=(("Accept", "application/json, application/jwk-set+json"), *self._headers),
            timeout=self._timeout,
            limit=self._limit,
            allow_http=self._allow_http,
        )
        try:
            keys = KeySet.parse(fetched.expect(200).body, uses=self._uses)
        except Invalid as error:
            raise BadAnswer(fetched.where, error.reason) from None
        if not len(keys):
            # Taking it would lock everybody out on an issuer's mistake; the keys known so far stay until the cap.
            raise BadAnswer(fetched.where, f"a key set without a usable key ({keys.skipped} others)")
        return keys
