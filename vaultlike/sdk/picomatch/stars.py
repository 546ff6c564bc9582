"""What a star of a pattern stands for: a run within a segment, `**` as a whole segment, or part of a longer run."""

from __future__ import annotations

from vaultlike.sdk.picomatch.groups import open_group
from vaultlike.sdk.picomatch.reading import Reading
from vaultlike.sdk.picomatch.tokens import BASH_STAR, CHARACTER, GLOBSTAR, NO_DOT, NO_DOT_SEGMENT, SLASH, Token


def read_star(reading: Reading, char: str) -> None:
    """Takes up the star that was just read."""
    prev = reading.prev
    if prev.kind == "globstar" or prev.stars:
        prev.kind, prev.stars, prev.output = "star", True, reading.star
        prev.value += char
        reading.again = True
    elif reading.peek() == "(" and reading.peek(2) not in ("", "?"):
        open_group(reading, char, "star")
    elif prev.kind == "star":
        _second(reading, char)
    else:
        _first(reading, char)


def _first(reading: Reading, char: str) -> None:
    prev = reading.prev
    if reading.bash:
        first = prev.kind in ("bos", "slash")
        reading.push(Token("star", char, NO_DOT + BASH_STAR if first else BASH_STAR))
        return
    if reading.at == reading.start or prev.kind in ("slash", "dot"):
        more = NO_DOT_SEGMENT if prev.kind == "dot" else NO_DOT
        if reading.peek() != "*":
            more += CHARACTER
        reading.output += more
        prev.output = prev.source + more
    reading.push(Token("star", char, reading.star))


def _second(reading: Reading, char: str) -> None:
    """The second of two stars: together they are `**` where they are a segment, or the whole of a group or a brace."""
    prev = reading.prev
    prior = prev.prev
    assert prior is not None
    first = prior.kind in ("slash", "bos")
    rest = reading.rest()
    if reading.bash:
        whole = first and rest[:1] in ("", "/")
    else:
        in_brace = reading.brace_depth > 0 and prior.kind in ("comma", "brace")
        whole = first or prior.kind == "paren" or in_brace
    if not whole:
        reading.push(Token("star", char, ""))
        return
    while rest.startswith("/**"):  # a/**/**/b is a/**/b
        after = reading.peek(4)
        if after not in ("", "/"):
            break
        rest = rest[3:]
        reading.at += 3
    _globstar(reading, prev, prior, char, rest)


def _globstar(reading: Reading, prev: Token, prior: Token, char: str, rest: str) -> None:
    prev_source, prior_source = prev.source, prior.source
    inner = prior.kind == "slash" and prior.prev is not None and prior.prev.kind != "bos"
    before = prior.prev
    after_star = before is not None and before.kind in ("star", "globstar")
    prev.kind = "globstar"
    prev.value += char
    if prior.kind == "bos" and not reading.rest():
        prev.output = reading.output = GLOBSTAR
    elif inner and not after_star and _at_end(reading, rest):
        # a/** is also a
        reading.output = reading.output[: -len(prior_source + prev_source)]
        prior.output = f"(?:{prior_source}"
        prev.output = f"{GLOBSTAR}|$)"
        reading.output += prior.output + prev.output
    elif inner and rest[:1] == "/":
        end = "|$" if len(rest) > 1 else ""
        reading.output = reading.output[: -len(prior_source + prev_source)]
        prior.output = f"(?:{prior_source}"
        prev.output = f"{GLOBSTAR}{SLASH}|{SLASH}{end})"
        reading.output += prior.output + prev.output
        reading.advance()
        reading.push(Token("slash", "/", ""))
    elif prior.kind == "bos" and rest[:1] == "/":
        prev.output = reading.output = f"(?:^|{SLASH}|{GLOBSTAR}{SLASH})"
        reading.advance()
        reading.push(Token("slash", "/", ""))
    else:
        reading.output = reading.output[: -len(prev_source)] + GLOBSTAR
        prev.output = GLOBSTAR


def _at_end(reading: Reading, rest: str) -> bool:
    if not reading.rest():
        return True
    closes = reading.parens > 0 and rest == ")" * reading.parens
    return closes and all(group.sign != "!" for group in reading.groups)
