"""print token: the token that other commands would send."""

from __future__ import annotations

from vaultlike.cli.command import Command
from vaultlike.cli.failures import NothingFound
from vaultlike.cli.session import Session


def _print_token(session: Session) -> int:
    if not session.token:
        raise NothingFound("No token: neither VAULT_TOKEN nor the token file has one. Log in with `vaultlike login`.")
    session.terminal.line(session.token)
    return 0


COMMANDS = (
    Command(
        "print token", "Prints the token that commands would send: VAULT_TOKEN, else ~/.vault-token.", _print_token
    ),
)
