"""emulator azure: hands over to the emulator's own command line."""

from __future__ import annotations

from vaultlike.cli.command import Command
from vaultlike.cli.commands.elsewhere import handing_over_to

COMMANDS = (
    Command(
        "emulator azure",
        "Starts an emulation of Azure's identity endpoints (issuer, instance metadata, resource manager), for trying\n"
        "out Azure logins without a cloud. `vaultlike emulator azure -h` lists its options.",
        handing_over_to("vaultlike.testing.azure.command"),
        "[options]",
        most=-1,
        remote=False,
        passthrough=True,
    ),
)
