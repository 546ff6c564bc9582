"""HCL version 1 and JSON text -> ordered entries with their line numbers. Knows the syntax, not what any key means.

The server's configuration and policies are both written in it. Duplicates, order and block labels are kept: what they
mean is the reader's business. Text may come from anybody with a token, so time and memory are linear in its length,
nesting is bounded, and whatever is wrong is an `HclInvalid` that says where.

Of the Python libraries, python-hcl2 reads the other language of that name and drops duplicates and lines; pyhcl's lexer
ends the string `"a\\\\"` in the wrong place and splits `true-x`, so that a policy could mean something else than its
author wrote. Hence the small scanner below. Not supported: `${` has no meaning of its own inside strings.
"""

from __future__ import annotations

import json
import math
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import TypeAlias, Union

import msgspec

from vaultlike.errors import Invalid

MAX_DEPTH = 32  # nested blocks and lists
MAX_NUMBER = 64  # characters of one number
MAX_INTEGER = 2**63

Value: TypeAlias = Union[str, int, float, bool, tuple["Value", ...], "Body", None]


class HclInvalid(Invalid):
    """The text cannot be read; `line` and `column` count from 1."""

    def __init__(self, problem: str, line: int, column: int) -> None:
        self.line = line
        self.column = column
        super().__init__(f"At {line}:{column}: {problem}")


class Entry(msgspec.Struct, frozen=True):
    """`key = value`, or a block `key "label" ... { }` whose value is a Body."""

    key: str
    labels: tuple[str, ...]
    value: Value
    line: int  # of the key
    column: int
    value_at: tuple[int, int]  # line and column of the value


class Body(msgspec.Struct, frozen=True):
    """What stands between braces, or the whole text: entries in their order, duplicates included."""

    entries: tuple[Entry, ...]


class Token(msgspec.Struct, frozen=True):
    """`kind` is string, word, number, null, end or the punctuation itself."""

    kind: str
    value: str | int | float | bool | None
    line: int
    column: int

    def shown(self) -> str:
        return {"end": "EOF", "{": "LBRACE", "}": "RBRACE", "[": "LBRACK", "]": "RBRACK"}.get(
            self.kind, self.kind.upper()
        )


_HCL = re.compile(
    r"(?P<space>[ \t\r\n\ufeff]+)"
    r"|(?P<comment>(?:\#|//)[^\n]*+|/\*.*?\*/)"
    r'|(?P<string>"(?:[^"\\\n\x00]++|\\[^\n\x00])*+")'
    r"|(?P<heredoc><<(?P<indented>-?)(?P<marker>\w{1,64})[ \t]*+\r?\n)"
    r"|(?P<number>-?\d[\w.]*+(?:(?<=[eE])[+-]\d++)?)"
    r"|(?P<word>[^\W\d][\w.-]*+)"
    r"|(?P<mark>[{}\[\]=,])",
    re.DOTALL,
)
_JSON = re.compile(
    r"(?P<space>[ \t\r\n]+)"
    r'|(?P<string>"(?:[^"\\\x00-\x1f]++|\\[^\n\x00])*+")'
    r"|(?P<number>-?\d[\w.]*+(?:(?<=[eE])[+-]\d++)?)"
    r"|(?P<word>[a-z]++)"
    r"|(?P<mark>[{}\[\]:,])"
)
_NUMBER = re.compile(r"-?(?:0[xX][0-9a-fA-F]+|\d+(?P<fraction>\.\d+)?(?P<power>[eE][+-]?\d+)?)", re.ASCII)
_JSON_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?P<fraction>\.\d+)?(?P<power>[eE][+-]?\d+)?", re.ASCII)
_ESCAPE = re.compile(
    r"\\(?:(?P<plain>[abfnrtv\\\"])|(?P<octal>[0-7]{3})|x(?P<hex>[0-9a-fA-F]{2})"
    r"|u(?P<short>[0-9a-fA-F]{4})|U(?P<long>[0-9a-fA-F]{8})|(?P<bad>.))",
    re.DOTALL,
)
_PLAIN = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\", '"': '"'}
_JSON_WORDS: dict[str, bool | None] = {"true": True, "false": False, "null": None}


def parse(text: str, *, limit: int) -> Body:
    """The entries of `text`, JSON when its first character that is not blank is `{` (spec/vault-api.md 5.1).

    `limit` is the longest text in characters that is looked at. Raises HclInvalid.
    """
    if len(text) > limit:
        raise HclInvalid(f"the text is longer than {limit} characters", 1, 1)
    if text.lstrip(" \t\r\n\ufeff").startswith("{"):
        return _Json(_tokens(text.lstrip("\ufeff"), json_text=True)).document()
    return _Hcl(_tokens(text, json_text=False)).document()


