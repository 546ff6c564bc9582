"""Entry point and dispatch: finds the command, parses its words, runs it, turns failures into texts and exit codes."""

from __future__ import annotations

import sys
from collections.abc import Container, Sequence
from typing import TYPE_CHECKING

from vaultlike.cli.registry import COMMANDS, GROUPS

if TYPE_CHECKING:
    from vaultlike.cli.command import Command
    from vaultlike.cli.failures import CommandError
    from vaultlike.cli.session import Session
    from vaultlike.cli.terminal import Terminal

_HELP = frozenset(("-h", "-help", "--help"))
_VERSION = frozenset(("-v", "-version", "--version"))


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line (default: of this process) and returns the exit code."""
    from vaultlike.cli import terminal

    outside = terminal.real()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a character the terminal cannot show must not end a command
    try:
        code = run(sys.argv[1:] if argv is None else argv, outside)
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader left (`| head`): leave too, and keep the interpreter from complaining while it closes stdout.
        import os

        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def run(argv: Sequence[str], terminal: Terminal) -> int:
    """As `main`, on the given terminal."""
    words = list(argv)
    if words and words[0] in _VERSION:
        words[0] = "version"
    if not words or words[0] in _HELP or words == ["help"]:
        from vaultlike.cli import help as pages

        (terminal.line if words else terminal.note)(pages.overview())
        return 0 if words else 1
    if words[0] == "help":
        words = [*words[1:], "-h"]
    name = _longest(words, COMMANDS)
    if not name:
        return _no_command(words, terminal)
    return _execute(find(name), words[len(name.split()) :], terminal)


def find(name: str) -> Command:
    """The declaration of a registered command."""
    import importlib

    module = importlib.import_module(f"vaultlike.cli.commands.{COMMANDS[name].module}")
    commands: tuple[Command, ...] = module.COMMANDS
    return next(command for command in commands if command.name == name)


def _longest(words: Sequence[str], names: Container[str]) -> str:
    return next((name for n in (3, 2, 1) if (name := " ".join(words[:n])) in names and len(words) >= n), "")


UNKNOWN_COMMAND = 127  # as a shell says it, and as the other command lines of this API do


def _no_command(words: Sequence[str], terminal: Terminal) -> int:
    from vaultlike.cli import help as pages

    group = _longest(words, GROUPS)
    rest = words[len(group.split()) :]
    if group and (not rest or rest[0] in _HELP):
        (terminal.line if rest else terminal.note)(pages.group(group))
        return 0 if rest else 1
    import difflib

    unknown = f"{group} {rest[0]}" if group else words[0]
    near = difflib.get_close_matches(unknown, [*COMMANDS, *GROUPS], 1)
    terminal.note(f'Unknown command "{unknown}".' + (f' Did you mean "{near[0]}"?' if near else ""))
    terminal.note(f"`{pages.PROGRAM} {group + ' ' if group else ''}--help` lists what there is.")
    return 1 if group else UNKNOWN_COMMAND


def _execute(command: Command, words: list[str], terminal: Terminal) -> int:
    from vaultlike.cli.failures import CommandError, Preview
    from vaultlike.cli.flags import parse
    from vaultlike.cli.options import GLOBAL_FLAGS
    from vaultlike.cli.session import Session

    session: Session | None = None
    try:
        if command.passthrough:
            session = Session(command.name, parse((), (), terminal.environ)[0], words, terminal)
            return command.run(session)
        before = words[: words.index("--")] if "--" in words else words
        if _HELP.intersection(before):
            from vaultlike.cli import help as pages

            terminal.line(pages.command(command))
            return 0
        flags, args = parse(words, (*command.flags, *(GLOBAL_FLAGS if command.remote else ())), terminal.environ)
        session = Session(command.name, flags, args, terminal)
        _count(command, args)
        return command.run(session)
    except Preview as preview:
        terminal.line(str(preview))
        return 0
    except CommandError as failure:
        return _report(failure, session, terminal)
    finally:
        if session is not None:
            session.close()


def _count(command: Command, args: Sequence[str]) -> None:
    from vaultlike.cli import help as pages
    from vaultlike.cli.failures import UsageError

    if len(args) < command.least:
        raise UsageError(f"Not enough arguments (expected {command.least}, got {len(args)})\n{pages.usage(command)}")
    if command.most >= 0 and len(args) > command.most:
        late = next((word for word in args if word.startswith("-") and len(word) > 1), "")
        hint = f"\n{late} is no flag of this command." if late else ""
        raise UsageError(f"Too many arguments (expected {command.most}, got {len(args)}){hint}\n{pages.usage(command)}")


def _report(failure: CommandError, session: Session | None, terminal: Terminal) -> int:
    terminal.note(str(failure))
    if session is not None:
        from vaultlike.cli import hints

        hint = hints.of(failure, session)
        if hint:
            terminal.note(f"\nHint: {hint}")
    return failure.code
