"""Who used the server in which month (spec/vault-api.md 2.9): each client once, whatever it does.

A client is an entity, or all tokens without one that have the same policies in the same namespace; root tokens are
nobody. A request costs one look into a set. New clients are written together every half minute, by each process into
its own documents (`<month>/<process>-<number>`), so that writers never wait for each other; reading leaves out doubles.
Owns recording and reading back; `activity` is the API and makes the sums.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime

import msgspec
from msgspec import Struct
from structlog.typing import FilteringBoundLogger

from vaultlike.clock import Clock
from vaultlike.storage.view import Put, View

PERIOD = 30.0  # seconds between two writes, at most
SEGMENT = 1000  # clients in a document
MAX_SEEN = 100_000  # clients that a process remembers to have written; beyond it some are written twice
MAX_FRESH = 50_000  # clients that wait for being written; beyond it they are noted at their next request
PAGE = 4  # documents read at once
SETTINGS = "activity"  # key of the settings, in the core's own documents
REQUESTS = "requests/"


class Client(Struct, frozen=True, array_like=True):
    """One client of a month. `mount` is the accessor of the auth mount it came by; `at` its first use, Unix seconds."""

    id: str
    namespace: str
    mount: str
    entity: bool
    at: int = 0  # 0: not known


class Settings(Struct, frozen=True, kw_only=True):
    """What is kept. `enabled` is `default` (which means on), `enable` or `disable`."""

    default_report_months: int = 12
    retention_months: int = 24
    enabled: str = "default"


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[Client]).decode
_decode_settings = msgspec.json.Decoder(Settings).decode


def month_of(at: float) -> str:
    """The month of a time (Unix seconds, UTC), as `2026-01`."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m")


def start_of(month: str) -> float:
    """When a month begins, Unix seconds."""
    return datetime(int(month[:4]), int(month[5:]), 1, tzinfo=UTC).timestamp()


def moved(month: str, by: int) -> str:
    """The month `by` months later."""
    count = int(month[:4]) * 12 + int(month[5:]) - 1 + by
    return f"{count // 12:04}-{count % 12 + 1:02}"


async def settings_of(storage: View) -> Settings:
    """The settings in force; `storage` is the core's own of the root namespace."""
    return await storage.cached(SETTINGS, _decode_settings) or Settings()


