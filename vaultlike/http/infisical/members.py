"""Identities in projects: `/api/v2/workspace/{id}/identity-memberships`, `/api/v1/projects/{id}/memberships/identities`
(spec/infisical.md 3)."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import UNSET, Meta, UnsetType

from vaultlike.builtin.organization.member_paths import RoleGiven
from vaultlike.builtin.organization.wire import Wire
from vaultlike.errors import NotBuilt
from vaultlike.http.infisical.ask import Ask
from vaultlike.http.infisical.endpoint import endpoint
from vaultlike.http.infisical.listed import values

Roles = Annotated[tuple[RoleGiven, ...], Meta(min_length=1, max_length=20)]


class NewMember(Wire):
    """The roles of somebody who comes in: one by its slug, or several."""

    role: Annotated[str, Meta(min_length=1, max_length=64)] | UnsetType = UNSET
    roles: Roles | UnsetType = UNSET


class MemberChange(Wire):
    """The roles in place of those before."""

    roles: Roles


class Page(Wire):
    """Which page of the list."""

    offset: Annotated[int, Meta(ge=0)] = 0
    limit: Annotated[int, Meta(ge=1, le=1000)] = 1000


@endpoint("GET", "/v2/workspace/{project}/identity-memberships", query=Page)
@endpoint("GET", "/v1/projects/{project}/memberships/identities", query=Page)
@endpoint("GET", "/v1/projects/{project}/identity-memberships", query=Page)
async def list_all(ask: Ask, query: Page) -> object:
    """The identities in a project."""
    found: Any = await ask.core("list", f"organization/projects/{ask.params['project']}/members/", query)
    return {"identityMemberships": values(found), "totalCount": found["totalCount"]}


@endpoint("GET", "/v2/workspace/{project}/identity-memberships/{identity}")
@endpoint("GET", "/v1/projects/{project}/memberships/identities/{identity}")
@endpoint("GET", "/v1/projects/{project}/identity-memberships/{identity}")
async def read(ask: Ask) -> object:
    """One identity in a project."""
    return {"identityMembership": await ask.core("read", _member(ask))}


@endpoint("POST", "/v2/workspace/{project}/identity-memberships/{identity}", body=NewMember)
@endpoint("POST", "/v1/projects/{project}/memberships/identities/{identity}", body=NewMember)
@endpoint("POST", "/v1/projects/{project}/identity-memberships/{identity}", body=NewMember)
async def create(ask: Ask, body: NewMember) -> object:
    """Takes an identity into a project."""
    return {"identityMembership": await ask.core("write", _member(ask), body)}


@endpoint("PATCH", "/v2/workspace/{project}/identity-memberships/{identity}", body=MemberChange)
@endpoint("PATCH", "/v1/projects/{project}/memberships/identities/{identity}", body=MemberChange)
@endpoint("PATCH", "/v1/projects/{project}/identity-memberships/{identity}", body=MemberChange)
async def change(ask: Ask, body: MemberChange) -> object:
    """Gives an identity other roles in a project."""
    found: Any = await ask.core("patch", _member(ask), body)
    return {"roles": found["roles"], "identityMembership": found}


@endpoint("DELETE", "/v2/workspace/{project}/identity-memberships/{identity}")
@endpoint("DELETE", "/v1/projects/{project}/memberships/identities/{identity}")
@endpoint("DELETE", "/v1/projects/{project}/identity-memberships/{identity}")
async def delete(ask: Ask) -> object:
    """Takes an identity out of a project."""
    return {"identityMembership": await ask.core("delete", _member(ask))}


@endpoint("GET", "/v1/projects/{project}/identities")
@endpoint("POST", "/v1/projects/{project}/identities")
@endpoint("GET", "/v1/projects/{project}/identities/{identity}")
@endpoint("PATCH", "/v1/projects/{project}/identities/{identity}")
@endpoint("DELETE", "/v1/projects/{project}/identities/{identity}")
async def of_project_alone(ask: Ask) -> None:
    """Says that there are no identities that belong to a project and not to its organization."""
    raise NotBuilt("identities that belong to one project are not built: make one at /api/v1/identities and take it in")


def _member(ask: Ask) -> str:
    return f"organization/projects/{ask.params['project']}/members/{ask.params['identity']}"
