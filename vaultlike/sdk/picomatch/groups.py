"""Extended groups, `!(...)`, `?(...)`, `+(...)` and `*(...)`, and plain parentheses, which are an expression's own."""

from __future__ import annotations

import re
from typing import Final

from vaultlike.sdk.picomatch.expression import MAX_DEPTH, Unreadable
from vaultlike.sdk.picomatch.reading import Reading
from vaultlike.sdk.picomatch.repeated import escaped, judge
from vaultlike.sdk.picomatch.tokens import CHARACTER, CLOSINGS, GLOBSTAR, OPENINGS, STAR, Group, Token

_EXTENSION: Final = re.compile(r"\.[^\\/.]+")


def open_group(reading: Reading, sign: str, kind: str) -> None:
    """`!(`, `?(`, `+(` or `*(`, of which the sign was read. Raises Unreadable."""
    if len(reading.groups) >= MAX_DEPTH:
        raise Unreadable("groups nested too deeply")
    group = Group(sign, reading.at, len(reading.tokens), reading.parens, reading.output)
    reading.open("parens")
    reading.push(Token(kind, sign, "" if reading.output else CHARACTER))
    reading.push(Token("paren", reading.advance(), OPENINGS[sign], group=True))
    reading.groups.append(group)


def close_paren(reading: Reading, char: str) -> None:
    """The end of a group, or of what is left to the expression."""
    if reading.groups and reading.parens == reading.groups[-1].parens + 1:
        _close_group(reading, reading.groups.pop())
        return
    reading.push(Token("paren", char, ")" if reading.parens else "\\)"))
    reading.close("parens")


def _close_group(reading: Reading, group: Group) -> None:
    if group.sign in "+*":
        verdict = judge(reading.pattern[group.start + 2 : reading.at])
        if verdict.literal:
            _take_literally(reading, group, verdict.flat)
            return
    output = _negation(reading, group) if group.sign == "!" else CLOSINGS[group.sign]
    reading.push(Token("paren", ")", output, group=True))
    reading.close("parens")


def _take_literally(reading: Reading, group: Group, expression: str) -> None:
    literal = reading.pattern[group.start : reading.at + 1]
    if group.at >= len(reading.tokens):
        raise Unreadable("a group that a range swallowed")
    opening = reading.tokens[group.at]
    opening.kind, opening.value = "text", literal
    opening.output = ("" if group.output else CHARACTER) + expression if expression else escaped(literal)
    for token in reading.tokens[group.at + 1 :]:
        token.value = token.output = ""
    reading.output = group.output + opening.output
    reading.again = True
    reading.push(Token("paren", ")", "", group=True))
    reading.close("parens")


def _negation(reading: Reading, group: Group) -> str:
    """How `!(...)` ends: what it must not be is judged to the end of the text where nothing follows."""
    star = GLOBSTAR if len(group.inner) > 1 and "/" in group.inner else reading.star
    rest = reading.rest()
    output = f")){STAR})"
    if star != reading.star or not rest.strip(")"):
        output = f")$)){star}"
    if "*" in group.inner and _EXTENSION.fullmatch(rest):
        following = reading.nested(rest)
        output = f"){following}){star})"
    return output
