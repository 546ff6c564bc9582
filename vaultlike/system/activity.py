"""`sys/internal/counters/{activity,config,requests}`: how many clients used the server (spec/vault-api.md 2.9).

Makes the sums when asked; `clients` knows who a client is and keeps them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType
from msgspec.structs import replace

from vaultlike.errors import Invalid
from vaultlike.identity.clients import SETTINGS, Client, month_of, moved, settings_of, start_of
from vaultlike.sdk import Answer, Call, Raw, read, write
from vaultlike.system.part import Part

MAX_MONTHS = 60


class PeriodBody(Struct, kw_only=True):
    """Some whole months."""

    start_time: Annotated[str, Meta(description="In the first month: RFC 3339 or Unix seconds.")] = ""
    end_time: Annotated[str, Meta(description="In the last month; the last complete one if not given.")] = ""


class ReportBody(PeriodBody, kw_only=True):
    """The query of a report."""

    limit_namespaces: Annotated[int, Meta(description="Show only so many namespaces, the largest; 0 all.")] = 0


class ConfigBody(Struct, kw_only=True):
    """What is kept; what is not sent stays."""

    default_report_months: Annotated[int | UnsetType, Meta(description="Months of a report without a start.")] = UNSET
    retention_months: Annotated[int | UnsetType, Meta(description="Months that are kept.")] = UNSET
    enabled: Annotated[str | UnsetType, Meta(description="default (on), enable or disable.")] = UNSET


class Sum:
    """Clients in groups, each counted once in a group however often it is added."""

    def __init__(self) -> None:
        self.by_id: dict[str, Client] = {}

    def add(self, client: Client) -> None:
        """Counts a client; the first mount it came by is the one it counts for."""
        self.by_id.setdefault(client.id, client)

    def without(self, earlier: Sum) -> Sum:
        """Those that were not there earlier."""
        rest = Sum()
        rest.by_id = {key: client for key, client in self.by_id.items() if key not in earlier.by_id}
        return rest


class Activity(Part):
    """Counts of clients."""

    @read("internal/counters/activity")
    async def report(self, call: Call, body: ReportBody) -> Answer:
        """Counts the clients of a period of whole months, by namespace, mount and month."""
        settings = await settings_of(self.services.root_storage)
        first, last = period(self.services.clock.now(), body, settings.default_report_months)
        await self.services.clients.flush()
        known = [month for month in await self.services.clients.months() if first <= month <= last]
        if not known:
            return Raw(body=b"", status=204)
        total, months = Sum(), []
        month = known[0]
        while month <= last:
            found = await self._month(month) if month in known else Sum()
            months.append(self._shown_month(month, found, found.without(total), body.limit_namespaces))
            for client in found.by_id.values():
                total.add(client)
            month = moved(month, 1)
        return {
            "start_time": stamp(start_of(first)),
            "end_time": stamp(start_of(moved(last, 1)) - 1),
            "total": _counts(total.by_id.values()),
            "by_namespace": self._by_namespace(total, body.limit_namespaces),
            "months": months,
        }

    @read("internal/counters/activity/monthly")
    async def monthly(self, call: Call) -> dict[str, object]:
        """Counts the clients of the present month so far."""
        await self.services.clients.flush()
        month = month_of(self.services.clock.now())
        found = await self._month(month)
        groups = self._by_namespace(found)
        return {
            **_counts(found.by_id.values()),
            "by_namespace": groups,
            "months": [self._shown_month(month, found, found)] if found.by_id else [],
        }

    @read("internal/counters/requests")
    async def requests(self, call: Call) -> dict[str, object]:
        """Counts the requests that were made with a token, by month, the newest first."""
        await self.services.clients.flush()
        found = sorted((await self.services.clients.requests()).items(), reverse=True)
        shown = [{"start_time": stamp(start_of(month)), "counters": {"total": count}} for month, count in found]
        return {"counters": shown}

    @read("internal/counters/config")
    async def read_config(self, call: Call) -> dict[str, object]:
        """Shows what is kept."""
        settings = await settings_of(self.services.root_storage)
        return {
            "default_report_months": settings.default_report_months,
            "enabled": "default-enabled" if settings.enabled == "default" else settings.enabled,
            "queries_available": bool(await self.services.clients.months()),
            "retention_months": settings.retention_months,
        }

    @write("internal/counters/config")
    async def write_config(self, call: Call, body: ConfigBody) -> None:
        """Changes what is kept, or whether clients are noted at all; what is noted already stays."""
        now = await settings_of(self.services.root_storage)
        if body.default_report_months is not UNSET:
            if not 1 <= body.default_report_months <= MAX_MONTHS:
                raise Invalid(f"default_report_months must be greater than 0 and at most {MAX_MONTHS}")
            now = replace(now, default_report_months=body.default_report_months)
        if body.retention_months is not UNSET:
            if not 0 <= body.retention_months <= MAX_MONTHS:
                raise Invalid(f"retention_months must be greater than or equal to 0 and at most {MAX_MONTHS}")
            now = replace(now, retention_months=body.retention_months)
        if body.enabled is not UNSET:
            if body.enabled not in ("default", "enable", "disable"):
                raise Invalid('enabled must be one of "default", "enable", "disable"')
            now = replace(now, enabled=body.enabled)
        if now.enabled == "enable" and not now.retention_months:
            raise Invalid("retention_months cannot be 0 while enabled")
        await self.services.root_storage.put(SETTINGS, msgspec.json.encode(now))
        await self.services.current()

    async def _month(self, month: str) -> Sum:
        found = Sum()
        async for client in self.services.clients.clients(month):
            found.add(client)
        return found

    def _shown_month(self, month: str, found: Sum, fresh: Sum, limit: int = 0) -> dict[str, object]:
        at = stamp(start_of(month))
        if not found.by_id:
            return {"timestamp": at, "counts": None, "namespaces": None, "new_clients": None}
        return {
            "timestamp": at,
            "counts": _counts(found.by_id.values()),
            "namespaces": self._by_namespace(found, limit),
            "new_clients": {
                "counts": _counts(fresh.by_id.values()),
                "namespaces": self._by_namespace(fresh, limit),
            },
        }

    def _by_namespace(self, found: Sum, limit: int = 0) -> list[dict[str, object]]:
        """The clients by namespace and by mount, the largest first."""
        groups: dict[str, dict[str, list[Client]]] = {}
        for client in found.by_id.values():
            groups.setdefault(client.namespace, {}).setdefault(client.mount, []).append(client)
        shown: list[tuple[int, dict[str, object]]] = []
        for identity, mounts in groups.items():
            namespace = self.services.namespaces.by_id(identity)
            everybody = [client for clients in mounts.values() for client in clients]
            group: dict[str, object] = {
                "namespace_id": identity or "root",
                "namespace_path": namespace.path if namespace is not None else f"deleted namespace {identity!r}",
                "counts": _counts(everybody),
                "mounts": [
                    {"mount_path": self._mount(mount), "counts": _counts(clients)}
                    for mount, clients in sorted(mounts.items(), key=lambda item: -len(item[1]))
                ],
            }
            shown.append((len(everybody), group))
        shown.sort(key=lambda item: -item[0])
        return [group for _, group in shown[: limit if limit > 0 else None]]

    def _mount(self, accessor: str) -> str:
        """The path of a mount; one of another namespace, or one that is gone, is told by its accessor."""
        if not accessor:
            return "auth/token/"
        mount = self.services.router.by_accessor(accessor)
        return mount.entry.path if mount is not None else f'accessor "{accessor}"'


def period(at: float, body: PeriodBody, months: int) -> tuple[str, str]:
    """First and last month of a report made `at` some time (Unix seconds), of `months` unless said. Raises Invalid."""
    now = month_of(at)
    last = min(_month("end_time", body.end_time), now) if body.end_time else moved(now, -1)
    first = _month("start_time", body.start_time) if body.start_time else moved(last, 1 - months)
    if first > last:
        raise Invalid("start_time is later than end_time")
    return max(first, moved(now, -MAX_MONTHS)), last


def _counts(clients: Iterable[Client]) -> dict[str, int]:
    kinds = Counter(client.entity for client in clients)
    entities, others = kinds[True], kinds[False]
    return {
        "clients": entities + others,
        "entity_clients": entities,
        "non_entity_clients": others,
        "distinct_entities": entities,  # the names that older clients read
        "non_entity_tokens": others,
    }


def _month(name: str, text: str) -> str:
    """The month that a time is in. Raises Invalid."""
    try:
        at = float(text) if text.isdigit() else datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
        return month_of(at)
    except (ValueError, OverflowError, OSError):
        raise Invalid(f"{name} is neither RFC 3339 nor Unix seconds") from None


def stamp(at: float) -> str:
    """A time (Unix seconds) as RFC 3339 with whole seconds."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
