"""`projects`: making, finding, changing and deleting projects."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta, structs

from vaultlike.builtin.organization.emptying import empty_project
from vaultlike.builtin.organization.holding import Holding
from vaultlike.builtin.organization.identities import ATTEMPTS, Identities
from vaultlike.builtin.organization.memberships import HeldRole, Membership, Memberships
from vaultlike.builtin.organization.organizations import new_id, require_organization, the_organization
from vaultlike.builtin.organization.part import Part
from vaultlike.builtin.organization.project_fields import (
    NewProject,
    ProjectChange,
    default_environments,
    slug_of,
)
from vaultlike.builtin.organization.project_rules import ADMIN
from vaultlike.builtin.organization.projects import (
    Project,
    decode_project,
    encode,
    find_by_slug,
    find_project,
    resolve_project,
)
from vaultlike.builtin.organization.roles import clean_description, clean_name, clean_slug
from vaultlike.builtin.organization.showing import Shown, show_project
from vaultlike.builtin.organization.wire import Wire
from vaultlike.errors import Invalid, NotFound, PermissionDenied, Unavailable
from vaultlike.policy.acl import ACL
from vaultlike.sdk import Answer, Call, Context, delete, list_, patch, read, write
from vaultlike.services import Services

KIND = "secret-manager"
LISTED = 1000  # projects in one answer


class ProjectPage(Wire):
    """One page of the list."""

    org_id: Annotated[str, Meta(description="The organization's id; where it is empty, the only one.")] = ""
    after: Annotated[str, Meta(description="The id of the last project of the page before.")] = ""
    limit: Annotated[int, Meta(description=f"At most so many; at most {LISTED}.")] = LISTED


class ProjectPaths(Part):
    """Projects of the organization."""

    def __init__(self, ctx: Context, services: Services) -> None:
        super().__init__(ctx, services)
        self._memberships, self._holding = Memberships(ctx.storage), Holding(ctx, services)
        self._identities = Identities(ctx.storage)

    @write("projects")
    async def create(self, call: Call, body: NewProject) -> Answer:
        """Creates a project; the identity that asks for it becomes its admin."""
        organization = await require_organization(self.ctx, body.organization_id)
        if body.type != KIND:
            raise Invalid(f"type must be {KIND}: this server has no other projects")
        name, description = clean_name(body.project_name, "projectName"), clean_description(body.project_description)
        slug, now = clean_slug(body.slug) if body.slug else slug_of(self.ctx, name), self.ctx.clock.now()
        made = Project(
            id=new_id(self.ctx), name=name, slug=slug, created_at=now, updated_at=now, description=description,
            delete_protection=body.has_delete_protection,
            environments=default_environments(self.ctx) if body.should_create_default_envs else (),
        )  # fmt: skip
        taken = not await self.ctx.storage.commit_if(
            {f"projects/{made.id}": (encode(made), 0), f"slugs/{slug}": (made.id.encode(), 0)}
        )
        if taken:
            raise Invalid("A project with this slug exists already")
        await self._welcome(call, made)
        return show_project(made, organization.id)

    async def _welcome(self, call: Call, made: Project) -> None:
        """Makes the identity that created a project its admin; a Vault token has policies of its own."""
        assert call.caller is not None
        identity, now = call.caller.entity_id, self.ctx.clock.now()
        if await self._identities.find(identity) is None:
            return
        role = HeldRole(id=new_id(self.ctx), role=ADMIN)
        await self._memberships.add(
            Membership(
                id=new_id(self.ctx), project=made.id, identity=identity, roles=(role,), created_at=now, updated_at=now
            )
        )
        await self._holding.settle_member(made.id, identity)

    @list_("projects/", judged=True)
    async def list_all(self, call: Call, body: ProjectPage) -> Answer:
        """Lists the projects that the caller may read."""
        organization = await require_organization(self.ctx, body.org_id)
        if not 0 < body.limit <= LISTED:
            raise Invalid(f"limit must be 1 to {LISTED}")
        assert call.caller is not None
        acl = await self.services.acl_of_caller(call.caller)
        whole = acl.check("list", f"{self.ctx.mount}projects/").allowed
        own = await self._memberships.projects_of(call.caller.entity_id) if call.caller.entity_id else []
        if not whole and not own:
            raise PermissionDenied(reason="the caller may not list projects, and is in none")
        info: dict[str, Shown] = {}
        ids = await self._ids(acl, own, body)
        for identity in ids:
            found = await find_project(self.ctx.storage, identity)
            if found is not None:
                info[identity] = show_project(found, organization.id)
        return {"keys": list(info), "key_info": info}

    async def _ids(self, acl: ACL, own: list[str], body: ProjectPage) -> list[str]:
        """The own ones of an identity; all that a Vault token may read."""
        if own:
            return [one for one in own if one > body.after and self._may(acl, one)][: body.limit]
        found: list[str] = []
        after = body.after
        while len(found) < body.limit and (page := await self.ctx.storage.keys("projects/", after=after, limit=LISTED)):
            found += [one for one in page if self._may(acl, one)]
            after = page[-1]
        return found[: body.limit]

    def _may(self, acl: ACL, project: str) -> bool:
        return acl.check("read", f"{self.ctx.mount}projects/{project}").allowed

    @read("projects/{id}")
    async def read_one(self, call: Call) -> Answer:
        """Reads a project with its environments."""
        found = await resolve_project(self.ctx.storage, call.params["id"])
        return show_project(found, (await the_organization(self.ctx)).id)

    @read("project-slugs/{slug}", judged=True)
    async def read_by_slug(self, call: Call) -> Answer:
        """Reads the project with a slug, as its own path would."""
        assert call.caller is not None
        acl, slug = await self.services.acl_of_caller(call.caller), call.params["slug"]
        found = await find_by_slug(self.ctx.storage, slug)
        # who might read any project is told that there is none; others learn nothing from a guess
        if not self._may(acl, found.id if found is not None else "unknown"):
            raise PermissionDenied(reason=f"policies do not allow to read the project {slug[:64]!r}")
        if found is None:
            raise NotFound(f"Project with slug '{slug[:64]}' not found")
        return show_project(found, (await the_organization(self.ctx)).id)

    @write("projects/{id}")
    async def update(self, call: Call, body: ProjectChange) -> Answer:
        """Changes a project; what is not sent stays."""
        return await self._change(call, body)

    @patch("projects/{id}")
    async def update_partly(self, call: Call, body: ProjectChange) -> Answer:
        """Changes a project; what is not sent stays."""
        return await self._change(call, body)

    async def _change(self, call: Call, body: ProjectChange) -> Answer:
        for _ in range(ATTEMPTS):
            found = await self.ctx.storage.versioned(f"projects/{call.params['id']}")
            if found is None:
                raise NotFound(f"Project with ID '{call.params['id'][:64]}' not found")
            old = decode_project(found[0])
            new = structs.replace(
                old,
                name=old.name if body.name is UNSET else clean_name(body.name),
                description=old.description if body.description is UNSET else clean_description(body.description),
                slug=old.slug if body.slug is UNSET else clean_slug(body.slug),
                delete_protection=old.delete_protection
                if body.has_delete_protection is UNSET
                else body.has_delete_protection,
                updated_at=self.ctx.clock.now(),
            )
            changes: dict[str, tuple[bytes | None, int | None]] = {f"projects/{old.id}": (encode(new), found[1])}
            if new.slug != old.slug:
                if await find_by_slug(self.ctx.storage, new.slug) is not None:
                    raise Invalid("A project with this slug exists already")
                changes |= {f"slugs/{old.slug}": (None, None), f"slugs/{new.slug}": (new.id.encode(), 0)}
            if await self.ctx.storage.commit_if(changes):
                return show_project(new, (await the_organization(self.ctx)).id)
        raise Unavailable("too many concurrent writes to the same project")

    @delete("projects/{id}")
    async def delete_one(self, call: Call) -> Answer:
        """Deletes a project with its memberships, roles and secrets."""
        found = await resolve_project(self.ctx.storage, call.params["id"])
        if found.delete_protection:
            raise Invalid("The project has delete protection; turn it off first")
        organization = await the_organization(self.ctx)
        await self._holding.forget_project(found.id)  # first of all, nobody has a right in it any more
        await empty_project(self.ctx, self.services, found.id)
        await self.ctx.storage.commit_if(
            {
                f"projects/{found.id}": (None, None),
                f"slugs/{found.slug}": (None, None),
                f"project-roles/{found.id}": (None, None),
            }
        )
        return show_project(found, organization.id)
