"""Where a key/value path is mounted and which version that engine has (the preflight of spec/vault-api.md 2.9)."""

from __future__ import annotations

from typing import NamedTuple

from vaultlike.cli.failures import ApiError, UsageError
from vaultlike.cli.flags import Flag
from vaultlike.cli.session import Session, trimmed
from vaultlike.cli.shapes import as_map, as_text

MOUNT = Flag("mount", "Path of the engine; the argument is then the secret's name inside it.")


class Place(NamedTuple):
    """`mount` ends in a slash; `name` is the rest; `versioned` tells version 2."""

    mount: str
    name: str
    versioned: bool

    def path(self, part: str) -> str:
        """The API path: `secret/data/name` for part `data` of version 2, `kv/name` for version 1."""
        return f"{self.mount}{part}/{self.name}".rstrip("/") if self.versioned else f"{self.mount}{self.name}"


def locate(session: Session, argument: str) -> Place:
    """Asks the server where the argument lives. Raises ApiError; a preflight that is unknown (404) means version 1."""
    given = session.flags.text("mount")
    mount_given, name = trimmed(given), argument.strip().lstrip("/")
    asked = f"{mount_given}/" if mount_given else name
    try:
        found = session.client.call(
            "GET", f"sys/internal/ui/mounts/{asked.rstrip('/')}", doing=f"finding the engine of {asked}", preview=False
        ).content
    except ApiError as failure:
        if failure.status != 404:
            raise
        mount, _, rest = name.partition("/")
        return Place(f"{mount_given or mount}/", name if mount_given else rest, False)
    mount = as_text(found.get("path"))
    versioned = str(as_map(found.get("options")).get("version")) == "2"
    if not mount_given:
        name = name[len(mount) :] if (name + "/").startswith(mount) else name
        for part in ("data/", "metadata/"):  # people paste the API's path
            if versioned and name.startswith(part):
                name = name[len(part) :]
    return Place(mount, name, versioned)


def versioned_only(session: Session, argument: str) -> Place:
    """As `locate`, but raises UsageError for a version 1 engine and for a missing secret name."""
    place = locate(session, argument)
    if not place.versioned:
        raise UsageError(
            f"{place.mount} is a version 1 engine, which has no versions (vaultlike kv enable-versioning {place.mount})"
        )
    return place
