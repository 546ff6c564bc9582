"""Classes in brackets, and braces: lists such as `{a,b}` and ranges such as `{a..c}`."""

from __future__ import annotations

from vaultlike.sdk.picomatch.expression import Unreadable, read_expression
from vaultlike.sdk.picomatch.reading import Reading
from vaultlike.sdk.picomatch.repeated import escaped, special
from vaultlike.sdk.picomatch.tokens import CHARACTER, CLASSES, Brace, Token


def in_class(reading: Reading, char: str) -> None:
    token = reading.prev
    if char == ":" and "[" in token.value[1:]:
        token.posix = True
        if ":" in token.value[1:]:
            before, _, name = token.value.rpartition("[")
            if name[1:] in CLASSES:
                token.value = before + CLASSES[name[1:]]
                reading.again = True
                reading.advance()
                if not reading.bos.output and len(reading.tokens) > 1 and reading.tokens[1] is token:
                    reading.bos.output = CHARACTER
                return
    if (char == "[" and reading.peek() != ":") or (char == "-" and reading.peek() == "]"):
        char = "\\" + char
    if char == "]" and token.value in ("[", "[^"):
        char = "\\]"
    token.value += char
    reading.output += char


def open_class(reading: Reading, char: str) -> None:
    if "]" in reading.rest():
        reading.open("brackets")
        reading.push(Token("bracket", char))
    else:
        reading.push(Token("bracket", "\\["))


def close_class(reading: Reading, char: str) -> None:
    token = reading.prev
    if reading.brackets == 0 or (token.kind == "bracket" and len(token.value) == 1):
        reading.push(Token("text", char, "\\]"))
        return
    reading.close("brackets")
    inner = token.value[1:]
    if not token.posix and inner[:1] == "^" and "/" not in inner:
        char = "/]"
    token.value += char
    reading.output += char
    if special(inner):
        return
    # nothing in it says that a class is meant: the brackets may be just brackets
    reading.output = reading.output[: -len(token.value)]
    token.value = f"(?:{escaped(token.value)}|{token.value})"
    reading.output += token.value


def open_brace(reading: Reading, char: str) -> None:
    reading.open("braces")
    token = Token("brace", char, "(")
    reading.braces.append(Brace(token, len(reading.tokens), len(reading.output)))
    reading.push(token)


def close_brace(reading: Reading, char: str) -> None:
    if not reading.braces:
        reading.push(Token("text", char, char))
        return
    brace = reading.braces[-1]
    output = ")"
    if brace.dots:
        output = _range(reading)
    elif not brace.comma:
        rest = reading.tokens[brace.at :]
        brace.token.value = brace.token.output = "\\{"
        char = output = "\\}"
        reading.output = reading.output[: brace.output] + "".join(token.output or token.value for token in rest)
    reading.push(Token("brace", char, output))
    reading.close("braces")
    reading.braces.pop()


def _range(reading: Reading) -> str:
    """`{a..c}` is the class `[a-c]`, not a list of numbers."""
    ends: list[str] = []
    while reading.tokens:
        token = reading.tokens.pop()
        if token.kind == "brace":
            break
        if token.kind != "dots":
            ends.insert(0, token.value)
    reading.again = True
    ends.sort()
    output = f"[{'-'.join(ends)}]"
    try:
        read_expression(output)
    except Unreadable:
        return "..".join(map(escaped, ends))
    return output


def comma(reading: Reading, char: str) -> None:
    if reading.braces and reading.opened and reading.opened[-1] == "braces":
        reading.braces[-1].comma = True
        reading.push(Token("comma", char, "|"))
    else:
        reading.push(Token("comma", char, char))
