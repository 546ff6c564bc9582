"""Patterns as Infisical's machine identities are bound by: what picomatch 4.0 means by them (spec/infisical.md 1).

Owns the limits and what is kept. A pattern is translated (`translation.py`) to an expression, read to a tree
(`expression.py`) and laid out as a graph; texts walk it (`search.py`) in time linear in both, whatever the pattern.

Other than picomatch: an empty pattern, one that is too long, or one whose parentheses do not pair fits nothing but
itself (there it raises an error, or comes to fit any part of a text); so does one with a back reference.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from vaultlike.sdk.picomatch.charset import ANY
from vaultlike.sdk.picomatch.expression import Here, Sequence, Unreadable, read_expression
from vaultlike.sdk.picomatch.search import Effort, Exhausted, Graph
from vaultlike.sdk.picomatch.translation import translate

__all__ = ["MAX_PATTERN", "MAX_STEPS", "MAX_TEXT", "Effort", "Exhausted", "fits_any", "fits_picomatch", "remark"]

MAX_PATTERN: Final = 1024  # characters
MAX_TEXT: Final = 4096  # characters
MAX_STEPS: Final = 50_000  # of one judgement: a small part of a second; a claim in use takes some hundreds
_KEPT: Final = 1024  # compiled patterns


class Pattern:
    """A compiled pattern."""

    __slots__ = ("graph", "negated")

    def __init__(self, source: str, negated: bool) -> None:
        """`source`: an expression; `negated`: whatever it does not fit is what fits. Raises Unreadable."""
        self.negated = negated
        self.graph = Graph(Sequence((read_expression(source), Here("end"))))

    def fits(self, text: str, effort: Effort) -> bool:
        """Whether a text of UTF-16 units fits. Raises Exhausted."""
        fits = bool(self.graph.ends(text, (0,), effort))
        if self.negated:
            return not fits and all(ANY.admits(char) for char in text)
        return fits


def fits_picomatch(pattern: object, text: object, *, bash: bool = False) -> bool:
    """Whether `text` fits `pattern`; both must be texts. Raises nothing: what cannot be judged does not fit.

    `bash`: picomatch's option of that name, with which `*` crosses slashes.
    """
    return fits_any((pattern,), (text,), bash=bash)


def fits_any(
    patterns: Iterable[object], texts: Iterable[object], *, bash: bool = False, effort: Effort | None = None
) -> bool:
    """Whether any text fits any pattern. Raises nothing; once the effort (MAX_STEPS in all) is used up nothing fits."""
    wanted = [pattern for pattern in patterns if isinstance(pattern, str) and pattern]
    known = [text for text in texts if isinstance(text, str) and text]
    if not set(wanted).isdisjoint(known):
        return True
    effort = effort or Effort(MAX_STEPS)
    judged = [_units(text) for text in known if len(text) <= MAX_TEXT]
    try:
        return any(
            _fits(pattern, text, bash, effort) for pattern in wanted if len(pattern) <= MAX_PATTERN for text in judged
        )
    except Exhausted:
        return False


def _fits(pattern: str, text: str, bash: bool, effort: Effort) -> bool:
    effort.spend(1)
    compiled = compile_pattern(pattern, bash)
    return compiled is not None and compiled.fits(text, effort)


def remark(pattern: str, *, bash: bool = False) -> str:
    """What somebody who writes this pattern should be told, as the end of a sentence about it; "" when nothing."""
    compiled = compile_pattern(pattern, bash) if 0 < len(pattern) <= MAX_PATTERN else None
    if compiled is None:
        return "can fit nothing but itself"
    return "begins with '!': it fits everything but what the rest of it fits" if compiled.negated else ""


@lru_cache(_KEPT)
def compile_pattern(pattern: str, bash: bool) -> Pattern | None:
    """The compiled pattern, None when there is nothing that it could fit but itself."""
    try:
        return Pattern(*translate(_units(pattern), bash=bash))
    except Unreadable:
        return None


def _units(text: str) -> str:
    """The text as UTF-16 units, which is what picomatch counts as characters."""
    if text.isascii() or max(text) <= "\uffff":
        return text
    raw = text.encode("utf-16-le", "surrogatepass")
    return "".join(chr(raw[i] | raw[i + 1] << 8) for i in range(0, len(raw), 2))