def labelled(entry: Entry) -> Iterator[Entry]:
    """The blocks of one entry, each with at least one label: the same for `path "x" { }` and its JSON forms
    `{"path": {"x": {}}}`, `{"path": [{"x": {}}]}` and `{"path": {"x": [{}, {}]}}`. Raises HclInvalid."""
    if entry.labels:
        yield entry
        return
    for outer in _bodies(entry):
        for inner in outer.entries:
            for body in _bodies(inner):
                yield Entry(entry.key, (inner.key, *inner.labels), body, inner.line, inner.column, inner.value_at)


def _bodies(entry: Entry) -> tuple[Body, ...]:
    values = entry.value if isinstance(entry.value, tuple) else (entry.value,)
    bodies = tuple(value for value in values if isinstance(value, Body))
    if len(bodies) != len(values):
        raise HclInvalid(f"{quote(entry.key)} must be a block", *entry.value_at)
    return bodies


def quote(text: str) -> str:
    """A name from the text for an error message: quoted, bounded, with control characters escaped."""
    return json.dumps(text if len(text) <= 128 else text[:125] + "...", ensure_ascii=False)


def _tokens(text: str, *, json_text: bool) -> Iterator[Token]:
    pattern = _JSON if json_text else _HCL
    position, line, line_start = 0, 1, 0
    while position < len(text):
        column = position - line_start + 1
        found = pattern.match(text, position)
        if found is None:
            raise HclInvalid(_unreadable(text, position), line, column)
        kind, source, after = found.lastgroup or "", found.group(), found.end()
        if kind == "mark":
            yield Token(source, source, line, column)
        elif kind == "word":
            yield _word(source, line, column, json_text)
        elif kind == "string":
            yield Token("string", _string(source, line, column, json_text), line, column)
        elif kind == "number":
            yield Token("number", _number(source, line, column, json_text), line, column)
        elif kind == "heredoc":
            value, after = _heredoc(text, found, line, column)
            yield Token("string", value, line, column)
        newlines = text.count("\n", position, after)
        if newlines:
            line += newlines
            line_start = text.rfind("\n", position, after) + 1
        position = after
    yield Token("end", None, line, len(text) - line_start + 2)


def _unreadable(text: str, position: int) -> str:
    start = text[position : position + 2]
    if start.startswith('"'):
        return "literal not terminated"
    if start == "/*":
        return "comment not terminated"
    if start == "<<":
        return "heredoc needs a marker on a line of its own"
    return f"illegal character {quote(start[:1])}"


def _word(source: str, line: int, column: int, json_text: bool) -> Token:
    if not json_text:
        if source in ("true", "false"):
            return Token("bool", source == "true", line, column)
        return Token("word", source, line, column)
    if source not in _JSON_WORDS:
        raise HclInvalid(f"illegal word {quote(source)}", line, column)
    return Token("null" if source == "null" else "bool", _JSON_WORDS[source], line, column)


def _string(source: str, line: int, column: int, json_text: bool) -> str:
    if "\\" not in source:
        return source[1:-1]
    try:
        value = str(json.loads(source)) if json_text else _ESCAPE.sub(_unescaped, source[1:-1])
        value.encode()  # half of a surrogate pair is no text
    except ValueError:
        raise HclInvalid("illegal escape in a string", line, column) from None
    return value


def _unescaped(found: re.Match[str]) -> str:
    kind, digits = found.lastgroup, found.group(found.lastgroup or 0)
    if kind == "plain":
        return _PLAIN[digits]
    if kind == "bad":
        raise ValueError(digits)
    code = int(digits, 8 if kind == "octal" else 16)
    if code == 0 or (kind == "octal" and code > 0xFF):
        raise ValueError(digits)
    return chr(code)  # ValueError above 0x10FFFF


def _number(source: str, line: int, column: int, json_text: bool) -> int | float:
    found = (_JSON_NUMBER if json_text else _NUMBER).fullmatch(source) if len(source) <= MAX_NUMBER else None
    if found is None:
        raise HclInvalid(f"illegal number {quote(source[:MAX_NUMBER])}", line, column)
    number: int | float
    try:
        if found["fraction"] or found["power"]:
            number = float(source)
        else:
            digits = source.removeprefix("-")
            base = 16 if digits[:2] in ("0x", "0X") else 8 if len(digits) > 1 and digits[0] == "0" else 10
            number = int(source, base)
    except ValueError:
        raise HclInvalid(f"illegal number {quote(source)}", line, column) from None
    if not math.isfinite(number) or (isinstance(number, int) and not -MAX_INTEGER <= number < MAX_INTEGER):
        raise HclInvalid(f"number {quote(source)} is out of range", line, column)
    return number


