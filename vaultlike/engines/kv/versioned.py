"""What may be done with the secrets of a version 2 mount, whoever asks: its own paths, or another engine of the server.

Owns the rules of versions (spec/vault-api.md 7.1): what a new version lets go, check-and-set, what can still be read.
Knows no paths of an API and judges nobody: whoever calls has asked the policies.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import TypeAlias

import msgspec
from msgspec import Struct

from vaultlike.clock import Clock
from vaultlike.engines.kv.documents import Change, Secret, Secrets
from vaultlike.engines.kv.json_values import as_floats
from vaultlike.engines.kv.record import Config, Record
from vaultlike.engines.kv.settings_paths import Settings
from vaultlike.errors import Invalid

PAGE = 200  # documents read at once while a folder is walked
_BEYOND = "\U0010ffff"  # sorts after everything in a folder
_encode = msgspec.json.Encoder().encode


class Reading(Struct, frozen=True):
    """One version of a secret; `data` is JSON, None where it is deleted or destroyed."""

    record: Record
    number: int
    data: bytes | None


# From what is there now (None: no secret, or its newest version is deleted) to what the next version shall hold.
Make: TypeAlias = Callable[[Reading | None], object]


class Versioned:
    """The secrets of one mount by path."""

    def __init__(self, settings: Settings, secrets: Secrets, clock: Clock) -> None:
        self._settings, self._secrets, self._clock = settings, secrets, clock

    async def exists(self, path: str) -> bool:
        """Whether there is a record, with or without versions: a write is an update then, not a creation."""
        return await self._secrets.exists(path)

    async def read(self, path: str, wanted: int = 0) -> Reading | None:
        """A version (0: the newest); None where there is no such one."""
        secret = await self._secrets.find(path)
        if secret is None:
            return None
        record = secret.record
        number = wanted if wanted > 0 else record.current
        version = record.versions.get(number)
        if version is None:
            return None
        if not version.readable(self._clock.now()):
            return Reading(record, number, None)
        data = secret.data if number == record.current else await self._secrets.older(record, number)
        if data is None:  # let go by another writer since the record was read
            return None
        return Reading(record, number, data)

    async def newest(self, folder: str, *, deep: bool) -> AsyncIterator[tuple[str, Reading]]:
        """The readable secrets of a folder ("" or ends with a slash), by path; `deep`: of the folders inside too."""
        after, now = "", self._clock.now()
        while page := await self._secrets.page(folder, after, PAGE):
            skipped = ""
            for path, secret in page:
                inside, slash, _ = path.partition("/")
                if slash and not deep:
                    skipped = inside
                elif (found := _readable(secret, now)) is not None:
                    yield path, found
            after = page[-1][0]
            if skipped and after.startswith(skipped + "/"):
                after = f"{skipped}/{_BEYOND}"

    async def folders(self, folder: str) -> list[str]:
        """The names of the folders directly in a folder, of deleted secrets too."""
        return [name[:-1] for name in await self._secrets.children(folder) if name.endswith("/")]

    # Writing

    async def write(self, path: str, make: Make, cas: int | None = None) -> Record:
        """One more version; the record after it. Raises what `make` raises, Invalid for check-and-set."""
        config, now = await self._settings.load(), self._clock.now()
        written: list[Record] = []

        def edit(known: Secret | None) -> Change:
            secret = known or self.blank(now)
            written[:] = [secret.record]
            check_cas(cas, secret.record, config)
            return following(secret, encoded(make(_readable(known, now))), config, now)

        await self._secrets.change(path, edit)
        return written[0]

    async def write_all(self, makes: Mapping[str, Make]) -> dict[str, Record]:
        """One more version of each, all or none. Raises as `write`."""
        config, now = await self._settings.load(), self._clock.now()
        written: dict[str, Record] = {}

        def edit(known: Mapping[str, Secret | None]) -> dict[str, Change | None]:
            changes: dict[str, Change | None] = {}
            for path, make in makes.items():
                secret = known[path] or self.blank(now)
                written[path] = secret.record
                check_cas(None, secret.record, config)
                changes[path] = following(secret, encoded(make(_readable(known[path], now))), config, now)
            return changes

        await self._secrets.change_all(list(makes), edit)
        return written

    async def delete(self, path: str) -> None:
        """Deletes the newest version, which can be undeleted; absent is fine."""
        if not path:
            return
        now = self._clock.now()

        def edit(known: Secret | None) -> Change | None:
            return _deleted(known, now) if known is not None and _readable(known, now) is not None else None

        await self._secrets.change(path, edit)

    async def delete_all(self, paths: Sequence[str], absent: Callable[[str], Exception | None]) -> dict[str, Reading]:
        """As `delete`, all or none; what was there. `absent` says what to raise where there is nothing readable."""
        now = self._clock.now()
        gone: dict[str, Reading] = {}

        def edit(known: Mapping[str, Secret | None]) -> dict[str, Change | None]:
            gone.clear()
            changes: dict[str, Change | None] = {}
            for path in paths:
                secret = known[path]
                found = _readable(secret, now)
                if secret is None or found is None:
                    if (problem := absent(path)) is not None:
                        raise problem
                    continue
                gone[path] = found
                changes[path] = _deleted(secret, now)
            return changes

        await self._secrets.change_all(paths, edit)
        return gone

    async def move(self, path: str, to: str, make: Make) -> Record:
        """Puts a secret with all its versions at another path, as a new version. Raises what `make` raises.

        `make` is given what is to be moved, and must refuse None. Where `to` is readable: Invalid. Where only deleted
        versions are left at `to`, those stay: the secret goes on there, and its old path is deleted as by `delete`.
        """
        config, now = await self._settings.load(), self._clock.now()
        written: list[Record] = []

        def edit(known: Mapping[str, Secret | None]) -> dict[str, Change | None]:
            source, target = known[path], known[to]
            if _readable(target, now) is not None:
                raise Invalid("there is a secret already where this one shall go")
            data = encoded(make(_readable(source, now)))
            assert source is not None
            moved = source if target is None else target
            written[:] = [moved.record]
            check_cas(None, moved.record, config)
            left = None if target is None else _deleted(source, now)
            return {to: following(moved, data, config, now), path: left}

        await self._secrets.change_all((path, to), edit)
        return written[0]

    async def relocate(self, path: str, to: str) -> None:
        """Puts a secret with all its versions at another path, as it is; absent is fine.

        Raises Invalid where anything is at `to`, deleted versions included.
        """

        def edit(known: Mapping[str, Secret | None]) -> dict[str, Change | None]:
            source = known[path]
            if source is None:
                return {}
            if known[to] is not None:
                raise Invalid("there is a secret already, or deleted versions of one, where this one shall go")
            return {to: Change(source), path: None}

        await self._secrets.change_all((path, to), edit)

    async def forget(self, folder: str) -> None:
        """Deletes every secret below a folder (ends with a slash) with all its versions, for good."""
        while page := await self._secrets.keys(folder, limit=PAGE):
            for path in page:
                await self._secrets.remove(folder + path)

    def blank(self, now: float) -> Secret:
        """A secret without versions."""
        return Secret(Record(store=self._secrets.new_store(), created_at=now, updated_at=now))


def encoded(data: object) -> bytes:
    """Data as they are kept. Raises Invalid for what is nested too deeply."""
    return _encode(as_floats(data))


def following(secret: Secret, data: bytes, config: Config, now: float) -> Change:
    """The secret with a new version of these data; changes its record."""
    record, before = secret.record, secret.record.current
    gone = record.add(config, now)
    keep = {before: secret.data} if secret.data is not None and before in record.versions else {}
    return Change(Secret(record, data), keep, [number for number in gone if number != before])


def check_cas(cas: int | None, record: Record, config: Config) -> None:
    """Raises Invalid unless the write may go on from this version."""
    if cas is None:
        if record.cas_required or config.cas_required:
            raise Invalid("check-and-set parameter required for this call")
    elif cas != record.current:
        raise Invalid("check-and-set parameter did not match the current version")


def _readable(secret: Secret | None, now: float) -> Reading | None:
    """The newest version where it can be read."""
    if secret is None or secret.data is None:
        return None
    number = secret.record.current
    version = secret.record.versions.get(number)
    return Reading(secret.record, number, secret.data) if version is not None and version.readable(now) else None


def _deleted(secret: Secret, now: float) -> Change:
    secret.record.versions[secret.record.current].deleted_at = now
    return Change(secret)
