"""path-help: the server's own help for a path (spec/vault-api.md 1.12)."""

from __future__ import annotations

from vaultlike.cli.command import Command
from vaultlike.cli.failures import NothingFound
from vaultlike.cli.session import Session, trimmed
from vaultlike.cli.shapes import as_text


def _path_help(session: Session) -> int:
    path = trimmed(session.args[0])
    answer = session.client.call("GET", path, query={"help": "1"}, doing="retrieving help")
    text = as_text(answer.body.get("help"))
    if not text:
        raise NothingFound(f"No help for {path}")
    return session.show_data(answer.body, text)


COMMANDS = (
    Command(
        "path-help",
        "Shows the server's help for a path: what it does and which parameters it takes.",
        _path_help,
        "PATH",
        1,
        1,
        examples=(("What does an Azure role take", "path-help auth/azure/role/any"),),
    ),
)
