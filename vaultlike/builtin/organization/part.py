"""What every part of the organization's mount is: an object whose decorated methods are paths."""

from __future__ import annotations

from vaultlike.sdk import Context
from vaultlike.sdk.routes import Route, routes_of_function
from vaultlike.services import Services


class Part:
    """A group of paths over the mount's own documents (`ctx.storage`) and the server's services."""

    def __init__(self, ctx: Context, services: Services) -> None:
        self.ctx, self.services = ctx, services

    def routes(self) -> list[tuple[Route, object]]:
        """The paths that this part's methods declare."""
        return [
            (route, self)
            for owner in reversed(type(self).__mro__)
            for item in vars(owner).values()
            if callable(item)
            for route in routes_of_function(item)
        ]
