"""The roles of a mount, kept together with the index of their role ids: one commit writes both."""

from __future__ import annotations

from collections.abc import Callable

from vaultlike.errors import Invalid, Unavailable, UnsupportedPath
from vaultlike.sdk import Answer, Backend, Call, Collection, Context
from vaultlike.sdk.resources import encode
from vaultlike_approle.index import Place, encode_place, new_store, place_key, place_of
from vaultlike_approle.role import Role, check_role, settle_names
from vaultlike_approle.secret_ids import GONE, SecretIds

ATTEMPTS = 8  # of a write that others race for
RACED = "too many concurrent writes to the same role"


class Roles(Collection[Role]):
    """Roles by folded name."""

    async def place(self, ctx: Context, name: str) -> tuple[Role, Place] | None:
        """A role and where its secret ids lie; None when there is no such role."""
        role = await self.find(ctx, name)
        found = await place_of(ctx, role.role_id) if role is not None else None
        return (role, found) if role is not None and found is not None else None

    async def edit(self, ctx: Context, name: str, change: Callable[[Role], Role]) -> None:
        """Changes one role. Raises UnsupportedPath where there is none, and what `change` and the checks raise; what
        they warn of is told only to who writes the whole role."""
        for _ in range(ATTEMPTS):
            raw = await ctx.storage.get(self.key(name))
            if raw is None:
                raise UnsupportedPath
            new = change(self._decode(raw))
            check_role(ctx, new)
            if await self._swap(ctx, name, raw, encode(new)):
                return
        raise Unavailable(RACED, reason=f"lost every race for role {name}")

    async def _write(self, backend: Backend, call: Call) -> Answer:
        call.warnings += settle_names(call.data)
        return await super()._write(backend, call)

    async def _swap(self, ctx: Context, name: str, before: bytes | None, after: bytes) -> bool:
        found = await ctx.storage.versioned(self.key(name))
        if (found[0] if found is not None else None) != before:
            return False
        changes: dict[str, tuple[bytes | None, int | None]] = {self.key(name): (after, found[1] if found else 0)}
        old, new = self._decode(before) if before is not None else None, self._decode(after)
        if old is None or old.role_id != new.role_id:
            place = await place_of(ctx, old.role_id) if old is not None else None
            key = await place_key(ctx, new.role_id)
            if await ctx.storage.get(key) is not None:
                raise Invalid("role_id already in use")
            store = place.store if place is not None else new_store(ctx)
            changes[key] = (encode_place(Place(name.lower(), store)), 0)
            if old is not None:
                changes[await place_key(ctx, old.role_id)] = (None, None)
        return await ctx.storage.commit_if(changes)

    async def _delete(self, backend: Backend, call: Call) -> Answer:
        ctx, name = backend.ctx, self._name(call)
        for _ in range(ATTEMPTS):
            found = await ctx.storage.versioned(self.key(name))
            if found is None:
                return None
            role_id = self._decode(found[0]).role_id
            place = await place_of(ctx, role_id)
            changes: dict[str, tuple[bytes | None, int | None]] = {
                self.key(name): (None, found[1]),
                await place_key(ctx, role_id): (None, None),
            }
            if place is not None:  # the note outlives a crash: whoever tidies finishes the work
                changes[GONE + place.store] = (b"", None)
            if await ctx.storage.commit_if(changes):
                if place is not None:
                    await SecretIds(ctx).purge(place.store)
                return None
        raise Unavailable(RACED, reason=f"lost every race for role {name}")
