"""The key-value engine: one mount type, two APIs. The mount's option `version` chooses ("2": versions are kept).

Owns the choice and the upgrade from one to the other; the APIs are in `unversioned` and the other `*_paths` modules.
"""

from __future__ import annotations

from vaultlike.engines.kv.data_paths import DataPaths
from vaultlike.engines.kv.documents import Secrets, Texts, documents
from vaultlike.engines.kv.metadata_paths import MetadataPaths
from vaultlike.engines.kv.settings_paths import Settings, SettingsPaths
from vaultlike.engines.kv.unversioned_paths import UnversionedPaths
from vaultlike.engines.kv.upgrade import upgrade
from vaultlike.engines.kv.version_paths import VersionPaths
from vaultlike.engines.kv.versioned import Versioned
from vaultlike.engines.kv.wrong_paths import WrongPaths
from vaultlike.sdk import Backend, Context
from vaultlike.sdk.routes import Route, routes_of_function


class Kv(Backend):
    """A mount of type `kv`."""

    kind = "kv"
    summary = "Stores arbitrary secrets, with or without versions."

    def __init__(self, ctx: Context) -> None:
        super().__init__(ctx)
        view = documents(ctx)
        self._texts, self._secrets = Texts(view), Secrets(view, ctx.random)
        self._versioned = ctx.options.get("version") == "2"
        self.versioned: Versioned | None = None  # for other engines of the server; None where no versions are kept
        self._parts: tuple[object, ...]
        if self._versioned:
            settings, secrets, clock = Settings(view), self._secrets, ctx.clock
            self.versioned = Versioned(settings, secrets, clock)
            self._parts = (
                DataPaths(settings, secrets, clock, self.versioned),
                MetadataPaths(settings, secrets, clock),
                VersionPaths(settings, secrets, clock),
                SettingsPaths(settings),
                WrongPaths(),
            )
        else:
            self._parts = (UnversionedPaths(ctx, self._texts),)

    def routes(self) -> list[tuple[Route, object]]:
        """The paths of the chosen API."""
        return [
            (route, part)
            for part in self._parts
            for item in vars(type(part)).values()
            if callable(item)
            for route in routes_of_function(item)
        ]

    async def start(self) -> None:
        """Takes over what was written before the mount was given version 2."""
        if self._versioned:
            await upgrade(self._texts, self._secrets, self.ctx.clock, self.ctx.log)
