"""A pattern, read from left to right into tokens and from them into an expression, as picomatch 4.0 reads it.

The reading is what defines a pattern's meaning, odd corners included: what a star stands for depends on the tokens
before it, and a closing sign can change what was read.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from vaultlike.sdk.picomatch.brackets import close_brace, close_class, comma, in_class, open_brace, open_class
from vaultlike.sdk.picomatch.groups import close_paren, open_group
from vaultlike.sdk.picomatch.reading import Reading
from vaultlike.sdk.picomatch.repeated import escaped
from vaultlike.sdk.picomatch.shortcuts import common, flat
from vaultlike.sdk.picomatch.stars import read_star
from vaultlike.sdk.picomatch.tokens import DOT, GLOBSTAR, QUESTION, QUESTION_NO_DOT, SAME, SLASH, STAR, Token

_PLAIN: Final = re.compile(r"[^@!\[\].,$*+?^{}()|\\/]+")
_BACKSLASHES: Final = re.compile(r"\\+")
_LOOKBEHIND: Final = re.compile(r"<([!=]|[A-Za-z0-9_]+>)")


def translate(pattern: str, *, bash: bool) -> tuple[str, bool]:
    """The expression that a non-empty pattern stands for, and whether what fits it is what does not fit the pattern.

    Raises Unreadable.
    """
    source = common(pattern, bash) if pattern[0] in ".*" else ""
    if source:
        return source, False
    pattern = SAME.get(pattern, pattern).removeprefix("./")
    short = flat(pattern, GLOBSTAR if bash else STAR)
    if short is not None:
        return short, False
    reading = _read(pattern, bash)
    return reading.output, reading.negated


def _read(pattern: str, bash: bool) -> Reading:
    reading = Reading(pattern, bash, lambda part: _read(part, bash).output)
    while reading.at < len(pattern) - 1:
        _step(reading, reading.advance())
    _finish(reading)
    return reading


def _step(reading: Reading, char: str) -> None:
    if char == "\0":
        return
    if char == "\\":
        char = _escape(reading)
        if not char:
            return
    if reading.brackets > 0 and (char != "]" or reading.prev.value in ("[", "[^")):
        in_class(reading, char)
    elif reading.quoted and char != '"':
        text = escaped(char)
        reading.prev.value += text
        reading.output += text
    else:
        _READERS.get(char, _text)(reading, char)


def _escape(reading: Reading) -> str:
    """Reads what follows a backslash; inside a class the two characters are returned, to be taken there."""
    following = reading.peek()
    if (following == "/" and not reading.bash) or following in (".", ";"):
        return ""
    value = "\\"
    if not following:
        reading.push(Token("text", "\\\\"))
        return ""
    run = _BACKSLASHES.match(reading.pattern, reading.at + 1)
    if run and len(run[0]) > 2:
        reading.at += len(run[0])
        if len(run[0]) % 2:
            value += "\\"
    value += reading.advance()
    if reading.brackets:
        return value
    reading.push(Token("text", value))
    return ""


def _quote(reading: Reading, char: str) -> None:
    reading.quoted = not reading.quoted


def _open_paren(reading: Reading, char: str) -> None:
    reading.open("parens")
    reading.push(Token("paren", char))


def _slash(reading: Reading, char: str) -> None:
    if reading.prev.kind == "dot" and reading.at == reading.start + 1:
        reading.start, reading.output = reading.at + 1, ""
        reading.tokens.pop()
        reading.prev = reading.bos
    else:
        reading.push(Token("slash", char, SLASH))


def _dot(reading: Reading, char: str) -> None:
    prev = reading.prev
    if reading.brace_depth > 0 and prev.kind == "dot":
        prev.output = (DOT if prev.value == "." else prev.source) + char
        prev.kind, prev.value = "dots", prev.value + char
        reading.braces[-1].dots = True
        return
    plain = reading.brace_depth + reading.parens == 0 and prev.kind not in ("bos", "slash")
    reading.push(Token("text" if plain else "dot", char, DOT))


def _question(reading: Reading, char: str) -> None:
    prev = reading.prev
    if prev.value != "(" and reading.peek() == "(" and reading.peek(2) != "?":
        open_group(reading, char, "qmark")
    elif prev.kind == "paren":
        following = reading.peek()
        meant = prev.value != "(" or following in ("!", "=", "<", ":")
        if not meant or (following == "<" and not _LOOKBEHIND.search(reading.rest())):
            reading.push(Token("text", char, "\\?"))
        else:
            reading.push(Token("text", char, char))
    else:
        first = prev.kind in ("slash", "bos")
        reading.push(Token("qmark", char, QUESTION_NO_DOT if first else QUESTION))


def _exclamation(reading: Reading, char: str) -> None:
    looks = reading.peek(2) == "?" and reading.peek(3) in ("!", "=", "<", ":")
    if reading.peek() == "(" and not looks:
        open_group(reading, char, "negate")
    elif reading.at == 0:
        _negate(reading)
    else:
        _text(reading, char)


def _negate(reading: Reading) -> None:
    count = 1
    while reading.peek() == "!" and (reading.peek(2) != "(" or reading.peek(3) == "?"):
        reading.advance()
        reading.start += 1
        count += 1
    if count % 2:
        reading.negated = True
        reading.start += 1


def _plus(reading: Reading, char: str) -> None:
    prev = reading.prev
    if reading.peek() == "(" and reading.peek(2) != "?":
        open_group(reading, char, "plus")
    elif prev.value == "(":
        reading.push(Token("plus", char, "\\+"))
    elif prev.kind in ("bracket", "paren", "brace") or reading.parens > 0:
        reading.push(Token("plus", char))
    else:
        reading.push(Token("plus", "\\+"))


def _sign(reading: Reading, char: str) -> None:
    if reading.peek() == "(" and reading.peek(2) != "?":
        reading.push(Token("at", char, "", group=True))
    else:
        reading.push(Token("text", char))


def _bar(reading: Reading, char: str) -> None:
    reading.push(Token("text", char))


def _text(reading: Reading, char: str) -> None:
    if char in ("$", "^"):
        char = "\\" + char
    more = _PLAIN.match(reading.pattern, reading.at + 1)
    if more:
        char += more[0]
        reading.at = more.end() - 1
    reading.push(Token("text", char))


def _finish(reading: Reading) -> None:
    """What was opened and not closed stands for itself; a slash at the end is optional."""
    for sign, count in (("[", reading.brackets), ("(", reading.parens), ("{", reading.brace_depth)):
        reading.output = _escape_last(reading.output, sign, count)
    if reading.prev.kind in ("star", "bracket"):
        reading.push(Token("maybe_slash", "", f"{SLASH}?"))
    if reading.again:
        reading.output = "".join(token.source for token in reading.tokens)


def _escape_last(text: str, sign: str, count: int) -> str:
    """Puts a backslash before the last `count` of the signs that have none."""
    at = len(text)
    while count > 0 and (at := text.rfind(sign, 0, at)) >= 0:
        if text[at - 1 : at] != "\\":
            text = f"{text[:at]}\\{text[at:]}"
            count -= 1
    return text


_READERS: Final[dict[str, Callable[[Reading, str], None]]] = {
    '"': _quote,
    "(": _open_paren,
    ")": close_paren,
    "[": open_class,
    "]": close_class,
    "{": open_brace,
    "}": close_brace,
    "|": _bar,
    ",": comma,
    "/": _slash,
    ".": _dot,
    "?": _question,
    "!": _exclamation,
    "+": _plus,
    "@": _sign,
    "*": read_star,
}
