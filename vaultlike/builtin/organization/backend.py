"""The organization's mount: composes its parts, one file each. Owns nothing itself."""

from __future__ import annotations

from vaultlike.builtin.organization.bootstrap import BootstrapPaths
from vaultlike.builtin.organization.claims import access_claims
from vaultlike.builtin.organization.client_secrets import ClientSecrets
from vaultlike.builtin.organization.environment_paths import EnvironmentPaths
from vaultlike.builtin.organization.identity_paths import IdentityPaths
from vaultlike.builtin.organization.identity_search import SearchPaths
from vaultlike.builtin.organization.member_paths import MemberPaths
from vaultlike.builtin.organization.methods import attachments
from vaultlike.builtin.organization.methods.listing import BY_MOUNT
from vaultlike.builtin.organization.methods.paths import Methods
from vaultlike.builtin.organization.minting import TOKEN_AUTH, attached, token_params
from vaultlike.builtin.organization.organization_paths import OrganizationPaths
from vaultlike.builtin.organization.organizations import the_organization
from vaultlike.builtin.organization.part import Part
from vaultlike.builtin.organization.project_paths import ProjectPaths
from vaultlike.builtin.organization.project_role_paths import ProjectRolePaths
from vaultlike.builtin.organization.role_paths import RolePaths
from vaultlike.builtin.organization.secrets.batches import Batches
from vaultlike.builtin.organization.secrets.folder_paths import FolderPaths
from vaultlike.builtin.organization.secrets.import_paths import ImportPaths
from vaultlike.builtin.organization.secrets.keyed import KeyedPaths
from vaultlike.builtin.organization.secrets.reading import Reader
from vaultlike.builtin.organization.secrets.tags import TagPaths
from vaultlike.builtin.organization.secrets.writing import Writer
from vaultlike.builtin.organization.token_paths import TokenPaths
from vaultlike.mounts.entry import LockoutSettings
from vaultlike.sdk import Backend, Call, Context, Renewal, TokenParams
from vaultlike.sdk.routes import Route
from vaultlike.services import Services
from vaultlike.tokens.entry import Token

PARTS: tuple[type[Part], ...] = (
    OrganizationPaths,
    BootstrapPaths,
    IdentityPaths,
    SearchPaths,
    RolePaths,
    ProjectPaths,
    EnvironmentPaths,
    ProjectRolePaths,
    MemberPaths,
    Reader,
    Writer,
    Batches,
    FolderPaths,
    ImportPaths,
    TagPaths,
    Methods,
    ClientSecrets,
    KeyedPaths,
)


class Organization(Backend):
    """The identities, projects and secrets of one organization: of one namespace."""

    kind = "organization"
    summary = "Machine identities, projects and their secrets, as the API at /api knows them."

    def __init__(self, ctx: Context, services: Services) -> None:
        super().__init__(ctx)
        self._services = services
        tokens = TokenPaths(ctx, services)
        self._minted, self._tidied = tokens.records, 0
        self._parts: tuple[Part, ...] = (*(part(ctx, services) for part in PARTS), tokens)

    def routes(self) -> list[tuple[Route, object]]:
        """The paths of every part."""
        return [pair for part in self._parts for pair in part.routes()]

    async def stop(self) -> None:
        """Writes what is noted of tokens."""
        await self._minted.close()

    async def tick(self) -> None:
        """Forgets tokens that have been over for a while; once an hour."""
        hour = int(self.ctx.clock.now() // 3600)
        if hour != self._tidied:
            self._tidied = hour
            await self._minted.tidy(self._lives)

    async def _lives(self, jti: str) -> bool:
        return await self._services.find_named(jti) is not None

    async def addresses(self, role: str) -> tuple[str, ...] | None:
        """The addresses that an identity's minted tokens may come from now; None where token-auth is gone."""
        found = await attachments.find(self.ctx.storage, role, TOKEN_AUTH)
        return None if found is None else token_params(found.fields).token_bound_cidrs

    async def renew(self, call: Call, renewal: Renewal) -> TokenParams:
        """Today's parameters of an identity's token-auth; raises Invalid where it is gone."""
        return token_params(await attached(self.ctx, self._services, renewal.role), renewal.period)

    def used(self, token: Token) -> None:
        """A minted token was used in a request."""
        self._minted.note(token.entry.jti)

    async def admit(self, call: Call, mount: str, identity: str) -> LockoutSettings | None:
        """Before a login at the mount that all identities share for a method: when wrong credentials of this one lock
        an address out, None for never. Raises Denied where the login names another organization."""
        if slug := call.data.get("organizationSlug"):
            ours = (await the_organization(self.ctx)).slug
            call.require("organization", ours, str(slug)[:128], slug == ours)
        method = BY_MOUNT.get(mount)
        found = await attachments.find(self.ctx.storage, identity, method) if method is not None and identity else None
        return None if method is None or found is None else method.lockout(found.fields)

    async def is_called(self, name: str) -> bool:
        """Whether the organization has this id or slug."""
        found = await the_organization(self.ctx)
        return name in (found.id, found.slug)

    async def claims(self, token: Token) -> dict[str, object]:
        """What an access token says of itself and of the identity it stands for (spec/infisical.md 1)."""
        return await access_claims(self.ctx, self._services, token)
