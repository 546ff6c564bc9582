"""auth help: how to log in with a method, and the server's own help for the mount."""

from __future__ import annotations

import importlib

from vaultlike.cli.command import Command
from vaultlike.cli.commands.login import unknown_method
from vaultlike.cli.failures import CommandError, UsageError
from vaultlike.cli.login import METHODS
from vaultlike.cli.session import Session, slashed
from vaultlike.cli.shapes import as_map, as_text


def _auth_help(session: Session) -> int:
    path = slashed(session.args[0]).removeprefix("auth/")
    method, text = path.rstrip("/"), ""
    try:
        mounts = session.client.call("GET", "sys/auth", doing="listing auth methods").content
        if path in mounts:
            method = as_text(as_map(mounts[path]).get("type"))
            help_ = session.client.call("GET", f"auth/{path.rstrip('/')}", query={"help": "1"}, doing="retrieving help")
            text = as_text(help_.body.get("help"))
    except CommandError:
        # How to log in is worth telling even to somebody who may not list mounts, or without a server.
        if method not in METHODS:
            raise
    if method in METHODS:
        own: str = importlib.import_module(f"vaultlike.cli.login.{METHODS[method].module}").HELP
        text = f"{own}\n\n{text}".rstrip()
    if not text:
        raise UsageError(unknown_method(method))
    session.line(text)
    return 0


COMMANDS = (
    Command(
        "auth help",
        "Shows how to log in with an auth method, by its type or by the path it is mounted at.",
        _auth_help,
        "METHOD | PATH",
        1,
        1,
    ),
)
