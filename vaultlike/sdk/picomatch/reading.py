"""The state of reading a pattern: what was read, what it is so far in tokens and as an expression, what is open."""

from __future__ import annotations

from collections.abc import Callable

from vaultlike.sdk.picomatch.tokens import GLOBSTAR, STAR, Brace, Group, Token


class Reading:
    """One pass over a pattern. Says nothing of signs: `translation.py` and what it imports do."""

    def __init__(self, pattern: str, bash: bool, nested: Callable[[str], str]) -> None:
        """`nested`: how a part of the pattern is translated by itself."""
        self.nested = nested
        self.pattern, self.bash = pattern, bash
        self.star = GLOBSTAR if bash else STAR
        self.at, self.start = -1, 0  # the character being read, the first that counts
        self.output, self.negated = "", False
        self.again = False  # whether the expression must be put together from the tokens at the end
        self.brackets = self.parens = self.brace_depth = 0
        self.quoted = False
        self.bos = Token("bos", "", "")
        self.tokens = [self.bos]
        self.prev = self.bos
        self.groups: list[Group] = []
        self.braces: list[Brace] = []
        self.opened: list[str] = []

    def peek(self, ahead: int = 1) -> str:
        """The character so many places ahead, "" past the end."""
        at = self.at + ahead
        return self.pattern[at : at + 1] if at >= 0 else ""

    def advance(self) -> str:
        """The next character, "" past the end."""
        self.at += 1
        return self.pattern[self.at : self.at + 1]

    def rest(self) -> str:
        """What was not read yet."""
        return self.pattern[self.at + 1 :]

    def push(self, token: Token) -> None:
        """Takes a token up. A `**` that is no whole segment becomes a star; text is joined to text."""
        prev = self.prev
        if prev.kind == "globstar":
            in_brace = self.brace_depth > 0 and token.kind in ("comma", "brace")
            in_group = token.group or (self.groups and token.kind == "paren")
            if token.kind not in ("slash", "paren") and not in_brace and not in_group:
                self.output = self.output[: -len(prev.source)] + self.star
                prev.kind, prev.value, prev.output = "star", "*", self.star
        if self.groups and token.kind != "paren":
            self.groups[-1].inner += token.value
        self.output += token.source
        if prev.kind == "text" and token.kind == "text":
            prev.output = (prev.output or prev.value) + token.value
            prev.value += token.value
            return
        token.prev = prev
        self.tokens.append(token)
        self.prev = token

    def open(self, what: str) -> None:
        """Counts one more open bracket, paren or brace."""
        self._count(what, 1)
        self.opened.append(what)

    def close(self, what: str) -> None:
        """Counts one fewer."""
        self._count(what, -1)
        if self.opened:
            self.opened.pop()

    def _count(self, what: str, by: int) -> None:
        if what == "parens":
            self.parens += by
        elif what == "brackets":
            self.brackets += by
        else:
            self.brace_depth += by
