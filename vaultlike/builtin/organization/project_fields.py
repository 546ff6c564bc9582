"""What makes and changes a project and its environments; slugs that are made of names. Owns no storage."""

from __future__ import annotations

import re
import unicodedata
from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from vaultlike.builtin.organization.organizations import new_id
from vaultlike.builtin.organization.projects import DEFAULT_ENVIRONMENTS, Environment
from vaultlike.builtin.organization.roles import clean_name, clean_slug
from vaultlike.builtin.organization.wire import Wire
from vaultlike.sdk import Context

_APART = re.compile(r"[^a-z0-9]+")


class NewProject(Wire):
    """What makes a project."""

    project_name: Annotated[str, Meta(description="What people call the project.")]
    project_description: Annotated[str, Meta(description="What it is for.")] = ""
    slug: Annotated[str, Meta(description="Its short name; made of the name where it is empty.")] = ""
    type: Annotated[str, Meta(description="`secret-manager`, the only kind there is here.")] = "secret-manager"
    should_create_default_envs: Annotated[bool, Meta(description="Whether to begin with dev, staging and prod.")] = True
    has_delete_protection: Annotated[bool, Meta(description="Whether it cannot be deleted until this is off.")] = False
    organization_id: Annotated[str, Meta(description="The organization's id; where it is empty, the only one.")] = ""


class ProjectChange(Wire):
    """What may be changed; what is not sent stays."""

    name: Annotated[str | UnsetType, Meta(description="What people call the project.")] = UNSET
    description: Annotated[str | UnsetType, Meta(description="What it is for.")] = UNSET
    slug: Annotated[str | UnsetType, Meta(description="Its short name.")] = UNSET
    has_delete_protection: Annotated[
        bool | UnsetType, Meta(description="Whether it cannot be deleted until this is off.")
    ] = UNSET


class NewEnvironment(Wire):
    """What makes an environment."""

    name: Annotated[str, Meta(description="What people call the environment.")]
    slug: Annotated[str, Meta(description="Its short name, below which its secrets lie; for good.")]
    position: Annotated[int, Meta(description="Where it stands in the list, from 1; 0: last.")] = 0


class EnvironmentChange(Wire):
    """What may be changed; what is not sent stays."""

    name: Annotated[str | UnsetType, Meta(description="What people call the environment.")] = UNSET
    slug: Annotated[str | UnsetType, Meta(description="The slug as it is: it cannot be changed.")] = UNSET
    position: Annotated[int | UnsetType, Meta(description="Where it stands in the list, from 1.")] = UNSET


def made_environment(ctx: Context, name: str, slug: str) -> Environment:
    """An environment that is not stored yet. Raises Invalid."""
    now = ctx.clock.now()
    return Environment(
        id=new_id(ctx), name=clean_name(name), slug=clean_slug(slug), created_at=now, updated_at=now
    )  # fmt: skip


def default_environments(ctx: Context) -> tuple[Environment, ...]:
    """What a project begins with."""
    return tuple(made_environment(ctx, name, slug) for name, slug in DEFAULT_ENVIRONMENTS)


def slug_of(ctx: Context, name: str) -> str:
    """A slug made of a name, with something random so that it is free."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return f"{_APART.sub('-', plain).strip('-')[:30].strip('-') or 'project'}-{ctx.random(2).hex()}"
