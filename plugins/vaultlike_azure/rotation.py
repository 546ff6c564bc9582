"""Rotating the secret of the server's own application, by request and by plan (spec/azure.md 3.6 and 4).

Order of a rotation, each step safe to repeat after a crash: note the name of the secret to come, make it, keep it as
pending; a minute later prove that it works, put it into the config, and only then remove older secrets that were made
here, authenticated with the new one. Secrets of other people stay unless the caller asked to `purge`.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final

from msgspec.structs import replace

from vaultlike.errors import Invalid, VaultlikeError
from vaultlike.sdk import Context, Singleton
from vaultlike_azure.config import Config
from vaultlike_azure.provider import Provider
from vaultlike_azure.rotation_state import Pending, Rotation, date, load, save
from vaultlike_azure.schedule import next_after
from vaultlike_azure.settings import Settings, resolve

SETTLE: Final = 60.0  # seconds until all of Entra knows a new secret
ABANDONED: Final = 180.0  # seconds after which a secret that was begun and not kept is cleared away
NAME: Final = "vaultlike-"


class Rotator:
    """Moves one mount's rotation forward. Safe to run twice; one at a time in a process, and the server runs `tick` on
    one node."""

    def __init__(self, ctx: Context, config: Singleton[Config]) -> None:
        self._ctx, self._config = ctx, config
        self._lock = asyncio.Lock()

    async def rotate(self, *, purge: bool = False) -> None:
        """Makes a new secret and keeps it as pending. Raises Invalid where there is none to rotate, Upstream."""
        async with self._lock:
            await self._rotate(purge)

    async def tick(self) -> None:
        """One step forward; a failure of Azure is noted and tried again at the next tick."""
        async with self._lock:
            config = await self._config.find(self._ctx)
            if config is None:
                return
            state = await load(self._ctx.storage) or Rotation()
            try:
                state = await self._advance(config, state)
                await self._planned(await self._config.find(self._ctx) or config, state)
            except VaultlikeError as error:
                self._ctx.log.warning("rotation of the client secret failed", reason=error.reason)
                await self._save(replace(await load(self._ctx.storage) or state, error=error.reason[:500]))

    async def _rotate(self, purge: bool) -> None:
        ctx = self._ctx
        config = await self._config.find(ctx)
        if config is None:
            raise Invalid("the auth method is not configured: write its config first")
        settings = resolve(config, ctx.system)
        if settings.method != "root_creds" or config.identity_token_audience:
            raise Invalid("rotate-root needs a client_secret: federation and managed identities have none to rotate")
        if not config.client_id:
            raise Invalid("rotate-root needs client_id in the config")
        state = await load(ctx.storage) or Rotation()
        if state.client_id != config.client_id:
            state = Rotation(client_id=config.client_id, plan=state.plan, next_at=state.next_at)
        provider = self._provider(settings)
        application = await provider.graph.application(config.client_id)
        now, name = ctx.clock.now(), NAME + ctx.random(16).hex()
        state = replace(state, object_id=application.id, begun={**state.begun, name: now})
        await self._save(state)
        expires_at = now + (config.root_password_ttl or 15_768_000)
        key_id, secret = await provider.graph.add_password(application.id, name, date(expires_at))
        owned = (*state.owned, state.pending.key_id) if state.pending else state.owned
        pending = Pending(
            key_id=key_id,
            secret=secret,
            replaces=config.client_secret,
            created_at=now,
            expires_at=expires_at,
            purge=purge,
        )
        begun = {other: at for other, at in state.begun.items() if other != name}
        try:
            await self._save(replace(state, begun=begun, pending=pending, owned=owned, error=""))
        except BaseException:
            # Best effort: what stays is found by its name and cleared away at a later tick.
            with suppress(VaultlikeError):
                await provider.graph.remove_password(application.id, key_id)
            raise

    async def _advance(self, config: Config, state: Rotation) -> Rotation:
        now = self._ctx.clock.now()
        if state.pending is not None and now - state.pending.created_at >= SETTLE:
            state = await self._promote(config, state, state.pending)
        config = await self._config.find(self._ctx) or config
        if state.pending is None and (state.owned or state.purge):
            state = await self._remove_old(config, state)
        lost = [name for name, at in state.begun.items() if now - at >= ABANDONED]
        if lost:
            state = await self._clear_lost(config, state, lost)
        return state

    async def _promote(self, config: Config, state: Rotation, pending: Pending) -> Rotation:
        """The pending secret becomes the config's, once it is seen to work."""
        if config.client_id != state.client_id or config.client_secret not in (pending.replaces, pending.secret):
            # Somebody wrote other credentials meanwhile: theirs count, ours is cleared away.
            owned = (*state.owned, pending.key_id) if config.client_id == state.client_id else ()
            return await self._save(
                replace(state, pending=None, owned=owned, error="another client_secret was written")
            )
        settings = replace(resolve(config, self._ctx.system), client_secret=pending.secret, method="root_creds")
        await self._provider(settings).credentials.token(settings.cloud.graph_scope)

        def swap(stored: Config | None) -> Config | None:
            if stored is not None and stored.client_secret == pending.replaces:
                return replace(stored, client_secret=pending.secret)
            return stored

        changed = await self._config.change(self._ctx, "", swap)
        if changed is None or changed.client_secret != pending.secret:
            return state  # written at this moment: the next tick sees it
        old = (*state.owned, state.current) if state.current else state.owned
        self._ctx.log.info("client secret rotated", key_id=pending.key_id)
        return await self._save(
            replace(
                state,
                pending=None,
                current=pending.key_id,
                owned=tuple(key for key in dict.fromkeys(old) if key != pending.key_id),
                purge=pending.purge,
                expires_at=pending.expires_at,
                rotated_at=self._ctx.clock.now(),
                error="",
            )
        )

    async def _remove_old(self, config: Config, state: Rotation) -> Rotation:
        graph = self._provider(resolve(config, self._ctx.system)).graph
        keys = list(state.owned)
        if state.purge:
            application = await graph.application(config.client_id)
            keys += [one.key_id for one in application.password_credentials if one.key_id not in keys]
        for key in keys:
            if key != state.current:
                await graph.remove_password(state.object_id, key)
        return await self._save(replace(state, owned=(), purge=False, error=""))

    async def _clear_lost(self, config: Config, state: Rotation, lost: list[str]) -> Rotation:
        """Secrets whose making was begun and never finished: nobody has their text."""
        graph = self._provider(resolve(config, self._ctx.system)).graph
        kept = {state.current, state.pending.key_id if state.pending else ""}
        application = await graph.application(config.client_id)
        for one in application.password_credentials:
            if one.display_name in lost and one.key_id not in kept:
                await graph.remove_password(application.id, one.key_id)
        return await self._save(
            replace(state, begun={name: at for name, at in state.begun.items() if name not in lost})
        )

    async def _planned(self, config: Config, state: Rotation) -> None:
        """Starts a rotation that the schedule or the period says is due."""
        schedule, period = config.rotation_schedule, config.rotation_period
        active = not config.disable_automated_rotation and (schedule or period)
        plan = f"{schedule}|{period}" if active else ""
        now = self._ctx.clock.now()

        def following() -> float:
            return next_after(schedule, now) if schedule else now + period

        if plan != state.plan:
            await self._save(replace(state, plan=plan, next_at=following() if active else 0.0))
            return
        if not active or now < state.next_at or state.pending is not None:
            return
        if not (schedule and config.rotation_window and now > state.next_at + config.rotation_window):
            await self._rotate(False)
            state = await load(self._ctx.storage) or state
        await self._save(replace(state, next_at=following()))

    def _provider(self, settings: Settings) -> Provider:
        return Provider(self._ctx, settings)

    async def _save(self, state: Rotation) -> Rotation:
        return await save(self._ctx.storage, state)
