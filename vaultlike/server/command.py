"""`vaultlike server`: from words to a running process and its exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from vaultlike.server.failure import StartFailure
from vaultlike.server.flags import HELP, BadFlags, Flags, parse_flags

if TYPE_CHECKING:
    from vaultlike.config import ConfigInvalid


def main(argv: Sequence[str]) -> int:
    """Runs a server until it is told to stop. 0: stopped as told; 1: it could not start, and says why."""
    try:
        flags = parse_flags(argv)
    except BadFlags as problem:
        return _failed(str(problem))
    if flags.help:
        sys.stdout.write(HELP)
        return 0
    if flags.test and flags.dev:
        return _failed("-test checks a configuration, -dev runs without one: leave one of them out")
    try:
        return _test(flags) if flags.test else _run(flags)
    except StartFailure as problem:
        return _failed(str(problem))


def _run(flags: Flags) -> int:
    from vaultlike.config import ConfigInvalid
    from vaultlike.server.process import serve  # the whole server: not needed for a help text or a check

    try:
        serve(flags, dict(os.environ))
    except ConfigInvalid as problem:
        raise StartFailure(_listed(problem)) from None
    return 0


def _test(flags: Flags) -> int:
    from vaultlike.config import ConfigInvalid
    from vaultlike.server.sources import Sources

    try:
        config = Sources(flags, dict(os.environ)).read()
    except ConfigInvalid as problem:
        return _failed(_listed(problem))
    for text in config.warnings:
        sys.stdout.write(f"warning: {text}\n")
    sys.stdout.write("The configuration can be used.\n")
    return 0


def _listed(problem: ConfigInvalid) -> str:
    if len(problem.problems) == 1:
        return str(problem.problems[0])
    lines = "\n".join(f"  * {each}" for each in problem.problems)
    return f"the configuration has {len(problem.problems)} problems:\n{lines}"


def _failed(text: str) -> int:
    sys.stderr.write(f"vaultlike server: {text}\n")
    return 1
