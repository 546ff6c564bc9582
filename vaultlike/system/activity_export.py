"""`sys/internal/counters/activity/export`: each client of a period, and what is known of it (spec/vault-api.md 2.9).

One JSON object a line, or CSV with a column for each element of what is not a plain text. `timestamp` is the first use
in the period; the names of entities, aliases and policies are today's.
"""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import Iterable, Iterator
from typing import Annotated

import msgspec
from msgspec import Meta, Struct, structs

from vaultlike.errors import Invalid, NotFound
from vaultlike.identity.clients import Client, moved, settings_of, start_of
from vaultlike.sdk import Call, Raw, read
from vaultlike.services import Services
from vaultlike.system.activity import PeriodBody, period, stamp
from vaultlike.system.part import Part

MAX_CLIENTS = 100_000  # in an answer
MAX_COLUMNS = 1_000  # of a CSV: metadata have any number of keys
AT_ONCE = 50  # clients looked up before others' requests have their turn
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet takes for a formula; names come from strangers


class ExportBody(PeriodBody, kw_only=True):
    """The query of an export."""

    format: Annotated[str, Meta(description="json (one object a line) or csv.")] = "json"


class Record(Struct, frozen=True, kw_only=True):
    """A client, its fields in the order of the columns."""

    entity_name: str = ""
    entity_alias_name: str = ""
    local_entity_alias: bool = False
    client_id: str
    client_type: str
    namespace_id: str
    namespace_path: str
    mount_accessor: str
    mount_path: str
    mount_type: str
    timestamp: str
    client_first_used_time: str
    policies: tuple[str, ...] = ()
    entity_metadata: dict[str, str] = {}
    entity_alias_metadata: dict[str, str] = {}
    entity_alias_custom_metadata: dict[str, str] = {}
    entity_group_ids: tuple[str, ...] = ()


_encode = msgspec.json.Encoder().encode


class ActivityExport(Part):
    """The clients themselves."""

    @read("internal/counters/activity/export", sudo=True)
    async def export(self, call: Call, body: ExportBody) -> Raw:
        """Lists the clients of a period of whole months, each with its names, mount and metadata."""
        if body.format not in ("json", "csv"):
            raise Invalid(f'unknown format "{body.format[:64]}": json or csv')
        settings = await settings_of(self.services.root_storage)
        first, last = period(self.services.clock.now(), body, settings.default_report_months)
        await self.services.clients.flush()
        found = await self._clients(first, last)
        if not found:
            return Raw(body=b"", status=204)
        records = []
        for number, (client, at) in enumerate(found.values(), 1):
            records.append(await self._record(client, stamp(at)))
            if number % AT_ONCE == 0:
                await asyncio.sleep(0)
        name = f"activity_export_{first}_to_{last}.{body.format}"
        headers = (("Content-Disposition", f'attachment; filename="{name}"'),)
        if body.format == "csv":
            return Raw(body=(await asyncio.to_thread(_csv, records)).encode(), content_type="text/csv", headers=headers)
        return Raw(body=b"".join(_encode(record) + b"\n" for record in records), headers=headers)

    async def _clients(self, first: str, last: str) -> dict[str, tuple[Client, float]]:
        """The clients by id, each with the time of its first use (Unix seconds). Raises Invalid for too many."""
        found: dict[str, tuple[Client, float]] = {}
        month = first
        while month <= last:
            async for client in self.services.clients.clients(month):
                at = client.at or start_of(month)
                known = found.get(client.id)
                if known is None or at < known[1]:
                    found[client.id] = client, at
                    if len(found) > MAX_CLIENTS:
                        raise Invalid(f"more than {MAX_CLIENTS} clients: ask for a shorter period")
            month = moved(month, 1)
        return found

    async def _record(self, client: Client, at: str) -> Record:
        namespace = self.services.namespaces.by_id(client.namespace)
        record = Record(
            client_id=client.id,
            client_type="entity" if client.entity else "non-entity-token",
            namespace_id=client.namespace or "root",
            namespace_path=namespace.path if namespace is not None else "",
            mount_accessor=client.mount,
            mount_path="" if client.mount else "auth/token/",
            mount_type="" if client.mount else "token",
            timestamp=at,
            client_first_used_time=at,
        )
        try:
            home = await self.services.inside(namespace) if namespace is not None else None
        except NotFound:
            home = None  # it ended meanwhile
        return record if home is None else await _named(home, client, record)


async def _named(home: Services, client: Client, record: Record) -> Record:
    """The record with what its namespace knows of the client."""
    if (mount := home.router.by_accessor(client.mount)) is not None:
        record = structs.replace(record, mount_path=mount.entry.path, mount_type=mount.entry.kind)
    entity = await home.identity.standing(client.id) if client.entity else None
    if entity is None:
        return record
    aliases = await home.identity.fresh_aliases(entity.id)
    _, membership = await home.membership(entity)
    record = structs.replace(
        record,
        entity_name=entity.name,
        policies=await home.identity_policies(entity),
        entity_metadata=entity.body.metadata or {},
        entity_group_ids=membership.all,
    )
    for alias in aliases:
        if alias.row.mount == client.mount:
            return structs.replace(
                record,
                entity_alias_name=alias.row.name,
                local_entity_alias=alias.body.local,
                entity_alias_metadata=alias.body.metadata or {},
                entity_alias_custom_metadata=alias.body.custom_metadata or {},
            )
    return record


def _csv(records: list[Record]) -> str:
    """Raises Invalid for too many columns."""
    rows = [dict(_cells(record)) for record in records]
    names: set[str] = set()
    for row in rows:
        names.update(row)
        if len(names) > MAX_COLUMNS:
            raise Invalid(f"metadata would make more than {MAX_COLUMNS} columns: use format=json")
    columns: list[str] = []
    for field in Record.__struct_fields__:
        columns += sorted((name for name in names if name.partition(".")[0] == field), key=_place)
    text = io.StringIO()
    writer = csv.DictWriter(text, [_harmless(name) for name in columns], restval="", lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({_harmless(name): _harmless(value) for name, value in row.items()})
    return text.getvalue()


def _cells(record: Record) -> Iterator[tuple[str, str]]:
    """Plain fields under their names, the elements of others as `field.0` or `field.key`."""
    for name, value in structs.asdict(record).items():
        if isinstance(value, (dict, tuple)):
            elements: Iterable[tuple[object, str]] = value.items() if isinstance(value, dict) else enumerate(value)
            yield from ((f"{name}.{key}", element) for key, element in elements)
        else:
            yield name, str(value).lower() if isinstance(value, bool) else value


def _place(column: str) -> tuple[int, str]:
    last = column.rpartition(".")[2]
    return (int(last), "") if last.isdecimal() and last.isascii() and len(last) < 10 else (0, column)


def _harmless(text: str) -> str:
    return f"'{text}" if text.startswith(FORMULA) else text
