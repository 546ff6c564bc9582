"""Where methods of identities may reach out: to the public internet, unless the operator says otherwise
(spec/infisical.md 0, "SSRF guard"). What connects is judged by the sdk's egress; here is who says so, and the early no.
"""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from msgspec import Struct

from vaultlike.errors import Invalid
from vaultlike.sdk import System
from vaultlike.sdk.addresses import public_only

VARIABLE = "ALLOW_INTERNAL_IP_CONNECTIONS"
SWITCH = "allow_internal_ip_connections"
STANZA = "infisical"
OPERATORS_WORD = frozenset(("azure",))  # plugins that reach addresses of the server's own configuration alone


class Reach(Struct, frozen=True):
    """`internal`: whether addresses that are not public may be connected to."""

    internal: bool = False


def reach_of(system: System, namespace: str) -> Reach:
    """What the operator allows in a namespace (by its path): an environment variable of the server for all of them, or
    the namespace's stanza of its configuration."""
    if system.environ(VARIABLE).lower() == "true":
        return Reach(internal=True)
    ours = (each for each in system.settings(STANZA) if each.get("name", "").strip("/") == namespace.strip("/"))
    return Reach(internal=any(each.get(SWITCH) == "true" for each in ours))


def check_url(url: str, field: str, reach: Reach) -> None:
    """Raises Invalid for what is no http(s) URL, or names an address that will be refused anyway."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError:
        host = ""
    if not host or parts.scheme not in ("http", "https") or "@" in parts.netloc or parts.fragment or not url.isascii():
        raise Invalid(f"{field} must be a URL")
    if reach.internal:
        return
    if host == "localhost" or host.endswith(".localhost") or not _public(host):
        raise Invalid(f"Local IPs not allowed as URL: {field} (the server's configuration can allow them)")


def _public(host: str) -> bool:
    try:
        return public_only(ipaddress.ip_address(host))
    except ValueError:
        return True  # a name: its addresses are judged whenever one is connected to
