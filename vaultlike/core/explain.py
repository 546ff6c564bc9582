"""Why a login was refused (or not): its checks in order, kept for the operator in a bounded, sealed store.

Writing is behind the answer: explanations wait in memory (bounded) and are committed together once a second, so that a
flood of refused logins cannot buy a flood of commits. What waits is found too.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import OrderedDict

import msgspec
from msgspec import Struct
from structlog.typing import FilteringBoundLogger

from vaultlike.clock import Clock, rfc3339
from vaultlike.sdk import Call, Check
from vaultlike.seal.barrier import Barrier
from vaultlike.storage.engine import AddExplanation, Engine

WAITING = 256  # explanations in memory at most; older ones give way
TOGETHER = 16  # explanations in one commit
PAUSE = 1.0  # seconds between two commits
MAX_SEALED = 16_384  # bytes; a longer explanation keeps only its outcome


class Explanation(Struct, kw_only=True, frozen=True):
    """One login attempt. `at` in Unix seconds; values are shown, the credential itself never is."""

    request_id: str
    at: float
    path: str
    mount_type: str
    role: str
    remote: str
    outcome: str  # "accepted" or "refused"
    reason: str = ""
    checks: tuple[Check, ...] = ()
    simulated: bool = False


class Explained(Struct, kw_only=True, frozen=True):
    """An explanation as the operator is shown it."""

    request_id: str
    time: str
    path: str
    mount_type: str
    role: str
    remote: str
    outcome: str
    reason: str
    checks: tuple[Check, ...]
    simulated: bool


def show(explanation: Explanation) -> Explained:
    """The explanation with its time in RFC 3339."""
    facts = {name: getattr(explanation, name) for name in Explained.__struct_fields__ if name not in ("time", "checks")}
    checks = msgspec.to_builtins(explanation.checks, enc_hook=str)
    return Explained(time=rfc3339(explanation.at), checks=msgspec.convert(checks, tuple[Check, ...]), **facts)


_encode = msgspec.msgpack.Encoder(enc_hook=str).encode
_decode = msgspec.msgpack.Decoder(Explanation).decode


def explain(call: Call, at: float, mount_type: str, role: str, problem: BaseException | None) -> Explanation:
    """The explanation of a login that ended in `problem`, or well."""
    reason = "" if problem is None else getattr(problem, "reason", "") or type(problem).__name__
    return Explanation(
        request_id=call.id,
        at=at,
        path=call.mount + call.path,
        mount_type=mount_type,
        role=role[:256],
        remote=call.remote,
        outcome="accepted" if problem is None else "refused",
        reason=reason[:2048],
        checks=tuple(call.checks[:200]),
        simulated=call.simulated,
    )


def _as_text(check: Check) -> Check:
    """The check with its values as texts, which can always be stored."""
    return Check(check.name, str(check.expected)[:512], str(check.received)[:512], check.ok)


class Explanations:
    """The bounded store: the newest `keep` explanations of all nodes."""

    def __init__(self, engine: Engine, barrier: Barrier, clock: Clock, log: FilteringBoundLogger, *, keep: int) -> None:
        self._engine, self._barrier, self._clock, self._log, self._keep = engine, barrier, clock, log, keep
        self._waiting: OrderedDict[str, Explanation] = OrderedDict()
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Starts the writer."""
        self._task = asyncio.create_task(self._run(), name="explanations")

    async def stop(self) -> None:
        """Writes what waits and ends."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        await self.flush()

    def add(self, explanation: Explanation) -> None:
        """Keeps an explanation; returns at once."""
        self._waiting[explanation.request_id] = explanation
        if len(self._waiting) > WAITING:
            self._waiting.popitem(last=False)
        self._wake.set()

    async def find(self, request_id: str) -> Explanation | None:
        """The explanation of a request of any node; None when there is none (any more)."""
        waiting = self._waiting.get(request_id)
        if waiting is not None:
            return waiting
        row = await self._engine.explanation(request_id)
        if row is None:
            return None
        return _decode(self._barrier.open(b"explanation:" + request_id.encode(), row.sealed))

    async def flush(self) -> None:
        """Commits what waits, a few at a time: a request in between must not wait for all of them."""
        batch = list(self._waiting.values())
        for start in range(0, len(batch), TOGETHER):
            await self._write(batch[start : start + TOGETHER])

    async def _write(self, batch: list[Explanation]) -> None:
        try:
            await self._engine.commit(
                [AddExplanation(item.request_id, item.at, self._seal(item), self._keep) for item in batch]
            )
        except Exception as problem:  # tidings, not facts: losing some must not stop the writer, or the server's end
            self._log.warning("explanations not kept", count=len(batch), problem=repr(problem))
        for item in batch:
            if self._waiting.get(item.request_id) is item:
                del self._waiting[item.request_id]

    def _seal(self, item: Explanation) -> bytes:
        try:
            raw = _encode(item)
        except (OverflowError, TypeError, ValueError):  # a check holds what a stranger sent, e.g. a number of 90 bits
            raw = _encode(msgspec.structs.replace(item, checks=tuple(_as_text(check) for check in item.checks)))
        if len(raw) > MAX_SEALED:
            raw = _encode(msgspec.structs.replace(item, checks=()))
        return self._barrier.seal(b"explanation:" + item.request_id.encode(), raw)

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            await asyncio.sleep(PAUSE)  # real time: collects a batch, means nothing
            self._wake.clear()
            await self.flush()
