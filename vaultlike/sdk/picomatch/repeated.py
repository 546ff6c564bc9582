"""Repeated groups, `+(...)` and `*(...)`, that picomatch takes literally or flattens, for a backtracking engine would
choke on them. Ours would not, but a pattern must mean here what it means there.
"""

from __future__ import annotations

import re
from typing import Final

from msgspec import Struct

from vaultlike.sdk.picomatch.charset import BLANKS

_SPECIAL: Final = re.compile(r"([-*+?.^${}(|)\[\]])")
_NOT_PLAIN: Final = frozenset("?*+@!()[]{}")
_STARS: Final = re.compile(r"[*?]+")
_AT: Final = re.compile(r"@\([^\\()\[\]{}|]+\)")
_ESCAPED: Final = re.compile(r"\\(.)")


class Verdict(Struct, frozen=True):
    """`literal`: the group stands for its own characters, or with `flat` for that expression."""

    literal: bool
    flat: str = ""


class _Group(Struct, frozen=True):
    kind: str
    body: str
    end: int  # where its parenthesis closes


def escaped(text: str) -> str:
    """The expression that stands for the text, backslashes excepted."""
    return _SPECIAL.sub(r"\\\1", text)


def special(text: str) -> bool:
    """Whether a character of it means something in an expression."""
    return _SPECIAL.search(text) is not None


def judge(body: str) -> Verdict:
    """What becomes of a repeated group with that body."""
    branches = [branch.strip(BLANKS) for branch in _branches(body)]
    if len(branches) > 1 and (
        "" in branches or any(_STARS.fullmatch(branch) for branch in branches) or _overlap(branches)
    ):
        return Verdict(True)
    chars: list[str] = []
    starred, flat = False, True
    for branch in branches:
        sequence = _starred_characters(branch)
        if sequence:
            starred = True
            chars += sequence
            continue
        plain = _plain(branch)
        if len(plain) == 1:
            chars.append(plain)
            continue
        flat = False
        group = _group(branch, 0)
        if group is not None and group.end == len(branch) - 1:
            return Verdict(True)
    if not starred:
        return Verdict(False)
    return Verdict(True, _any_of(list(dict.fromkeys(chars))) if flat else "")


def _any_of(chars: list[str]) -> str:
    return (escaped(chars[0]) if len(chars) == 1 else f"[{''.join(map(escaped, chars))}]") + "*"


def _branches(body: str) -> list[str]:
    """Split at the bars outside quotes, brackets and parentheses."""
    parts: list[str] = []
    brackets, parens, start, at = 0, 0, 0, 0
    quoted = False
    while at < len(body):
        char = body[at]
        if char == "\\":
            at += 2
            continue
        if char == '"':
            quoted = not quoted
        elif quoted:
            pass
        elif char == "[":
            brackets += 1
        elif char == "]" and brackets:
            brackets -= 1
        elif brackets:
            pass
        elif char == "(":
            parens += 1
        elif char == ")" and parens:
            parens -= 1
        elif char == "|" and not parens:
            parts.append(body[start:at])
            start = at + 1
        at += 1
    return [*parts, body[start:]]


def _plain(branch: str) -> str:
    """What a branch without anything special stands for, "" for any other; `@(x)` around it does not count."""
    while _AT.fullmatch(branch):
        branch = branch[2:-1]
    at = 0
    while at < len(branch):
        if branch[at] == "\\":
            at += 1
        elif branch[at] in _NOT_PLAIN:
            return ""
        at += 1
    return _ESCAPED.sub(r"\1", branch)


def _overlap(branches: list[str]) -> bool:
    """Whether two branches are runs of the same character."""
    runs = [text[0] for text in map(_plain, branches) if text and text == text[0] * len(text)]
    return len(set(runs)) < len(runs)


def _starred_characters(branch: str) -> list[str]:
    """The characters of `*(a)*(b)...`, none when the branch is anything else."""
    chars: list[str] = []
    at = 0
    while at < len(branch):
        group = _group(branch, at)
        if group is None or group.kind != "*":
            return []
        inner = [part.strip(BLANKS) for part in _branches(group.body)]
        plain = _plain(inner[0]) if len(inner) == 1 else ""
        if len(plain) != 1:
            return []
        chars.append(plain)
        at = group.end + 1
    return chars


def _group(text: str, start: int) -> _Group | None:
    """The repeated group that begins at `start`; None when none does, or it does not end."""
    if text[start : start + 1] not in ("+", "*") or text[start + 1 : start + 2] != "(":
        return None
    brackets, parens, at = 0, 0, start + 1
    quoted = False
    while at < len(text):
        char = text[at]
        if char == "\\":
            at += 2
            continue
        if char == '"':
            quoted = not quoted
        elif quoted:
            pass
        elif char == "[":
            brackets += 1
        elif char == "]" and brackets:
            brackets -= 1
        elif brackets:
            pass
        elif char == "(":
            parens += 1
        elif char == ")":
            parens -= 1
            if not parens:
                return _Group(text[start], text[start + 2 : at], at)
        at += 1
    return None
