"""Roles of projects, below `/api/v1/workspace`, `/api/v2/workspace` and `/api/v1/projects` (spec/infisical.md 3)."""

from __future__ import annotations

import re
from typing import Annotated, Any

from msgspec import UNSET, Meta, UnsetType

from vaultlike.builtin.organization.wire import Wire
from vaultlike.http.infisical.ask import Ask
from vaultlike.http.infisical.endpoint import endpoint
from vaultlike.http.infisical.listed import values

Slug = Annotated[str, Meta(min_length=1, max_length=64, pattern="^[a-z0-9]+(?:-[a-z0-9]+)*$")]
Name = Annotated[str, Meta(min_length=1, max_length=255)]
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
Permissions = Annotated[tuple[dict[str, object], ...], Meta(max_length=200)]


class NewRole(Wire):
    """What makes a role. Each permission is `subject`, `action`, and maybe `conditions` and `inverted`."""

    slug: Slug
    name: Name
    description: Annotated[str, Meta(max_length=2000)] | UnsetType | None = UNSET
    permissions: Permissions = ()


class RoleChange(Wire):
    """What may be changed."""

    slug: Slug | UnsetType = UNSET
    name: Name | UnsetType = UNSET
    description: Annotated[str, Meta(max_length=2000)] | UnsetType | None = UNSET
    permissions: Permissions | UnsetType = UNSET


@endpoint("GET", "/v1/workspace/{project}/roles")
@endpoint("GET", "/v2/workspace/{project}/roles")
@endpoint("GET", "/v1/projects/{project}/roles")
async def list_all(ask: Ask) -> object:
    """The roles of a project."""
    return {"roles": values(await ask.core("list", f"{await _roles(ask)}/"))}


@endpoint("POST", "/v1/workspace/{project}/roles", body=NewRole)
@endpoint("POST", "/v2/workspace/{project}/roles", body=NewRole)
@endpoint("POST", "/v1/projects/{project}/roles", body=NewRole)
async def create(ask: Ask, body: NewRole) -> object:
    """Makes a custom role."""
    return {"role": await ask.core("write", await _roles(ask), body)}


@endpoint("GET", "/v1/workspace/{project}/roles/slug/{role}")
@endpoint("GET", "/v2/workspace/{project}/roles/slug/{role}")
@endpoint("GET", "/v1/projects/{project}/roles/slug/{role}")
@endpoint("GET", "/v2/workspace/{project}/roles/{role}")
@endpoint("GET", "/v1/projects/{project}/roles/{role}")
async def read(ask: Ask) -> object:
    """One role, by its slug or id."""
    return {"role": await ask.core("read", f"{await _roles(ask)}/{ask.params['role']}")}


@endpoint("PATCH", "/v1/workspace/{project}/roles/{role}", body=RoleChange)
@endpoint("PATCH", "/v2/workspace/{project}/roles/{role}", body=RoleChange)
@endpoint("PATCH", "/v1/projects/{project}/roles/{role}", body=RoleChange)
async def change(ask: Ask, body: RoleChange) -> object:
    """Changes a custom role."""
    return {"role": await ask.core("patch", f"{await _roles(ask)}/{ask.params['role']}", body)}


@endpoint("DELETE", "/v1/workspace/{project}/roles/{role}")
@endpoint("DELETE", "/v2/workspace/{project}/roles/{role}")
@endpoint("DELETE", "/v1/projects/{project}/roles/{role}")
async def delete(ask: Ask) -> object:
    """Deletes a custom role that nobody has."""
    return {"role": await ask.core("delete", f"{await _roles(ask)}/{ask.params['role']}")}


async def _roles(ask: Ask) -> str:
    """Where the roles are; older clients name the project by its slug."""
    project = ask.params["project"]
    if not _ID.fullmatch(project):
        found: Any = await ask.look("read", f"organization/project-slugs/{project}")
        project = found["id"]
    return f"organization/projects/{project}/roles"
