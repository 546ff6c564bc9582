"""Where the rotation of a mount's client secret stands: stored beside the config, shown with it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from msgspec import Struct

from vaultlike.sdk import Answer, Backend, Call, Reply, Singleton, Storage
from vaultlike.sdk.resources import decoder, encode
from vaultlike.types import Secret
from vaultlike_azure.config import Config, show_config

KEY: Final = "rotation"


class Pending(Struct, frozen=True, kw_only=True):
    """A secret that exists in Azure and is not used yet. `replaces` is the one it follows."""

    key_id: str
    secret: Secret
    replaces: Secret
    created_at: float
    expires_at: float
    purge: bool = False


class Rotation(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where rotation stands. Times are Unix seconds."""

    client_id: str = ""
    object_id: str = ""
    begun: dict[str, float] = {}  # display names of secrets being made, and since when
    pending: Pending | None = None
    current: str = ""  # key id of the secret in the config, when it was made here
    owned: tuple[str, ...] = ()  # key ids made here that are to be removed
    purge: bool = False
    expires_at: float = 0.0
    rotated_at: float = 0.0
    plan: str = ""
    next_at: float = 0.0
    error: str = ""


_DECODE: Final = decoder(Rotation)


async def load(storage: Storage) -> Rotation | None:
    """The state, None when nothing was ever rotated or planned."""
    return await storage.cached(KEY, _DECODE)


async def save(storage: Storage, state: Rotation) -> Rotation:
    """Stores and returns it."""
    await storage.put(KEY, encode(state))
    return state


def date(at: float) -> str:
    """RFC 3339 in UTC, whole seconds."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class ConfigResource(Singleton[Config]):
    """The config, read together with the state of its secret's rotation."""

    async def _read(self, backend: Backend, call: Call) -> Answer:
        ctx = backend.ctx
        value = await self.find(ctx)
        if value is None:
            return None
        shown, state = show_config(ctx, value), await load(ctx.storage)
        if state is not None and state.expires_at:
            shown["root_password_expiration_date"] = date(state.expires_at)
        if state is not None and state != Rotation():
            shown["rotation"] = _show(state)
        return Reply(data=shown)

    async def _delete(self, backend: Backend, call: Call) -> Answer:
        await backend.ctx.storage.delete(KEY)
        return await super()._delete(backend, call)


def _show(state: Rotation) -> dict[str, object]:
    stage = "pending" if state.pending else "cleaning" if state.owned or state.purge else "idle"
    shown: dict[str, object] = {"stage": stage}
    for name, at in (("rotated_at", state.rotated_at), ("next_at", state.next_at)):
        if at:
            shown[name] = date(at)
    if state.current:
        shown["key_id"] = state.current
    if state.error:
        shown["error"] = state.error
    return shown
