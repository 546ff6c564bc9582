"""What every part of the identity mount is: an object over the server's services whose decorated methods are paths."""

from __future__ import annotations

from msgspec import UNSET, UnsetType

from vaultlike.sdk import Call
from vaultlike.sdk.routes import Route, routes_of_function
from vaultlike.services import Services
from vaultlike.storage.engine import Conflict

ATTEMPTS = 8  # of a read-modify-write that others may overtake

__all__ = ["ATTEMPTS", "Conflict", "Part", "nullable"]


class Part:
    """A group of paths of the identity mount."""

    def __init__(self, services: Services) -> None:
        self._core = services

    def routes(self) -> list[tuple[Route, object]]:
        """The paths that this part's methods declare."""
        return [
            (route, self)
            for owner in reversed(type(self).__mro__)
            for item in vars(owner).values()
            if callable(item)
            for route in routes_of_function(item)
        ]


def nullable(call: Call, field: str, value: dict[str, str] | UnsetType) -> dict[str, str] | None:
    """A map as it is kept: an explicit JSON null stays null and is not an empty map."""
    return None if value is UNSET or call.data.get(field) is None else value
