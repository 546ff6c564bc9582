"""`projects/<id>/roles`: the roles that members of a project have: built-in and custom ones."""

from __future__ import annotations

from vaultlike.builtin.organization.boundary import require_text
from vaultlike.builtin.organization.grants import Share, policy_text
from vaultlike.builtin.organization.holding import Holding
from vaultlike.builtin.organization.memberships import Memberships
from vaultlike.builtin.organization.part import Part
from vaultlike.builtin.organization.policies import OF_PROJECT
from vaultlike.builtin.organization.project_rules import BUILT_IN, grants_of
from vaultlike.builtin.organization.projects import Project, resolve_project
from vaultlike.builtin.organization.role_fields import NewRole, RoleChange, changed_role, made_role
from vaultlike.builtin.organization.roles import Role, show_builtin, show_role
from vaultlike.errors import Invalid
from vaultlike.sdk import Answer, Call, Context, delete, list_, patch, read, write
from vaultlike.services import Services


class ProjectRolePaths(Part):
    """Roles of a project."""

    def __init__(self, ctx: Context, services: Services) -> None:
        super().__init__(ctx, services)
        self._holding, self._memberships = Holding(ctx, services), Memberships(ctx.storage)

    @list_("projects/{id}/roles/")
    async def list_all(self, call: Call) -> Answer:
        """Lists the roles of a project by slug, the built-in ones first."""
        project = await self._project(call)
        owner = {"projectId": project.id}
        info = {slug: show_builtin(slug, words, owner) for slug, words in BUILT_IN.items()}
        info |= {role.slug: show_role(role, owner) for role in await self._holding.project_roles(project.id).all()}
        return {"keys": list(info), "key_info": info}

    @write("projects/{id}/roles")
    async def create(self, call: Call, body: NewRole) -> Answer:
        """Creates a custom role, with no more rights than the caller's own."""
        project, role = await self._project(call), made_role(self.ctx, body, BUILT_IN)
        await require_text(self.services, call, _text(project, role), given=False)
        await self._holding.project_roles(project.id).add(role)
        return show_role(role, {"projectId": project.id})

    @read("projects/{id}/roles/{role}")
    async def read_one(self, call: Call) -> Answer:
        """Reads a role by its slug or id."""
        project, slug = await self._project(call), call.params["role"]
        if slug in BUILT_IN:
            return show_builtin(slug, BUILT_IN[slug], {"projectId": project.id})
        return show_role(await self._holding.project_roles(project.id).get(slug), {"projectId": project.id})

    @write("projects/{id}/roles/{role}")
    async def update(self, call: Call, body: RoleChange) -> Answer:
        """Changes a custom role; what is not sent stays."""
        return await self._change(call, body)

    @patch("projects/{id}/roles/{role}")
    async def update_partly(self, call: Call, body: RoleChange) -> Answer:
        """Changes a custom role; what is not sent stays."""
        return await self._change(call, body)

    async def _change(self, call: Call, body: RoleChange) -> Answer:
        project = await self._project(call)
        old = await self._custom(call, project)
        new = changed_role(self.ctx, old, body)
        await require_text(self.services, call, _text(project, new), given=new.permissions != old.permissions)
        await self._holding.project_roles(project.id).replace(new)
        await self._holding.role_changed(project.id, new.slug)
        return show_role(new, {"projectId": project.id})

    @delete("projects/{id}/roles/{role}")
    async def delete_one(self, call: Call) -> Answer:
        """Deletes a custom role that nobody has."""
        project = await self._project(call)
        role = await self._custom(call, project)
        if await self._memberships.holders(project.id, role.slug, limit=1):
            raise Invalid("The role is held by members of the project; give them another one first")
        await self._holding.project_roles(project.id).remove(role.id)
        await self.services.policies.delete(f"{OF_PROJECT}{project.id}-{role.slug}")
        return show_role(role, {"projectId": project.id})

    async def _project(self, call: Call) -> Project:
        return await resolve_project(self.ctx.storage, call.params["id"])

    async def _custom(self, call: Call, project: Project) -> Role:
        """The custom role that a request names; what acts on a role acts on all who hold it."""
        slug = call.params["role"]
        if slug in BUILT_IN:
            raise Invalid("A built-in role cannot be changed or deleted")
        role = await self._holding.project_roles(project.id).get(slug)
        await require_text(self.services, call, _text(project, role), given=False)
        return role


def _text(project: Project, role: Role) -> str:
    return policy_text((Share(grants_of(project, role.permissions)),))
