"""`-output-curl-string` and `-output-policy`: what a request would be, as text."""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from vaultlike.cli.options import Settings

_CAPABILITIES = {
    "GET": ("read",),
    "LIST": ("list",),
    "PUT": ("create", "update"),
    "POST": ("create", "update"),
    "PATCH": ("patch",),
    "DELETE": ("delete",),
}
# Paths that also need sudo (spec/vault-api.md 1.14); a trailing slash stands for everything below.
_SUDO = (
    *("sys/auth/", "sys/remount", "sys/audit", "sys/audit/", "sys/raw/", "sys/rotate", "sys/config/cors"),
    *("sys/config/auditing/", "sys/config/ui/headers/", "sys/plugins/catalog/", "sys/leases/revoke-prefix/"),
    *("sys/leases/revoke-force/", "sys/leases/lookup/", "sys/leases", "sys/seal", "sys/step-down"),
    *("auth/token/accessors", "auth/token/accessors/", "auth/token/revoke-orphan"),
)


def policy(method: str, path: str) -> str:
    """The policy stanza that allows the request. `method` may be LIST."""
    path = path.strip("/")
    wanted = list(_CAPABILITIES.get(method, ("update",)))
    if any(path == entry or (entry.endswith("/") and path.startswith(entry)) for entry in _SUDO):
        wanted.append("sudo")
    listed = ", ".join(f'"{capability}"' for capability in wanted)
    return f'path "{path}" {{\n  capabilities = [{listed}]\n}}'


def curl(settings: Settings, method: str, target: str, headers: Mapping[str, str], raw: bytes | None) -> str:
    """The curl command of the request; the token is read when the command runs, it is not printed."""
    words = ["curl"]
    if settings.skip_verify:
        words.append("--insecure")
    for option, value in (("--cacert", settings.ca_cert), ("--capath", settings.ca_path)):
        if value:
            words += [option, shlex.quote(value)]
    for option, value in (("--cert", settings.client_cert), ("--key", settings.client_key)):
        if value:
            words += [option, shlex.quote(value)]
    if method != "GET":
        words += ["-X", method]
    for name in sorted(headers):
        if name == "X-Vault-Token":
            words += ["-H", '"X-Vault-Token: $(vaultlike print token)"']
        elif name != "User-Agent":
            words += ["-H", shlex.quote(f"{name}: {headers[name]}")]
    if raw is not None:
        words += ["-d", shlex.quote(raw.decode())]
    words.append(shlex.quote(settings.address + target))
    return " ".join(words)