def _heredoc(text: str, found: re.Match[str], line: int, column: int) -> tuple[str, int]:
    """The value of a heredoc and where the text goes on: at the end of the line with the marker."""
    lines: list[str] = []
    start = found.end()
    while start < len(text):
        end = text.find("\n", start)
        after = len(text) if end < 0 else end + 1
        source = text[start:after]
        if source.strip(" \t\r\n") == found["marker"]:
            indent = source[: len(source) - len(source.lstrip(" \t"))] if found["indented"] else ""
            if indent and all(one.startswith(indent) for one in lines):
                lines = [one[len(indent) :] for one in lines]
            return "".join(lines), start + len(source.rstrip("\r\n"))
        lines.append(source)
        start = after
    raise HclInvalid("heredoc not terminated", line, column)


class _Builder(ABC):
    """Walks the tokens; one token of look-ahead, recursion bounded by MAX_DEPTH."""

    def __init__(self, tokens: Iterator[Token]) -> None:
        self._tokens = tokens
        self.token = next(tokens)

    def step(self) -> Token:
        """The current token; the next one becomes current."""
        token = self.token
        if token.kind != "end":
            self.token = next(self._tokens)
        return token

    def fail(self, problem: str) -> HclInvalid:
        return HclInvalid(f"{problem} got: {self.token.shown()}", self.token.line, self.token.column)

    def value(self, depth: int) -> Value:
        if depth > MAX_DEPTH:
            raise HclInvalid(f"more than {MAX_DEPTH} nested levels", self.token.line, self.token.column)
        if self.token.kind == "{":
            return self.body(depth)
        if self.token.kind == "[":
            return self.list(depth)
        if self.token.kind not in ("string", "number", "bool", "null"):
            raise self.fail("expected a value,")
        return self.step().value

    @abstractmethod
    def body(self, depth: int) -> Body:
        """`{ ... }`, in the grammar of the text."""

    def list(self, depth: int) -> tuple[Value, ...]:
        """`[a, b]`; a comma after the last element is for HCL to allow."""
        self.step()
        values: list[Value] = []
        while self.token.kind != "]":
            values.append(self.value(depth + 1))
            if self.token.kind == ",":
                self.step()
                self.after_comma()
            elif self.token.kind != "]":
                raise self.fail("error parsing list, expected comma or list end,")
        self.step()
        return tuple(values)

    @abstractmethod
    def after_comma(self) -> None:
        """Looks at what follows a comma of a list."""


class _Hcl(_Builder):
    def document(self) -> Body:
        return self.entries("end", 0)

    def body(self, depth: int) -> Body:
        self.step()
        return self.entries("}", depth)

    def entries(self, closing: str, depth: int) -> Body:
        entries: list[Entry] = []
        while self.token.kind != closing:
            if self.token.kind == "end":
                raise self.fail("object expected closing RBRACE")
            entries.append(self.entry(depth))
            if self.token.kind == ",":
                self.step()
        self.step()
        return Body(tuple(entries))

    def entry(self, depth: int) -> Entry:
        first = self.token
        keys: list[str] = []
        while self.token.kind in ("string", "word", "bool"):
            token = self.step()
            keys.append(str(token.value).lower() if token.kind == "bool" else str(token.value))
        if not keys:
            raise self.fail("expected a key,")
        if self.token.kind == "=":
            if len(keys) > 1:
                raise self.fail("nested object expected: LBRACE")
            self.step()
        elif self.token.kind != "{":
            raise self.fail(f"key {quote(keys[-1])} expected start of object ('{{') or assignment ('='),")
        at = (self.token.line, self.token.column)
        value = self.value(depth + 1)
        return Entry(keys[0], tuple(keys[1:]), value, first.line, first.column, at)

    def after_comma(self) -> None:
        """Anything may follow, the end of the list too."""


class _Json(_Builder):
    def document(self) -> Body:
        body = self.body(0)
        if self.token.kind != "end":
            raise self.fail("expected the end of the text,")
        return body

    def body(self, depth: int) -> Body:
        self.step()
        entries: list[Entry] = []
        while self.token.kind != "}" or entries:
            if self.token.kind != "string":
                raise self.fail("expected a key,")
            key = self.step()
            if self.token.kind != ":":
                raise self.fail(f"key {quote(str(key.value))} expected a colon,")
            self.step()
            at = (self.token.line, self.token.column)
            entries.append(Entry(str(key.value), (), self.value(depth + 1), key.line, key.column, at))
            if self.token.kind == "}":
                break
            if self.token.kind != ",":
                raise self.fail("object expected closing RBRACE")
            self.step()
        self.step()
        return Body(tuple(entries))

    def after_comma(self) -> None:
        if self.token.kind == "]":
            raise self.fail("expected a value,")
