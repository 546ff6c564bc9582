"""Commands whose work lives in another part of the program: found when called, and handed the words as they are."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence

from vaultlike.cli.failures import CommandError, UsageError
from vaultlike.cli.session import Session


def handing_over_to(module: str) -> Callable[[Session], int]:
    """A `run` that calls `main(words)` of the module and returns its exit code."""

    def run(session: Session) -> int:
        try:
            found = importlib.import_module(module)
        except ModuleNotFoundError as problem:
            if problem.name is not None and module.startswith(problem.name):
                raise CommandError(f"this installation does not contain `{session.name}` ({module})") from None
            raise UsageError(
                f"a package is missing: {problem.name}. Install it, e.g. pip install {problem.name}"
            ) from None
        main: Callable[[Sequence[str]], int] = found.main
        return main(session.args)

    return run
