"""kv metadata get, put, patch, delete: settings and versions of secrets in version 2 engines."""

from __future__ import annotations

from vaultlike.cli import output
from vaultlike.cli.command import Command
from vaultlike.cli.commands.kv_mount import MOUNT, versioned_only
from vaultlike.cli.failures import NothingFound, UsageError
from vaultlike.cli.flags import Flag
from vaultlike.cli.session import Session
from vaultlike.cli.shapes import Json, as_map

_SETTINGS = (
    MOUNT,
    Flag("max-versions", "Number of versions to keep.", "int"),
    Flag("cas-required", "Whether every write must name the version it replaces.", "bool"),
    Flag("delete-version-after", "Deletes versions after this time.", "duration"),
    Flag("custom-metadata", "key=value for people and tools; may repeat.", "pairs"),
)


def _get(session: Session) -> int:
    path = versioned_only(session, session.args[0]).path("metadata")
    answer = session.client.call("GET", path, doing=f"reading {path}", missing_ok=True)
    if answer.empty:
        raise NothingFound(f"No value found at {path}")
    if session.flags.text("field") or session.format != "table":
        return session.show(answer)
    session.warn(answer)
    found = answer.data or {}
    versions = as_map(found.get("versions"))
    blocks = [
        f"{output.banner('Metadata Path', len(path))}\n{path}",
        output.titled("Metadata", {key: value for key, value in found.items() if key != "versions"}),
    ]
    numbers = sorted(versions, key=lambda number: int(number) if number.isdecimal() else 0)
    blocks += [output.titled(f"Version {number}", as_map(versions[number])) for number in numbers]
    session.line("\n\n".join(blocks))
    return 0


def _put(session: Session) -> int:
    return _set(session, "POST", "application/json")


def _patch(session: Session) -> int:
    return _set(session, "PATCH", "application/merge-patch+json")


def _set(session: Session, method: str, content_type: str) -> int:
    flags = session.flags
    body: Json = {}
    if flags.given("max-versions"):
        body["max_versions"] = flags.number("max-versions")
    if flags.given("cas-required"):
        body["cas_required"] = flags.on("cas-required")
    if flags.given("delete-version-after"):
        body["delete_version_after"] = f"{int(flags.seconds('delete-version-after'))}s"
    if flags.given("custom-metadata"):
        body["custom_metadata"] = flags.pairs("custom-metadata")
    if method == "PATCH" and flags.items("remove-custom-metadata"):
        removed = dict.fromkeys(flags.items("remove-custom-metadata"))
        body["custom_metadata"] = {**as_map(body.get("custom_metadata")), **removed}
    if method == "PATCH" and not body:
        raise UsageError("Nothing to change: give at least one setting")
    path = versioned_only(session, session.args[0]).path("metadata")
    answer = session.client.call(method, path, body, doing=f"writing data to {path}", content_type=content_type)
    session.warn(answer)
    session.success(f"Data written to: {path}")
    return 0


def _delete(session: Session) -> int:
    path = versioned_only(session, session.args[0]).path("metadata")
    session.client.call("DELETE", path, doing=f"deleting {path}")
    session.success(f"Data deleted (if it existed) at: {path}")
    return 0


COMMANDS = (
    Command(
        "kv metadata get", "Shows a secret's settings and versions, not its data.", _get, "PATH", 1, 1, flags=(MOUNT,)
    ),
    Command("kv metadata put", "Sets a secret's settings.", _put, "PATH", 1, 1, flags=_SETTINGS),
    Command(
        "kv metadata patch",
        "Changes the given settings of a secret and leaves the others alone.",
        _patch,
        "PATH",
        1,
        1,
        flags=(*_SETTINGS, Flag("remove-custom-metadata", "Key to remove from the custom metadata.", "list")),
    ),
    Command(
        "kv metadata delete", "Deletes a secret with all versions, for good.", _delete, "PATH", 1, 1, flags=(MOUNT,)
    ),
)
