"""Which network addresses outbound calls may reach. Checked against the address of each socket, after resolution."""

from __future__ import annotations

import ipaddress
from typing import Final, TypeAlias

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
_UNICAST: Final = ipaddress.IPv6Network("2000::/3")  # all that is in use of the public internet (RFC 4291 2.4)
# Public by their form alone: IETF assignments and the dead 6to4 relays, and what Azure's machines ask about themselves
_LOCAL4: Final = tuple(map(ipaddress.IPv4Network, ("192.0.0.0/24", "192.88.99.0/24", "168.63.129.16/32")))
# Teredo (with the other IETF assignments) and addresses for documentation
_LOCAL6: Final = tuple(map(ipaddress.IPv6Network, ("2001::/23", "2001:db8::/32", "3fff::/20")))


def unmapped(address: Address) -> Address:
    """The IPv4 address that an IPv6 one stands for (mapped, 6to4, NAT64), or the address itself."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is not None:
            return inner
        if address in _NAT64:
            return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def anywhere(address: Address) -> bool:
    """The default policy: everything."""
    return True


def public_only(address: Address) -> bool:
    """Only the public internet: no loopback, private, link-local (metadata services), shared, multicast, reserved or
    unspecified address, and no IPv6 form of one (mapped, compatible, translated, 6to4, NAT64, Teredo)."""
    real = unmapped(address)
    if isinstance(real, ipaddress.IPv6Address):
        return real in _UNICAST and not any(real in network for network in _LOCAL6)
    return real.is_global and not real.is_multicast and not any(real in network for network in _LOCAL4)
