"""The organization's mount: composes its parts, one file each. Owns nothing itself."""

from __future__ import annotations

from vaultlike.builtin.organization.bootstrap import BootstrapPaths
from vaultlike.builtin.organization.claims import access_claims
from vaultlike.builtin.organization.environment_paths import EnvironmentPaths
from vaultlike.builtin.organization.identity_paths import IdentityPaths
from vaultlike.builtin.organization.identity_search import SearchPaths
from vaultlike.builtin.organization.member_paths import MemberPaths
from vaultlike.builtin.organization.methods.paths import Methods
from vaultlike.builtin.organization.organization_paths import OrganizationPaths
from vaultlike.builtin.organization.part import Part
from vaultlike.builtin.organization.project_paths import ProjectPaths
from vaultlike.builtin.organization.project_role_paths import ProjectRolePaths
from vaultlike.builtin.organization.role_paths import RolePaths
from vaultlike.builtin.organization.secrets.batches import Batches
from vaultlike.builtin.organization.secrets.folder_paths import FolderPaths
from vaultlike.builtin.organization.secrets.import_paths import ImportPaths
from vaultlike.builtin.organization.secrets.reading import Reader
from vaultlike.builtin.organization.secrets.tags import TagPaths
from vaultlike.builtin.organization.secrets.writing import Writer
from vaultlike.sdk import Backend, Context
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
)


class Organization(Backend):
    """The identities, projects and secrets of one organization: of one namespace."""

    kind = "organization"
    summary = "Machine identities, projects and their secrets, as the API at /api knows them."

    def __init__(self, ctx: Context, services: Services) -> None:
        super().__init__(ctx)
        self._services = services
        self._parts: tuple[Part, ...] = tuple(part(ctx, services) for part in PARTS)

    def routes(self) -> list[tuple[Route, object]]:
        """The paths of every part."""
        return [pair for part in self._parts for pair in part.routes()]

    async def claims(self, token: Token) -> dict[str, object]:
        """What an access token says of itself and of the identity it stands for (spec/infisical.md 1)."""
        return await access_claims(self.ctx, self._services, token)
