"""policy list, read, write, delete, fmt."""

from __future__ import annotations

from vaultlike.cli import data
from vaultlike.cli.command import Command
from vaultlike.cli.failures import CommandError, NothingFound
from vaultlike.cli.flags import Flag
from vaultlike.cli.session import Session
from vaultlike.cli.shapes import Json, as_text


def _list(session: Session) -> int:
    answer = session.client.call("LIST", "sys/policies/acl", doing="listing policies")
    if session.format != "table":
        return session.show_value(answer.keys)
    session.line("\n".join(answer.keys))
    return 0


def _read(session: Session) -> int:
    name = _name(session.args[0])
    answer = session.client.call(
        "GET", f"sys/policies/acl/{name}", doing=f"reading policy named {name}", missing_ok=True
    )
    if answer.status == 404:
        raise NothingFound(f"No policy named: {name}")
    text = as_text(answer.content.get("policy"))
    return session.show_data({"policy": text}, text.strip())


def _write(session: Session) -> int:
    name, source = _name(session.args[0]), session.args[1]
    text = session.terminal.stdin.text() if source == "-" else data.file_text(source.removeprefix("@"))
    body: Json = {"policy": text}
    if session.flags.given("cas"):
        body["cas"] = session.flags.number("cas")
    if session.flags.given("cas-required"):
        body["cas_required"] = session.flags.on("cas-required")
    answer = session.client.call("PUT", f"sys/policies/acl/{name}", body, doing="uploading policy")
    session.warn(answer)
    session.success(f"Uploaded policy: {name}")
    return 0


def _delete(session: Session) -> int:
    name = _name(session.args[0])
    session.client.call("DELETE", f"sys/policies/acl/{name}", doing=f"deleting {name}")
    session.success(f"Deleted policy: {name}")
    return 0


def _fmt(session: Session) -> int:
    from vaultlike.cli import hcl

    path = session.args[0]
    before = data.file_text(path)
    try:
        after = hcl.formatted(before)
        if after != before:
            with open(path, "w", encoding="utf-8", newline="") as file:
                file.write(after)
    except ValueError as problem:
        raise CommandError(f"Error formatting {path}: {problem}") from None
    except OSError as problem:
        raise CommandError(f"Error writing {path}: {problem.strerror}") from None
    session.terminal.line(f"Success! Formatted policy: {path}")
    return 0


def _name(text: str) -> str:
    return text.strip().strip("/").lower()


COMMANDS = (
    Command("policy list", "Lists the names of all policies.", _list),
    Command("policy read", "Shows a policy's text.", _read, "NAME", 1, 1),
    Command(
        "policy write",
        "Uploads a policy from a file, or from standard input (-).",
        _write,
        "NAME FILE",
        2,
        2,
        flags=(
            Flag("cas", "Writes only if the policy has this version now; -1: only if there is none.", "int"),
            Flag("cas-required", "Whether all later writes must give -cas.", "bool"),
        ),
        examples=(("From a file", "policy write dev dev.hcl"), ("From standard input", "policy write dev -")),
    ),
    Command(
        "policy delete", "Deletes a policy. Tokens lose what it allowed at their next request.", _delete, "NAME", 1, 1
    ),
    Command(
        "policy fmt",
        "Formats a policy file in place: indentation, blanks, aligned equal signs.",
        _fmt,
        "FILE",
        1,
        1,
        remote=False,
    ),
)
