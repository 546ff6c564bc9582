"""`sys/loggers`: how much each part of the server writes to its log (spec/vault-api.md 2.12).

Levels that are set here hold in every process and on every node, above the configured one, until they are reset: what
has one meaning for all is stored with the rest of the configuration. `vaultlike.log` makes them effective.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from vaultlike import log
from vaultlike.errors import Invalid
from vaultlike.sdk import Call, delete, read, write
from vaultlike.storage.view import View
from vaultlike.system.part import Part

KEY = "loggers"
ALL = ""  # the key of the level that counts for all loggers
MAX_LOGGERS = 256
LEVELS = {"notice": "info", "warning": "warn", "err": "error"}  # names that read back as another one

_decode = msgspec.json.Decoder(dict[str, str]).decode


class LevelBody(Struct, kw_only=True):
    """A log level."""

    level: Annotated[str, Meta(description="trace, debug, info, warn or error; trace writes what debug does.")] = ""


async def follow_levels(storage: View) -> None:
    """Makes the stored levels effective in this process. `storage` is the root namespace's."""
    log.override(await storage.cached(KEY, _decode) or {})


class Loggers(Part):
    """Log levels."""

    @read("loggers")
    async def levels(self, call: Call) -> dict[str, object]:
        """Shows the level of every logger."""
        return dict(log.levels())

    @read("loggers/{name:any}")
    async def level(self, call: Call) -> dict[str, object]:
        """Shows the level of a logger."""
        return {call.name: log.levels()[self._known(call)]}

    @write("loggers")
    async def set_all(self, call: Call, body: LevelBody) -> None:
        """Sets the level of all loggers."""
        await self._save({ALL: _level(body)})

    @write("loggers/{name:any}")
    async def set_one(self, call: Call, body: LevelBody) -> None:
        """Sets the level of a logger."""
        name, level = self._known(call), _level(body)
        known = await self._stored()
        if name not in known and len(known) >= MAX_LOGGERS:
            raise Invalid(f"at most {MAX_LOGGERS} loggers can have a level of their own")
        await self._save({**known, name: level})

    @delete("loggers")
    async def reset_all(self, call: Call) -> None:
        """Gives all loggers the configured level again."""
        await self._save({})

    @delete("loggers/{name:any}")
    async def reset_one(self, call: Call) -> None:
        """Gives a logger the level of all others again."""
        name = self._known(call)
        await self._save({key: level for key, level in (await self._stored()).items() if key != name})

    async def _stored(self) -> dict[str, str]:
        raw = await self.services.root_storage.get(KEY)
        return {} if raw is None else _decode(raw)

    async def _save(self, levels: dict[str, str]) -> None:
        await self.services.root_storage.put(KEY, msgspec.json.encode(levels))
        await self.services.current()

    def _known(self, call: Call) -> str:
        name = call.name
        if name not in log.levels():
            raise Invalid(f'logger "{name[:64]}" not found')
        return name


def _level(body: LevelBody) -> str:
    if not body.level:
        raise Invalid("level is required")
    level = body.level.lower()
    if level not in log.LEVELS:
        raise Invalid(f"invalid level provided: unknown log level: {body.level[:64]}")
    return LEVELS.get(level, level)
