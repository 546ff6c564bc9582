"""Hands each audit event to the enabled devices. (First version: no device can be enabled yet.)"""

from __future__ import annotations

from structlog.typing import FilteringBoundLogger

from vaultlike.audit.event import AuditEvent
from vaultlike.clock import Clock
from vaultlike.storage.view import View


class AuditBroker:
    """The audit devices of one server."""

    def __init__(self, view: View, clock: Clock, log: FilteringBoundLogger, salt: bytes) -> None:
        self._view, self._clock, self._log, self._salt = view, clock, log, salt
        self.enabled = False

    async def load(self) -> None:
        """Takes over the stored devices."""

    async def record(self, event: AuditEvent) -> None:
        """Records one event."""

    async def close(self) -> None:
        """Closes all devices."""
