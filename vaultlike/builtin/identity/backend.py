"""The identity mount: composes its parts, one file each. Owns nothing itself."""

from __future__ import annotations

from vaultlike.builtin.identity.alias import AliasPaths
from vaultlike.builtin.identity.entity import EntityPaths
from vaultlike.builtin.identity.group import GroupPaths
from vaultlike.builtin.identity.group_alias import GroupAliasPaths
from vaultlike.builtin.identity.lookup import LookupPaths
from vaultlike.builtin.identity.merge import MergePaths
from vaultlike.builtin.identity.oidc_discovery import DiscoveryPaths
from vaultlike.builtin.identity.oidc_keys import KeyPaths
from vaultlike.builtin.identity.oidc_roles import RolePaths
from vaultlike.builtin.identity.oidc_tokens import TokenPaths
from vaultlike.builtin.identity.part import Part
from vaultlike.builtin.identity.pruning import Pruning
from vaultlike.sdk import Backend, Context
from vaultlike.sdk.routes import Route
from vaultlike.services import Services

PARTS: tuple[type[Part], ...] = (
    EntityPaths,
    MergePaths,
    AliasPaths,
    GroupPaths,
    GroupAliasPaths,
    LookupPaths,
    KeyPaths,
    DiscoveryPaths,
    RolePaths,
    TokenPaths,
)


class Identity(Backend):
    """Who tokens stand for."""

    kind = "identity"
    summary = "Entities, groups and identity tokens."

    def __init__(self, ctx: Context, services: Services) -> None:
        super().__init__(ctx)
        self._core = services
        self._pruning = Pruning(services)
        self._parts: tuple[Part, ...] = tuple(kind(services) for kind in PARTS)

    def routes(self) -> list[tuple[Route, object]]:
        """The paths of every part."""
        return [pair for part in self._parts for pair in part.routes()]

    async def tick(self) -> None:
        """Rotates the signing keys whose time has come; deletes entities that nobody used for long."""
        await self._core.issuer.rotate_due()
        await self._pruning.turn()
