"""Sets of characters, as classes and escapes of an expression name them. A character is a UTF-16 unit, never more."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

Range = tuple[str, str]


class CharSet(Struct, frozen=True, gc=False):
    """The characters of `singles` and of `ranges` (both ends included), or with `negated` all others."""

    singles: frozenset[str] = frozenset()
    ranges: tuple[Range, ...] = ()
    negated: bool = False

    def admits(self, char: str) -> bool:
        """Whether one character is in the set."""
        if char in self.singles:
            return not self.negated
        for low, high in self.ranges:
            if low <= char <= high:
                return not self.negated
        return self.negated


DIGIT: Final[tuple[Range, ...]] = (("0", "9"),)
WORD: Final[tuple[Range, ...]] = (("a", "z"), ("A", "Z"), ("0", "9"), ("_", "_"))
# ECMA-262 12.2 and 12.3: what \s is, and what trimming takes away
BLANK: Final[tuple[Range, ...]] = (
    ("\t", "\r"),
    (" ", " "),
    ("\u00a0", "\u00a0"),
    ("\u1680", "\u1680"),
    ("\u2000", "\u200a"),
    ("\u2028", "\u2029"),
    ("\u202f", "\u202f"),
    ("\u205f", "\u205f"),
    ("\u3000", "\u3000"),
    ("\ufeff", "\ufeff"),
)
BLANKS: Final = "".join(chr(code) for low, high in BLANK for code in range(ord(low), ord(high) + 1))
ANY: Final = CharSet(singles=frozenset("\n\r\u2028\u2029"), negated=True)  # the dot
NOT_SLASH: Final = CharSet(singles=frozenset("/"), negated=True)
_ESCAPES: Final = {"d": DIGIT, "w": WORD, "s": BLANK}


def named(letter: str) -> tuple[Range, ...] | None:
    """The ranges of `\\d`, `\\w`, `\\s` and of their opposites; None for any other letter."""
    ranges = _ESCAPES.get(letter.lower())
    return ranges if ranges is None or letter.islower() else _without(ranges)


def _without(ranges: tuple[Range, ...]) -> tuple[Range, ...]:
    rest: list[Range] = []
    start = 0
    for low, high in sorted(ranges):
        if ord(low) > start:
            rest.append((chr(start), chr(ord(low) - 1)))
        start = ord(high) + 1
    return (*rest, (chr(start), "\uffff"))
