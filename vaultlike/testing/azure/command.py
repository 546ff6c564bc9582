"""`vaultlike emulator azure`: the emulator as a program.

Owns flags, the first line of output and signals.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys

import msgspec

from vaultlike.testing.azure.server import AzureEmulator


def main(argv: list[str]) -> int:
    """Runs until SIGTERM or SIGINT. The first line of standard output is one JSON object (`server.Info`): addresses,
    CA file and the ids of the default world. Returns 0, 1 when it cannot start, 2 for bad flags."""
    try:
        flags = _parser().parse_args(argv)
    except SystemExit as stop:  # argparse has printed why
        return int(stop.code or 0)
    try:
        emulator = AzureEmulator(
            listen=flags.listen_address,
            metadata=flags.metadata_address,
            state=flags.state,
            ca_out=flags.ca_out,
            issuer_ca=flags.issuer_ca,
            arc_folder=flags.arc_folder,
        )
        asyncio.run(_run(emulator))
    except (OSError, ValueError) as error:
        print(f"emulator azure: {error}", file=sys.stderr)
        return 1
    return 0


async def _run(emulator: AzureEmulator) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    async with emulator:
        print(msgspec.json.encode(emulator.info()).decode(), flush=True)
        await stopped.wait()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="vaultlike emulator azure", description="An imaginary Azure for development and tests.", allow_abbrev=False
    )
    flags = {
        "listen-address": ("127.0.0.1:0", "host:port of the TLS listener: authority, Resource Manager, Graph"),
        "metadata-address": ("127.0.0.1:0", "host:port of the plain listener: metadata services and /_emu"),
        "ca-out": (None, "file to write the CA certificate to (default: a temporary one)"),
        "state": (None, "file to keep the world in (default: memory)"),
        "issuer-ca": (None, "file with CAs of issuers of federated credentials"),
        "arc-folder": (None, "folder for Arc's challenge files (clients want /var/opt/azcmagent/tokens)"),
    }
    for name, (default, text) in flags.items():
        parser.add_argument(f"-{name}", f"--{name}", default=default, help=text, dest=name.replace("-", "_"))
    return parser
