"""Access tokens of the second API: signed JWTs that name a row of the token store (spec/infisical.md 1, ADR 7).

The `jti` of such a token is random; a key of the installation derives from it the text of an ordinary service token. So
whoever holds a JWT holds that token, and nothing else about tokens changes: a revoked row ends every JWT that names it,
a renewal signs a new JWT for the same row. Nothing here is a credential without the signature: a `jti` alone is a name.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from cachetools import LRUCache
from cryptography.hazmat.primitives.asymmetric import ec
from msgspec import Struct, structs

from vaultlike.clock import Clock
from vaultlike.core.signing import Signing
from vaultlike.errors import BadToken
from vaultlike.identity.issuer import OIDC, Issuer
from vaultlike.identity.keys import DAY, LoadedKey
from vaultlike.sdk.jwt import JwtProblem, decode_unverified
from vaultlike.sdk.keyset import KeySet
from vaultlike.tokens.ids import random_uuid, service_token
from vaultlike.tokens.store import NewToken

KEY = "organization"  # the named key of `identity/oidc` that signs; its public half is in that key set
ALGORITHM = "ES256"
TYPE = "at+jwt"  # RFC 9068 2.1: no other token of the issuer has it, whatever its claims say
MAX_LIFE = 90 * DAY  # seconds; also how long a retired key still proves
ROTATION = 30 * DAY
MAX_SIZE = 16_384  # characters
REMEMBERED = 4_096

_encode = msgspec.json.Encoder().encode


class _Known(Struct, frozen=True):
    text: str
    expires_at: float


class Opened:
    """The access tokens of all namespaces that were proved before, by digest. Emptied when keys may have changed."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._known: LRUCache[bytes, _Known] = LRUCache(REMEMBERED)

    def find(self, text: str) -> str | None:
        """The service token of a JWT; None for one that must be proved. Raises BadToken when its time is over."""
        known = self._known.get(_digest(text))
        if known is None:
            return None
        if known.expires_at <= self._clock.now():
            raise BadToken(reason="the access token is expired")
        return known.text

    def keep(self, text: str, known: _Known) -> None:
        """Remembers a JWT that was proved."""
        self._known[_digest(text)] = known

    def forget(self) -> None:
        """Empties it; what is being proved right now lands in the old one."""
        self._known = LRUCache(REMEMBERED)


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def is_signed(text: str) -> bool:
    """Whether a shown token can only be a JWT: no other begins like a JSON object in base64url and has two dots."""
    return text.startswith("eyJ") and text.count(".") == 2


def namespace_of(text: str) -> str:
    """The id of the namespace that a JWT says it is of, nothing of which is proved. Raises BadToken."""
    try:
        said = decode_unverified(text, max_size=MAX_SIZE).claims.get("namespace", "")
    except JwtProblem as problem:
        raise BadToken(reason=problem.reason) from None
    return said if isinstance(said, str) else ""


class AccessTokens:
    """Signs and opens the access tokens of one namespace (by its id). `secret` is a key of the installation."""

    def __init__(
        self,
        issuer: Issuer,
        secret: bytes,
        clock: Clock,
        random: Callable[[int], bytes],
        namespace: str,
        opened: Opened,
    ) -> None:
        self._issuer, self._secret, self._clock, self._random = issuer, secret, clock, random
        self._namespace, self.opened = namespace, opened
        self._public: tuple[tuple[dict[str, str], ...], KeySet] | None = None
        self._headers: dict[str, bytes] = {}  # the encoded header, by key id
        self._signing = Signing()

    def forget(self) -> None:
        """Drops what was proved: keys may have changed."""
        self.opened.forget()
        self._public = None

    def new_id(self) -> str:
        """A fresh `jti`: a random UUID."""
        return random_uuid(self._random)

    def named(self, new: NewToken) -> NewToken:
        """The same token to mint, with a name for signed tokens and the text that it stands for."""
        jti = self.new_id()
        return structs.replace(new, jti=jti, text=self.text_of(jti))

    def text_of(self, jti: str) -> str:
        """The service token that a `jti` stands for: a credential, never to be shown with it."""
        blocks = (
            hashlib.blake2b(
                f"{self._namespace}\x00{jti}\x00{number}".encode(), key=self._secret, digest_size=32
            ).digest()
            for number in range(256)
        )
        return service_token(lambda size: next(blocks)[:size], self._namespace)

    async def sign(self, jti: str, claims: Mapping[str, object], ttl: int) -> str:
        """The JWT of a token that has `ttl` more seconds."""
        loaded = await self._key()
        now = int(self._clock.now())
        issuer = await self._issuer.known_url(OIDC)
        said: dict[str, object] = {**claims, "jti": jti, "iat": now, "exp": now + min(ttl, MAX_LIFE)}
        if issuer:
            said["iss"] = issuer
        if self._namespace:
            said["namespace"] = self._namespace
        signed = self._header(loaded.key.current.kid) + b"." + _base64url(_encode(said))
        private: Any = loaded.signer.private_key
        assert isinstance(private, ec.EllipticCurvePrivateKey)
        return (signed + b"." + _base64url(await self._signing.sign(private, signed))).decode()

    def _header(self, kid: str) -> bytes:
        known = self._headers.get(kid)
        if known is None:
            known = _base64url(_encode({"alg": ALGORITHM, "kid": kid, "typ": TYPE}))
            self._headers = {kid: known}
        return known

    async def open(self, text: str) -> str:
        """The service token that a JWT stands for. Raises BadToken for one that is forged, foreign or expired."""
        found = self.opened.find(text)
        if found is None:
            opened = self.opened
            known = await self._prove(text)
            if known.expires_at <= self._clock.now():
                raise BadToken(reason="the access token is expired")
            opened.keep(text, known)
            found = known.text
        return found

    async def _prove(self, text: str) -> _Known:
        try:
            token = decode_unverified(text, max_size=MAX_SIZE)
        except JwtProblem as problem:
            raise BadToken(reason=problem.reason) from None
        claims, header = token.claims, token.header
        jti, exp = claims.get("jti"), claims.get("exp")
        if (
            header.typ != TYPE
            or header.alg != ALGORITHM
            or not isinstance(jti, str)
            or not isinstance(exp, (int, float))
        ):
            raise BadToken(reason="a JWT that is no access token")
        if claims.get("namespace", "") != self._namespace:
            raise BadToken(reason="an access token of another namespace")
        if not (await self._keys()).verifies(header.kid, ALGORITHM, token.signature, token.signing_input):
            raise BadToken(reason="the access token is not signed by this server, or with a key that is gone")
        return _Known(self.text_of(jti), float(exp))

    async def _key(self) -> LoadedKey:
        loaded = await self._issuer.loaded(KEY)
        if loaded is None or loaded.key.algorithm != ALGORITHM:  # somebody made one of this name for something else
            await self._issuer.configure(
                KEY, {"algorithm": ALGORITHM, "rotation_period": ROTATION, "verification_ttl": MAX_LIFE}
            )
            loaded = await self._issuer.loaded(KEY)
        assert loaded is not None
        return loaded

    async def _keys(self) -> KeySet:
        """The public keys of the named key alone: no other key of the issuer proves an access token."""
        published = tuple(await self._issuer.published(KEY))
        known = self._public
        if known is None or known[0] != published:
            known = self._public = (published, KeySet.parse(_encode({"keys": published})))
        return known[1]


def _base64url(raw: bytes) -> bytes:
    return base64.urlsafe_b64encode(raw).rstrip(b"=")
