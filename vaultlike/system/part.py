"""One resource of `sys/*`: a class of declared handlers over the services of the unsealed server. Owns no path."""

from __future__ import annotations

from vaultlike.sdk.routes import Route, routes_of_function
from vaultlike.services import Services


class Part:
    """Base of the resources. Subclasses declare handlers with the decorators of `vaultlike.sdk`."""

    def __init__(self, services: Services) -> None:
        self.services = services

    def routes(self) -> list[tuple[Route, object]]:
        """Every declared route, with this object as its owner."""
        found: list[tuple[Route, object]] = []
        for item in vars(type(self)).values():
            if callable(item):
                found += [(route, self) for route in routes_of_function(item)]
        return found
