"""The token helper: the caller's token in `~/.vault-token`, readable by its owner only."""

from __future__ import annotations

import os

from vaultlike.cli.failures import UsageError

MAX_TOKEN = 64 * 1024  # bytes; no token is near that


class TokenFile:
    """Reads and writes one token. `home` is the user's home directory."""

    def __init__(self, home: str) -> None:
        self.path = os.path.join(home, ".vault-token")

    def read(self) -> str:
        """The stored token, or an empty text when there is none. Raises UsageError when the file cannot be read."""
        try:
            with open(self.path, encoding="utf-8") as file:
                return file.read(MAX_TOKEN).strip()
        except FileNotFoundError:
            return ""
        except (OSError, UnicodeDecodeError) as problem:
            raise UsageError(f"cannot read the token file {self.path}: {problem}") from None

    def write(self, token: str) -> None:
        """Replaces the stored token in one step, with mode 0600 from the first byte on."""
        temporary = f"{self.path}.{os.getpid()}.tmp"
        try:
            handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(token)
            os.replace(temporary, self.path)
        except OSError as problem:
            raise UsageError(f"cannot store the token in {self.path}: {problem} (-no-store prints it only)") from None

    def erase(self) -> None:
        """Removes the stored token if there is one."""
        try:
            os.unlink(self.path)
        except FileNotFoundError:
            return
