"""A request that is being answered, as `sys/in-flight-req` shows it. The server keeps them, one entry for each."""

from __future__ import annotations

from msgspec import Struct


class UnderWay(Struct, frozen=True, gc=False):
    """A request that is being answered; `started_at` in Unix seconds."""

    started_at: float
    remote: str
    path: str  # without `/v1/`
    verb: str
