"""Which network addresses outbound calls may reach. Checked against the address of each socket, after resolution."""

from __future__ import annotations

import ipaddress
from typing import TypeAlias

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


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
    """Only the public internet: no loopback, private, link-local (metadata services), shared or multicast address."""
    real = unmapped(address)
    return real.is_global and not real.is_multicast
