"""What is wrong with a text that is no JSON, in the words that clients of this API know (those of Go's encoding/json).

Only asked once a text has been refused; says nothing of a text that is JSON.
"""

from __future__ import annotations

import re
from typing import Final

MAX_TEXT: Final = 4096  # bytes that are looked at: a refusal must not cost more than a request
_BLANK: Final = re.compile(rb"[ \t\r\n]*")
_STRING: Final = re.compile(rb'"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9A-Fa-f]{4}))*')
_NUMBER: Final = re.compile(rb"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_LITERALS: Final = {b"t": b"true", b"f": b"false", b"n": b"null"}
_CLOSES: Final = {b"{": b"}", b"[": b"]"}
_AFTER: Final = {b"{": "after object key:value pair", b"[": "after array element"}
_EXPONENT: Final = re.compile(rb".*[eE][+-]?", re.DOTALL)
_END: Final = "unexpected EOF"


class _Found(Exception):
    """The problem, found."""


def json_problem(body: bytes) -> str | None:
    """The problem of a text; None where there is none, or none near its beginning."""
    whole = len(body) <= MAX_TEXT
    try:
        _Reader(body[:MAX_TEXT]).read()
    except _Found as problem:
        text = str(problem)
        return text if whole or text != _END else None
    return None


class _Reader:
    """Reads one value, without recursion."""

    def __init__(self, text: bytes) -> None:
        self._text, self._at = text, 0
        self._open: list[bytes] = []  # `{` and `[` that are open here

    def read(self) -> None:
        """Raises _Found."""
        if self._begin():
            return
        while self._open:
            within = self._open[-1]
            letter = self._next()
            if letter == _CLOSES[within]:
                self._close()
            elif letter != b",":
                raise self._wrong(_AFTER[within])
            else:
                self._at += 1
                if within == b"{":
                    self._key()
                self._begin()

    def _begin(self) -> bool:
        """Reads a value, or into the first values of nested ones; whether the text is at its end."""
        while True:
            letter = self._next()
            if letter not in _CLOSES:
                self._plain(letter)
                return not self._open
            self._at += 1
            self._open.append(letter)
            if self._next() == _CLOSES[letter]:
                self._close()
                return not self._open
            if letter == b"{":
                self._key()

    def _close(self) -> None:
        self._at += 1
        self._open.pop()

    def _key(self) -> None:
        if self._next() != b'"':
            raise self._wrong("looking for beginning of object key string")
        self._string()
        if self._next() != b":":
            raise self._wrong("after object key")
        self._at += 1

    def _plain(self, letter: bytes) -> None:
        if letter == b'"':
            self._string()
        elif letter in _LITERALS:
            self._literal(_LITERALS[letter])
        elif letter == b"-" or letter.isdigit():
            self._number()
        else:
            raise self._wrong("looking for beginning of value")

    def _string(self) -> None:
        found = _STRING.match(self._text, self._at)
        assert found is not None  # it begins with its quote
        self._at = found.end()
        letter = self._here()
        if letter == b"\\":
            self._at += 1
            if self._here() != b"u":
                raise self._wrong("in string escape code")
            self._at += 1
            while self._here() in b"0123456789abcdefABCDEF":
                self._at += 1
            raise self._wrong("in \\u hexadecimal character escape")
        if letter != b'"':
            raise self._wrong("in string literal")
        self._at += 1

    def _literal(self, word: bytes) -> None:
        for wanted in word:
            if self._here()[0] != wanted:
                raise self._wrong(f"in literal {word.decode()} (expecting '{chr(wanted)}')")
            self._at += 1

    def _number(self) -> None:
        found = _NUMBER.match(self._text, self._at)
        if found is None:
            self._at += 1
            self._here()
            raise self._wrong("in numeric literal")
        self._at = found.end()
        rest = self._text[self._at : self._at + 1]
        whole = found.group().isdigit() or found.group()[1:].isdigit()
        if rest == b"." and whole:
            self._at += 1
            self._here()
            raise self._wrong("after decimal point in numeric literal")
        if rest in (b"e", b"E") and not _EXPONENT.fullmatch(found.group()):
            self._at += 1
            if self._here() in b"+-":
                self._at += 1
            self._here()
            raise self._wrong("in exponent of numeric literal")

    def _next(self) -> bytes:
        """The next letter that is no blank."""
        found = _BLANK.match(self._text, self._at)
        assert found is not None
        self._at = found.end()
        return self._here()

    def _here(self) -> bytes:
        if self._at >= len(self._text):
            raise _Found(_END if self._text.strip() else "EOF")
        return self._text[self._at : self._at + 1]

    def _wrong(self, where: str) -> _Found:
        letter = self._here().decode("latin-1")
        shown = {"'": "\\'", "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}.get(letter, letter)
        if not shown.isprintable():
            shown = f"\\x{ord(letter):02x}" if ord(letter) < 0x80 else f"\\u{ord(letter):04x}"
        return _Found(f"invalid character '{shown}' {where}")
