"""kv get, put, patch, list: the newest state of secrets in engines of both versions."""

from __future__ import annotations

from vaultlike.cli import data, output
from vaultlike.cli.answer import Answer
from vaultlike.cli.command import Command
from vaultlike.cli.commands.kv_mount import MOUNT, Place, locate, versioned_only
from vaultlike.cli.failures import ApiError, CommandError, NothingFound, UsageError
from vaultlike.cli.flags import Flag
from vaultlike.cli.session import Session
from vaultlike.cli.shapes import Json, as_int, as_map

_CAS = Flag(
    "cas", "Writes only if this is the newest version; 0: only if the secret does not exist.", "int", default="-1"
)
_MERGE = "application/merge-patch+json"


def _get(session: Session) -> int:
    place = locate(session, session.args[0])
    version, path = session.flags.number("version"), place.path("data")
    query = {"version": version} if version and place.versioned else None
    answer = session.client.call("GET", path, query=query, doing=f"reading {path}", missing_ok=True)
    if answer.empty:
        raise NothingFound(f"No value found at {path}")
    if not place.versioned:
        return _get_unversioned(session, answer)
    secret, metadata = as_map((answer.data or {}).get("data")), as_map((answer.data or {}).get("metadata"))
    if name := session.flags.text("field"):
        if name == "data":
            return session.show_field(name, True, secret)
        return session.show_field(name, name in secret, secret.get(name))
    if session.format != "table":
        return session.show(answer)
    session.warn(answer)
    blocks = [f"{output.banner('Secret Path', len(path))}\n{path}"] if metadata else []
    blocks += [output.titled("Metadata", metadata)] if metadata else []
    blocks += [output.titled("Data", secret)] if secret else []
    session.line("\n\n".join(blocks))
    return 0


def _get_unversioned(session: Session, answer: Answer) -> int:
    if session.flags.text("field") or session.format != "table":
        return session.show(answer)
    session.warn(answer)
    session.line(output.titled("Data", answer.data or {}))
    return 0


def _put(session: Session) -> int:
    body = data.parse(session.args[1:], session.terminal.stdin)
    place = locate(session, session.args[0])
    path = place.path("data")
    if not body:
        raise UsageError("Must supply data")
    if place.versioned:
        body = _versioned_body(session, body)
    return show_written(session, session.client.call("PUT", path, body, doing=f"writing data to {path}"), path)


def _versioned_body(session: Session, values: Json) -> Json:
    cas = session.flags.number("cas")
    return {"data": values, "options": {"cas": cas} if cas >= 0 else {}}


def show_written(session: Session, answer: Answer, path: str) -> int:
    """The answer of a write: version 2 gives metadata, version 1 nothing."""
    if answer.empty or not answer.content:
        session.warn(answer)
        session.success(f"Data written to: {path}")
        return 0
    if session.flags.text("field") or session.format != "table":
        return session.show(answer)
    session.warn(answer)
    metadata = output.titled("Metadata", answer.content)
    session.line(f"{output.banner('Secret Path', len(path))}\n{path}\n\n{metadata}")
    return 0


def _patch(session: Session) -> int:
    body, method = data.parse(session.args[1:], session.terminal.stdin), session.flags.text("method")
    if not body:
        raise UsageError("Must supply data")
    if method not in ("", "patch", "rw"):
        raise UsageError(f'invalid -method "{method}": choose patch or rw')
    place = versioned_only(session, session.args[0])
    if method != "rw":
        path = place.path("data")
        try:
            sent = _versioned_body(session, body)
            doing = f"writing data to {path}"
            answer = session.client.call("PATCH", path, sent, doing=doing, content_type=_MERGE)
            return show_written(session, answer, path)
        except ApiError as failure:
            if failure.status == 404:
                raise NothingFound(f"No value found at {path}") from None
            if method == "patch" or failure.status not in (403, 405):
                raise
    return _read_then_write(session, place, body)


def _read_then_write(session: Session, place: Place, changes: Json) -> int:
    """For callers and servers without PATCH: reads, merges, writes if nobody else wrote meanwhile."""
    path = place.path("data")
    answer = session.client.call("GET", path, doing=f"doing pre-read at {path}", missing_ok=True, preview=False)
    current = as_map((answer.data or {}).get("data"))
    if answer.empty or not current:
        raise NothingFound(f"No value found at {path}")
    version = as_int(as_map((answer.data or {}).get("metadata")).get("version"))
    cas = session.flags.number("cas")
    if 0 <= cas != version:
        raise CommandError(f"check-and-set parameter did not match the current version {version}")
    body: Json = {"data": {**current, **changes}, "options": {"cas": version}}
    return show_written(session, session.client.call("PUT", path, body, doing=f"writing data to {path}"), path)


def _list(session: Session) -> int:
    argument = session.args[0] if session.args else ""
    if not argument and not session.flags.text("mount"):
        raise UsageError("Not enough arguments (expected 1, got 0): give a path, or -mount")
    place = locate(session, argument)
    path = place.path("metadata").rstrip("/") + "/"
    answer = session.client.call("LIST", path, doing=f"listing {path}", missing_ok=True)
    return session.show_keys(answer, path.rstrip("/"))


COMMANDS = (
    Command(
        "kv get",
        "Shows a secret. -field prints one value only.",
        _get,
        "PATH",
        1,
        1,
        flags=(MOUNT, Flag("version", "Version to show; 0 is the newest.", "int")),
        examples=(("One value", "kv get -mount=secret -field=password app/db"),),
    ),
    Command(
        "kv put",
        "Writes a secret. All keys are replaced; version 2 engines keep the old version.",
        _put,
        "PATH key=value ...",
        1,
        -1,
        flags=(MOUNT, _CAS),
        examples=(("Write two values", "kv put -mount=secret app/db user=app password=@password.txt"),),
    ),
    Command(
        "kv patch",
        "Changes the given keys of a secret in a version 2 engine, as a new version.",
        _patch,
        "PATH key=value ...",
        1,
        -1,
        flags=(
            MOUNT,
            _CAS,
            Flag("method", "patch: one PATCH request. rw: read, then write. Default: the first that works."),
        ),
    ),
    Command("kv list", "Lists secrets and folders.", _list, "PATH", 0, 1, flags=(MOUNT,)),
)
