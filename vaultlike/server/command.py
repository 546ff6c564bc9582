"""`vaultlike server`: from words to a running process and its exit code."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Sequence

import uvloop

from vaultlike import log
from vaultlike.server.failure import StartFailure
from vaultlike.server.flags import HELP, BadFlags, parse_flags


def main(argv: Sequence[str]) -> int:
    """Runs a server until it is told to stop. 0: stopped as told; 1: it could not start, one line says why."""
    try:
        flags = parse_flags(argv)
    except BadFlags as problem:
        return _failed(str(problem))
    if flags.help:
        sys.stdout.write(HELP)
        return 0
    from vaultlike.server.dev import dev_config  # loads the whole server: not for a help text
    from vaultlike.server.process import Process

    environment = dict(os.environ)
    try:
        if not flags.dev:
            raise StartFailure("-config is needed, or -dev")
        config = dev_config(flags, environment)
        log.configure(config.log_level, "standard")
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(Process(config, flags, environment).run())
    except StartFailure as problem:
        return _failed(str(problem))
    return 0


def _failed(text: str) -> int:
    sys.stderr.write(f"vaultlike server: {text}\n")
    return 1
