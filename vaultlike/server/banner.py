"""What a starting server prints to standard output. A client may never read it: all of it fits a pipe."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence

from vaultlike.config import SealConfig, ServerConfig
from vaultlike.server.dev import DevKeys
from vaultlike.settings import VERSION


def say(text: str) -> None:
    """Writes to standard output at once; that nobody reads it any more does not end a server."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except (OSError, ValueError):
        return


def configuration(config: ServerConfig, addresses: Sequence[Sequence[str]]) -> str:
    """The list of what this server runs with; `addresses` are what each listener is bound to."""
    facts = {"Api Address": config.api_addr or "(not set)"}
    for number, (listener, bound) in enumerate(zip(config.listeners, addresses, strict=True), 1):
        tls = "enabled" if listener.secure else "disabled"
        facts[f"Listener {number}"] = f'{listener.kind} (addr: "{", ".join(bound)}", tls: "{tls}")'
    facts["Log Level"] = config.log_level
    people = () if any(not each.disabled for each in config.seals) else ("shamir",)
    facts["Seal"] = ", ".join((*people, *(_seal(each) for each in config.seals)))
    facts["Storage"] = f"{config.storage.kind} ({config.storage.path})" if config.storage.path else config.storage.kind
    facts["Version"] = f"vaultlike v{VERSION}"
    facts["Workers"] = str(config.workers)
    lines = [f"{name.rjust(24)}: {value}" for name, value in sorted(facts.items())]
    warnings = [f"WARNING: {text}" for text in config.warnings]
    return "\n".join(
        ["==> vaultlike server configuration:", "", *lines, "", *warnings, *([""] if warnings else []), ""]
    )


def _seal(seal: SealConfig) -> str:
    shown = seal.kind if seal.name == seal.kind else f"{seal.kind} {seal.name}"
    return f"{shown} (to migrate from)" if seal.disabled else shown


STARTED = "==> vaultlike server started! Log data will stream in below:\n\n"


def dev_notice(url: str, keys: DevKeys, stored: str, ca_file: str, azure: Mapping[str, str]) -> str:
    """How to use a dev server: address, keys, and where the emulator is."""
    lines = [
        "WARNING! This is a dev server: everything is in memory and gone when it stops, it is unsealed already, and",
        "its only unseal key and root token are printed here. Never put a real secret into it.",
        "",
        "Clients need:",
        "",
        f"    $ export VAULT_ADDR='{url}'",
    ]
    if ca_file:
        lines.append(f"    $ export VAULT_CACERT='{ca_file}'")
    lines += ["", f"The root token is stored in {stored}." if stored else "The root token is not stored anywhere.", ""]
    lines += [f"Unseal Key: {keys.unseal_key}", f"Root Token: {keys.root_token}", ""]
    if azure:
        lines += ['The Azure emulator runs beside it; auth/azure reaches it with environment="AzureEmulator":', ""]
        lines += [f"{name.rjust(24)}: {value}" for name, value in azure.items()]
        lines.append("")
    return "\n".join(lines) + "\n"
