"""What an identity holds: from its role and its memberships to policies, and those onto its entity.

Only policies whose names begin as here are touched; what an operator adds to the entity stays. Every change is written
as a document first and settled here after it: `settle` reads entity and document, in this order, and saves the entity
only as it read it, so of two changes that meet the later document wins whoever is slower.
"""

from __future__ import annotations

from msgspec import structs

from vaultlike.builtin.organization import organization_rules, project_rules
from vaultlike.builtin.organization.grants import Grant, Share, policy_text
from vaultlike.builtin.organization.identities import Identities
from vaultlike.builtin.organization.memberships import Membership, Memberships
from vaultlike.builtin.organization.policies import OF_MEMBER, OF_ORGANIZATION, OF_PROJECT
from vaultlike.builtin.organization.projects import Project, decode_project
from vaultlike.builtin.organization.roles import Role, RoleBook
from vaultlike.errors import NotFound, Unavailable
from vaultlike.identity.entity import Entity
from vaultlike.sdk import Context
from vaultlike.services import Services
from vaultlike.storage.engine import Conflict

ATTEMPTS = 16
PAGE = 500


class Holding:
    """Policies and entities of the organization's identities."""

    def __init__(self, ctx: Context, services: Services) -> None:
        self._ctx, self._services = ctx, services
        self._identities, self._memberships = Identities(ctx.storage), Memberships(ctx.storage)
        self._roles = RoleBook(ctx.storage, "roles")

    def project_roles(self, project: str) -> RoleBook:
        """The custom roles of a project."""
        return RoleBook(self._ctx.storage, f"project-roles/{project}")

    # Texts

    async def organization_text(self, role: str) -> str:
        """The policy of an organization role. Raises NotFound for a role that is none."""
        if role in organization_rules.BUILT_IN:
            return policy_text((Share(organization_rules.grants_of_builtin(role)),))
        roles, _ = await self._roles.fresh()
        found = next((one for one in roles if one.slug == role), None)
        if found is None:
            raise NotFound(f"Role '{role[:64]}' not found")
        return policy_text((Share(organization_rules.grants_of(found.permissions)),))

    async def member_text(self, membership: Membership) -> str:
        """The policy that a membership comes to. Raises NotFound for a role or project that is none, Invalid."""
        project = await self._project(membership.project)
        roles, _ = await self.project_roles(project.id).fresh()
        return policy_text(
            Share(_grants(project, roles, held.role), held.ends_at) for held in membership.roles
        )  # fmt: skip

    async def _project(self, identity: str) -> Project:
        value = await self._ctx.storage.get(f"projects/{identity}")
        if value is None:
            raise NotFound(f"Project with ID '{identity[:64]}' not found")
        return decode_project(value)

    async def _ensure(self, name: str, text: str) -> None:
        if await self._services.policies.text(name) != text:
            await self._services.policies.save(name, text)

    # Settling

    async def settle_role(self, identity: str) -> None:
        """Gives an identity's entity what its organization role comes to. Raises NotFound, Unavailable."""
        for _ in range(ATTEMPTS):
            entity = await self._entity(identity)
            role = (await self._identities.get(identity)).role
            name = await self.ensure_organization_role(role)
            if await self._save(entity, (OF_ORGANIZATION,), name):
                return
        raise Unavailable("too many concurrent writes to the same identity")

    async def ensure_organization_role(self, role: str) -> str:
        """Writes the policy of an organization role where it is not there yet; its name, "" for no rights."""
        if role == organization_rules.NO_ACCESS:
            return ""
        name = OF_ORGANIZATION + role
        while True:
            version = (await self._roles.fresh())[1]
            await self._ensure(name, await self.organization_text(role))
            if version == (await self._roles.fresh())[1]:  # or who changed the role may have written before us
                return name

    async def settle_member(self, project: str, identity: str) -> None:
        """Gives an identity's entity what its membership in a project comes to; nothing where there is none."""
        for _ in range(ATTEMPTS):
            entity = await self._entity(identity)
            membership = await self._memberships.find(project, identity)
            name = "" if membership is None else await self._ensure_member(membership)
            if await self._save(entity, (f"{OF_PROJECT}{project}-", f"{OF_MEMBER}{project}-"), name):
                break
        else:
            raise Unavailable("too many concurrent writes to the same identity")
        if name != self._own(project, identity):
            await self.forget_member(project, identity)

    async def _ensure_member(self, membership: Membership) -> str:
        single = membership.single
        if single == project_rules.NO_ACCESS:
            return ""
        name = self._own(membership.project, membership.identity)
        if single is not None:
            name = f"{OF_PROJECT}{membership.project}-{single}"
        book = self.project_roles(membership.project)
        while True:
            before = (await book.fresh())[1], await self._ctx.storage.versioned(f"projects/{membership.project}")
            await self._ensure(name, await self.member_text(membership))
            after = (await book.fresh())[1], await self._ctx.storage.versioned(f"projects/{membership.project}")
            if before == after:
                return name

    @staticmethod
    def _own(project: str, identity: str) -> str:
        return f"{OF_MEMBER}{project}-{identity}"

    async def _entity(self, identity: str) -> Entity:
        entity = await self._services.identity.entity(identity)
        if entity is None:
            raise NotFound(f"Identity with ID '{identity[:64]}' not found")
        return entity

    async def _save(self, entity: Entity, prefixes: tuple[str, ...], name: str) -> bool:
        """Replaces the entity's policies that begin so by the one with this name; False when somebody was faster."""
        kept = {one for one in entity.body.policies if not one.startswith(prefixes)}
        policies = tuple(sorted(kept | {name} - {""}))
        body = structs.replace(entity.body, policies=policies, updated_at=self._ctx.clock.now())
        try:
            await self._services.identity.save_entity(entity, body)
        except Conflict:
            self._services.identity.forget()
            return False
        return True

    async def forget_member(self, project: str, identity: str) -> None:
        """Deletes the policy of an identity that is gone from a project, where it had one of its own."""
        own = self._own(project, identity)
        if await self._services.policies.text(own) is not None:
            await self._services.policies.delete(own)

    # Roles and environments that changed: the policies that follow from them

    async def role_changed(self, project: str, slug: str) -> None:
        """Writes anew every policy that a custom role of a project is part of. Raises Invalid for what none can say."""
        shared, after = f"{OF_PROJECT}{project}-{slug}", ""
        if await self._services.policies.text(shared) is not None:
            roles, _ = await self.project_roles(project).fresh()
            grants = _grants(await self._project(project), roles, slug)
            await self._ensure(shared, policy_text((Share(grants),)))
        while holders := await self._memberships.holders(project, slug, after, PAGE):
            for identity in holders:
                membership = await self._memberships.find(project, identity)
                if membership is not None and membership.single is None:
                    await self._ensure_member(membership)
            after = holders[-1]

    async def environments_changed(self, project: str) -> None:
        """Writes anew what custom roles come to: their conditions are settled against the environments."""
        for role in await self.project_roles(project).all():
            await self.role_changed(project, role.slug)

    async def forget_project(self, project: str) -> None:
        """Takes a project's rights from everybody. Its memberships are gone afterwards."""
        while page := await self._memberships.of_project(project, limit=PAGE):
            for membership in page:
                await self._memberships.remove(membership)
                try:
                    await self.settle_member(project, membership.identity)
                except NotFound:  # the identity is gone
                    continue
        for slug in (*project_rules.BUILT_IN, *(role.slug for role in await self.project_roles(project).all())):
            await self._services.policies.delete(f"{OF_PROJECT}{project}-{slug}")


def _grants(project: Project, roles: tuple[Role, ...], slug: str) -> tuple[Grant, ...]:
    if slug in project_rules.BUILT_IN:
        return project_rules.grants_of_builtin(project, slug)
    found = next((one for one in roles if one.slug == slug), None)
    if found is None:
        raise NotFound(f"Role '{slug[:64]}' not found")
    return project_rules.grants_of(project, found.permissions)
