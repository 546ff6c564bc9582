"""Help texts made from the registry and the declarations: the overview, a group's page, a command's page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vaultlike.cli.registry import COMMANDS, GROUPS

if TYPE_CHECKING:
    from vaultlike.cli.command import Command
    from vaultlike.cli.flags import Flag

PROGRAM = "vaultlike"


def overview() -> str:
    """What `vaultlike --help` shows."""
    single = {name: entry.summary for name, entry in COMMANDS.items() if " " not in name}
    groups = {name: GROUPS[name] for name in sorted(GROUPS) if " " not in name}
    return "\n".join(
        (
            f"Usage: {PROGRAM} <command> [options] [arguments]",
            "",
            "Commands:",
            *_listed(single),
            "",
            "Command groups:",
            *_listed(groups),
            "",
            f"`{PROGRAM} <command> -h` explains one command.",
            "VAULT_ADDR names the server, VAULT_TOKEN (or `vaultlike login`) says who you are.",
        )
    )


def group(name: str) -> str:
    """The page of a group such as `auth`."""
    members = {member: entry.summary for member, entry in COMMANDS.items() if member.startswith(name + " ")}
    return "\n".join(
        (
            f"Usage: {PROGRAM} {name} <subcommand> [options] [arguments]",
            "",
            f"  {GROUPS[name]}.",
            "",
            "Subcommands:",
            *_listed({member[len(name) + 1 :]: summary for member, summary in members.items()}),
        )
    )


def command(what: Command) -> str:
    """The page of one command."""
    from vaultlike.cli.options import GLOBAL_FLAGS

    lines = [usage(what), "", *_indented(what.about)]
    for purpose, line in what.examples:
        lines += ["", f"  {purpose}:", "", f"      $ {PROGRAM} {line}"]
    if what.flags:
        lines += ["", "Command options:", *_flags(what.flags)]
    if what.remote:
        lines += ["", "Options of every command that talks to a server:", *_flags(GLOBAL_FLAGS)]
    return "\n".join(lines)


def usage(what: Command) -> str:
    options = " [options]" if what.flags or what.remote else ""
    return f"Usage: {PROGRAM} {what.name}{options}{' ' + what.arguments if what.arguments else ''}"


def spelled(flag: Flag) -> str:
    """A flag with its kind of value: `-ttl=<duration>`."""
    value = {"bool": "", "pairs": "=<key=value>", "list": "=<text>"}.get(flag.kind, f"=<{flag.kind}>")
    return f"-{flag.name}{value}"


def described(flag: Flag) -> str:
    """A flag's text with its default, other names and environment variables."""
    text = flag.help
    if flag.default:
        text += f" Default: {flag.default}."
    if flag.kind == "list":
        text += " May repeat."
    if flag.aliases:
        text += f" Also -{', -'.join(flag.aliases)}."
    if flag.env:
        text += f" Environment: {', '.join(flag.env)}."
    return text


def _flags(flags: tuple[Flag, ...]) -> list[str]:
    import textwrap

    lines: list[str] = []
    for flag in sorted(flags, key=lambda one: one.name):
        lines += ["", f"  {spelled(flag)}"]
        lines += textwrap.wrap(described(flag), 78, initial_indent=" " * 6, subsequent_indent=" " * 6)
    return lines


def _indented(text: str) -> list[str]:
    return [f"  {line}" if line else "" for line in text.strip().split("\n")]


def _listed(entries: dict[str, str]) -> list[str]:
    width = max(map(len, entries), default=0)
    return [f"    {name.ljust(width)}    {summary}" for name, summary in entries.items()]
