"""explain: the ordered checks of a login, as the server kept them for operators, or of a login that is only tried."""

from __future__ import annotations

import textwrap
from typing import NamedTuple

from vaultlike.cli import data, folding, output
from vaultlike.cli.command import Command
from vaultlike.cli.failures import CommandError, NothingFound, UsageError
from vaultlike.cli.flags import Flag
from vaultlike.cli.session import Session, trimmed
from vaultlike.cli.shapes import Json, as_list, as_map, as_text

_ACCEPTED = "accepted"  # any other outcome is a refusal
_CELL = 40  # characters; a GUID and a little more
_TEXT = 100  # characters of a line
_ITEMS = 20  # of a list in a cell; `-format=json` shows all of them


class Check(NamedTuple):
    """One check of a login, in the order in which the server made them. A value is the items of a list, or one item."""

    name: str
    expected: tuple[str, ...]
    received: tuple[str, ...]
    ok: bool


class Explanation(NamedTuple):
    """What the server knows of one login."""

    facts: dict[str, str]
    reason: str
    checks: tuple[Check, ...]


def _explain(session: Session) -> int:
    subject = session.args[0].strip()
    trying = bool(session.flags.text("role") or session.flags.text("jwt") or len(session.args) > 1 or "/" in subject)
    found = _simulated(session, trimmed(subject)) if trying else _kept(session, subject)
    session.show_data(found, _text(parsed(found)))
    return 2 if trying and found.get("outcome") != _ACCEPTED else 0


def _kept(session: Session, request_id: str) -> Json:
    path = f"sys/explain/{trimmed(request_id)}"
    answer = session.client.call("GET", path, doing=f"explaining {request_id}", missing_ok=True)
    if answer.empty:
        raise NothingFound(
            f"Nothing is known of request {request_id}: explanations are kept for a short time, and for logins only."
        )
    return answer.content


def _simulated(session: Session, path: str) -> Json:
    path = path.removesuffix("/login")
    if not path.startswith("auth/"):
        raise UsageError(f'"{path}" is no auth method: give its path, e.g. auth/azure')
    body = data.parse(session.args[1:], session.terminal.stdin)
    if role := session.flags.text("role"):
        body["role"] = role
    if jwt := session.flags.text("jwt"):
        body["jwt"] = data.value_text(jwt, session.terminal.stdin).strip()
    answer = session.client.call(
        "POST", f"sys/explain/simulate/{path}/login", body, doing=f"simulating a login at {path}"
    )
    if not answer.content:
        raise CommandError("The server's answer explains nothing")
    return answer.content


def parsed(found: Json) -> Explanation:
    """The answer's data as an Explanation."""
    checks = tuple(
        Check(
            as_text(entry.get("name")),
            _shown(entry.get("expected")),
            _shown(entry.get("received")),
            entry.get("ok") is True,
        )
        for entry in map(as_map, as_list(found.get("checks")))
    )
    keys = ("request_id", "time", "path", "mount_type", "role", "remote", "outcome")
    facts = {key: output.value_text(found[key]) for key in keys if found.get(key) not in (None, "")}
    return Explanation(facts, as_text(found.get("reason")), checks)


def _shown(value: object) -> tuple[str, ...]:
    if isinstance(value, list):
        return tuple(output.value_text(item) for item in value) or ("(nothing)",)
    return () if value is None else (output.value_text(value),)


def _cell(items: tuple[str, ...]) -> tuple[str, ...]:
    """The items as the table shows them."""
    more = len(items) - _ITEMS
    return items if more <= 0 else (*items[:_ITEMS], f"({more} more)")


def _in_words(items: tuple[str, ...]) -> str:
    """The items as a sentence has them."""
    return f"one of {len(items)} values" if len(items) > _ITEMS else ", ".join(items) or "nothing"


def _text(explanation: Explanation) -> str:
    parts = [output.columns([[key, value] for key, value in explanation.facts.items()])]
    if explanation.checks:
        rows = [
            (("✔" if check.ok else "✘",), (check.name,), _cell(check.expected), _cell(check.received))
            for check in explanation.checks
        ]
        parts.append(folding.table((" ", "Check", "Expected", "Received"), rows, _CELL))
    if explanation.reason:
        parts.append(textwrap.fill(f"Reason: {explanation.reason}", _TEXT))
    failed = next((check for check in explanation.checks if not check.ok), None)
    if failed is not None:
        expected, received = _in_words(failed.expected), _in_words(failed.received)
        parts.append(
            textwrap.fill(f"The login stopped at `{failed.name}`: expected {expected}, received {received}.", _TEXT)
        )
    return "\n\n".join(parts)


COMMANDS = (
    Command(
        "explain",
        "Tells why a login was refused: every check in order, what was expected and what came. The request id stands\n"
        "in the refusal (`request_id`). With -role and -jwt a login is tried without giving out a token;\n"
        "the exit code is 2 when it would be refused.",
        _explain,
        "REQUEST_ID | auth/PATH [key=value ...]",
        1,
        -1,
        flags=(
            Flag("role", "Role to try."),
            Flag("jwt", "Identity token to try: @FILE, - or the token itself."),
        ),
        examples=(
            ("Why was it refused", "explain 0c5e8a3e-8f7a-4c3c-9a55-0f3d2f6f5d11"),
            ("Would it be refused", "explain -role=dev-role -jwt=@token.txt auth/azure"),
        ),
    ),
)
