"""`sys/monitor`: the log of the process that answers, as it is written, from any level on (spec/vault-api.md 2.12).

Ends when the client goes, the server drains or seals. What a slow client does not take is dropped, and it is told so.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from typing import Annotated

from msgspec import Meta, Struct

from vaultlike import log
from vaultlike.errors import Invalid, Unavailable
from vaultlike.sdk import Call, Raw, read
from vaultlike.services import Services
from vaultlike.system.part import Part
from vaultlike.system.seal import Life

MAX_WAITING = 2000  # lines for one client
MAX_CLIENTS = 8  # of one process
PULSE = 1.0  # seconds after which the stream looks whether anybody is there


class Flowing(Raw, kw_only=True):
    """A body that has no end yet."""

    parts: AsyncIterator[bytes]


class MonitorBody(Struct, kw_only=True):
    """What to show."""

    log_level: Annotated[str, Meta(description="trace, debug, info, warn or error.")] = "info"
    log_format: Annotated[str, Meta(description="standard or json.")] = "standard"


class Monitor(Part):
    """The log as it is written."""

    def __init__(self, services: Services, life: Life) -> None:
        super().__init__(services)
        self._life = life
        self._clients = 0

    @read("monitor")
    async def monitor(self, call: Call, body: MonitorBody) -> Raw:
        """Streams the log of this process, without end."""
        if body.log_level.lower() not in log.LEVELS:
            raise Invalid(f'unknown log level "{body.log_level[:64]}"')
        if body.log_format not in ("standard", "json"):
            raise Invalid(f'unknown log format "{body.log_format[:64]}"')
        if call.wrap_ttl:
            raise Invalid("a stream cannot be wrapped")
        if self._clients >= MAX_CLIENTS:
            raise Unavailable(f"{MAX_CLIENTS} clients read the log of this process already")
        format: log.Format = "json" if body.log_format == "json" else "standard"
        return Flowing(body=b"", content_type="text/plain; charset=utf-8", parts=self._lines(body.log_level, format))

    async def _lines(self, level: str, format: log.Format) -> AsyncIterator[bytes]:
        loop, some = asyncio.get_running_loop(), asyncio.Event()
        waiting: deque[str] = deque()
        lost = 0

        def take(line: str) -> None:
            nonlocal lost
            if len(waiting) >= MAX_WAITING:
                lost += 1
                return
            waiting.append(line)
            loop.call_soon_threadsafe(some.set)

        tap = log.Tap(level, format, take)
        tap.open()
        self._clients += 1
        try:
            while self._life.custodian.barrier is not None:
                while waiting:
                    yield waiting.popleft().encode(errors="replace")
                if lost:
                    yield f"({lost} lines were lost: they were not read in time)\n".encode()
                    lost = 0
                some.clear()
                try:
                    async with asyncio.timeout(PULSE):  # real time: a look, not a fact
                        await some.wait()
                except TimeoutError:
                    yield b""
        finally:
            self._clients -= 1
            tap.close()
