"""Roles of identity tokens: which key signs them, for which client, with which extra claims. Stored as documents."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

import msgspec
from msgspec import Struct

T = TypeVar("T")
BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
CLIENT_ID_LENGTH = 26


class Documents(Protocol):
    """What the roles need of their view."""

    async def put(self, key: str, value: bytes) -> int: ...
    async def delete(self, key: str) -> bool: ...
    async def keys(self, prefix: str = "", *, after: str = "", limit: int = 0) -> list[str]: ...
    async def cached(self, key: str, decode: Callable[[bytes], T]) -> T | None: ...


class TokenRole(Struct, frozen=True, kw_only=True):
    """One role of `identity/oidc/role/:name`; `ttl` in seconds, `template` is JSON with selectors."""

    name: str
    key: str
    client_id: str
    template: str = ""
    ttl: int = 86_400


_decode = msgspec.json.Decoder(TokenRole).decode


class TokenRoles:
    """The roles of one namespace."""

    def __init__(self, view: Documents) -> None:
        self._view = view

    async def find(self, name: str) -> TokenRole | None:
        """A role by name."""
        return await self._view.cached(f"role/{name}", _decode)

    async def names(self) -> list[str]:
        """All names, sorted."""
        return await self._view.keys("role/")

    async def save(self, role: TokenRole) -> None:
        """Stores a role."""
        await self._view.put(f"role/{role.name}", msgspec.json.encode(role))

    async def remove(self, name: str) -> None:
        """Deletes a role; absent is fine."""
        await self._view.delete(f"role/{name}")

    async def using(self, key: str) -> list[TokenRole]:
        """The roles whose tokens a named key signs."""
        found = [await self.find(name) for name in await self.names()]
        return [role for role in found if role is not None and role.key == key]


def new_client_id(random: Callable[[int], bytes]) -> str:
    """26 random letters and digits, each equally likely."""
    text = ""
    while len(text) < CLIENT_ID_LENGTH:
        text += "".join(BASE62[byte % 62] for byte in random(32) if byte < 248)
    return text[:CLIENT_ID_LENGTH]
