"""read, write, list, delete, patch: any path of the server's API."""

from __future__ import annotations

from vaultlike.cli import data
from vaultlike.cli.answer import Answer
from vaultlike.cli.command import Command
from vaultlike.cli.failures import NothingFound, UsageError
from vaultlike.cli.flags import Flag
from vaultlike.cli.session import Session, slashed, trimmed

FORCE = Flag("force", "Allows a request without data.", "bool", aliases=("f",))


def _read(session: Session) -> int:
    path = trimmed(session.args[0])
    query = data.parse(session.args[1:], session.terminal.stdin)
    answer = session.client.call("GET", path, query=query, doing=f"reading {path}", missing_ok=True)
    _found(answer, f"No value found at {path}")
    return session.show(answer, found_at=path)


def _write(session: Session) -> int:
    path = trimmed(session.args[0])
    body = data.parse(session.args[1:], session.terminal.stdin)
    if not body and not session.flags.on("force"):
        raise UsageError("Must supply data or use -force")
    answer = session.client.call("PUT", path, body or None, doing=f"writing data to {path}")
    return _written(session, answer, path)


def _patch(session: Session) -> int:
    path = trimmed(session.args[0])
    body = data.parse(session.args[1:], session.terminal.stdin)
    if not body and not session.flags.on("force"):
        raise UsageError("Must supply data or use -force")
    answer = session.client.call(
        "PATCH", path, body, doing=f"writing data to {path}", content_type="application/merge-patch+json"
    )
    return _written(session, answer, path)


def _list(session: Session) -> int:
    path = slashed(session.args[0])
    answer = session.client.call("LIST", path, doing=f"listing {path.rstrip('/')}", missing_ok=True)
    _found(answer, f"No value found at {path.rstrip('/')}")
    return session.show_keys(answer, path.rstrip("/"))


def _delete(session: Session) -> int:
    path = trimmed(session.args[0])
    query = data.parse(session.args[1:], session.terminal.stdin)
    answer = session.client.call("DELETE", path, query=query, doing=f"deleting {path}")
    if not answer.empty:
        return session.show(answer)
    session.success(f"Data deleted (if it existed) at: {path}")
    return 0


def _written(session: Session, answer: Answer, path: str) -> int:
    if not answer.empty and (answer.content or answer.auth or answer.wrap_info or answer.lease_id):
        return session.show(answer)
    session.warn(answer)
    session.success(f"Data written to: {path}")
    return 0


def _found(answer: Answer, missing: str) -> None:
    if answer.status == 404 and answer.empty:
        raise NothingFound("\n".join((missing, *(f"* {error.strip()}" for error in answer.errors))))


_DATA = (
    "Data is given as key=value words. key=@file takes the value from a file, key=- from standard input;\n"
    "@file or - alone is a JSON object. A key that stands twice becomes a list."
)

COMMANDS = (
    Command(
        "read",
        "Reads the data at a path. key=value words become query parameters.",
        _read,
        "PATH [key=value ...]",
        1,
        -1,
        examples=(("Show an auth method's configuration", "read auth/azure/config"),),
    ),
    Command(
        "write",
        "Writes data to a path: configuration, roles, secrets, logins.\n" + _DATA,
        _write,
        "PATH key=value ...",
        1,
        -1,
        flags=(FORCE,),
        examples=(
            (
                "Let one managed identity in",
                "write auth/azure/role/dev-role bound_service_principal_ids=OID token_policies=dev token_ttl=1h",
            ),
            ("Call an endpoint that takes no data", "write -f auth/approle/role/ci/secret-id"),
        ),
    ),
    Command(
        "patch",
        "Changes the given keys of the data at a path and leaves the others alone.\n" + _DATA,
        _patch,
        "PATH key=value ...",
        1,
        -1,
        flags=(FORCE,),
    ),
    Command("list", "Lists the names below a path.", _list, "PATH", 1, 1),
    Command(
        "delete",
        "Deletes the data at a path. Deleting what does not exist is no error.",
        _delete,
        "PATH [key=value ...]",
        1,
        -1,
    ),
)
