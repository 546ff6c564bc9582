"""`identities/` and `identities-search`: lists and searches of identities (spec/infisical.md 3).

Both go through the index of names; documents are read of the identities that are shown, and of no others.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType, field

from vaultlike.builtin.organization.identities import Entry, Identities, entry
from vaultlike.builtin.organization.organizations import require_organization
from vaultlike.builtin.organization.part import Part
from vaultlike.builtin.organization.roles import RoleBook
from vaultlike.builtin.organization.showing import Shown, show_member
from vaultlike.builtin.organization.wire import Wire
from vaultlike.errors import Invalid
from vaultlike.sdk import Answer, Call, Context, list_, write
from vaultlike.services import Services
from vaultlike.types import Anything

LISTED = 1000  # at most, in one list
FOUND = 100  # at most, in one answer of a search
LOOKED_AT = 100_000  # names; a search looks at no more
MAX_ALTERNATIVES = 20
MAX_CONDITIONS = 100  # with those inside of others: every name is held against each


class Text(Struct, frozen=True):
    """What a name must be; all that is given must hold. Upper and lower case are one."""

    eq: Annotated[str, Meta(max_length=255)] | UnsetType = field(name="$eq", default=UNSET)
    contains: Annotated[str, Meta(max_length=255)] | UnsetType = field(name="$contains", default=UNSET)
    one_of: Annotated[tuple[Annotated[str, Meta(max_length=255)], ...], Meta(max_length=100)] | UnsetType = field(
        name="$in", default=UNSET
    )


class Wanted(Struct, frozen=True):
    """What is searched for: everything given must hold, and one of `$or` where there is one."""

    name: Annotated[str, Meta(max_length=255)] | Text | UnsetType = UNSET
    role: Annotated[str, Meta(max_length=255)] | Text | UnsetType = UNSET
    alternatives: Annotated[tuple[Wanted, ...], Meta(max_length=MAX_ALTERNATIVES)] | UnsetType = field(
        name="$or", default=UNSET
    )


class Listing(Wire):
    """One page of the list."""

    org_id: Annotated[str, Meta(description="The organization's id; where it is empty, the only one.")] = ""
    offset: Annotated[int, Meta(description="How many to leave out first.")] = 0
    limit: Annotated[int, Meta(description=f"At most so many; at most {LISTED}.")] = LISTED


class Search(Wire):
    """A search."""

    order_by: Annotated[str, Meta(description="`name` or `role`.")] = "name"
    order_direction: Annotated[str, Meta(description="`asc` or `desc`.")] = "asc"
    limit: Annotated[int, Meta(description=f"At most so many; at most {FOUND}.")] = 50
    offset: Annotated[int, Meta(description="How many to leave out first.")] = 0
    search: Annotated[
        Anything, Meta(description="`name` ($eq, $contains, $in), `role` ($eq, $in), `$or` of several of these.")
    ] = UNSET


class SearchPaths(Part):
    """Lists and searches."""

    def __init__(self, ctx: Context, services: Services) -> None:
        super().__init__(ctx, services)
        self._identities, self._roles = Identities(ctx.storage), RoleBook(ctx.storage, "roles")

    @list_("identities/")
    async def list_all(self, call: Call, body: Listing) -> Answer:
        """Lists the identities by name; `key_info` says of each what a read says."""
        await require_organization(self.ctx, body.org_id)
        if body.offset < 0 or not 0 < body.limit <= LISTED:
            raise Invalid(f"limit must be 1 to {LISTED}, offset no less than 0")
        keys = await self._keys()
        shown = await self._show([entry(key) for key in keys[body.offset : body.offset + body.limit]])
        info = {str(one["identityId"]): one for one in shown}
        return {"keys": list(info), "key_info": info, "totalCount": len(keys)}

    @write("identities-search")
    async def search(self, call: Call, body: Search) -> Answer:
        """Searches identities by name and role."""
        if body.offset < 0 or not 0 < body.limit <= FOUND:
            raise Invalid(f"limit must be 1 to {FOUND}, offset no less than 0")
        if body.order_by not in ("name", "role") or body.order_direction.lower() not in ("asc", "desc"):
            raise Invalid("orderBy must be name or role, orderDirection asc or desc")
        try:
            wanted = Wanted() if body.search is UNSET else msgspec.convert(body.search, Wanted)
        except msgspec.ValidationError as problem:
            raise Invalid(f"search: {problem}") from None
        if _size(wanted) > MAX_CONDITIONS:
            raise Invalid(f"search has at most {MAX_CONDITIONS} alternatives, those inside of others included")
        entries = [one for key in await self._keys(_exact(wanted.name)) if _fits(wanted, one := entry(key))]
        if body.order_by == "role":
            entries.sort(key=lambda one: (one.role, one.name, one.id))
        if body.order_direction.lower() == "desc":
            entries.reverse()
        return {
            "identities": await self._show(entries[body.offset : body.offset + body.limit]),
            "totalCount": len(entries),
        }

    async def _keys(self, start: str = "") -> list[str]:
        """The index of all whose names begin so."""
        found: list[str] = []
        while len(found) < LOOKED_AT and (page := await self._identities.index(start, found[-1] if found else "")):
            found += page
        return found

    async def _show(self, entries: list[Entry]) -> list[Shown]:
        organization = await require_organization(self.ctx, "")
        roles = {role.slug: role for role in await self._roles.all()}
        shown = []
        for each in entries:
            one = await self._identities.find(each.id)
            if one is not None:  # deleted meanwhile
                methods = await self._identities.methods(one.id)
                shown.append(show_member(one, organization, roles.get(one.role), methods))
        return shown


def _exact(wanted: str | Text | UnsetType) -> str:
    """What every name that fits begins with."""
    if isinstance(wanted, str):
        return wanted.lower()
    return wanted.eq.lower() if isinstance(wanted, Text) and wanted.eq is not UNSET else ""


def _size(wanted: Wanted) -> int:
    return 1 + (0 if wanted.alternatives is UNSET else sum(map(_size, wanted.alternatives)))


def _fits(wanted: Wanted, found: Entry) -> bool:
    if not _fits_text(wanted.name, found.name) or not _fits_text(wanted.role, found.role):
        return False
    return wanted.alternatives is UNSET or any(_fits(one, found) for one in wanted.alternatives)


def _fits_text(wanted: str | Text | UnsetType, found: str) -> bool:
    if wanted is UNSET:
        return True
    if isinstance(wanted, str):
        return wanted.lower() == found
    if wanted.eq is not UNSET and wanted.eq.lower() != found:
        return False
    if wanted.contains is not UNSET and wanted.contains.lower() not in found:
        return False
    return wanted.one_of is UNSET or found in {one.lower() for one in wanted.one_of}
