"""`config` of a version 2 mount: settings for all its secrets."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from vaultlike.engines.kv.record import Config
from vaultlike.errors import Invalid
from vaultlike.sdk import Call, read, write
from vaultlike.storage.view import View
from vaultlike.types import SignedDuration

KEY = "config"
_decode = msgspec.json.Decoder(Config).decode


class ConfigBody(Struct, kw_only=True):
    """What a write of the settings may name; the rest stays."""

    max_versions: Annotated[int | UnsetType, Meta(description="How many versions are kept; 0: ten.")] = UNSET
    cas_required: Annotated[bool | UnsetType, Meta(description="Whether every write must name the version.")] = UNSET
    delete_version_after: Annotated[
        SignedDuration | UnsetType, Meta(description="After how long versions delete themselves; negative: never.")
    ] = UNSET
    metadata_cas_required: Annotated[
        bool | UnsetType, Meta(description="Whether every write of metadata must name the version.")
    ] = UNSET


class Settings:
    """Reads and writes a mount's Config, which is configuration: it is cached until anybody changes it."""

    def __init__(self, view: View) -> None:
        self._view = view

    async def load(self) -> Config:
        """The settings; treat as immutable."""
        return await self._view.cached(KEY, _decode) or Config()

    async def change(self, body: ConfigBody) -> None:
        """Overlays what was sent."""
        given = {name: value for name, value in msgspec.structs.asdict(body).items() if value is not UNSET}

        def apply(raw: bytes | None) -> bytes:
            current = _decode(raw) if raw is not None else Config()
            return msgspec.json.encode(msgspec.structs.replace(current, **given))

        if given:
            await self._view.update(KEY, apply)


class SettingsPaths:
    """`config`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @read("config")
    async def read_config(self, call: Call) -> dict[str, object]:
        """Reads the settings for all secrets of the mount."""
        return (await self._settings.load()).shown()

    @write("config")
    async def write_config(self, call: Call, body: ConfigBody) -> None:
        """Changes the settings that are sent."""
        if isinstance(body.max_versions, int) and body.max_versions < 0:
            raise Invalid("max_versions must not be negative")
        await self._settings.change(body)
