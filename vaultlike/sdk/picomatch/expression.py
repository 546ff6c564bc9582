"""The expressions that patterns are translated to, as a tree: ECMAScript's, without the `u` flag (ECMA-262 22.2, B.1).

Parentheses, escapes and classes of a pattern reach its expression as they are, so all of the language is read here but
what cannot be decided in linear time. Knows nothing of patterns and searches nothing.
"""

from __future__ import annotations

import re
from typing import Final, Literal

from msgspec import Struct

from vaultlike.sdk.picomatch.charset import ANY, CharSet, Range, named

MAX_DEPTH: Final = 64  # groups in each other; the reader and the search recurse
MAX_COPIES: Final = 16  # of what a counted repetition repeats
# What `**` and a leading `*` are translated to: one step each instead of a dozen
SHORT: Final = {"(?:(?!(?:^|\\/)\\.).)*?": "globstar", "(?!\\.)": "no dot", "(?=.)": "a character"}

AssertionKind = Literal["start", "end", "boundary", "inside", "no dot", "a character"]


class Unreadable(Exception):
    """The expression is not valid, or holds what is not decided here (back references): it fits nothing."""


class Text(Struct, frozen=True):
    """Characters that stand for themselves."""

    text: str


class One(Struct, frozen=True):
    """One character of a set."""

    chars: CharSet


class Here(Struct, frozen=True):
    """A place between characters."""

    kind: AssertionKind


class Segments(Struct, frozen=True):
    """Any run of characters in which no segment begins with a dot: `**`."""


class Sequence(Struct, frozen=True):
    """One after the other."""

    parts: tuple[Node, ...]


class Choice(Struct, frozen=True):
    """Any of these."""

    options: tuple[Node, ...]


class Repeat(Struct, frozen=True):
    """At least `least` times, at most `most` times."""

    body: Node
    least: int
    most: int | None


class Look(Struct, frozen=True):
    """What must follow (`ahead`) or precede, or with `negated` must not."""

    body: Node
    ahead: bool
    negated: bool


Node = Text | One | Here | Segments | Sequence | Choice | Repeat | Look
_COUNTED: Final = re.compile(r"\{([0-9]+)(,([0-9]*))?\}")
_HEX: Final = {"x": re.compile(r"[0-9a-fA-F]{2}"), "u": re.compile(r"[0-9a-fA-F]{4}")}
_NUMBER: Final = re.compile(r"[1-9][0-9]*")
_OCTAL: Final = re.compile(r"[0-3][0-7]{0,2}|[4-7][0-7]?")
_GROUP_NAME: Final = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*>")
_CONTROLS: Final = {"t": "\t", "n": "\n", "v": "\v", "f": "\f", "r": "\r"}
_GROUPS: Final = re.compile(r"\\.|\[(?:\\.|[^\]\\])*\]|(\((?!\?)|\(\?<(?![=!]))", re.DOTALL)


def read_expression(source: str) -> Node:
    """The tree of an expression. Raises Unreadable."""
    return _Reader(source).all()


