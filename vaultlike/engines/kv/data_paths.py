"""`data/` and `subkeys/` of a version 2 mount: reading, writing and patching what a secret holds."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from vaultlike.clock import Clock
from vaultlike.engines.kv.documents import Change, Secret, Secrets
from vaultlike.engines.kv.json_values import merged, names_only
from vaultlike.engines.kv.settings_paths import Settings
from vaultlike.engines.kv.versioned import Versioned, check_cas, encoded, following
from vaultlike.errors import Invalid
from vaultlike.sdk import Call, Reply, delete, patch, read, write
from vaultlike.sdk.call import Raw as Bare
from vaultlike.sdk.conversion import Misfit, to_int
from vaultlike.types import Object

OLD_TEXT = 'error converting input for field "{field}": {problem}'  # where the reference looks for a record first
_decode = msgspec.json.Decoder().decode
_NULL = Raw(b"null")
ABSENT = Bare(body=b"", status=404)  # a patch of nothing: a status alone (spec/vault-api.md 7.1)


class VersionQuery(Struct, kw_only=True):
    """Which version to read."""

    version: Annotated[int, Meta(description="The version; the newest where it is 0.")] = 0


class SubkeysQuery(VersionQuery, kw_only=True):
    """Which version, and how deep."""

    depth: Annotated[int, Meta(description="How many levels of names to show; 0: all.")] = 0


class DataBody(Struct, kw_only=True):
    """A write of a secret."""

    data: Annotated[Object | UnsetType, Meta(description="What the secret shall hold.")] = UNSET
    options: Annotated[Object, Meta(description="`cas`: the version that the secret must have now.")] = {}
    version: Annotated[int, Meta(description="Ignored in writes.")] = 0


async def _exists(part: DataPaths, call: Call) -> bool:
    return await part.secrets.exists(call.params["path"])


class DataPaths:
    """Handlers over the newest and older data."""

    def __init__(self, settings: Settings, secrets: Secrets, clock: Clock, versioned: Versioned) -> None:
        self._settings, self.secrets, self._clock, self._versioned = settings, secrets, clock, versioned

    @read("data/{path:maybe}")
    async def read_data(self, call: Call, body: VersionQuery) -> Reply | None:
        """Reads a version of a secret: the newest, or the one asked for."""
        found = await self._versioned.read(call.params["path"], body.version)
        if found is None:
            return None
        data = found.data
        shown = {"data": None if data is None else Raw(data), "metadata": found.record.version_shown(found.number)}
        return Reply(data=shown, status=404 if data is None else 0)

    @read("subkeys/{path:maybe}")
    async def read_subkeys(self, call: Call, body: SubkeysQuery) -> Reply | None:
        """Reads the names inside a secret, without their values."""
        found = await self._versioned.read(call.params["path"], body.version)
        if found is None:
            return None
        names = None if found.data is None else names_only(_decode(found.data), body.depth)
        shown = {"subkeys": names, "metadata": found.record.version_shown(found.number)}
        return Reply(data=shown, status=404 if found.data is None else 0)

    @write("data/{path:maybe}", exists=_exists, field_text=OLD_TEXT)
    async def write_data(self, call: Call, body: DataBody) -> dict[str, object]:
        """Writes a new version of a secret."""
        if body.data is UNSET:
            raise Invalid("no data provided")
        value = None if call.data["data"] is None else body.data
        record = await self._versioned.write(call.params["path"], lambda _: value, _cas(body))
        return record.version_shown(record.current)

    @patch("data/{path:maybe}")
    async def patch_data(self, call: Call, body: DataBody) -> Reply | Bare:
        """Merges the given data into the newest version, as a new version; null removes a key."""
        if body.data is UNSET:
            raise Invalid("no data provided")
        cas, changes = _cas(body), None if call.data["data"] is None else body.data
        config, now = await self._settings.load(), self._clock.now()
        reply: Reply | Bare = ABSENT

        def edit(known: Secret | None) -> Change | None:
            nonlocal reply
            if known is None or known.record.current not in known.record.versions:
                reply = ABSENT
                return None
            record = known.record
            if not record.versions[record.current].readable(now) or known.data is None:
                reply = Reply(data=record.version_shown(record.current), status=404)
                return None
            check_cas(cas, record, config)
            change = following(known, encoded(merged(_decode(known.data), changes)), config, now)
            reply = Reply(data=record.version_shown(record.current))
            return change

        await self.secrets.change(call.params["path"], edit)
        return reply

    @delete("data/{path:maybe}")
    async def delete_data(self, call: Call) -> None:
        """Deletes the newest version; it can be undeleted."""
        await self._versioned.delete(call.params["path"].rstrip("/"))


def _cas(body: DataBody) -> int | None:
    if "cas" not in body.options:
        return None
    try:
        return to_int(body.options["cas"])
    except Misfit:
        raise Invalid("error parsing check-and-set parameter") from None
