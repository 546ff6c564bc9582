"""Whether an address lies in a list of networks. Parsed networks are kept: the same few lists come again and again."""

from __future__ import annotations

from functools import lru_cache

from netaddr import AddrFormatError, IPAddress, IPSet


@lru_cache(4096)
def _networks(cidrs: tuple[str, ...]) -> IPSet:
    return IPSet(list(cidrs))


def admits(cidrs: tuple[str, ...], address: str) -> bool:
    """Whether `address` lies in one of `cidrs`; an unreadable address lies nowhere. IPv4-mapped IPv6 counts as IPv4."""
    try:
        ip = IPAddress(address)
    except (AddrFormatError, ValueError):
        return False
    if ip.version == 6 and ip.is_ipv4_mapped():
        ip = ip.ipv4()
    try:
        return ip in _networks(cidrs)
    except (AddrFormatError, ValueError):  # a bound that cannot be read admits nobody
        return False
