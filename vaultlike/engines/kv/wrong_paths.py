"""What a version 2 mount says to requests made as for version 1: a hint instead of a bare "not found"."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from vaultlike.sdk import Call, Reply, delete, list_, patch, read, write

INVALID = (
    "Invalid path for a versioned K/V secrets engine. See the API docs for the appropriate API endpoints to use. "
    "If using the OpenBao CLI, use 'bao kv {command}' for this operation."
)
ROOT = "Non-listing operations on the root of a K/V v2 mount are not supported."
COMMANDS = {"read": "get", "header": "get", "list": "list", "scan": "list", "delete": "delete", "patch": "patch"}


H = TypeVar("H", bound=Callable[..., Awaitable[object]])


def _every_operation(path: str) -> Callable[[H], H]:
    """Declares a handler for everything but lists."""

    def declare(handler: H) -> H:
        for operation in (read, write, patch, delete):
            handler = operation(path, free=True)(handler)
        return handler

    return declare


class WrongPaths:
    """Everything that is no path of the API."""

    @_every_operation("{path:maybe}")
    @list_("{path:maybe}", free=True, scans=True)
    async def invalid(self, call: Call) -> Reply:
        """Tells which command reads and writes versioned secrets."""
        return Reply(status=404, warnings=(INVALID.format(command=COMMANDS.get(call.operation, "put")),))

    @_every_operation("data")
    @_every_operation("metadata")
    @_every_operation("delete")
    @_every_operation("undelete")
    @_every_operation("destroy")
    async def root(self, call: Call) -> Reply:
        """Needs a path below."""
        return Reply(status=404, warnings=(ROOT,))
