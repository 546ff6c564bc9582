"""Patterns that picomatch translates without reading them token by token, some of which mean a little else that way."""

from __future__ import annotations

import re
from typing import Final

from vaultlike.sdk.picomatch.tokens import (
    BASH_STAR,
    CHARACTER,
    DOT,
    GLOBSTAR,
    NO_DOT,
    QUESTION,
    QUESTION_NO_DOT,
    SAME,
    SLASH,
    STAR,
)

_EXTENSION: Final = re.compile(r"([^\n\r\u2028\u2029]*?)\.([A-Za-z0-9_]+)\Z")
_RICH: Final = re.compile(r"^[*!]|[/()\[\]{}\"]")
_RUNS: Final = re.compile(r"(\\?)(([^A-Za-z0-9_])(\3*))")
_BACKSLASHES: Final = re.compile(r"\\+")


def common(pattern: str, bash: bool) -> str:
    """The expression of one of the eight commonest patterns, with extensions or without; "" for any other."""
    pattern = SAME.get(pattern, pattern).removeprefix("./")
    star = BASH_STAR if bash else STAR
    deep = f"(?:{NO_DOT}{GLOBSTAR}{SLASH})?"
    known = {
        "*": f"{NO_DOT}{CHARACTER}{star}",
        ".*": f"{DOT}{CHARACTER}{star}",
        "*.*": f"{NO_DOT}{star}{DOT}{CHARACTER}{star}",
        "*/*": f"{NO_DOT}{star}{SLASH}{CHARACTER}{NO_DOT}{star}",
        "**": NO_DOT + GLOBSTAR,
        "**/*": f"{deep}{NO_DOT}{CHARACTER}{star}",
        "**/*.*": f"{deep}{NO_DOT}{star}{DOT}{CHARACTER}{star}",
        "**/.*": f"{deep}{DOT}{CHARACTER}{star}",
    }
    extensions = ""
    while pattern not in known:
        match = _EXTENSION.match(pattern)
        if match is None:
            return ""
        pattern, extensions = match[1], DOT + match[2] + extensions
    return f"{known[pattern]}{extensions}{SLASH}?"


def flat(pattern: str, star: str) -> str | None:
    """The expression of a pattern without slashes, groups, classes, braces and quotes; None for any other."""
    if _RICH.search(pattern):
        return None
    backslashes = False

    def run(match: re.Match[str]) -> str:
        nonlocal backslashes
        whole, escape, chars, first, rest = match[0], match[1], match[2], match[3], match[4]
        if first == "\\":
            backslashes = True
            return whole
        if first == "?":
            if escape:
                return escape + first + QUESTION * len(rest)
            return (QUESTION_NO_DOT if match.start() == 0 else QUESTION) + QUESTION * len(rest)
        if first == ".":
            return DOT * len(chars)
        if first == "*":
            return escape + first + (star if rest else "") if escape else star
        return whole if escape else "\\" + whole

    output = _RUNS.sub(run, pattern)
    if backslashes:
        output = _BACKSLASHES.sub(lambda match: "\\\\" if len(match[0]) % 2 == 0 else "\\", output)
    return f"^(?:{output})$"
