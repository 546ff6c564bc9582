"""Whether a text fits an expression, in time linear in both: a walk over (node, position) pairs, each at most once.

What a look-ahead admits is found once for all positions, by walking its graph from the right; a look-behind's from the
left. So nothing is ever tried again, whatever stands in what.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal

from vaultlike.sdk.picomatch.charset import ANY, WORD, CharSet
from vaultlike.sdk.picomatch.expression import (
    AssertionKind,
    Choice,
    Here,
    Look,
    Node,
    One,
    Repeat,
    Segments,
    Sequence,
    Text,
    Unreadable,
)

MAX_NODES: Final = 20_000
_TAKING: Final = frozenset(("text", "one", "run", "segments"))
END: Final = 0  # every graph's last node
_WORD: Final = CharSet(ranges=WORD)


class Exhausted(Exception):
    """The effort allowed is used up."""


class Effort:
    """How many steps, (node, position) pairs, may still be taken; shared by all searches of one judgement."""

    __slots__ = ("limit", "spent")

    def __init__(self, limit: int) -> None:
        self.limit, self.spent = limit, 0

    def spend(self, steps: int) -> None:
        """Raises Exhausted when it is more than there is."""
        self.spent += steps
        if self.spent > self.limit:
            raise Exhausted


class Graph:
    """An expression as nodes with successors, to be walked to the right or (`leftward`) to the left."""

    __slots__ = ("_leftward", "_nodes", "_start")

    def __init__(self, tree: Node, *, leftward: bool = False) -> None:
        """Raises Unreadable when there are too many nodes."""
        self._leftward = leftward
        self._nodes: list[_Step] = [_Step("end")]
        self._start = self._lay(tree, END)

    def __len__(self) -> int:
        inner = sum(len(step.graph) for step in self._nodes if step.graph is not None)
        return len(self._nodes) + inner

    def _add(self, step: _Step) -> int:
        if len(self._nodes) >= MAX_NODES:
            raise Unreadable("too large")
        self._nodes.append(step)
        return len(self._nodes) - 1

    def _lay(self, tree: Node, then: int) -> int:
        """Adds the nodes of `tree`, which lead to `then`; returns where they begin."""
        match tree:
            case Text(text):
                return self._add(_Step("text", then, text=text))
            case One(chars):
                return self._add(_Step("one", then, chars=chars))
            case Segments():
                return self._add(_Step("segments", then))
            case Here(kind):
                return self._add(_Step("here", then, kind=kind))
            case Look(body, ahead, negated):
                return self._add(_Step("look", then, graph=Graph(body, leftward=ahead), negated=negated))
            case Choice(options):
                return self._add(_Step("fork", *[self._lay(option, then) for option in options]))
            case Sequence(parts):
                for part in parts if self._leftward else reversed(parts):
                    then = self._lay(part, then)
                return then
            case Repeat(body, least, most):
                return self._repeat(body, least, most, then)

    def _repeat(self, body: Node, least: int, most: int | None, then: int) -> int:
        if most is None:
            if isinstance(body, One):
                then = self._add(_Step("run", then, chars=body.chars))
            else:
                fork = self._add(_Step("fork"))
                self._nodes[fork].nexts = (self._lay(body, fork), then)
                if least == 1:
                    return self._nodes[fork].nexts[0]
                then = fork
        else:
            for _ in range(most - least):
                then = self._add(_Step("fork", self._lay(body, then), then))
        for _ in range(least):
            then = self._lay(body, then)
        return then

    def ends(self, text: str, starts: Iterable[int], effort: Effort) -> set[int]:
        """The positions where a walk from any of `starts` can end. Raises Exhausted."""
        walk = _Walk(self._nodes, self._leftward, text, effort)
        try:
            return walk.ends(self._start, starts)
        finally:
            effort.spent += len(walk.seen)


class _Walk:
    """One walk over a graph along one text."""

    __slots__ = ("_effort", "_leftward", "_nodes", "_tables", "_text", "_width", "seen")

    def __init__(self, nodes: list[_Step], leftward: bool, text: str, effort: Effort) -> None:
        self._nodes, self._leftward, self._text, self._effort = nodes, leftward, text, effort
        self._width = len(text) + 1
        self._tables: dict[int, set[int]] = {}
        self.seen: set[int] = set()  # node * width + position

    def ends(self, start: int, starts: Iterable[int]) -> set[int]:
        """Every place is entered once, whatever ways lead there."""
        nodes, width, seen = self._nodes, self._width, self.seen
        effort, ends = self._effort, set()
        todo = [start * width + position for position in starts]
        while todo:
            place = todo.pop()
            if place in seen:
                continue
            seen.add(place)
            if len(seen) + effort.spent > effort.limit:
                raise Exhausted
            at, position = divmod(place, width)
            node = nodes[at]
            name = node.name
            if name == "fork":
                for then in node.nexts:
                    todo.append(then * width + position)
            elif name == "end":
                ends.add(position)
            elif name in _TAKING:
                self._take(todo, node, at, position)
            elif _holds(node.kind, self._text, position) if name == "here" else self._looks(node, at, position):
                todo.append(node.then * width + position)
        return ends

    def _take(self, todo: list[int], node: _Step, at: int, position: int) -> None:
        """Goes on behind the character, or the text, that the node takes here."""
        text, width = self._text, self._width
        if node.name == "text":
            size = len(node.text)
            if self._leftward:
                if position >= size and text.startswith(node.text, position - size):
                    todo.append(node.then * width + position - size)
            elif text.startswith(node.text, position):
                todo.append(node.then * width + position + size)
            return
        if node.name != "one":
            todo.append(node.then * width + position)
        taken, after = (position - 1, position - 1) if self._leftward else (position, position + 1)
        if not 0 <= taken < width - 1:
            return
        if _in_segment(text, taken) if node.name == "segments" else node.chars.admits(text[taken]):
            todo.append((node.then if node.name == "one" else at) * width + after)

    def _looks(self, node: _Step, at: int, position: int) -> bool:
        """Whether what the node looks for is here, found out once for all positions."""
        if at not in self._tables:
            assert node.graph is not None
            running = len(self.seen)
            self._effort.spent += running
            self._tables[at] = node.graph.ends(self._text, range(self._width), self._effort)
            self._effort.spent -= running
        return (position in self._tables[at]) is not node.negated


class _Step:
    """One node: what it asks of a position and where it leads."""

    __slots__ = ("chars", "graph", "kind", "name", "negated", "nexts", "text", "then")

    def __init__(
        self,
        name: Literal["end", "fork", "text", "one", "run", "segments", "here", "look"],
        *nexts: int,
        text: str = "",
        chars: CharSet = ANY,
        kind: AssertionKind = "start",
        graph: Graph | None = None,
        negated: bool = False,
    ) -> None:
        self.name, self.nexts, self.then = name, nexts, nexts[0] if nexts else END
        self.text, self.chars, self.kind, self.graph, self.negated = text, chars, kind, graph, negated


def _in_segment(text: str, at: int) -> bool:
    """Whether `**` may take the character at `at`: no dot that begins the text, no slash that a dot follows."""
    char = text[at]
    if char == "/":
        return text[at + 1 : at + 2] != "."
    return ANY.admits(char) and not (char == "." and at == 0)


def _holds(kind: AssertionKind, text: str, position: int) -> bool:
    if kind == "no dot":
        return not text.startswith(".", position)
    if kind == "a character":
        return position < len(text) and ANY.admits(text[position])
    if kind == "start":
        return position == 0
    if kind == "end":
        return position == len(text)
    before = position > 0 and _WORD.admits(text[position - 1])
    after = position < len(text) and _WORD.admits(text[position])
    return (before is not after) is (kind == "boundary")
