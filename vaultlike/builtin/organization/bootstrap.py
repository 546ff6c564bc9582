"""`bootstrap`: the first identity of an organization, its admin, with a token (spec/infisical.md 3).

Works once. A stranger may where the server's configuration says so (`infisical { bootstrap = "true" }`, as in dev mode)
and nobody has made an identity yet; everybody else needs a token that may write `organization/bootstrap`. There are no
user accounts here: an email address is taken for the wire's sake and said back, a password is not kept.
"""

from __future__ import annotations

import uuid
from typing import Annotated

from msgspec import Meta

from vaultlike.builtin.organization.boundary import require_text
from vaultlike.builtin.organization.holding import Holding
from vaultlike.builtin.organization.identities import Identities, Identity
from vaultlike.builtin.organization.identity_paths import IdentityPaths
from vaultlike.builtin.organization.methods.access import CAP
from vaultlike.builtin.organization.minting import admit, mint
from vaultlike.builtin.organization.organization_rules import ADMIN
from vaultlike.builtin.organization.organizations import change_organization
from vaultlike.builtin.organization.part import Part
from vaultlike.builtin.organization.project_fields import slug_of
from vaultlike.builtin.organization.roles import clean_name
from vaultlike.builtin.organization.showing import Shown, show_organization
from vaultlike.builtin.organization.wire import Wire
from vaultlike.errors import Invalid, PermissionDenied
from vaultlike.sdk import Answer, Call, Context, write
from vaultlike.services import Services
from vaultlike.types import NO_SECRET, Secret

STANZA = "infisical"
DONE = "bootstrapped"
NAME = "Instance Admin Identity"
MAX_EMAIL = 320


class Bootstrap(Wire):
    """What makes the first identity."""

    email: Annotated[str, Meta(description="Said back in the answer; no account is made of it.")]
    organization: Annotated[str, Meta(description="What people call the organization.")]
    password: Annotated[Secret, Meta(description="Not kept: there are no user accounts.")] = NO_SECRET


class BootstrapPaths(Part):
    """The first identity."""

    def __init__(self, ctx: Context, services: Services) -> None:
        super().__init__(ctx, services)
        self._identities, self._holding = Identities(ctx.storage), Holding(ctx, services)
        self._making = IdentityPaths(ctx, services)

    @write("bootstrap")
    async def bootstrap(self, call: Call, body: Bootstrap) -> Answer:
        """Makes the first identity, an admin of the organization, with a token."""
        await require_text(self.services, call, await self._holding.organization_text(ADMIN))
        return await self._make(call, body)

    @write("bootstrap/open", open=True)
    async def bootstrap_open(self, call: Call, body: Bootstrap) -> Answer:
        """The same for a stranger, where the configuration allows it and there is no identity yet."""
        if not self._strangers_may() or await self._identities.any():
            raise PermissionDenied(reason="bootstrapping without a token is off, or there are identities already")
        return await self._make(call, body)

    def _strangers_may(self) -> bool:
        place = self.services.namespace.path.strip("/")
        return any(
            stanza.get("name", "").strip("/") == place
            and stanza.get("enabled") == "true"
            and stanza.get("bootstrap") == "true"
            for stanza in self.ctx.system.settings(STANZA)
        )

    async def _make(self, call: Call, body: Bootstrap) -> Answer:
        email, name = body.email.strip(), clean_name(body.organization, "organization")
        if not 3 <= len(email) <= MAX_EMAIL or "@" not in email or not email.isprintable():
            raise Invalid("email must be an email address")
        if not await self.ctx.storage.commit_if({DONE: (b"\x01", 0)}):
            raise Invalid("Instance has already been set up")
        organization = await change_organization(self.ctx, name, slug_of(self.ctx, name))
        made = await self._making.add(NAME, ADMIN)
        return {
            "message": "Successfully bootstrapped instance; there are no user accounts here, use the identity's token",
            "organization": show_organization(organization),
            "user": _user(email),
            "identity": {"id": made.id, "name": made.name, "credentials": {"token": await self._token(made)}},
        }

    async def _token(self, made: Identity) -> str:
        """An access token of the identity, by token-auth, which lives as long as it is renewed."""
        await admit(self.ctx, made.id)
        auth, _ = await mint(self.ctx, self.services, made.id, "bootstrap", period=CAP)
        return auth.signed


def _user(email: str) -> Shown:
    """What clients look for where other servers have an account."""
    return {
        "id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"mailto:{email}")),
        "email": email,
        "username": email,
        "firstName": "",
        "lastName": "",
        "superAdmin": False,
    }
