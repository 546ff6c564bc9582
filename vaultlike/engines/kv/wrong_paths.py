"""What a version 2 mount says to requests made as for version 1: a hint instead of a bare "not found"."""

from __future__ import annotations

from vaultlike.sdk import Call, Reply, delete, list_, patch, read, write

INVALID = (
    "Invalid path for a versioned K/V secrets engine. See the API docs for the appropriate API endpoints to use. "
    "If using the OpenBao CLI, use 'bao kv {command}' for this operation."
)
ROOT = "Non-listing operations on the root of a K/V v2 mount are not supported."
COMMANDS = {"read": "get", "header": "get", "list": "list", "scan": "list", "delete": "delete", "patch": "patch"}


class WrongPaths:
    """Everything that is no path of the API."""

    @read("{path:maybe}", free=True)
    @write("{path:maybe}", free=True)
    @patch("{path:maybe}", free=True)
    @delete("{path:maybe}", free=True)
    @list_("{path:maybe}", free=True)
    async def invalid(self, call: Call) -> Reply:
        """Tells which command reads and writes versioned secrets."""
        return Reply(status=404, warnings=(INVALID.format(command=COMMANDS.get(call.operation, "put")),))

    @read("data", free=True)
    @write("data", free=True)
    @patch("data", free=True)
    @delete("data", free=True)
    async def data(self, call: Call) -> Reply:
        """Needs a path below."""
        return Reply(status=404, warnings=(ROOT,))

    @read("metadata", free=True)
    @write("metadata", free=True)
    @patch("metadata", free=True)
    @delete("metadata", free=True)
    async def metadata(self, call: Call) -> Reply:
        """Needs a path below."""
        return Reply(status=404, warnings=(ROOT,))

    @read("delete", free=True)
    @write("delete", free=True)
    @patch("delete", free=True)
    @delete("delete", free=True)
    async def deletion(self, call: Call) -> Reply:
        """Needs a path below."""
        return Reply(status=404, warnings=(ROOT,))

    @read("undelete", free=True)
    @write("undelete", free=True)
    @patch("undelete", free=True)
    @delete("undelete", free=True)
    async def undeletion(self, call: Call) -> Reply:
        """Needs a path below."""
        return Reply(status=404, warnings=(ROOT,))

    @read("destroy", free=True)
    @write("destroy", free=True)
    @patch("destroy", free=True)
    @delete("destroy", free=True)
    async def destruction(self, call: Call) -> Reply:
        """Needs a path below."""
        return Reply(status=404, warnings=(ROOT,))