class _Reader:
    def __init__(self, source: str) -> None:
        self._source, self._at, self._depth = source, 0, 0
        self._names: set[str] = set()
        found = [match.group(1) for match in _GROUPS.finditer(source) if match.group(1)]
        self._groups, self._named = len(found), "(?<" in found

    def all(self) -> Node:
        tree = self._choice()
        if self._at < len(self._source):
            raise Unreadable("a parenthesis too many")
        return tree

    def _peek(self) -> str:
        return self._source[self._at : self._at + 1]

    def _choice(self) -> Node:
        options = [self._sequence()]
        while self._peek() == "|":
            self._at += 1
            options.append(self._sequence())
        return options[0] if len(options) == 1 else Choice(tuple(options))

    def _sequence(self) -> Node:
        parts: list[Node] = []
        while self._peek() not in ("", "|", ")"):
            part = self._term()
            if isinstance(part, Text) and parts and isinstance(parts[-1], Text):
                part = Text(parts.pop().text + part.text)  # type: ignore[union-attr]
            parts.append(part)
        return parts[0] if len(parts) == 1 else Sequence(tuple(parts))

    def _term(self) -> Node:
        for source, kind in SHORT.items():
            if self._source.startswith(source, self._at) and not self._repeats(self._at + len(source)):
                self._at += len(source)
                return Segments() if kind == "globstar" else Here(kind)  # type: ignore[arg-type]
        atom, repeatable = self._atom()
        return self._repeated(atom, repeatable)

    def _repeats(self, at: int) -> bool:
        return self._source[at : at + 1] in ("*", "+", "?") or _COUNTED.match(self._source, at) is not None

    def _repeated(self, atom: Node, repeatable: bool) -> Node:
        if not self._repeats(self._at):
            return atom
        if not repeatable:
            raise Unreadable("nothing to repeat")
        counted = _COUNTED.match(self._source, self._at)
        if counted is None:
            least, most = {"*": (0, None), "+": (1, None), "?": (0, 1)}[self._peek()]
            self._at += 1
        else:
            self._at = counted.end()
            bound = counted.group(3) if counted.group(2) else counted.group(1)
            if max(len(counted.group(1)), len(bound)) > 9:
                raise Unreadable("too many repetitions")
            least, most = int(counted.group(1)), int(bound) if bound else None
            if most is not None and least > most:
                raise Unreadable("a repetition that is none")
            if max(least, most or 0) > MAX_COPIES:
                raise Unreadable("too many repetitions")
        if self._peek() == "?":  # lazy: the same texts fit
            self._at += 1
        return Repeat(atom, least, most)

    def _atom(self) -> tuple[Node, bool]:
        """The next atom and whether it may be repeated."""
        char = self._peek()
        if self._repeats(self._at):
            raise Unreadable("nothing to repeat")
        self._at += 1
        if char == "(":
            return self._group()
        if char == "[":
            return One(self._class()), True
        if char == "\\":
            return self._escape()
        if char == ".":
            return One(ANY), True
        if char in "^$":
            return Here("start" if char == "^" else "end"), False
        return Text(char), True

    def _group(self) -> tuple[Node, bool]:
        look: tuple[bool, bool] | None = None
        for opening, meaning in (
            ("?:", None),
            ("?=", (True, False)),
            ("?!", (True, True)),
            ("?<=", (False, False)),
            ("?<!", (False, True)),
        ):
            if self._source.startswith(opening, self._at):
                self._at, look = self._at + len(opening), meaning
                break
        else:
            if self._peek() == "?":
                self._group_name()
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise Unreadable("groups nested too deeply")
        body = self._choice()
        self._depth -= 1
        if self._peek() != ")":
            raise Unreadable("a parenthesis that is not closed")
        self._at += 1
        if look is None:
            return body, True
        return Look(body, *look), look[0]

    def _group_name(self) -> None:
        name = _GROUP_NAME.match(self._source, self._at + 2) if self._source.startswith("?<", self._at) else None
        if name is None or name.group() in self._names:
            raise Unreadable("not a group")
        self._names.add(name.group())
        self._at = name.end()

    def _escape(self) -> tuple[Node, bool]:
        letter = self._peek()
        if letter == "":
            raise Unreadable("a backslash at the end")
        if letter in "bB":
            self._at += 1
            return Here("boundary" if letter == "b" else "inside"), False
        ranges = named(letter)
        if ranges is not None:
            self._at += 1
            return One(CharSet(ranges=ranges)), True
        digits = re.compile(r"[1-9][0-9]*").match(self._source, self._at)
        if (letter == "k" and self._named) or (
            digits and len(digits.group()) < 9 and int(digits.group()) <= self._groups
        ):
            raise Unreadable("a back reference")
        return Text(self._character(in_class=False)), True

    def _character(self, in_class: bool) -> str:
        """The character of an escape whose backslash was read."""
        letter = self._peek()
        self._at += 1
        if letter in _CONTROLS:
            return _CONTROLS[letter]
        if letter == "b" and in_class:
            return "\b"
        if letter in _HEX:
            digits = _HEX[letter].match(self._source, self._at)
            if digits:
                self._at = digits.end()
                return chr(int(digits.group(), 16))
            return letter
        if letter == "c":
            control = self._peek()
            if control.isascii() and (control.isalpha() or (in_class and (control.isdigit() or control == "_"))):
                self._at += 1
                return chr(ord(control) % 32)
            self._at -= 1  # the backslash stands for itself
            return "\\"
        octal = _OCTAL.match(self._source, self._at - 1)
        if octal:
            self._at = octal.end()
            return chr(int(octal.group(), 8))
        return letter

    def _class(self) -> CharSet:
        negated = self._peek() == "^"
        self._at += negated
        singles: set[str] = set()
        ranges: list[Range] = []
        while True:
            low = self._member()
            if low is None:
                return CharSet(frozenset(singles), tuple(ranges), negated)
            if self._peek() == "-" and self._source[self._at + 1 : self._at + 2] != "]":
                self._at += 1
                high = self._member()
                if isinstance(low, str) and isinstance(high, str):
                    if low > high:
                        raise Unreadable("a range from high to low")
                    ranges.append((low, high))
                    continue
                singles.add("-")
                members = (low, high)
            else:
                members = (low, None)
            for member in members:
                if isinstance(member, str):
                    singles.add(member)
                else:
                    ranges.extend(member or ())

    def _member(self) -> str | tuple[Range, ...] | None:
        """A character or the ranges of a class escape; None for the end of the class. Raises Unreadable without one."""
        char = self._peek()
        if char == "":
            raise Unreadable("a class that is not closed")
        self._at += 1
        if char == "]":
            return None
        if char != "\\":
            return char
        if self._peek() == "":
            raise Unreadable("a backslash at the end")
        ranges = named(self._peek())
        if ranges is None:
            return self._character(in_class=True)
        self._at += 1
        return ranges
