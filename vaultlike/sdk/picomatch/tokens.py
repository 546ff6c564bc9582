"""The tokens of a pattern, and the expressions that picomatch's own signs stand for."""

from __future__ import annotations

from typing import Final

DOT: Final = r"\."
SLASH: Final = r"\/"
CHARACTER: Final = "(?=.)"  # something must be there
NO_DOT: Final = rf"(?!{DOT})"
NO_DOT_SEGMENT: Final = rf"(?!{DOT}{{0,1}}(?:{SLASH}|$))"
QUESTION: Final = "[^/]"
QUESTION_NO_DOT: Final = r"[^.\/]"
STAR: Final = "[^/]*?"
BASH_STAR: Final = ".*?"
GLOBSTAR: Final = rf"(?:(?:(?!(?:^|{SLASH}){DOT}).)*?)"
OPENINGS: Final = {"!": "(?:(?!(?:", "?": "(?:", "+": "(?:", "*": "(?:"}
CLOSINGS: Final = {"?": ")?", "+": ")+", "*": ")*"}
# Patterns that are replaced by what means the same
SAME: Final = {"***": "*", "**/**": "**", "**/**/**": "**"}
CLASSES: Final = {
    "alnum": "a-zA-Z0-9",
    "alpha": "a-zA-Z",
    "ascii": r"\x00-\x7F",
    "blank": r" \t",
    "cntrl": r"\x00-\x1F\x7F",
    "digit": "0-9",
    "graph": r"\x21-\x7E",
    "lower": "a-z",
    "print": r"\x20-\x7E ",
    "punct": r"""\-!"#$%&'()\*+,./:;<=>?@[\]^_`{|}~""",
    "space": r" \t\r\n\v\f",
    "upper": "A-Z",
    "word": "A-Za-z0-9_",
    "xdigit": "A-Fa-f0-9",
}


class Token:
    """A piece of a pattern. `output` is its part of the expression, where that is not the text itself."""

    __slots__ = ("group", "kind", "output", "posix", "prev", "stars", "value")

    def __init__(self, kind: str, value: str, output: str | None = None, *, group: bool = False) -> None:
        """`group`: whether it belongs to an extended group such as `+(...)`."""
        self.kind, self.value, self.output, self.group = kind, value, output, group
        self.stars = False  # three stars or more became this one
        self.posix = False  # a class that names another, as in [[:alpha:]]
        self.prev: Token | None = None

    @property
    def source(self) -> str:
        """Its part of the expression."""
        return self.value if self.output is None else self.output


class Brace:
    """An opened brace: its token, and where it began."""

    __slots__ = ("at", "comma", "dots", "output", "token")

    def __init__(self, token: Token, at: int, output: int) -> None:
        """`at`: its place among the tokens; `output`: the length of the expression before it."""
        self.token, self.at, self.output = token, at, output
        self.comma = self.dots = False


class Group:
    """An opened extended group such as `!(...)`: its sign, and the state before it."""

    __slots__ = ("at", "inner", "output", "parens", "sign", "start")

    def __init__(self, sign: str, start: int, at: int, parens: int, output: str) -> None:
        """`start`: its place in the pattern, `at` among the tokens; `output`: the expression before it."""
        self.sign, self.start, self.at, self.parens, self.output = sign, start, at, parens, output
        self.inner = ""
