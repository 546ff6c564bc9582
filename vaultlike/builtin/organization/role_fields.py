"""What makes and changes a custom role, the same for organizations and projects. Owns no paths and no storage."""

from __future__ import annotations

from collections.abc import Container
from typing import Annotated

from msgspec import UNSET, Meta, UnsetType, structs

from vaultlike.builtin.organization.organizations import new_id
from vaultlike.builtin.organization.permissions import Permission, read_permissions
from vaultlike.builtin.organization.roles import Role, clean_description, clean_name, clean_slug
from vaultlike.builtin.organization.wire import Wire
from vaultlike.errors import Invalid
from vaultlike.sdk import Context
from vaultlike.types import Anything


class NewRole(Wire):
    """What makes a role."""

    slug: Annotated[str, Meta(description="What the role is called in requests; unique, and for good.")]
    name: Annotated[str, Meta(description="What people call it; the slug where it is empty.")] = ""
    description: Annotated[str, Meta(description="What it is for.")] = ""
    permissions: Annotated[
        Anything, Meta(description="A list of objects with `subject`, `action`, and maybe `conditions` and `inverted`.")
    ] = ()


class RoleChange(Wire):
    """What may be changed; what is not sent stays."""

    slug: Annotated[str | UnsetType, Meta(description="The slug as it is: it cannot be changed.")] = UNSET
    name: Annotated[str | UnsetType, Meta(description="What people call it.")] = UNSET
    description: Annotated[str | UnsetType, Meta(description="What it is for.")] = UNSET
    permissions: Annotated[
        Anything,
        Meta(description="Objects with `subject`, `action`, `conditions`, `inverted`; replaces all."),
    ] = UNSET


def made_role(ctx: Context, body: NewRole, reserved: Container[str]) -> Role:
    """The role that a request makes. Raises Invalid."""
    slug = clean_slug(body.slug)
    if slug in reserved or slug == "custom":
        raise Invalid("Please choose a different slug, the slug you have entered is reserved")
    permissions = read_permissions(list(body.permissions) if body.permissions == () else body.permissions)
    now = ctx.clock.now()
    return Role(
        id=new_id(ctx), slug=slug, name=clean_name(body.name or slug), created_at=now, updated_at=now,
        description=clean_description(body.description), permissions=permissions,
    )  # fmt: skip


def changed_role(ctx: Context, old: Role, body: RoleChange) -> Role:
    """The role after a request. Raises Invalid."""
    if body.slug is not UNSET and body.slug != old.slug:
        raise Invalid("The slug of a role cannot be changed: memberships and policies name it; make another role")
    permissions: tuple[Permission, ...] = old.permissions
    if body.permissions is not UNSET and body.permissions is not None:
        permissions = read_permissions(body.permissions)
    return structs.replace(
        old,
        name=old.name if body.name is UNSET else clean_name(body.name),
        description=old.description if body.description is UNSET else clean_description(body.description),
        permissions=permissions,
        updated_at=ctx.clock.now(),
    )
