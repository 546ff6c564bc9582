"""Secrets that a configuration names instead of holding: `env://NAME` and `file:///path`."""

from __future__ import annotations

from collections.abc import Mapping

MAX_SECRET = 64 * 1024  # characters


def resolved(text: str, environment: Mapping[str, str]) -> str:
    """The text itself, or what it points to, without blanks around it. Raises ValueError without repeating a secret."""
    if text.startswith("env://"):
        value = environment.get(text.removeprefix("env://"), "").strip()
        if not value:
            raise ValueError(f"names the environment variable {text.removeprefix('env://')[:128]}, which is not set")
        return value
    if text.startswith("file://"):
        path = text.removeprefix("file://")
        try:
            with open(path, encoding="utf-8") as file:
                return file.read(MAX_SECRET).strip()
        except OSError as problem:
            raise ValueError(f"names the file {path[:256]}, which cannot be read: {problem.strerror}") from None
        except ValueError:
            raise ValueError(f"names the file {path[:256]}, which is not UTF-8 text") from None
    return text
