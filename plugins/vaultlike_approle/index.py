"""Where things lie in the mount's storage: keyed hashes of what clients present, and the index from role id to role.

Neither role ids nor secret ids nor accessors can be read off the database's keys: each is an HMAC-SHA256 under a key of
the mount, which lies sealed. A role's secret ids lie in a store with a random name of its own, so that a role made
again under an old name and role id does not bring its secret ids back.
"""

from __future__ import annotations

import hashlib
import hmac

import msgspec
from msgspec import Struct

from vaultlike.sdk import Context

KEY = "key"


class Place(Struct, frozen=True):
    """What a role id leads to: the role's name and the store of its secret ids."""

    name: str
    store: str


encode_place = msgspec.json.Encoder().encode
_decode_place = msgspec.json.Decoder(Place).decode


async def digest(ctx: Context, kind: str, *texts: str) -> str:
    """The keyed hash that stands for `texts`; the key is made at its first use."""
    key = await ctx.storage.cached(KEY, bytes)
    if key is None:
        fresh = ctx.random(32)
        key = await ctx.storage.update(KEY, lambda known: known or fresh)
        assert key is not None
    message = "\x00".join((kind, *texts)).encode("utf-8", "surrogatepass")
    return hmac.new(key, message, hashlib.sha256).hexdigest()


async def place_key(ctx: Context, role_id: str) -> str:
    """The document of a role id."""
    return "role-id/" + await digest(ctx, "role-id", role_id)


async def place_of(ctx: Context, role_id: str) -> Place | None:
    """Where a role id leads; None for one that nobody has."""
    return await ctx.storage.cached(await place_key(ctx, role_id), _decode_place)


async def places(ctx: Context) -> list[Place]:
    """All of the mount, for cleaning up."""
    return [_decode_place(raw) for _, raw in await ctx.storage.items("role-id/")]


def new_store(ctx: Context) -> str:
    """The name of a store that there has never been."""
    return ctx.random(16).hex()
