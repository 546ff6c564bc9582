"""Machine identities at `/api/v1/identities`, and bootstrapping (spec/infisical.md 3)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from vaultlike.builtin.organization.identity_search import Wanted
from vaultlike.builtin.organization.wire import Wire
from vaultlike.http.infisical.ask import Ask
from vaultlike.http.infisical.endpoint import endpoint
from vaultlike.http.infisical.listed import values

IDENTITIES = "organization/identities"
Text = Annotated[str, Meta(min_length=1, max_length=255)]


class Pair(Struct, frozen=True):
    """A key and a value to keep with an identity."""

    key: Annotated[str, Meta(min_length=1, max_length=255)]
    value: Annotated[str, Meta(min_length=1, max_length=1020)]


class NewIdentity(Wire):
    """What makes an identity."""

    name: Text
    organization_id: str
    role: Text = "no-access"
    has_delete_protection: bool = False
    metadata: tuple[Pair, ...] | UnsetType = UNSET


class IdentityChange(Wire):
    """What may be changed."""

    name: Text | UnsetType = UNSET
    role: Text | UnsetType = UNSET
    has_delete_protection: bool | UnsetType = UNSET
    metadata: tuple[Pair, ...] | UnsetType = UNSET


class Listing(Wire):
    """Whose identities, and which page of them."""

    org_id: str
    offset: Annotated[int, Meta(ge=0)] = 0
    limit: Annotated[int, Meta(ge=1, le=1000)] = 1000


class Search(Wire):
    """A search."""

    order_by: Literal["name", "role"] = "name"
    order_direction: Literal["asc", "desc", "ASC", "DESC"] = "asc"
    limit: Annotated[int, Meta(ge=1, le=100)] = 50
    offset: Annotated[int, Meta(ge=0)] = 0
    search: Wanted | UnsetType = UNSET


@endpoint("POST", "/v1/identities", body=NewIdentity)
async def create(ask: Ask, body: NewIdentity) -> object:
    """Makes an identity; it has no way to log in yet."""
    return {"identity": await ask.core("write", IDENTITIES, body)}


@endpoint("GET", "/v1/identities", query=Listing)
async def list_all(ask: Ask, query: Listing) -> object:
    """The identities of the organization, by name."""
    found: Any = await ask.core("list", f"{IDENTITIES}/", query)
    return {"identities": values(found), "totalCount": found["totalCount"]}


@endpoint("POST", "/v1/identities/search", body=Search)
async def search(ask: Ask, body: Search) -> object:
    """The identities whose name and role fit."""
    return await ask.core("write", "organization/identities-search", body)


@endpoint("GET", "/v1/identities/details")
async def details(ask: Ask) -> object:
    """Which organization the caller is in; clients ask it to see whether a token is any good."""
    return {"identityDetails": await ask.core("read", "organization/details")}


@endpoint("GET", "/v1/identities/{id}")
async def read(ask: Ask) -> object:
    """One identity and its place in the organization."""
    return {"identity": await ask.core("read", f"{IDENTITIES}/{ask.params['id']}")}


@endpoint("PATCH", "/v1/identities/{id}", body=IdentityChange)
async def change(ask: Ask, body: IdentityChange) -> object:
    """Changes an identity."""
    return {"identity": await ask.core("patch", f"{IDENTITIES}/{ask.params['id']}", body)}


@endpoint("DELETE", "/v1/identities/{id}")
async def delete(ask: Ask) -> object:
    """Deletes an identity; its tokens are worth nothing from then on."""
    return {"identity": await ask.core("delete", f"{IDENTITIES}/{ask.params['id']}")}


@endpoint("GET", "/v1/identities/{id}/identity-memberships")
async def memberships(ask: Ask) -> object:
    """The projects that an identity is in."""
    return await ask.core("read", f"{IDENTITIES}/{ask.params['id']}/memberships")
