"""Projects and their environments, below `/api/v1/workspace`, `/api/v2/workspace` and `/api/v1/projects`
(spec/infisical.md 3). Paths of version 2 name a project by its slug."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import UNSET, Meta, UnsetType

from vaultlike.builtin.organization.wire import Wire
from vaultlike.errors import NotFound
from vaultlike.http.infisical.ask import Ask
from vaultlike.http.infisical.endpoint import endpoint
from vaultlike.http.infisical.listed import values
from vaultlike.http.infisical.roles import Name, Slug

PROJECTS = "organization/projects"
Words = Annotated[str, Meta(max_length=2000)]


class NewProject(Wire):
    """What makes a project."""

    project_name: Name
    project_description: Words | UnsetType | None = UNSET
    slug: Slug | UnsetType = UNSET
    type: str | UnsetType = UNSET
    should_create_default_envs: bool = True
    has_delete_protection: bool = False


class ProjectChange(Wire):
    """What may be changed."""

    name: Name | UnsetType = UNSET
    description: Words | UnsetType | None = UNSET
    slug: Slug | UnsetType = UNSET
    has_delete_protection: bool | UnsetType = UNSET


class NewEnvironment(Wire):
    """What makes an environment."""

    name: Name
    slug: Slug
    position: Annotated[int, Meta(ge=1)] | UnsetType = UNSET


class EnvironmentChange(Wire):
    """What may be changed."""

    name: Name | UnsetType = UNSET
    slug: Slug | UnsetType = UNSET
    position: Annotated[int, Meta(ge=1)] | UnsetType = UNSET


@endpoint("POST", "/v2/workspace", body=NewProject)
@endpoint("POST", "/v1/workspace", body=NewProject)
@endpoint("POST", "/v1/projects", body=NewProject)
async def create(ask: Ask, body: NewProject) -> object:
    """Makes a project; the identity that asks becomes its admin."""
    return {"project": await ask.core("write", PROJECTS, body)}


@endpoint("GET", "/v1/workspace")
async def list_workspaces(ask: Ask) -> object:
    """The projects that the caller may see."""
    return {"workspaces": values(await ask.core("list", f"{PROJECTS}/"))}


@endpoint("GET", "/v1/projects")
async def list_all(ask: Ask) -> object:
    """The projects that the caller may see."""
    return {"projects": values(await ask.core("list", f"{PROJECTS}/"))}


@endpoint("GET", "/v1/workspace/{project}")
async def read_workspace(ask: Ask) -> object:
    """One project, by its id."""
    return {"workspace": await ask.core("read", _project(ask))}


@endpoint("GET", "/v1/projects/{project}")
async def read(ask: Ask) -> object:
    """One project, by its id."""
    return {"project": await ask.core("read", _project(ask))}


@endpoint("PATCH", "/v1/workspace/{project}", body=ProjectChange)
async def change_workspace(ask: Ask, body: ProjectChange) -> object:
    """Changes a project."""
    return {"workspace": await ask.core("patch", _project(ask), body)}


@endpoint("PATCH", "/v1/projects/{project}", body=ProjectChange)
async def change(ask: Ask, body: ProjectChange) -> object:
    """Changes a project."""
    return {"project": await ask.core("patch", _project(ask), body)}


@endpoint("DELETE", "/v1/workspace/{project}")
async def delete_workspace(ask: Ask) -> object:
    """Deletes a project with everything in it."""
    return {"workspace": await ask.core("delete", _project(ask))}


@endpoint("DELETE", "/v1/projects/{project}")
async def delete(ask: Ask) -> object:
    """Deletes a project with everything in it."""
    return {"project": await ask.core("delete", _project(ask))}


@endpoint("GET", "/v1/projects/slug/{slug}")
@endpoint("GET", "/v2/workspace/{slug}")
async def read_by_slug(ask: Ask) -> object:
    """One project, by its slug."""
    return await ask.core("read", _slug(ask))


@endpoint("PATCH", "/v2/workspace/{slug}", body=ProjectChange)
async def change_by_slug(ask: Ask, body: ProjectChange) -> object:
    """Changes a project."""
    found: Any = await ask.look("read", _slug(ask))
    return await ask.core("patch", f"{PROJECTS}/{found['id']}", body)


@endpoint("DELETE", "/v2/workspace/{slug}")
async def delete_by_slug(ask: Ask) -> object:
    """Deletes a project with everything in it."""
    found: Any = await ask.look("read", _slug(ask))
    return await ask.core("delete", f"{PROJECTS}/{found['id']}")


def _project(ask: Ask) -> str:
    return f"{PROJECTS}/{ask.params['project']}"


def _slug(ask: Ask) -> str:
    return f"organization/project-slugs/{ask.params['slug']}"


# Environments


@endpoint("GET", "/v1/workspace/{project}/environments")
@endpoint("GET", "/v1/projects/{project}/environments")
async def list_environments(ask: Ask) -> object:
    """The environments of a project, in their order."""
    return {"environments": values(await ask.core("list", f"{_project(ask)}/environments/"))}


@endpoint("GET", "/v1/workspace/{project}/environments/{environment}")
@endpoint("GET", "/v1/projects/{project}/environments/{environment}")
async def read_environment(ask: Ask) -> object:
    """One environment, by its slug or id."""
    return {"environment": await ask.core("read", _environment(ask))}


@endpoint("GET", "/v1/workspace/environments/{environment}")
@endpoint("GET", "/v1/projects/environments/{environment}")
async def find_environment(ask: Ask) -> object:
    """One environment by its id alone, of the projects that the caller may see."""
    for project in values(await ask.look("list", f"{PROJECTS}/")):
        assert isinstance(project, dict)
        if any(one["id"] == ask.params["environment"] for one in project["environments"]):
            at = f"{PROJECTS}/{project['id']}/environments/{ask.params['environment']}"
            return {"environment": await ask.core("read", at)}
    await ask.core("list", f"{PROJECTS}/")  # a call that finds nothing is a use too
    raise NotFound(f"Environment with ID '{ask.params['environment'][:64]}' not found")


@endpoint("POST", "/v1/workspace/{project}/environments", body=NewEnvironment)
@endpoint("POST", "/v1/projects/{project}/environments", body=NewEnvironment)
async def create_environment(ask: Ask, body: NewEnvironment) -> object:
    """Makes an environment."""
    found = await ask.core("write", f"{_project(ask)}/environments", body)
    return _said(ask, "Successfully created new environment", found)


@endpoint("PATCH", "/v1/workspace/{project}/environments/{environment}", body=EnvironmentChange)
@endpoint("PATCH", "/v1/projects/{project}/environments/{environment}", body=EnvironmentChange)
async def change_environment(ask: Ask, body: EnvironmentChange) -> object:
    """Changes an environment."""
    return _said(ask, "Successfully updated environment", await ask.core("patch", _environment(ask), body))


@endpoint("DELETE", "/v1/workspace/{project}/environments/{environment}")
@endpoint("DELETE", "/v1/projects/{project}/environments/{environment}")
async def delete_environment(ask: Ask) -> object:
    """Deletes an environment with its secrets."""
    return _said(ask, "Successfully deleted environment", await ask.core("delete", _environment(ask)))


def _environment(ask: Ask) -> str:
    return f"{_project(ask)}/environments/{ask.params['environment']}"


def _said(ask: Ask, message: str, found: object) -> object:
    project = ask.params["project"]
    return {"message": message, "workspace": project, "projectId": project, "environment": found}
