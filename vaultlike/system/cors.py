"""`sys/config/cors`: which web pages of other origins may call the server (spec/vault-api.md 1.15, 2.12).

Owns the setting and its storage; `http` applies it.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from vaultlike.errors import Invalid
from vaultlike.sdk import Call, Storage, delete, read, write
from vaultlike.system.part import Part
from vaultlike.types import Names

KEY = "cors"
STANDARD_HEADERS = (
    "Content-Type",
    "Authorization",
    "X-Vault-Token",
    "X-Vault-MFA",
    "X-Vault-No-Request-Forwarding",
    "X-Vault-Wrap-Format",
    "X-Vault-Wrap-TTL",
    "X-Requested-With",
    "X-Vault-AWS-IAM-Server-ID",
    "X-Vault-Policy-Override",
)
MAX_ORIGINS = 1000


class CorsSettings(Struct, frozen=True, kw_only=True):
    """Who may call. `headers` are allowed beside the standard ones."""

    origins: tuple[str, ...]
    headers: tuple[str, ...] = ()

    def admits(self, origin: str) -> bool:
        """Whether pages of this origin may call."""
        return self.origins == ("*",) or origin in self.origins

    @property
    def all_headers(self) -> tuple[str, ...]:
        """Every header that a page may send."""
        return (*STANDARD_HEADERS, *self.headers)


_decode = msgspec.json.Decoder(CorsSettings).decode


async def cors_settings(storage: Storage) -> CorsSettings | None:
    """The setting, None while switched off; `storage` is the core's own."""
    return await storage.cached(KEY, _decode)


class CorsBody(Struct, kw_only=True):
    """The body of the setting."""

    allowed_origins: Annotated[Names, Meta(description="Origins, or * alone for all.")] = ()
    allowed_headers: Annotated[Names, Meta(description="Headers beside the standard ones.")] = ()


class Cors(Part):
    """The cross-origin setting."""

    @read("config/cors", sudo=True, inject=True)
    async def show(self, call: Call) -> dict[str, object]:
        """Shows the cross-origin setting."""
        settings = await cors_settings(self.services.storage)
        if settings is None:
            return {"enabled": False}
        return {"enabled": True, "allowed_origins": settings.origins, "allowed_headers": settings.all_headers}

    @write("config/cors", sudo=True)
    async def switch_on(self, call: Call, body: CorsBody) -> None:
        """Allows pages of other origins to call."""
        origins = tuple(origin for origin in body.allowed_origins if origin)
        if not origins:
            raise Invalid("at least one origin or the wildcard must be provided")
        if len(origins) > 1 and "*" in origins:
            raise Invalid("to allow all origins the '*' must be the only value for allowed_origins")
        if len(origins) > MAX_ORIGINS:
            raise Invalid(f"more than {MAX_ORIGINS} origins")
        settings = CorsSettings(origins=origins, headers=tuple(h for h in body.allowed_headers if h))
        if not all(header.isprintable() for header in settings.headers):
            raise Invalid("a header name contains unprintable characters")
        await self.services.storage.put(KEY, msgspec.json.encode(settings))

    @delete("config/cors", sudo=True)
    async def switch_off(self, call: Call) -> None:
        """Forbids pages of other origins to call."""
        await self.services.storage.delete(KEY)
