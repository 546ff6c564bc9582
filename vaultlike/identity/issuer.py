"""Issues identity tokens: keeps the named keys, rotates them, signs. What a token says is the caller's business."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol, TypeVar
from urllib.parse import urlsplit

import msgspec
from joserfc import jwt
from joserfc.jws import JWSRegistry
from msgspec import Struct
from msgspec.structs import replace

from vaultlike.clock import Clock
from vaultlike.errors import Invalid, Unavailable
from vaultlike.identity import keys
from vaultlike.identity.keys import LoadedKey, NamedKey
from vaultlike.identity.roles import TokenRoles

T = TypeVar("T")
DEFAULT = "default"
OIDC = "/v1/identity/oidc"
PLUGINS = "/v1/identity/oidc/plugins"
_REGISTRY = JWSRegistry(algorithms=list(keys.ALGORITHMS))


class Documents(Protocol):
    """What the issuer needs of its view."""

    async def get(self, key: str) -> bytes | None: ...
    async def put(self, key: str, value: bytes) -> int: ...
    async def delete(self, key: str) -> bool: ...
    async def keys(self, prefix: str = "", *, after: str = "", limit: int = 0) -> list[str]: ...
    async def cached(self, key: str, decode: Callable[[bytes], T]) -> T | None: ...
    async def update(self, key: str, change: Callable[[bytes | None], bytes | None]) -> bytes | None: ...


class IssuerConfig(Struct, frozen=True):
    """`identity/oidc/config`: the issuer's public base URL; empty means the server's own address."""

    issuer: str = ""


_decode_config = msgspec.json.Decoder(IssuerConfig).decode


class Issuer:
    """The identity tokens of one namespace, at `path` ("" or ending with a slash).

    `api_addr` is the server's public address, without a path.
    """

    def __init__(
        self, view: Documents, clock: Clock, random: Callable[[int], bytes], api_addr: str, path: str = ""
    ) -> None:
        self._view, self._clock, self._random = view, clock, random
        self._api_addr, self._prefix = api_addr.rstrip("/"), f"/v1/{path}"
        self.roles = TokenRoles(view)

    # Who we are

    async def config(self) -> IssuerConfig:
        """The configured issuer."""
        return await self._view.cached("config", _decode_config) or IssuerConfig()

    async def set_issuer(self, issuer: str) -> None:
        """Configures the base URL; empty restores the server's address. Raises Invalid for anything with a path."""
        parts = urlsplit(issuer)
        plain = parts.scheme in ("http", "https") and parts.netloc and issuer == f"{parts.scheme}://{parts.netloc}"
        if issuer and (not plain or len(issuer) > 512 or not issuer.isprintable()):
            raise Invalid(
                "invalid issuer, which must include only a scheme, host, and optional port "
                "(e.g. https://example.com:8200)"
            )
        await self._view.put("config", msgspec.json.encode(IssuerConfig(issuer)))

    async def url(self, path: str) -> str:
        """The public URL of an issuer; `path` is OIDC or PLUGINS. Raises Unavailable where there is no address."""
        url = await self.known_url(path)
        if not url:
            raise Unavailable(
                "this server does not know its public address: set api_addr, or the issuer in identity/oidc/config"
            )
        return url

    async def known_url(self, path: str) -> str:
        """The public URL of an issuer, "" where there is no address."""
        base = (await self.config()).issuer or self._api_addr
        return base + self._prefix + path.removeprefix("/v1/") if base else ""

    # Keys

    async def loaded(self, name: str) -> LoadedKey | None:
        """A named key, ready to sign; None where there is none (also for a default key that was never needed)."""
        return await self._view.cached(f"key/{name}", LoadedKey)

    async def find(self, name: str) -> NamedKey | None:
        """A named key; None where there is none."""
        found = await self.loaded(name)
        return None if found is None else found.key

    async def names(self) -> list[str]:
        """All names; the default key is always among them."""
        return sorted({*await self._view.keys("key/"), DEFAULT})

    async def ensure_default(self) -> LoadedKey:
        """The default key, made when it is first needed."""
        found = await self.loaded(DEFAULT)
        if found is not None:
            return found
        made = keys.encode(await self._fresh(DEFAULT, allowed_client_ids=("*",)))
        stored = await self._view.update(f"key/{DEFAULT}", lambda known: known or made)
        assert stored is not None
        return LoadedKey(stored)

    async def _fresh(self, name: str, **facts: object) -> NamedKey:
        algorithm = str(facts.get("algorithm", "RS256"))
        pair = [await keys.generate(algorithm, self._random) for _ in range(2)]
        key = NamedKey(name=name, current=pair[0], next=pair[1], **facts)  # type: ignore[arg-type]
        return replace(key, next_rotation=self._clock.now() + key.rotation_period)

    async def configure(self, name: str, settings: Mapping[str, object]) -> NamedKey:
        """Creates or updates a named key with the given settings; raises Invalid, then nothing has changed.

        Another algorithm means other keys: the old signing key is retired, not forgotten.
        """
        old = await self.find(name) or (await self.ensure_default() if name == DEFAULT else None)
        old = old.key if isinstance(old, LoadedKey) else old
        if old is None:
            blank = keys.SigningKey(kid="", private={})
            keys.check(NamedKey(name=name, current=blank, next=blank, **settings))  # type: ignore[arg-type]
            made = await self._fresh(name, **settings)
        else:
            keys.check(replace(old, **settings))
            made = old if settings.get("algorithm", old.algorithm) == old.algorithm else await self._fresh(
                name, algorithm=settings["algorithm"]
            )  # fmt: skip
        now = self._clock.now()

        def change(raw: bytes | None) -> bytes:
            key = LoadedKey(raw).key if raw is not None else made
            if raw is not None and made.algorithm != key.algorithm:
                retired = keys.retire(key, now, key.verification_ttl)
                key = replace(key, current=made.current, next=made.next, retired=retired, algorithm=made.algorithm)
            key = replace(key, **settings)
            keys.check(key)
            return keys.encode(replace(key, next_rotation=min(key.next_rotation, now + key.rotation_period)))

        stored = await self._view.update(f"key/{name}", change)
        assert stored is not None
        return LoadedKey(stored).key

    async def rotate(self, name: str, verification_ttl: int | None = None) -> None:
        """Rotates a named key now; the replaced one counts for `verification_ttl` seconds more. Raises Invalid."""
        key = await self.find(name)
        if key is None and name == DEFAULT:
            key = (await self.ensure_default()).key
        if key is None:
            raise Invalid(f'no named key found at "{name}"')
        if verification_ttl is not None and verification_ttl > 10 * key.rotation_period:
            raise Invalid("verification_ttl cannot be longer than 10x rotation_period")
        await self._rotate(key, lambda _: True, verification_ttl)

    async def _rotate(self, key: NamedKey, due: Callable[[NamedKey], bool], ttl: int | None = None) -> None:
        fresh = await keys.generate(key.algorithm, self._random)
        now = self._clock.now()

        def change(raw: bytes | None) -> bytes | None:
            if raw is None:
                return None
            known = LoadedKey(raw).key
            # with another algorithm since, `fresh` does not fit: whoever changed it has just made new keys
            ready = known.algorithm == key.algorithm and due(known)
            return keys.encode(keys.rotated(known, fresh, now, ttl)) if ready else raw

        await self._view.update(f"key/{key.name}", change)

    async def rotate_due(self) -> None:
        """Rotates every key whose time has come; safe to run twice or on two nodes at once."""
        now = self._clock.now()
        for name in await self._view.keys("key/"):
            key = await self.find(name)
            if key is not None and key.next_rotation <= now:
                await self._rotate(key, lambda known: known.next_rotation <= now)

    async def remove(self, name: str) -> None:
        """Deletes a named key; absent is fine. Raises Invalid for the default key."""
        if name == DEFAULT:
            raise Invalid(f'deletion of key "{DEFAULT}" not allowed')
        await self._view.delete(f"key/{name}")

    async def key_set(self) -> tuple[list[dict[str, str]], int]:
        """All public keys, and for how many seconds they can be cached (0 where there are none)."""
        now = self._clock.now()
        found = [key for key in [await self.find(name) for name in await self._view.keys("key/")] if key is not None]
        published = [jwk for key in found for jwk in keys.published(key, now)]
        wait = min((key.next_rotation - now for key in found), default=0.0)
        return published, max(int(wait), 60) if found else 0

    async def published(self, name: str) -> list[dict[str, str]]:
        """The public keys of one named key; [] where there is none."""
        key = await self.find(name)
        return [] if key is None else keys.published(key, self._clock.now())

    async def verifier(self, kid: str) -> tuple[dict[str, str], str] | None:
        """The published key with this id, and the name of its algorithm."""
        published, _ = await self.key_set()
        found = next((jwk for jwk in published if jwk["kid"] == kid), None)
        return None if found is None else (found, found["alg"])

    # Tokens

    async def sign(self, name: str, claims: Mapping[str, object], ttl: int) -> tuple[str, int]:
        """A token of `claims` with iat, nbf and exp, signed by the named key; and its TTL in seconds.

        The TTL is cut to the key's verification_ttl: no token outlives the key that proves it. Raises Invalid.
        """
        loaded = await self.loaded(name)
        if loaded is None and name == DEFAULT:
            loaded = await self.ensure_default()
        if loaded is None:
            raise Invalid(f'no named key found at "{name}"')
        key = loaded.key
        ttl = min(ttl, key.verification_ttl)
        now = int(self._clock.now())
        times = {"iat": now, "nbf": now, "exp": now + ttl}
        header = {"alg": key.algorithm, "kid": key.current.kid}
        return jwt.encode(header, {**claims, **times}, loaded.signer, registry=_REGISTRY), ttl
