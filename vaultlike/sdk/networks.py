"""Addresses against lists of networks: for the core's bounds and for methods with bounds of their own.

Parsed networks and decisions are kept: the same few lists and clients come again and again.
"""

from __future__ import annotations

import re
from functools import lru_cache

from netaddr import AddrFormatError, IPAddress, IPNetwork, IPSet

_MASKED = re.compile(r"[0-9A-Fa-f:.]{2,64}/\d{1,3}", re.ASCII)


@lru_cache(4096)
def _networks(cidrs: tuple[str, ...]) -> IPSet:
    return IPSet(list(cidrs))


def admits(cidrs: tuple[str, ...], address: str) -> bool:
    """Whether `address` lies in one of `cidrs`; an unreadable address lies nowhere. IPv4-mapped IPv6 counts as IPv4."""
    return _admits(cidrs, address)


@lru_cache(8192)
def _admits(cidrs: tuple[str, ...], address: str) -> bool:
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


@lru_cache(8192)
def origin_of(address: str) -> str:
    """What stands for the one who calls: an IPv4 address, or the /64 of an IPv6 one, all of which one host has."""
    try:
        ip = IPAddress(address)
    except (AddrFormatError, ValueError):
        return address
    if ip.version == 4:
        return str(ip)
    return str(ip.ipv4()) if ip.is_ipv4_mapped() else str(IPNetwork(f"{ip}/64").network)


def is_network(text: str) -> bool:
    """Whether `text` is an address with a mask, such as `10.0.0.0/8`; a bare address is not."""
    if not _MASKED.fullmatch(text):
        return False
    try:
        IPNetwork(text)
    except (AddrFormatError, ValueError):
        return False
    return True


def within(inner: tuple[str, ...], outer: tuple[str, ...]) -> bool:
    """Whether each network of `inner` lies inside one of `outer`. Both must be readable."""
    networks = [IPNetwork(text) for text in outer]
    return all(any(IPNetwork(text) in network for network in networks) for text in inner)
