"""kv delete, undelete, destroy, rollback, enable-versioning: versions of secrets."""

from __future__ import annotations

from vaultlike.cli.command import Command
from vaultlike.cli.commands.kv_mount import MOUNT, locate, versioned_only
from vaultlike.cli.failures import NothingFound, UsageError
from vaultlike.cli.flags import Flag
from vaultlike.cli.session import Session, slashed
from vaultlike.cli.shapes import Json, as_int, as_map

_VERSIONS = Flag("versions", "Version number, or several with commas.", "list")


def _delete(session: Session) -> int:
    place = locate(session, session.args[0])
    versions = _numbers(session)
    if versions and not place.versioned:
        raise UsageError(f"{place.mount} is a version 1 engine: -versions means nothing there")
    path = place.path("delete" if versions else "data")
    if versions:
        session.client.call("PUT", path, {"versions": versions}, doing=f"deleting {path}")
        path = place.path("data")
    else:
        session.client.call("DELETE", path, doing=f"deleting {path}")
    session.success(f"Data deleted (if it existed) at: {path}")
    return 0


def _undelete(session: Session) -> int:
    return _on_versions(session, "undelete")


def _destroy(session: Session) -> int:
    return _on_versions(session, "destroy")


def _on_versions(session: Session, part: str) -> int:
    versions = _numbers(session)
    if not versions:
        raise UsageError("No versions provided, use the -versions flag to specify the versions")
    path = versioned_only(session, session.args[0]).path(part)
    session.client.call("PUT", path, {"versions": versions}, doing=f"writing data to {path}")
    session.success(f"Data written to: {path}")
    return 0


def _rollback(session: Session) -> int:
    version = session.flags.number("version")
    if version <= 0:
        raise UsageError("-version must be given: the version to bring back")
    place = versioned_only(session, session.args[0])
    path, about = place.path("data"), place.path("metadata")
    metadata = session.client.call("GET", about, doing=f"reading {about}", missing_ok=True, preview=False)
    if metadata.empty:
        raise NothingFound(f"No value found at {about}")
    old = session.client.call(
        "GET", path, query={"version": version}, doing=f"reading {path}", missing_ok=True, preview=False
    )
    values = (old.data or {}).get("data")
    if not isinstance(values, dict):
        raise NothingFound(f"Version {version} of {path} does not exist any more")
    cas = as_int(as_map(metadata.data).get("current_version"))
    body: Json = {"data": values, "options": {"cas": cas}}
    return session.show(session.client.call("PUT", path, body, doing=f"writing data to {path}"))


def _enable_versioning(session: Session) -> int:
    mount = slashed(session.args[0])
    body: Json = {"options": {"version": "2"}}
    session.client.call("POST", f"sys/mounts/{mount.rstrip('/')}/tune", body, doing=f"tuning secrets engine {mount}")
    session.success(f"Tuned the secrets engine at: {mount}")
    return 0


def _numbers(session: Session) -> list[int]:
    words = [part.strip() for item in session.flags.items("versions") for part in item.split(",") if part.strip()]
    wrong = next((word for word in words if not word.isdecimal() or int(word) == 0), "")
    if wrong:
        raise UsageError(f'invalid value "{wrong}" for flag -versions: not a version number')
    return [int(word) for word in words]


COMMANDS = (
    Command(
        "kv delete",
        "Deletes a secret. In a version 2 engine the newest (or given) versions are marked and can be undeleted.",
        _delete,
        "PATH",
        1,
        1,
        flags=(MOUNT, _VERSIONS),
    ),
    Command("kv undelete", "Restores deleted versions.", _undelete, "PATH", 1, 1, flags=(MOUNT, _VERSIONS)),
    Command("kv destroy", "Removes versions for good.", _destroy, "PATH", 1, 1, flags=(MOUNT, _VERSIONS)),
    Command(
        "kv rollback",
        "Writes the data of an old version as a new one.",
        _rollback,
        "PATH",
        1,
        1,
        flags=(MOUNT, Flag("version", "Version to bring back.", "int")),
    ),
    Command(
        "kv enable-versioning",
        "Turns a version 1 engine into version 2. There is no way back.",
        _enable_versioning,
        "MOUNT",
        1,
        1,
    ),
)
