"""`delete/`, `undelete/` and `destroy/` of a version 2 mount: what can be done with single versions of a secret."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from vaultlike.clock import Clock
from vaultlike.engines.kv.documents import Change, Secret, Secrets
from vaultlike.engines.kv.settings_paths import Settings
from vaultlike.errors import Invalid
from vaultlike.sdk import Call, write
from vaultlike.types import Integers

MAX_VERSIONS = 100_000  # in one request


class VersionsBody(Struct, kw_only=True):
    """Which versions; those that do not exist are passed over."""

    versions: Annotated[Integers, Meta(description="The numbers of the versions.")] = ()


class VersionPaths:
    """Handlers over a list of versions. Policies see all three as update."""

    def __init__(self, settings: Settings, secrets: Secrets, clock: Clock) -> None:
        self._settings, self._secrets, self._clock = settings, secrets, clock

    @write("delete/{path:maybe}")
    async def delete_versions(self, call: Call, body: VersionsBody) -> None:
        """Deletes versions; they can be undeleted."""
        numbers, now = _numbers(body, "No version number provided"), self._clock.now()

        def edit(known: Secret | None) -> Change | None:
            versions = known.record.versions if known else {}
            found = [versions[number] for number in numbers if number in versions]
            living = [version for version in found if version.readable(now)]
            for version in living:
                version.deleted_at = now
            return Change(known) if known and living else None

        await self._secrets.change(call.params["path"], edit)

    @write("undelete/{path:maybe}")
    async def undelete_versions(self, call: Call, body: VersionsBody) -> None:
        """Brings deleted versions back; what deletes itself gets its whole time again."""
        numbers, now = _numbers(body, "No version number provided"), self._clock.now()
        config = await self._settings.load()

        def edit(known: Secret | None) -> Change | None:
            versions = known.record.versions if known else {}
            found = [versions[number] for number in numbers if number in versions]
            kept = [version for version in found if not version.destroyed]
            for version in kept:
                assert known is not None
                version.deleted_at = known.record.deletion_at(config, now)
            return Change(known) if known and kept else None

        await self._secrets.change(call.params["path"], edit)

    @write("destroy/{path:maybe}")
    async def destroy_versions(self, call: Call, body: VersionsBody) -> None:
        """Removes the data of versions for good."""
        numbers = _numbers(body, "no version number provided")

        def edit(known: Secret | None) -> Change | None:
            if known is None:
                return None
            record = known.record
            found = [n for n in numbers if n in record.versions and not record.versions[n].destroyed]
            for number in found:
                record.versions[number].destroyed = True
                if number == record.current:
                    known.data = None
            return Change(known, drop=[n for n in found if n != record.current]) if found else None

        await self._secrets.change(call.params["path"], edit)


def _numbers(body: VersionsBody, missing: str) -> list[int]:
    if not body.versions:
        raise Invalid(missing)
    if len(body.versions) > MAX_VERSIONS:
        raise Invalid("too many versions")
    return list(dict.fromkeys(body.versions))
