"""server: hands over to the server's own command line."""

from __future__ import annotations

from vaultlike.cli.command import Command
from vaultlike.cli.commands.elsewhere import handing_over_to

COMMANDS = (
    Command(
        "server",
        "Starts a server in the foreground. `vaultlike server -h` lists its options.",
        handing_over_to("vaultlike.server.command"),
        "[options]",
        most=-1,
        remote=False,
        passthrough=True,
        examples=(
            ("Try things: in memory, unsealed, root token printed", "server -dev"),
            ("A real one", "server -config=/etc/vaultlike/config.hcl"),
        ),
    ),
)
