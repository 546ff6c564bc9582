"""`key=value` words into a request body: `key=@file`, `key=-`, `@file`, `-`, repeated keys into a list.

Files and standard input are limited to 32 MiB, the largest body a server takes (spec/vault-api.md 1.4).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import BinaryIO

from vaultlike.cli.failures import UsageError
from vaultlike.cli.shapes import Json

MAX_INPUT = 32 * 1024 * 1024  # bytes


class Input:
    """Standard input, which may be read once only."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._used = False

    def text(self) -> str:
        """Everything on standard input as UTF-8. Raises UsageError on a second use."""
        if self._used:
            raise UsageError("stdin was already used: `-` may stand only once on a command line")
        self._used = True
        return _decoded(self._stream.read(MAX_INPUT + 1), "stdin")


def file_text(path: str) -> str:
    """A file's content as UTF-8 text. Raises UsageError when it cannot be read or is too large."""
    try:
        with open(path, "rb") as file:
            return _decoded(file.read(MAX_INPUT + 1), path)
    except OSError as problem:
        raise UsageError(f"cannot read {path}: {problem.strerror}") from None


def value_text(value: str, stdin: Input) -> str:
    """One value: `-` reads standard input, `@name` a file, `\\@x` is the text `@x`, all else is itself."""
    if value == "-":
        return stdin.text()
    if value.startswith("@"):
        return file_text(value[1:])
    return value[1:] if value.startswith("\\@") else value


def parse(words: Sequence[str], stdin: Input) -> Json:
    """The body that the words describe. Raises UsageError with the reason."""
    body: Json = {}
    repeated: set[str] = set()
    for word in words:
        if word == "-":
            body.update(_object(stdin.text(), "stdin"))
            continue
        if word.startswith("@"):
            body.update(_object(file_text(word[1:]), word[1:]))
            continue
        key, sign, value = word.partition("=")
        if not sign or not key:
            raise UsageError(f'Failed to parse K=V data: invalid key/value pair "{word}": format must be key=value')
        text = value_text(value, stdin)
        if key not in body:
            body[key] = text
            continue
        earlier = body[key]
        if key in repeated and isinstance(earlier, list):
            earlier.append(text)
        else:
            body[key] = [earlier, text]
            repeated.add(key)
    return body


def parse_texts(words: Sequence[str], stdin: Input) -> dict[str, str]:
    """As `parse`, for commands whose values are single texts. Raises UsageError for anything else."""
    texts: dict[str, str] = {}
    for key, value in parse(words, stdin).items():
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise UsageError(f'Failed to parse K=V data: "{key}" must be one text')
        texts[key] = str(value)
    return texts


def _decoded(raw: bytes, source: str) -> str:
    if len(raw) > MAX_INPUT:
        raise UsageError(f"{source} is larger than 32 MiB")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        raise UsageError(f"{source} is not UTF-8 text; encode it first, e.g. with base64") from None


def _object(text: str, source: str) -> Json:
    import json  # here, because every start of the program imports this module

    try:
        value = json.loads(text)
    except ValueError as problem:
        raise UsageError(f"Failed to parse K=V data: {source} is not JSON: {problem}") from None
    if not isinstance(value, dict):
        raise UsageError(f"Failed to parse K=V data: {source} must hold a JSON object")
    return value
