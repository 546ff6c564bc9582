"""Lists in pages: which part a request asks for and the absolute address of the next.

Shared by ARM and Graph; they differ only in the name of the link.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from aiohttp import web
from yarl import URL

T = TypeVar("T")
TOKEN = "$skiptoken"


def page(request: web.Request, entries: Sequence[T], size: int, base: str) -> tuple[Sequence[T], str]:
    """The entries of this page and the address of the next one, empty at the end. A bad token means the start."""
    given = request.query.get(TOKEN, "")
    start = int(given) if given.isdecimal() and len(given) < 8 else 0
    end = start + max(1, size)
    if end >= len(entries):
        return entries[start:], ""
    query = [(name, value) for name, value in request.query.items() if name != TOKEN]
    return entries[start:end], str(URL(base).with_path(request.path).with_query([*query, (TOKEN, str(end))]))
