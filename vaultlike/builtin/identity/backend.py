"""The identity mount: composes its parts, one file each. Owns nothing itself."""

from __future__ import annotations

from vaultlike.sdk import Backend, Context
from vaultlike.sdk.routes import Route
from vaultlike.services import Services


class Identity(Backend):
    """Who tokens stand for."""

    kind = "identity"
    summary = "Entities, groups and identity tokens."

    def __init__(self, ctx: Context, services: Services) -> None:
        super().__init__(ctx)
        self._core = services

    def routes(self) -> list[tuple[Route, object]]:
        """The paths of every part."""
        return []