class ClientLog:
    """Notes the clients of one process; reads those of all."""

    def __init__(self, view: View, clock: Clock, log: FilteringBoundLogger, random: Callable[[int], bytes]) -> None:
        """`view` must not move the generation: these are no settings."""
        self._view, self._clock, self._log = view, clock, log
        self._process = random(8).hex()
        self.enabled = True
        self._task: asyncio.Task[None] | None = None
        self._writing = asyncio.Lock()
        self._segments = 0
        self._waiting: dict[str, list[Client]] = {}  # by month
        self._month, self._count = "", 0  # the requests of this month
        self._requests: dict[str, int] = {}  # by month, those of this one as of the last flush
        self._written: dict[str, int] = {}  # of these, what is in the database
        self._turn(clock.now())

    def _turn(self, now: float) -> None:
        """A month begins. What waits belongs to the one before and is written there."""
        if self._month:
            self._requests[self._month] = self._count
        self._count = 0
        self._month = month_of(now)
        self._ends_at = start_of(moved(self._month, 1))
        self._seen: set[object] = set()
        self._open: list[Client] = []  # the document that has room
        self._known = False  # whether `_seen` has what was written before this process began

    def note(self, namespace: str, entity: str, policies: tuple[str, ...], mount: str) -> None:
        """A request was made by a token of these policies and of that entity ("" for none), made by that mount."""
        if (now := self._clock.now()) >= self._ends_at:
            self._turn(now)
        self._count += 1
        key: object = entity or (namespace, policies)
        if key in self._seen or not self.enabled:
            return
        waiting = self._waiting.setdefault(self._month, [])
        if "root" in policies or len(waiting) >= MAX_FRESH:
            return
        if len(self._seen) >= MAX_SEEN:
            self._seen.clear()
        self._seen.add(key)
        waiting.append(Client(entity or _nobody(namespace, policies), namespace, mount, bool(entity), int(now)))

    async def start(self) -> None:
        """Starts the writer."""
        self._task = asyncio.create_task(self._run(), name="clients")

    async def stop(self) -> None:
        """Writes what waits and ends."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        await self.flush()

    async def flush(self) -> None:
        """Writes what this process has noted."""
        async with self._writing:
            for month in list(self._waiting):
                clients = self._waiting.pop(month)
                try:
                    await self._write(month, clients)
                except Exception as problem:  # counted facts, not access: the server goes on and tries again
                    self._waiting[month] = (clients + self._waiting.get(month, []))[:MAX_FRESH]
                    self._log.warning("clients not recorded yet", count=len(clients), problem=repr(problem))
            await self._write_requests()

    async def _write(self, month: str, clients: list[Client]) -> None:
        current = month == self._month
        if current and not self._known:
            stored = await self._stored(month, MAX_SEEN)
            self._known = True
            clients = [client for client in clients if client.id not in stored]
        rest = self._open + clients if current else clients
        puts: list[Put] = []
        number = self._segments
        for start in range(0, len(rest) if clients else 0, SEGMENT):
            puts.append(Put(f"{month}/{self._process}-{number}", _encode(rest[start : start + SEGMENT])))
            number += 1
        if not puts:
            return
        await self._view.commit(puts)
        full = not current or len(rest) % SEGMENT == 0
        self._segments = number if full else number - 1
        if current and month == self._month:
            self._open = [] if full else rest[-(len(rest) % SEGMENT) :]

    async def _stored(self, month: str, most: int) -> set[str]:
        found: set[str] = set()
        async for client in self.clients(month):
            found.add(client.id)
            if len(found) >= most:
                break
        return found

    async def _write_requests(self) -> None:
        self._requests[self._month] = self._count
        for month, count in list(self._requests.items()):
            if self._written.get(month) == count:
                continue
            try:
                await self._view.put(f"{REQUESTS}{month}/{self._process}", str(count).encode())
                self._written[month] = count
            except Exception as problem:
                self._log.warning("requests not counted yet", problem=repr(problem))

    async def clients(self, month: str) -> AsyncIterator[Client]:
        """Every client of a month as it was written by any process; some may come twice."""
        after = ""
        while page := await self._view.items(f"{month}/", after=after, limit=PAGE):
            for _, raw in page:
                for client in _decode(raw):
                    yield client
            after = page[-1][0]
            await asyncio.sleep(0)  # others' requests in between

    async def months(self) -> list[str]:
        """The months that anything is kept of, in order."""
        found = {name.rstrip("/") for name in await self._view.children("")} - {REQUESTS.rstrip("/")}
        return sorted(found)

    async def requests(self) -> dict[str, int]:
        """How many requests with a token were made in each month."""
        found: dict[str, int] = {}
        for key, raw in await self._view.items(REQUESTS):
            month = key.partition("/")[0]
            found[month] = found.get(month, 0) + int(raw)
        return found

    async def tidy(self, keep: int) -> None:
        """Forgets all but the last `keep` months and the present one."""
        oldest = moved(month_of(self._clock.now()), -keep)
        for month in await self.months():
            if month < oldest:
                await self._view.delete_all(f"{month}/")
        for month in await self.requests():
            if month < oldest:
                await self._view.delete_all(f"{REQUESTS}{month}/")

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(PERIOD)  # real time: collects a batch, means nothing
            await self.flush()


def _nobody(namespace: str, policies: tuple[str, ...]) -> str:
    """The id of a client without an entity: the same for the same policies of a namespace."""
    text = msgspec.json.encode((namespace, sorted(policies)))
    return hashlib.sha256(text).hexdigest()
