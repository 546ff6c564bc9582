"""emulator azure, emulator spire: hand over to the emulators' own command lines."""

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
    Command(
        "emulator spire",
        "Starts an emulation of a SPIRE server with its OIDC discovery provider, for trying out logins with JWT-SVIDs\n"
        "without SPIRE. `vaultlike emulator spire -h` lists its options; GET /_emu/mint mints an SVID.",
        handing_over_to("vaultlike.testing.spire.command"),
        "[options]",
        most=-1,
        remote=False,
        passthrough=True,
    ),
)
