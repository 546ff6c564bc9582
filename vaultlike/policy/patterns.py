"""Path patterns: what kind they are, which of two is more specific, and an index that finds the best for a path.

The index is a trie of path segments, so that a lookup costs a step per segment of the path however many patterns
there are (spec/vault-api.md 5.2).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Generic, Literal, TypeVar

import msgspec

T = TypeVar("T")
Kind = Literal["exact", "prefix", "segments"]
Priority = tuple[int, bool, int, int, str]

ONE_SEGMENT = "+"
REST = "*"
UNLIKELY = "\x00"  # a segment that no path of a request has


class Pattern(msgspec.Struct, frozen=True):
    """`text` as written; `stem` without a final `*`; `segments` of the stem. `prefix` tells of the final `*`."""

    text: str
    kind: Kind
    stem: str
    segments: tuple[str, ...]
    prefix: bool

    @property
    def priority(self) -> Priority:
        """The larger is the more specific: later first wildcard, no final `*`, fewer `+`, longer, larger text."""
        wildcards = self.segments.count(ONE_SEGMENT)
        first = len(self.stem)
        if wildcards:
            before = self.segments[: self.segments.index(ONE_SEGMENT)]
            first = sum(len(segment) + 1 for segment in before)
        return first, not self.prefix, -wildcards, len(self.text), self.text


def classify(text: str) -> Pattern:
    """`+` is a wildcard where it is a whole segment, `*` where it is the last character; else they are letters."""
    prefix = text.endswith(REST)
    stem = text[:-1] if prefix else text
    segments = tuple(stem.split("/"))
    kind: Kind = "segments" if ONE_SEGMENT in segments else "prefix" if prefix else "exact"
    return Pattern(text, kind, stem, segments, prefix)


class _Node:
    __slots__ = ("children", "leaf", "lengths", "plus", "starts")

    def __init__(self) -> None:
        self.children: dict[str, _Node] = {}
        self.plus: _Node | None = None
        self.leaf = -1  # rank of the pattern that ends here
        self.starts: dict[str, int] = {}  # beginnings of the next segment -> rank of the pattern `...start*`
        self.lengths: tuple[int, ...] = ()  # of the starts, longest first


class PatternIndex(Generic[T]):
    """Values by pattern; built once, then only read. Exact patterns do not belong here."""

    __slots__ = ("_root", "_values")

    def __init__(self, items: Iterable[tuple[Pattern, T]]) -> None:
        ranked = sorted(items, key=lambda item: item[0].priority)
        self._values = [value for _, value in ranked]
        self._root = _Node()
        touched: set[_Node] = set()
        for rank, (pattern, _) in enumerate(ranked):
            node = self._root
            for segment in pattern.segments[:-1] if pattern.prefix else pattern.segments:
                node = _child(node, segment)
            if pattern.prefix:
                node.starts[pattern.segments[-1]] = rank
                touched.add(node)
            else:
                node.leaf = rank
        for node in touched:
            node.lengths = tuple(sorted({len(start) for start in node.starts}, reverse=True))

    def find(self, path: str) -> T | None:
        """The value of the most specific pattern that matches `path`."""
        if not self._values:
            return None
        best = -1
        nodes = [self._root]
        for segment in path.split("/"):
            following: list[_Node] = []
            for node in nodes:
                for length in node.lengths:
                    rank = node.starts.get(segment[:length], -1)
                    if rank >= 0:
                        best = max(best, rank)
                        break  # shorter starts of this node are less specific
                child = node.children.get(segment)
                if child is not None:
                    following.append(child)
                if node.plus is not None:
                    following.append(node.plus)
            nodes = following
            if not nodes:
                break
        for node in nodes:
            best = max(best, node.leaf)
        return self._values[best] if best >= 0 else None


def _child(node: _Node, segment: str) -> _Node:
    if segment == ONE_SEGMENT:
        if node.plus is None:
            node.plus = _Node()
        return node.plus
    return node.children.setdefault(segment, _Node())


def overlaps(pattern: Pattern, prefix: str) -> str | None:
    """A path below `prefix` (which ends with a slash) that `pattern` matches, or None where there is none."""
    wanted = prefix.split("/")[:-1]
    witness: list[str] = []
    last = len(pattern.segments) - 1
    for number, segment in enumerate(pattern.segments):
        here = wanted[number] if number < len(wanted) else None
        if pattern.prefix and number == last:
            if here is None:
                witness.append(segment + UNLIKELY)
            elif here.startswith(segment):
                witness += [*wanted[number:], UNLIKELY]
            else:
                return None
        elif segment == ONE_SEGMENT:
            witness.append(UNLIKELY if here is None else here)
        elif here is None or here == segment:
            witness.append(segment)
        else:
            return None
    return "/".join(witness) if len(witness) > len(wanted) else None
