"""The organization and its roles at `/api/v1/organization` (spec/infisical.md 3)."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from vaultlike.builtin.organization.wire import Wire
from vaultlike.http.infisical.ask import Ask
from vaultlike.http.infisical.endpoint import endpoint
from vaultlike.http.infisical.identities import Listing
from vaultlike.http.infisical.listed import values
from vaultlike.http.infisical.roles import NewRole, RoleChange

CONFIG = "organization/config"
ROLES = "organization/roles"


class OrganizationChange(Wire):
    """What may be changed."""

    name: Annotated[str, Meta(min_length=1, max_length=255)] | UnsetType = UNSET
    slug: Annotated[str, Meta(min_length=1, max_length=64)] | UnsetType = UNSET


@endpoint("GET", "/v1/organization")
async def list_all(ask: Ask) -> object:
    """The organizations of the caller: one."""
    return {"organizations": [await ask.core("read", CONFIG)]}


@endpoint("GET", "/v1/organization/{org}")
@endpoint("GET", "/v2/organizations/{org}")
async def read(ask: Ask) -> object:
    """The organization."""
    return {"organization": await ask.core("read", CONFIG, {"id": ask.params["org"]})}


@endpoint("PATCH", "/v1/organization/{org}", body=OrganizationChange)
async def change(ask: Ask, body: OrganizationChange) -> object:
    """Names the organization."""
    await _right(ask)
    found = await ask.core("patch", CONFIG, body)
    return {"message": "Successfully changed organization name", "organization": found}


@endpoint("GET", "/v2/organizations/{org}/workspaces")
@endpoint("GET", "/v1/organization/{org}/workspaces")
async def workspaces(ask: Ask) -> object:
    """The projects that the caller may see."""
    return {"workspaces": values(await ask.core("list", "organization/projects/", {"orgId": ask.params["org"]}))}


@endpoint("GET", "/v2/organizations/{org}/identity-memberships")
async def identities(ask: Ask) -> object:
    """The identities of the organization."""
    found = await ask.core("list", "organization/identities/", Listing(org_id=ask.params["org"]))
    total = found["totalCount"] if isinstance(found, dict) else 0
    return {"identityMemberships": values(found), "totalCount": total}


# Roles


@endpoint("GET", "/v1/organization/roles")
async def list_roles(ask: Ask) -> object:
    """The roles of the organization."""
    return {"roles": values(await ask.core("list", f"{ROLES}/"))}


@endpoint("GET", "/v1/organization/{org}/roles")
async def list_roles_of(ask: Ask) -> object:
    """The same, as older clients look for it."""
    await _right(ask)
    return {"data": {"roles": values(await ask.core("list", f"{ROLES}/"))}}


@endpoint("POST", "/v1/organization/roles", body=NewRole)
async def create_role(ask: Ask, body: NewRole) -> object:
    """Makes a custom role."""
    return {"role": await ask.core("write", ROLES, body)}


@endpoint("POST", "/v1/organization/{org}/roles", body=NewRole)
async def create_role_of(ask: Ask, body: NewRole) -> object:
    """Makes a custom role."""
    await _right(ask)
    return {"role": await ask.core("write", ROLES, body)}


@endpoint("GET", "/v1/organization/roles/slug/{role}")
@endpoint("GET", "/v1/organization/roles/{role}")
async def read_role(ask: Ask) -> object:
    """One role, by its slug or id."""
    return {"role": await ask.core("read", f"{ROLES}/{ask.params['role']}")}


@endpoint("GET", "/v1/organization/{org}/roles/{role}")
async def read_role_of(ask: Ask) -> object:
    """One role, by its slug or id."""
    await _right(ask)
    return {"role": await ask.core("read", f"{ROLES}/{ask.params['role']}")}


@endpoint("PATCH", "/v1/organization/roles/{role}", body=RoleChange)
async def change_role(ask: Ask, body: RoleChange) -> object:
    """Changes a custom role."""
    return {"role": await ask.core("patch", f"{ROLES}/{ask.params['role']}", body)}


@endpoint("PATCH", "/v1/organization/{org}/roles/{role}", body=RoleChange)
async def change_role_of(ask: Ask, body: RoleChange) -> object:
    """Changes a custom role."""
    await _right(ask)
    return {"role": await ask.core("patch", f"{ROLES}/{ask.params['role']}", body)}


@endpoint("DELETE", "/v1/organization/roles/{role}")
async def delete_role(ask: Ask) -> object:
    """Deletes a custom role that nobody has."""
    return {"role": await ask.core("delete", f"{ROLES}/{ask.params['role']}")}


@endpoint("DELETE", "/v1/organization/{org}/roles/{role}")
async def delete_role_of(ask: Ask) -> object:
    """Deletes a custom role that nobody has."""
    await _right(ask)
    return {"role": await ask.core("delete", f"{ROLES}/{ask.params['role']}")}


async def _right(ask: Ask) -> None:
    """Raises Denied where the path names another organization than the one of the namespace."""
    await ask.look("read", CONFIG, {"id": ask.params["org"]})
