"""`projects/<id>/environments`: the environments of a project, in the order that people see."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import UNSET, structs

from vaultlike.builtin.organization.emptying import empty_environment
from vaultlike.builtin.organization.holding import Holding
from vaultlike.builtin.organization.part import Part
from vaultlike.builtin.organization.project_fields import EnvironmentChange, NewEnvironment, made_environment
from vaultlike.builtin.organization.projects import (
    MAX_ENVIRONMENTS,
    Environment,
    Project,
    decode_project,
    encode,
    resolve_project,
)
from vaultlike.builtin.organization.roles import clean_name
from vaultlike.builtin.organization.showing import show_environment
from vaultlike.errors import Invalid, NotFound
from vaultlike.sdk import Answer, Call, Context, delete, list_, patch, read, write
from vaultlike.services import Services

Change = Callable[[Project], tuple[Environment, ...]]


class EnvironmentPaths(Part):
    """Environments of a project."""

    def __init__(self, ctx: Context, services: Services) -> None:
        super().__init__(ctx, services)
        self._holding = Holding(ctx, services)

    @list_("projects/{id}/environments/")
    async def list_all(self, call: Call) -> Answer:
        """Lists the environments by slug, in their order."""
        project = await resolve_project(self.ctx.storage, call.params["id"])
        info = {one.slug: show_environment(one, project) for one in project.environments}
        return {"keys": list(info), "key_info": info}

    @write("projects/{id}/environments")
    async def create(self, call: Call, body: NewEnvironment) -> Answer:
        """Creates an environment."""
        new = made_environment(self.ctx, body.name, body.slug)

        def add(project: Project) -> tuple[Environment, ...]:
            if any(one.slug == new.slug for one in project.environments):
                raise Invalid(f"Environment with slug '{new.slug}' exists already")
            if len(project.environments) >= MAX_ENVIRONMENTS:
                raise Invalid(f"A project has at most {MAX_ENVIRONMENTS} environments")
            return _placed(project.environments, new, body.position)

        project = await self._change(call, add)
        await self._holding.environments_changed(project.id)
        return show_environment(new, project)

    @read("projects/{id}/environments/{environment}")
    async def read_one(self, call: Call) -> Answer:
        """Reads an environment by its slug or id."""
        project = await resolve_project(self.ctx.storage, call.params["id"])
        return show_environment(project.environment_by(call.params["environment"]), project)

    @write("projects/{id}/environments/{environment}")
    async def update(self, call: Call, body: EnvironmentChange) -> Answer:
        """Changes an environment; what is not sent stays."""
        return await self._update(call, body)

    @patch("projects/{id}/environments/{environment}")
    async def update_partly(self, call: Call, body: EnvironmentChange) -> Answer:
        """Changes an environment; what is not sent stays."""
        return await self._update(call, body)

    async def _update(self, call: Call, body: EnvironmentChange) -> Answer:
        def edit(project: Project) -> tuple[Environment, ...]:
            old = project.environment_by(call.params["environment"])
            if body.slug is not UNSET and body.slug != old.slug:
                raise Invalid(
                    "The slug of an environment cannot be changed: its secrets lie below it; make another one"
                )
            new = structs.replace(
                old, name=old.name if body.name is UNSET else clean_name(body.name), updated_at=self.ctx.clock.now()
            )
            if body.position is UNSET:
                return tuple(new if one.id == old.id else one for one in project.environments)
            return _placed(tuple(one for one in project.environments if one.id != old.id), new, body.position)

        project = await self._change(call, edit)
        return show_environment(project.environment_by(call.params["environment"]), project)

    @delete("projects/{id}/environments/{environment}")
    async def delete_one(self, call: Call) -> Answer:
        """Deletes an environment with its secrets."""
        project = await resolve_project(self.ctx.storage, call.params["id"])
        old = project.environment_by(call.params["environment"])
        shown = show_environment(old, project)
        await self._change(call, lambda now: tuple(one for one in now.environments if one.id != old.id))
        await self._holding.environments_changed(project.id)
        await empty_environment(self.ctx, self.services, project.id, old.slug)
        return shown

    async def _change(self, call: Call, change: Change) -> Project:
        """The project with other environments, written so that nobody's change is lost."""
        identity = call.params["id"]

        def update(value: bytes | None) -> bytes | None:
            if value is None:
                raise NotFound(f"Project with ID '{identity[:64]}' not found")
            old = decode_project(value)
            return encode(structs.replace(old, environments=change(old), updated_at=self.ctx.clock.now()))

        value = await self.ctx.storage.update(f"projects/{identity}", update)
        assert value is not None
        return decode_project(value)


def _placed(others: tuple[Environment, ...], new: Environment, position: int) -> tuple[Environment, ...]:
    """`position` counts from 1; 0 and what lies behind the end is last."""
    if position < 0:
        raise Invalid("position counts from 1")
    at = position - 1 if 0 < position <= len(others) else len(others)
    return (*others[:at], new, *others[at:])
