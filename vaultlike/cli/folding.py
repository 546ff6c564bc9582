"""Tables whose cells take several lines: for long lists and long values, where one line a row cannot be read."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from itertools import zip_longest

_GAP = "    "


def folded(items: Sequence[str], width: int) -> list[str]:
    """Each item on a line of its own, or on several of at most `width` characters; nothing reads `n/a`."""
    return [line for item in items for line in textwrap.wrap(item, width)] or ["n/a"]


def table(header: Sequence[str], rows: Iterable[Sequence[Sequence[str]]], width: int) -> str:
    """Columns under an underlined header; a cell is a sequence of items, folded at `width` characters."""
    lines: list[tuple[str, ...]] = [tuple(header), tuple("-" * len(name) for name in header)]
    for row in rows:
        lines.extend(zip_longest(*(folded(cell, width) for cell in row), fillvalue=""))
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        _GAP.join(cell.ljust(size) for cell, size in zip(line, widths, strict=True)).rstrip() for line in lines
    )
