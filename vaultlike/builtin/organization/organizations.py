"""The organization of a namespace: one document, made when it is first asked for. Owns no paths."""

from __future__ import annotations

import uuid

import msgspec
from msgspec import Struct

from vaultlike.errors import Denied
from vaultlike.sdk import Context

KEY = "config"
DEFAULT_NAME = "Organization"


class OrganizationRecord(Struct, frozen=True, kw_only=True):
    """The organization. Times in Unix seconds."""

    id: str
    name: str
    slug: str
    created_at: float
    updated_at: float


encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(OrganizationRecord).decode


def new_id(ctx: Context) -> str:
    """A fresh random UUID."""
    return str(uuid.UUID(bytes=ctx.random(16), version=4))


async def the_organization(ctx: Context) -> OrganizationRecord:
    """The organization; made with a default name where nobody has named it yet."""
    found = await ctx.storage.cached(KEY, _decode)
    if found is None:
        now = ctx.clock.now()
        new = OrganizationRecord(
            id=new_id(ctx),
            name=DEFAULT_NAME,
            slug=f"organization-{ctx.random(3).hex()}",
            created_at=now,
            updated_at=now,
        )
        await ctx.storage.commit_if({KEY: (encode(new), 0)})  # or somebody was faster
        found = await ctx.storage.cached(KEY, _decode)
        assert found is not None
    return found


async def change_organization(ctx: Context, name: str, slug: str) -> OrganizationRecord:
    """Names the organization; "" leaves a name as it is."""
    await the_organization(ctx)

    def change(value: bytes | None) -> bytes | None:
        assert value is not None
        old = _decode(value)
        return encode(
            OrganizationRecord(
                id=old.id, name=name or old.name, slug=slug or old.slug, created_at=old.created_at,
                updated_at=ctx.clock.now(),
            )
        )  # fmt: skip

    await ctx.storage.update(KEY, change)
    return await the_organization(ctx)


async def require_organization(ctx: Context, identity: str) -> OrganizationRecord:
    """The organization. Raises Denied where a request names another one by id; "" names none."""
    found = await the_organization(ctx)
    if identity and identity != found.id:
        raise Denied("You are not a member of this organization", reason="the request names another organization")
    return found
