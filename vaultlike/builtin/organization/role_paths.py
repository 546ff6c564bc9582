"""`roles`: the roles that identities have in the organization: built-in and custom ones."""

from __future__ import annotations

from vaultlike.builtin.organization.boundary import require_text
from vaultlike.builtin.organization.grants import Share, policy_text
from vaultlike.builtin.organization.holding import Holding
from vaultlike.builtin.organization.identities import Identities, entry
from vaultlike.builtin.organization.organization_rules import BUILT_IN, grants_of
from vaultlike.builtin.organization.organizations import the_organization
from vaultlike.builtin.organization.part import Part
from vaultlike.builtin.organization.policies import OF_ORGANIZATION
from vaultlike.builtin.organization.role_fields import NewRole, RoleChange, changed_role, made_role
from vaultlike.builtin.organization.roles import Role, RoleBook, show_builtin, show_role
from vaultlike.errors import Invalid
from vaultlike.sdk import Answer, Call, Context, delete, list_, patch, read, write
from vaultlike.services import Services


class RolePaths(Part):
    """Roles of the organization."""

    def __init__(self, ctx: Context, services: Services) -> None:
        super().__init__(ctx, services)
        self._roles, self._holding = RoleBook(ctx.storage, "roles"), Holding(ctx, services)
        self._identities = Identities(ctx.storage)

    @list_("roles/")
    async def list_all(self, call: Call) -> Answer:
        """Lists the roles by slug, the built-in ones first."""
        owner = {"orgId": (await the_organization(self.ctx)).id}
        info = {slug: show_builtin(slug, words, owner) for slug, words in BUILT_IN.items()}
        info |= {role.slug: show_role(role, owner) for role in await self._roles.all()}
        return {"keys": list(info), "key_info": info}

    @write("roles")
    async def create(self, call: Call, body: NewRole) -> Answer:
        """Creates a custom role, with no more rights than the caller's own."""
        role = made_role(self.ctx, body, BUILT_IN)
        await require_text(self.services, call, _text(role), given=False)
        await self._roles.add(role)
        return await self._show(role)

    @read("roles/{role}")
    async def read_one(self, call: Call) -> Answer:
        """Reads a role by its slug or id."""
        slug = call.params["role"]
        if slug in BUILT_IN:
            return show_builtin(slug, BUILT_IN[slug], {"orgId": (await the_organization(self.ctx)).id})
        return await self._show(await self._roles.get(slug))

    @write("roles/{role}")
    async def update(self, call: Call, body: RoleChange) -> Answer:
        """Changes a custom role; what is not sent stays."""
        return await self._change(call, body)

    @patch("roles/{role}")
    async def update_partly(self, call: Call, body: RoleChange) -> Answer:
        """Changes a custom role; what is not sent stays."""
        return await self._change(call, body)

    async def _change(self, call: Call, body: RoleChange) -> Answer:
        old = await self._custom(call)
        new = changed_role(self.ctx, old, body)
        await require_text(self.services, call, _text(new), given=new.permissions != old.permissions)
        await self._roles.replace(new)
        if await self.services.policies.text(OF_ORGANIZATION + new.slug) is not None:
            await self._holding.ensure_organization_role(new.slug)
        return await self._show(new)

    @delete("roles/{role}")
    async def delete_one(self, call: Call) -> Answer:
        """Deletes a custom role that nobody has."""
        role = await self._custom(call)
        keys: list[str] = []
        while keys := await self._identities.index(after=keys[-1] if keys else ""):
            if any(entry(key).role == role.slug for key in keys):
                raise Invalid("The role is held by identities; give them another one first")
        await self._roles.remove(role.id)
        await self.services.policies.delete(OF_ORGANIZATION + role.slug)
        return await self._show(role)

    async def _custom(self, call: Call) -> Role:
        """The custom role that a request names; what acts on a role acts on all who hold it."""
        slug = call.params["role"]
        if slug in BUILT_IN:
            raise Invalid("A built-in role cannot be changed or deleted")
        role = await self._roles.get(slug)
        await require_text(self.services, call, _text(role), given=False)
        return role

    async def _show(self, role: Role) -> Answer:
        return show_role(role, {"orgId": (await the_organization(self.ctx)).id})


def _text(role: Role) -> str:
    return policy_text((Share(grants_of(role.permissions)),))
