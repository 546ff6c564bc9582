"""The fields that every method of an identity has: how long its tokens live, how often and from where they may be used
(spec/infisical.md 2, "Common fields"). Spans in seconds.
"""

from __future__ import annotations

import ipaddress
from typing import Annotated, Any, TypeVar

from msgspec import UNSET, Meta, Struct, UnsetType, defstruct, structs

from vaultlike.builtin.organization.wire import Wire, camel
from vaultlike.errors import Invalid

MAX_TTL = 315_360_000
DEFAULT = 2_592_000
CAP = 7_776_000  # what no access token outlives, whatever its method says
MAX_NETWORKS = 256
MAX_USES = 2**31 - 1
MAX_TEXT = 8_192  # characters of a text that nothing else limits

A = TypeVar("A", bound="AccessFields")


class TrustedIp(Struct, frozen=True, omit_defaults=True, rename=camel):
    """An address or network. Only `ipAddress` is read of a request, which may hold the prefix: `10.0.0.0/8`."""

    ip_address: str
    type: str | UnsetType = UNSET
    prefix: int | UnsetType | None = UNSET

    @property
    def cidr(self) -> str:
        """As the core writes it."""
        return f"{self.ip_address}/{self.prefix}" if isinstance(self.prefix, int) else self.ip_address


ANYWHERE = (TrustedIp("0.0.0.0", "ipv4", 0), TrustedIp("::", "ipv6", 0))

Ttl = Annotated[int, Meta(ge=0, le=MAX_TTL)]
Uses = Annotated[int, Meta(ge=0, le=MAX_USES)]
Networks = Annotated[tuple[TrustedIp, ...], Meta(min_length=1, max_length=MAX_NETWORKS)]
Text = Annotated[str, Meta(max_length=MAX_TEXT)]


class AccessFields(Wire):
    """What an attachment says of the tokens that its logins give."""

    access_token_ttl: Annotated[Ttl, Meta(description="First life of an access token; 0: as long as allowed.")] = (
        DEFAULT
    )
    access_token_max_ttl: Annotated[
        Ttl, Meta(description="Longest life of an access token; 0: as long as allowed.")
    ] = DEFAULT
    access_token_num_uses_limit: Annotated[Uses, Meta(description="How often a token may be used; 0: any number.")] = 0
    access_token_trusted_ips: Annotated[
        Networks, Meta(description="Addresses and networks that a token may be used from: {ipAddress} each.")
    ] = ANYWHERE


def checked_access(fields: A) -> A:
    """The fields with their networks read. Raises Invalid."""
    for name in ("access_token_ttl", "access_token_max_ttl"):
        if not 0 <= getattr(fields, name) <= MAX_TTL:
            raise Invalid(f"{camel(name)} must be between 0 and {MAX_TTL}")
    if not 0 <= fields.access_token_num_uses_limit <= MAX_USES:
        raise Invalid(f"accessTokenNumUsesLimit must be between 0 and {MAX_USES}")
    if fields.access_token_ttl > fields.access_token_max_ttl:
        raise Invalid("Access token TTL cannot be greater than max TTL")
    return structs.replace(
        fields, access_token_trusted_ips=read_networks(fields.access_token_trusted_ips, "accessTokenTrustedIps")
    )


def read_networks(networks: tuple[TrustedIp, ...], field: str) -> tuple[TrustedIp, ...]:
    """Addresses as they are kept and shown. Raises Invalid: for none too, since nobody means "from nowhere"."""
    if not 1 <= len(networks) <= MAX_NETWORKS:
        raise Invalid(f"{field} must hold between 1 and {MAX_NETWORKS} addresses")
    return tuple(_network(one.cidr if "/" not in one.ip_address else one.ip_address) for one in networks)


def _network(text: str) -> TrustedIp:
    address, slash, prefix = text.strip().partition("/")
    try:
        found = ipaddress.ip_address(address)
        if getattr(found, "scope_id", None):
            raise ValueError
        if slash and not (prefix.isascii() and prefix.isdigit() and int(prefix) <= found.max_prefixlen):
            raise ValueError
    except ValueError:
        raise Invalid(f"The IP is not a valid IPv4, IPv6, or CIDR block: {text[:64]}") from None
    return TrustedIp(str(found), f"ipv{found.version}", int(prefix) if slash else UNSET)


def token_fields(fields: AccessFields) -> dict[str, object]:
    """The same as a plugin's role says it. The networks are never left out: none would be all of them."""
    return {
        "token_ttl": fields.access_token_ttl,
        "token_max_ttl": fields.access_token_max_ttl,
        "token_num_uses": fields.access_token_num_uses_limit,
        "token_bound_cidrs": [one.cidr for one in fields.access_token_trusted_ips],
        "token_type": "service",
    }


def partial(kind: type[Struct]) -> type[Struct]:
    """The same fields, none of which has to be sent: the body of an update."""
    from typing import get_type_hints

    hints = get_type_hints(kind, include_extras=True)
    fields: list[Any] = [(info.name, hints[info.name] | UnsetType, UNSET) for info in structs.fields(kind)]
    return defstruct(f"{kind.__name__}Update", fields, rename=camel, kw_only=True, module=kind.__module__)


def entries(text: str, field: str) -> tuple[str, ...]:
    """The entries of a list in one text, split at commas. Raises Invalid for one that says something but names nobody:
    such a list must not come to mean everybody."""
    found = tuple(part.strip() for part in text.split(","))
    if not text.strip():
        return ()
    if not all(found):
        raise Invalid(f"{field} has an empty entry")
    return found
