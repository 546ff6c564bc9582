"""Federated credentials: a foreign issuer's token in place of a client secret (spec/azure.md 5.3, 7.1).

Owns judging a client assertion, for which it really fetches the issuer's discovery document and keys. Not the token
endpoint around it (`entra`). Real Entra demands https; here plain http to this machine is good enough.
"""

from __future__ import annotations

import ipaddress
import ssl
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import msgspec
from aiohttp import ClientError, ClientSession, ClientTimeout, DummyCookieJar, TCPConnector
from msgspec import Struct
from yarl import URL

from vaultlike.testing.azure.jose import Jwk, JwkSet, Parsed, parse, public_key, verified
from vaultlike.testing.azure.model import FederatedCredential
from vaultlike.testing.azure.refusals import EntraRefusal
from vaultlike.testing.azure.state import State

D = TypeVar("D")

_LIMIT = 1024 * 1024  # bytes of a discovery document or key set
_TIMEOUT = ClientTimeout(total=10)
_LEEWAY = 300.0  # seconds


class AssertionClaims(Struct, frozen=True, kw_only=True):
    iss: str = ""
    sub: str = ""
    aud: str | list[str] = ""
    exp: float = 0.0
    nbf: float = 0.0

    @property
    def audiences(self) -> list[str]:
        return [self.aud] if isinstance(self.aud, str) else self.aud


class Discovery(Struct, frozen=True, kw_only=True):
    issuer: str
    jwks_uri: str


class Federation:
    """Judges assertions with an HTTP client that trusts public CAs, the emulator's own, and those in `issuer_ca`.

    The client is made at the first assertion: reading the system's CAs takes longer than starting all the rest.
    """

    def __init__(self, state: State, issuer_ca: Path | None = None) -> None:
        self._state = state
        self._issuer_ca = issuer_ca
        self._session: ClientSession | None = None

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    def _client(self) -> ClientSession:
        if self._session is None:
            context = ssl.create_default_context()
            context.load_verify_locations(cadata=self._state.authority.certificate)
            if self._issuer_ca:
                context.load_verify_locations(cafile=self._issuer_ca)
            self._session = ClientSession(connector=TCPConnector(ssl=context), cookie_jar=DummyCookieJar())
        return self._session

    async def judge(self, assertion: str, client_id: str, credentials: Sequence[FederatedCredential]) -> None:
        """Returns when one of the credentials covers this assertion. Raises EntraRefusal otherwise.

        Order as observable in Entra: shape, then issuer, subject and audience (all case-sensitive), then the
        signature with fetched keys, then the dates.
        """
        try:
            parsed = parse(assertion, AssertionClaims)
        except ValueError as error:
            raise _refusal(50027, f"JWT token is invalid or malformed: {error}") from error
        claims = parsed.claims
        if claims.iss == claims.sub == client_id:
            raise _refusal(700027, "No certificate is registered on this client; only federated assertions are known.")
        _match(claims, credentials)
        if parsed.header.alg != "RS256":
            raise _refusal(5002738, f"The assertion is signed with {parsed.header.alg!r}; only RS256 is allowed.")
        await self._check_signature(parsed)
        now = self._state.now()
        if claims.exp <= now or claims.nbf > now + _LEEWAY:
            raise _refusal(700024, "Client assertion is not within its valid time range.")

    async def _check_signature(self, parsed: Parsed[AssertionClaims]) -> None:
        issuer = parsed.claims.iss
        document = await self._fetch(
            issuer.rstrip("/") + "/.well-known/openid-configuration", "issuer_discovery", Discovery
        )
        if document.issuer != issuer:
            raise _refusal(
                50166, f"The issuer's discovery document names {document.issuer!r}, the assertion {issuer!r}."
            )
        keys = await self._fetch(document.jwks_uri, "issuer_jwks", JwkSet)
        if not any(_signed_by(parsed, key) for key in keys.keys if key.kid == parsed.header.kid):
            raise _refusal(700027, "The assertion's signature does not verify with any key of its issuer.")

    async def _fetch(self, url: str, counter: str, kind: type[D]) -> D:
        self._state.ledger.count(counter)
        if not _may_dial(url):
            raise _refusal(50166, f"The issuer {url!r} is not reachable over https.")
        try:
            async with self._client().get(url, allow_redirects=False, timeout=_TIMEOUT) as answer:
                body = await answer.content.read(_LIMIT + 1)
                while len(body) <= _LIMIT and (more := await answer.content.read(_LIMIT)):
                    body += more
                if answer.status != 200 or len(body) > _LIMIT:
                    raise _refusal(50166, f"{url} answered {answer.status} with {len(body)} bytes.")
                return msgspec.json.decode(body, type=kind)
        except (ClientError, TimeoutError, msgspec.DecodeError, ValueError) as error:
            raise _refusal(50166, f"Request to the external issuer failed: {url}: {error}") from error


def _match(claims: AssertionClaims, credentials: Sequence[FederatedCredential]) -> None:
    left = [one for one in credentials if one.issuer == claims.iss]
    if not left:
        raise _refusal(
            700211, f"No matching federated identity record found for presented assertion issuer '{claims.iss}'."
        )
    left = [one for one in left if one.subject == claims.sub]
    if not left:
        raise _refusal(
            700213, f"No matching federated identity record found for presented assertion subject '{claims.sub}'."
        )
    if not any(set(one.audiences) & set(claims.audiences) for one in left):
        shown = ", ".join(claims.audiences)
        raise _refusal(
            700212, f"No matching federated identity record found for presented assertion audience '{shown}'."
        )


def _signed_by(parsed: Parsed[AssertionClaims], key: Jwk) -> bool:
    try:
        return verified(parsed.signed, parsed.signature, public_key(key))
    except ValueError:
        return False


def _may_dial(url: str) -> bool:
    target = URL(url)
    if target.scheme == "https":
        return True
    host = target.host or ""
    try:
        return target.scheme == "http" and (host == "localhost" or ipaddress.ip_address(host).is_loopback)
    except ValueError:
        return False


def _refusal(number: int, text: str) -> EntraRefusal:
    return EntraRefusal(401, "invalid_client", number, text)
