"""`config` and `details`: the organization itself, and which one a caller is in."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from vaultlike.builtin.organization.identities import Identities
from vaultlike.builtin.organization.organizations import change_organization, require_organization, the_organization
from vaultlike.builtin.organization.part import Part
from vaultlike.builtin.organization.roles import clean_name, clean_slug
from vaultlike.builtin.organization.showing import show_organization
from vaultlike.builtin.organization.wire import Wire
from vaultlike.errors import PermissionDenied
from vaultlike.sdk import Answer, Call, Context, patch, read, write
from vaultlike.services import Services


class OrganizationChange(Wire):
    """What may be changed; what is not sent stays."""

    name: Annotated[str, Meta(description="What people call the organization.")] = ""
    slug: Annotated[str, Meta(description="Its short name: lower case letters, digits and hyphens.")] = ""


class Which(Wire):
    """Which organization is meant."""

    id: Annotated[str, Meta(description="The organization's id; where it is empty, the only one.")] = ""


class OrganizationPaths(Part):
    """The organization of the namespace."""

    def __init__(self, ctx: Context, services: Services) -> None:
        super().__init__(ctx, services)
        self._identities = Identities(ctx.storage)

    @read("config")
    async def read_one(self, call: Call, body: Which) -> Answer:
        """Reads the organization: its id, name and slug."""
        return show_organization(await require_organization(self.ctx, body.id))

    @write("config")
    async def update(self, call: Call, body: OrganizationChange) -> Answer:
        """Names the organization; what is not sent stays."""
        return await self._change(body)

    @patch("config")
    async def update_partly(self, call: Call, body: OrganizationChange) -> Answer:
        """Names the organization; what is not sent stays."""
        return await self._change(body)

    async def _change(self, body: OrganizationChange) -> Answer:
        name = clean_name(body.name) if body.name else ""
        slug = clean_slug(body.slug) if body.slug else ""
        return show_organization(await change_organization(self.ctx, name, slug))

    @read("details", judged=True)
    async def details(self, call: Call) -> Answer:
        """Reads which organization the calling identity is in; an identity needs no right for it."""
        caller = call.caller
        assert caller is not None
        found = await self._identities.find(caller.entity_id)
        if found is None:
            acl = await self.services.acl_of_caller(caller)
            if not acl.check("read", f"{self.ctx.mount}config").allowed:
                raise PermissionDenied(reason="the caller is no identity of the organization, and may not read it")
        organization = await the_organization(self.ctx)
        shown: dict[str, object] = {
            "organization": {"id": organization.id, "name": organization.name, "slug": organization.slug}
        }
        if found is not None:
            shown["identity"] = {"id": found.id, "name": found.name, "role": found.role}
        return shown
