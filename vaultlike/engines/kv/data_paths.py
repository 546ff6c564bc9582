"""`data/` and `subkeys/` of a version 2 mount: reading, writing and patching what a secret holds."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from vaultlike.clock import Clock
from vaultlike.engines.kv.documents import Change, Secret, Secrets
from vaultlike.engines.kv.json_values import as_floats, merged, names_only
from vaultlike.engines.kv.record import Config, Record
from vaultlike.engines.kv.settings_paths import Settings
from vaultlike.errors import Invalid
from vaultlike.sdk import Call, Reply, delete, patch, read, write
from vaultlike.sdk.call import Raw as Bare
from vaultlike.sdk.conversion import Misfit, to_int
from vaultlike.types import Object

OLD_TEXT = 'error converting input for field "{field}": {problem}'  # where the reference looks for a record first
_encode = msgspec.json.Encoder().encode
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

    def __init__(self, settings: Settings, secrets: Secrets, clock: Clock) -> None:
        self._settings, self.secrets, self._clock = settings, secrets, clock

    @read("data/{path:maybe}")
    async def read_data(self, call: Call, body: VersionQuery) -> Reply | None:
        """Reads a version of a secret: the newest, or the one asked for."""
        found = await self._find(call.params["path"], body.version)
        if found is None:
            return None
        record, number, data = found
        shown = {"data": None if data is None else Raw(data), "metadata": record.version_shown(number)}
        return Reply(data=shown, status=404 if data is None else 0)

    @read("subkeys/{path:maybe}")
    async def read_subkeys(self, call: Call, body: SubkeysQuery) -> Reply | None:
        """Reads the names inside a secret, without their values."""
        found = await self._find(call.params["path"], body.version)
        if found is None:
            return None
        record, number, data = found
        names = None if data is None else names_only(_decode(data), body.depth)
        shown = {"subkeys": names, "metadata": record.version_shown(number)}
        return Reply(data=shown, status=404 if data is None else 0)

    @write("data/{path:maybe}", exists=_exists, field_text=OLD_TEXT)
    async def write_data(self, call: Call, body: DataBody) -> dict[str, object]:
        """Writes a new version of a secret."""
        if body.data is UNSET:
            raise Invalid("no data provided")
        cas = _cas(body)
        value = None if call.data["data"] is None else as_floats(body.data)
        data, config, now = _encode(value), await self._settings.load(), self._clock.now()
        record: Record | None = None

        def edit(known: Secret | None) -> Change:
            nonlocal record
            current = known or Secret(self._new(now))
            record = current.record
            _check(cas, record, config)
            return self._next(current, data, config, now)

        await self.secrets.change(call.params["path"], edit)
        assert record is not None
        return record.version_shown(record.current)

    @patch("data/{path:maybe}")
    async def patch_data(self, call: Call, body: DataBody) -> Reply | Bare:
        """Merges the given data into the newest version, as a new version; null removes a key."""
        if body.data is UNSET:
            raise Invalid("no data provided")
        cas, changes = _cas(body), body.data
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
            _check(cas, record, config)
            change = self._next(known, _encode(as_floats(merged(_decode(known.data), changes))), config, now)
            reply = Reply(data=record.version_shown(record.current))
            return change

        await self.secrets.change(call.params["path"], edit)
        return reply

    @delete("data/{path:maybe}")
    async def delete_data(self, call: Call) -> None:
        """Deletes the newest version; it can be undeleted."""
        now = self._clock.now()

        def edit(known: Secret | None) -> Change | None:
            version = known.record.versions.get(known.record.current) if known else None
            if known is None or version is None or not version.readable(now):
                return None
            version.deleted_at = now
            return Change(known)

        await self.secrets.change(call.params["path"], edit)

    def _new(self, now: float) -> Record:
        return Record(store=self.secrets.new_store(), created_at=now, updated_at=now)

    async def _find(self, path: str, wanted: int) -> tuple[Record, int, bytes | None] | None:
        """The record, the version's number and its data (None: deleted or destroyed); None: no such version."""
        secret = await self.secrets.find(path)
        if secret is None:
            return None
        record = secret.record
        number = wanted if wanted > 0 else record.current
        version = record.versions.get(number)
        if version is None:
            return None
        if not version.readable(self._clock.now()):
            return record, number, None
        data = secret.data if number == record.current else await self.secrets.older(record, number)
        if data is None:  # let go by another writer since the record was read
            return None
        return record, number, data

    @staticmethod
    def _next(secret: Secret, data: bytes, config: Config, now: float) -> Change:
        """The secret with a new version of these data; changes its record."""
        record, before = secret.record, secret.record.current
        gone = record.add(config, now)
        keep = {before: secret.data} if secret.data is not None and before in record.versions else {}
        return Change(Secret(record, data), keep, [number for number in gone if number != before])


def _cas(body: DataBody) -> int | None:
    if "cas" not in body.options:
        return None
    try:
        return to_int(body.options["cas"])
    except Misfit:
        raise Invalid("error parsing check-and-set parameter") from None


def _check(cas: int | None, record: Record, config: Config) -> None:
    """Raises Invalid unless the write may go on from this version."""
    if cas is None:
        if record.cas_required or config.cas_required:
            raise Invalid("check-and-set parameter required for this call")
    elif cas != record.current:
        raise Invalid("check-and-set parameter did not match the current version")
