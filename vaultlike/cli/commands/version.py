"""version: of this program."""

from __future__ import annotations

from vaultlike import __version__
from vaultlike.cli.command import Command
from vaultlike.cli.session import Session


def _version(session: Session) -> int:
    session.terminal.line(f"vaultlike v{__version__}")
    return 0


COMMANDS = (
    Command("version", "Shows the version of this program. Also `vaultlike --version`.", _version, remote=False),
)
