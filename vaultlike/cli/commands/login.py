"""login: gets a token by any auth method and stores it."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Callable

from vaultlike.cli import data, output
from vaultlike.cli.answer import Answer
from vaultlike.cli.command import Command
from vaultlike.cli.failures import CommandError, UsageError
from vaultlike.cli.flags import Flag
from vaultlike.cli.login import METHODS
from vaultlike.cli.login.call import LoginCall
from vaultlike.cli.session import Session, trimmed
from vaultlike.cli.shapes import Json, as_map, as_text

_STORED = """Success! You are now authenticated. The token information displayed below
is already stored in the token helper. You do NOT need to run "vaultlike login"
again. Future requests will automatically use this token.
"""
_NOT_STORED = """Success! You are now authenticated. The token was not stored in the token helper.
Set the VAULT_TOKEN environment variable or pass the token below with each request.
"""


def _login(session: Session) -> int:
    flags = session.flags
    method = flags.text("method").lower()
    if method not in METHODS:
        raise UsageError(unknown_method(method))
    mount = trimmed(flags.text("path")).removeprefix("auth/") or method
    call = LoginCall(
        mount, _params(session, method), session.client, session.terminal, ask=not flags.on("non-interactive")
    )
    login: Callable[[LoginCall], Answer] = importlib.import_module(
        f"vaultlike.cli.login.{METHODS[method].module}"
    ).login
    return _finish(session, login(call))


def unknown_method(method: str) -> str:
    """The message for a method that is not built: says which ones are."""
    near = difflib.get_close_matches(method, METHODS, 1)
    return (
        f"Unknown auth method: {method}."
        + (f' Did you mean "{near[0]}"?' if near else "")
        + f"\nThis program can log in with: {', '.join(METHODS)}."
        + "\nFor any other method call its endpoint: vaultlike write auth/PATH/login key=value ..."
    )


def _params(session: Session, method: str) -> Json:
    words = session.args
    if method != "token":
        return data.parse(words, session.terminal.stdin)
    if len(words) > 1:
        raise UsageError("Too many arguments: `vaultlike login` takes one token (other methods need -method)")
    if not words:
        return {}
    word = words[0]
    if word.startswith("token="):
        return data.parse(words, session.terminal.stdin)
    if "=" in word.rstrip("="):
        raise UsageError(f'"{word}" is no token. To log in with a method: vaultlike login -method=azure {word}')
    return {"token": session.terminal.stdin.text() if word == "-" else word}


def _finish(session: Session, answer: Answer) -> int:
    flags = session.flags
    if answer.wrap_info:
        return session.show(answer)
    if as_map(answer.auth.get("mfa_requirement")):
        session.show(answer)
        raise CommandError("This login needs a second factor. Finish it with: vaultlike write sys/mfa/validate -")
    token = as_text(answer.auth.get("client_token"))
    if not token:
        raise CommandError("The server's answer has no token in it")
    only = flags.on("token-only")
    stored = not flags.on("no-store") and not only
    if stored:
        session.token_file.write(token)
        if session.terminal.env("TOKEN"):
            session.terminal.note(
                output.warnings_text(
                    ["VAULT_TOKEN is set and wins over the stored token. Unset it to use the new one."]
                )
            )
    if only:
        session.terminal.raw(token)
        return 0
    if session.quiet:
        return 0
    if session.format == "table" and not flags.text("field"):
        session.line(_STORED if stored else _NOT_STORED)
    return session.show(answer)


def _about() -> str:
    width = max(map(len, METHODS))
    listed = "\n".join(f"    {name.ljust(width)}   {entry.summary}" for name, entry in METHODS.items())
    return (
        "Logs in and stores the token in ~/.vault-token. Without -method the argument is a token, which is checked.\n"
        f"Methods and their parameters:\n\n{listed}\n\n`vaultlike auth help METHOD` explains one of them."
    )


COMMANDS = (
    Command(
        "login",
        _about(),
        _login,
        "[TOKEN | key=value ...]",
        0,
        -1,
        flags=(
            Flag("method", "Way of logging in.", default="token"),
            Flag("path", "Path of the auth method, if it is not mounted at its own name."),
            Flag("no-store", "Shows the token and does not store it.", "bool"),
            Flag("token-only", "Prints the token alone and does not store it.", "bool"),
        ),
        examples=(
            ("With the managed identity of this Azure machine", "login -method=azure role=dev-role"),
            ("With a password", "login -method=userpass username=alice"),
        ),
    ),
)
