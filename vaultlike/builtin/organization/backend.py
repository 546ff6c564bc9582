"""The organization's mount: composes its parts, one file each. Owns nothing itself."""

from __future__ import annotations

from vaultlike.builtin.organization.part import Part
from vaultlike.sdk import Backend, Context
from vaultlike.sdk.routes import Route
from vaultlike.services import Services

PARTS: tuple[type[Part], ...] = ()


class Organization(Backend):
    """The identities, projects and secrets of one organization: of one namespace."""

    kind = "organization"
    summary = "Machine identities, projects and their secrets, as the API at /api knows them."

    def __init__(self, ctx: Context, services: Services) -> None:
        super().__init__(ctx)
        self._parts: tuple[Part, ...] = tuple(part(ctx, services) for part in PARTS)

    def routes(self) -> list[tuple[Route, object]]:
        """The paths of every part."""
        return [pair for part in self._parts for pair in part.routes()]
