"""Sends every request and answer to the enabled audit devices, and knows which are enabled.

A request goes on only if a device took its record; devices declared `best_effort` do not count, neither way, and no
request waits for them. Where no device is enabled nothing is recorded. Owns the table of devices and of recorded
headers; not what is recorded.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Coroutine, Mapping

import msgspec
from structlog.typing import FilteringBoundLogger

from vaultlike.audit.entry import DeviceEntry, parse_options
from vaultlike.audit.event import AuditEvent
from vaultlike.audit.slot import Slot
from vaultlike.clock import Clock
from vaultlike.errors import AuditFailed, Invalid
from vaultlike.meters import AUDIT_REQUEST, AUDIT_RESPONSE, Meters
from vaultlike.sdk.egress import Egress
from vaultlike.storage.view import View

DEVICES = "devices"
HEADERS = "headers"
MAX_DEVICES = 32
MAX_HEADERS = 128
SETTLE = 2.0  # seconds that records on their way to best-effort devices get at the end
_decode_devices = msgspec.json.Decoder(list[DeviceEntry]).decode
_decode_headers = msgspec.json.Decoder(dict[str, bool]).decode
_encode = msgspec.json.Encoder().encode


class AuditBroker:
    """The audit of one server. `salt` is the secret from which each device's hashing key is made."""

    def __init__(
        self, view: View, clock: Clock, log: FilteringBoundLogger, salt: bytes, egress: Egress, meters: Meters
    ) -> None:
        self._view, self._clock, self._log, self._salt = view, clock, log, salt
        self._egress, self._meters = egress, meters
        self._slots: tuple[Slot, ...] = ()
        self._headers: Mapping[str, bool] = {}
        self._behind: set[asyncio.Task[bool]] = set()  # records that nobody waits for
        self.enabled = False

    async def load(self) -> None:
        """Takes over the stored devices and headers: closes what is gone, keeps the others; new ones open when used."""
        entries = await self._view.cached(DEVICES, _decode_devices) or []
        self._headers = await self._view.cached(HEADERS, _decode_headers) or {}
        if [slot.entry for slot in self._slots] == entries:
            return
        by_name = {(slot.entry.path, slot.entry.enabled_at): slot for slot in self._slots}
        kept: list[Slot] = []
        for entry in entries:
            slot = by_name.pop((entry.path, entry.enabled_at), None)
            kept.append(slot or self._slot(entry))
        self._slots = tuple(kept)
        self.enabled = bool(kept)
        for slot in by_name.values():
            slot.close()

    async def record(self, event: AuditEvent) -> None:
        """Records one event. Raises AuditFailed unless a required device took it (if there is any)."""
        waiting: list[tuple[Slot, Awaitable[bool]]] = []
        required = accepted = False
        for slot in self._slots:
            taken = slot.send(event, self._headers)
            required = required or not slot.best_effort
            if taken is True:
                accepted = accepted or not slot.best_effort
            elif taken is not False and slot.best_effort:
                self._leave(slot.follow(taken))
            elif taken is not False:
                waiting.append((slot, taken))
        if waiting:
            results = await asyncio.gather(*(pending for _, pending in waiting))
            accepted = accepted or any(
                ok and not slot.best_effort for (slot, _), ok in zip(waiting, results, strict=True)
            )
        if required and not accepted:
            self._meters.add(AUDIT_REQUEST if event.type == "request" else AUDIT_RESPONSE)
            raise AuditFailed(reason="no audit device took the record")

    def _leave(self, pending: Coroutine[None, None, bool]) -> None:
        task = asyncio.create_task(pending)
        self._behind.add(task)
        task.add_done_callback(self._behind.discard)

    async def close(self) -> None:
        """Closes every device."""
        slots, self._slots, self.enabled = self._slots, (), False
        if self._behind:
            _, late = await asyncio.wait(self._behind, timeout=SETTLE)
            for task in late:
                task.cancel()
        for slot in slots:
            slot.close()

    def reopen(self) -> None:
        """Opens every target anew, after logs were rotated."""
        for slot in self._slots:
            slot.reopen()

    # The table of devices

    def devices(self) -> list[DeviceEntry]:
        """The enabled devices by path."""
        return sorted((slot.entry for slot in self._slots), key=lambda entry: entry.path)

    async def enable(
        self,
        path: str,
        kind: str,
        *,
        description: str = "",
        options: Mapping[str, str] | None = None,
        local: bool = False,
    ) -> None:
        """Stores a new device after opening it and writing a test record. Raises Invalid."""
        entry = DeviceEntry(
            path=_with_slash(path),
            kind=kind,
            enabled_at=self._clock.now(),
            description=description,
            options=dict(options or {}),
            local=local,
        )
        _check_free(entry.path, [slot.entry for slot in self._slots])
        parse_options(kind, entry.options)
        await self._try(entry)

        def add(raw: bytes | None) -> bytes:
            known = _decode_devices(raw) if raw is not None else []
            _check_free(entry.path, known)
            if len(known) >= MAX_DEVICES:
                raise Invalid(f"at most {MAX_DEVICES} audit devices can be enabled")
            return _encode([*known, entry])

        await self._view.update(DEVICES, add)

    async def _try(self, entry: DeviceEntry) -> None:
        slot = self._slot(entry)
        test = AuditEvent(
            type="request",
            at=entry.enabled_at,
            request_id="",
            operation="update",
            path="sys/audit/test",
            headers={},
        )
        try:
            slot.open()
            taken = slot.send(test, {})
            worked = taken if isinstance(taken, bool) else await taken
        except OSError as problem:
            raise Invalid(f"sanity check failed; unable to open the device: {problem}") from None
        finally:
            slot.close()
        if not worked:
            raise Invalid(f"sanity check failed; the device does not take records: {slot.problem}")

    def _slot(self, entry: DeviceEntry) -> Slot:
        return Slot(entry, self._salt, self._clock, self._log, self._egress)

    async def disable(self, path: str) -> bool:
        """Removes a device; whether there was one."""
        wanted, found = _with_slash(path), False

        def remove(raw: bytes | None) -> bytes | None:
            nonlocal found
            known = _decode_devices(raw) if raw is not None else []
            rest = [entry for entry in known if entry.path != wanted]
            found = len(rest) < len(known)
            return _encode(rest) if found else raw

        if any(slot.entry.path == wanted for slot in self._slots):
            await self._view.update(DEVICES, remove)
        return found

    def hash(self, path: str, text: str) -> str:
        """The hash that a device writes for a text. Raises Invalid for an unknown device."""
        wanted = _with_slash(path)
        for slot in self._slots:
            if slot.entry.path == wanted:
                return slot.redactor.hash(text)
        raise Invalid(f'unknown audit backend "{wanted}"')

    # Recorded request headers

    def headers(self) -> dict[str, bool]:
        """The recorded request headers by lower-case name; true: hashed."""
        return dict(self._headers)

    async def record_header(self, name: str, hashed: bool) -> None:
        """Records a request header from now on. Raises Invalid for a name that no header has."""
        low = name.lower()
        if (
            not low
            or len(low) > 256
            or not all(33 <= ord(one) < 127 and one not in '()<>@,;:\\"/[]?={}' for one in low)
        ):
            raise Invalid("invalid header name")

        def add(raw: bytes | None) -> bytes:
            known = _decode_headers(raw) if raw is not None else {}
            if low not in known and len(known) >= MAX_HEADERS:
                raise Invalid(f"at most {MAX_HEADERS} request headers can be recorded")
            return _encode({**known, low: hashed})

        await self._view.update(HEADERS, add)

    async def forget_header(self, name: str) -> None:
        """Stops recording a header; absent is fine."""
        low = name.lower()

        def remove(raw: bytes | None) -> bytes | None:
            if raw is None:
                return None
            return _encode({known: hashed for known, hashed in _decode_headers(raw).items() if known != low})

        if low in self._headers:
            await self._view.update(HEADERS, remove)


def _with_slash(path: str) -> str:
    return path.strip("/") + "/"


def _check_free(path: str, known: list[DeviceEntry]) -> None:
    """No device lies at, above or below the path. Raises Invalid."""
    if path == "/":
        raise Invalid("an audit device needs a path")
    if any(path.startswith(entry.path) or entry.path.startswith(path) for entry in known):
        raise Invalid("path already in use")
