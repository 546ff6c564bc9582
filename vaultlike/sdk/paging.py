"""Lists in pages: what a client asks for (spec/vault-api.md 1.2: `after`, `limit`)."""

from __future__ import annotations

from bisect import bisect_right
from typing import Annotated

from msgspec import Meta, Struct


class Paging(Struct, kw_only=True):
    """One page of a list."""

    after: Annotated[str, Meta(description="The last name of the page before.")] = ""
    limit: Annotated[int, Meta(description="At most so many names; 0: all.")] = 0

    def cut(self, names: list[str]) -> list[str]:
        """The page of a sorted list."""
        start = bisect_right(names, self.after) if self.after else 0
        return names[start : start + self.limit] if self.limit > 0 else names[start:]
