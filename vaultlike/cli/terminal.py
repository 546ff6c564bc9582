"""The outside world of a command: streams, environment, home directory, waiting. Tests make their own."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from typing import BinaryIO, TextIO

from vaultlike.cli.data import Input
from vaultlike.cli.failures import UsageError


class Terminal:
    """`sleep` waits seconds; `interactive` tells whether a person can be asked."""

    def __init__(
        self,
        *,
        environ: Mapping[str, str],
        stdin: BinaryIO,
        stdout: TextIO,
        stderr: TextIO,
        home: str,
        sleep: Callable[[float], None],
        interactive: bool = False,
    ) -> None:
        self.environ = environ
        self.stdout, self.stderr = stdout, stderr
        self.home, self.sleep, self.interactive = home, sleep, interactive
        self.stdin = Input(stdin)

    def line(self, text: str) -> None:
        """One or more lines on stdout."""
        self.stdout.write(text + "\n")

    def raw(self, text: str) -> None:
        """A single value: ends with a newline only where a person reads it."""
        self.stdout.write(text + "\n" if self.stdout.isatty() else text)

    def note(self, text: str) -> None:
        """A message on stderr."""
        self.stderr.write(text + "\n")

    def ask_secret(self, prompt: str, instead: str) -> str:
        """Asks without echo. `instead` says what to give when nobody can be asked (UsageError)."""
        if not self.interactive:
            raise UsageError(f"{prompt} is needed and there is no terminal to ask on: {instead}")
        import getpass

        try:
            return getpass.getpass(f"{prompt} (will be hidden): ", self.stderr).strip()
        except EOFError:
            raise UsageError(f"{prompt} is needed: {instead}") from None

    def env(self, name: str) -> str:
        """`VAULT_<name>`, else `BAO_<name>`, else an empty text."""
        return self.environ.get(f"VAULT_{name}") or self.environ.get(f"BAO_{name}") or ""


def real() -> Terminal:
    """The process's own terminal."""
    import time

    return Terminal(
        environ=os.environ,
        stdin=sys.stdin.buffer,
        stdout=sys.stdout,
        stderr=sys.stderr,
        home=os.path.expanduser("~"),
        sleep=time.sleep,
        interactive=sys.stdin.isatty(),
    )
