"""One enabled device at work: its hashing, its target, and what happens while the target fails or hangs."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import Awaitable, Mapping

from structlog.typing import FilteringBoundLogger

from vaultlike.audit.devices import Device, open_device
from vaultlike.audit.entry import DeviceEntry, parse_options
from vaultlike.audit.event import AuditEvent
from vaultlike.audit.record import line
from vaultlike.audit.redact import Redactor
from vaultlike.clock import Clock
from vaultlike.errors import VaultlikeError
from vaultlike.sdk.egress import Egress

TIMEOUT = 5.0  # seconds that a request waits for one device
MAX_BEHIND = 1024  # records on their way to a best-effort device; more are dropped
REST = 5.0  # seconds for which a device that hung or failed to open is not tried again


class Slot:
    """A device by its entry. Constructing opens nothing."""

    def __init__(
        self, entry: DeviceEntry, salt: bytes, clock: Clock, log: FilteringBoundLogger, egress: Egress
    ) -> None:
        self.entry, self._clock, self._log, self._egress = entry, clock, log, egress
        options = parse_options(entry.kind, entry.options)
        name = f"{entry.path}\x00{entry.enabled_at!r}".encode()
        self.redactor = Redactor(
            hmac.digest(salt, name, hashlib.sha256),
            raw=options.raw,
            accessors=options.hmac_accessor,
            elide_lists=options.elide_list_responses,
        )
        self.best_effort = options.best_effort
        self._device: Device | None = None
        self.problem = ""  # why it failed last
        self._failing = False
        self._behind = 0
        self._resting = False  # it hung, or could not be opened
        self._rest_until = 0.0

    def open(self) -> None:
        """Opens the target. Raises OSError, Invalid."""
        self._device = open_device(self.entry, self._egress)

    def send(self, event: AuditEvent, headers: Mapping[str, bool]) -> bool | Awaitable[bool]:
        """Whether the device took the event: at once where the target does not make us wait. Never raises."""
        if self._resting:
            now = self._clock.monotonic()
            if now < self._rest_until:
                return False
            self._rest_until = now + TIMEOUT  # this event finds out; the next ones do not wait with it
        if self._behind >= MAX_BEHIND:
            self._fail(OSError("too many records wait for it"), rest=False)
            return False
        try:
            if self._device is None:
                self.open()
            assert self._device is not None
            pending = self._device.write(line(event, self.redactor, headers))
        except Exception as problem:  # whatever it is: the line is not written
            self._fail(problem, rest=self._device is None)
            return False
        if pending is not None:
            return self._wait(pending)
        self._work()
        return True

    async def follow(self, pending: Awaitable[bool]) -> bool:
        """Counts a record that nobody waits for until it has arrived or failed."""
        self._behind += 1
        try:
            return await pending
        finally:
            self._behind -= 1

    async def _wait(self, pending: Awaitable[None]) -> bool:
        try:
            async with asyncio.timeout(TIMEOUT):
                await pending
        except TimeoutError as problem:
            self._fail(problem, rest=True)
            return False
        except Exception as problem:
            self._fail(problem, rest=False)
            return False
        self._work()
        return True

    def reopen(self) -> None:
        """Opens the target anew. What fails is closed and tried again by the next event: a record must not go into a
        file that was taken away."""
        self._resting = False
        if self._device is None:
            return
        try:
            self._device.reopen()
        except (OSError, VaultlikeError) as problem:
            self.close()
            self._fail(problem, rest=False)

    def close(self) -> None:
        """Lets go of the target."""
        if self._device is not None:
            self._device.close()
        self._device = None

    def _fail(self, problem: Exception, *, rest: bool) -> None:
        self._resting = rest
        if rest:
            self._rest_until = self._clock.monotonic() + REST
        self.problem = problem.reason if isinstance(problem, VaultlikeError) else f"{type(problem).__name__}: {problem}"
        if not self._failing:
            self._failing = True
            self._log.error(
                "audit device fails", device=self.entry.path, problem=self.problem, best_effort=self.best_effort
            )

    def _work(self) -> None:
        if self._failing:
            self._failing = self._resting = False
            self._log.info("audit device works again", device=self.entry.path)
