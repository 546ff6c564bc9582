"""Entities and aliases as they are stored: the searchable columns in the row, the rest sealed."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from msgspec import Struct, structs

from vaultlike.storage.engine import AliasRow, EntityRow


class EntityBody(Struct, array_like=True, frozen=True, kw_only=True, gc=False):
    """The sealed part of an entity. Times in Unix seconds. New fields go to the end, with a default."""

    created_at: float
    updated_at: float
    metadata: dict[str, str] | None = None
    policies: tuple[str, ...] = ()
    disabled: bool = False
    merged_ids: tuple[str, ...] = ()
    external: tuple[tuple[str, str], ...] = ()  # (group id, accessor of the mount whose logins say so), sorted
    automatic: bool = False  # made by a login, and never changed by hand since


class AliasBody(Struct, array_like=True, frozen=True, kw_only=True, gc=False):
    """The sealed part of an alias. `metadata` is the last login's, `custom_metadata` an operator's."""

    created_at: float
    updated_at: float
    metadata: dict[str, str] | None = None
    custom_metadata: dict[str, str] | None = None
    local: bool = False
    merged_from: tuple[str, ...] = ()
    automatic: bool = False  # as in EntityBody


class Entity(Struct, frozen=True, gc=False):
    """An entity with its sealed part opened."""

    row: EntityRow
    body: EntityBody

    @property
    def id(self) -> str:
        return self.row.id

    @property
    def name(self) -> str:
        return self.row.name


class EntityAlias(Struct, frozen=True, gc=False):
    """An alias with its sealed part opened."""

    row: AliasRow
    body: AliasBody


encode = msgspec.msgpack.Encoder().encode
decode_entity = msgspec.msgpack.Decoder(EntityBody).decode
decode_alias = msgspec.msgpack.Decoder(AliasBody).decode


def joined(body: EntityBody, mount: str, groups: Iterable[str]) -> EntityBody:
    """The body after a login at `mount` (accessor) said which external groups its user is in.

    What other mounts said stays. The same object when nothing changes.
    """
    kept = {pair for pair in body.external if pair[1] != mount}
    external = tuple(sorted(kept | {(group, mount) for group in groups}))
    return body if external == body.external else structs.replace(body, external=external)
