"""What is known of a versioned secret besides its data, and the rules by which that changes. Pure.

Times are Unix seconds. Rules: spec/vault-api.md 7.1.
"""

from __future__ import annotations

from msgspec import Struct

from vaultlike.clock import rfc3339
from vaultlike.durations import go_duration

KEPT = 10  # versions where neither the mount nor the secret says


class Config(Struct, kw_only=True, omit_defaults=True):
    """A mount's settings for all its secrets. `delete_version_after` in seconds: 0 leaves it to the secret, negative
    switches it off for all."""

    max_versions: int = 0
    cas_required: bool = False
    delete_version_after: int = 0
    metadata_cas_required: bool = False

    def shown(self) -> dict[str, object]:
        """As the API shows it."""
        return {
            "max_versions": self.max_versions,
            "cas_required": self.cas_required,
            "delete_version_after": go_duration(self.delete_version_after),
            "metadata_cas_required": self.metadata_cas_required,
        }


class Version(Struct, omit_defaults=True, array_like=True):
    """One version: when it was made, when it is (or will be) deleted (0: never), whether its data are gone."""

    created_at: float
    deleted_at: float = 0
    destroyed: bool = False

    def readable(self, now: float) -> bool:
        """Whether its data may be shown."""
        return not self.destroyed and (self.deleted_at == 0 or self.deleted_at > now)

    def shown(self) -> dict[str, object]:
        """Its row in the metadata of the secret."""
        return {
            "created_time": rfc3339(self.created_at),
            "deletion_time": rfc3339(self.deleted_at) if self.deleted_at else "",
            "destroyed": self.destroyed,
        }


class Record(Struct, kw_only=True, omit_defaults=True):
    """A secret. `current` is the newest version (0: none yet), `oldest` the oldest kept once there are all that may be.

    `store` names where older data lie; `revision` counts writes of the metadata.
    """

    store: str
    created_at: float
    updated_at: float
    current: int = 0
    oldest: int = 0
    versions: dict[int, Version] = {}
    max_versions: int = 0
    cas_required: bool = False
    metadata_cas_required: bool = False
    delete_version_after: int = 0
    custom: dict[str, str] | None = None
    revision: int = 0

    def deletion_at(self, config: Config, now: float) -> float:
        """When a version made (or brought back) now deletes itself; 0 for never. The shorter span wins."""
        if config.delete_version_after < 0:
            return 0
        spans = [span for span in (self.delete_version_after, config.delete_version_after) if span > 0]
        return now + min(spans) if spans else 0

    def add(self, config: Config, now: float) -> list[int]:
        """Counts a new version; returns the versions that are no longer kept."""
        self.current += 1
        self.versions[self.current] = Version(now, self.deletion_at(config, now))
        self.updated_at = now
        last_gone = self.current - (max(self.max_versions, config.max_versions) or KEPT)
        if last_gone < 0:
            return []
        self.oldest = max(self.oldest, last_gone + 1)
        gone = [number for number in self.versions if number < self.oldest]
        for number in gone:
            del self.versions[number]
        return gone

    def version_shown(self, number: int) -> dict[str, object]:
        """The metadata that come with the data of a version."""
        return {**self.versions[number].shown(), "custom_metadata": self.custom, "version": number}

    def shown(self) -> dict[str, object]:
        """The whole metadata of the secret."""
        return {
            "versions": {str(number): version.shown() for number, version in self.versions.items()},
            "current_version": self.current,
            "oldest_version": self.oldest,
            "created_time": rfc3339(self.created_at),
            "updated_time": rfc3339(self.updated_at),
            "max_versions": self.max_versions,
            "cas_required": self.cas_required,
            "delete_version_after": go_duration(self.delete_version_after),
            "custom_metadata": self.custom,
            "metadata_cas_required": self.metadata_cas_required,
            "current_metadata_version": self.revision,
        }
