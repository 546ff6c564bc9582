"""All help pages as one Markdown document: `python -m vaultlike.cli.reference > docs/cli.md`."""

from __future__ import annotations

from vaultlike.cli import help as pages
from vaultlike.cli.command import Command
from vaultlike.cli.flags import Flag
from vaultlike.cli.login import METHODS
from vaultlike.cli.main import find
from vaultlike.cli.options import GLOBAL_FLAGS
from vaultlike.cli.registry import COMMANDS


def markdown() -> str:
    """The whole reference: commands, ways to log in, common options, exit codes."""
    parts = [
        "# Command line reference",
        "Made from the commands' own declarations; `vaultlike COMMAND -h` shows the same.",
        "## Commands",
        "\n".join(f"- [`{name}`](#{_anchor(name)}): {entry.summary}" for name, entry in sorted(COMMANDS.items())),
        *(_page(find(name), COMMANDS[name].summary) for name in sorted(COMMANDS)),
        "## Ways to log in",
        *(_method(name) for name in METHODS),
        "## Common options",
        "Every command that talks to a server takes these. Flags may use one dash or two and stand before or after the"
        " arguments.",
        _flag_table(GLOBAL_FLAGS),
        "`VAULT_CLIENT_TIMEOUT` (default 60 seconds) and `VAULT_MAX_RETRIES` (default 2) have no flag."
        " Every `VAULT_` variable is also read as `BAO_`.",
        "## Exit codes",
        "| Code | Meaning |\n|---|---|\n| 0 | done |\n| 1 | the command line cannot be used |\n"
        "| 2 | the server refused or could not be reached, nothing was found, or (`status`) it is sealed |",
    ]
    return "\n\n".join(parts) + "\n"


def _anchor(name: str) -> str:
    return name.replace(" ", "-")


def _page(command: Command, summary: str) -> str:
    parts = [f"### {command.name}", f"{summary}.", f"```\n{pages.usage(command)}\n```", command.about]
    parts += [f"{purpose}:\n\n```\n{pages.PROGRAM} {line}\n```" for purpose, line in command.examples]
    if command.flags:
        parts.append(_flag_table(command.flags))
    return "\n\n".join(parts)


def _method(name: str) -> str:
    import importlib

    text: str = importlib.import_module(f"vaultlike.cli.login.{METHODS[name].module}").HELP
    return f"### login with {name}\n\n```\n{text}\n```"


def _flag_table(flags: tuple[Flag, ...]) -> str:
    rows = [
        f"| `{pages.spelled(flag)}` | {pages.described(flag)} |" for flag in sorted(flags, key=lambda one: one.name)
    ]
    return "| Option | Meaning |\n|---|---|\n" + "\n".join(rows)


if __name__ == "__main__":
    print(markdown(), end="")
