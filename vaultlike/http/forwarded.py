"""Who the client is when a proxy stands in between: X-Forwarded-For, believed only from authorized addresses."""

from __future__ import annotations

from collections.abc import Sequence

import netaddr

from vaultlike.http.listener import ListenerError, ListenerSettings
from vaultlike.http.message import Refused

UNIX = "unix"
MAX_HOPS = 64
NOT_AUTHORIZED = "client address not authorized for x-forwarded-for and configured to reject connection"


class ForwardedFor:
    """A listener's rules for X-Forwarded-For; with no authorized addresses the header means nothing."""

    def __init__(self, settings: ListenerSettings) -> None:
        """Raises ListenerError when an authorized address is no CIDR."""
        cidrs = [part for part in settings.x_forwarded_for_authorized_addrs if part != UNIX]
        try:
            self._authorized = netaddr.IPSet(netaddr.IPNetwork(cidr) for cidr in cidrs)
        except (netaddr.AddrFormatError, ValueError) as exc:
            raise ListenerError(f"x_forwarded_for_authorized_addrs: {exc}") from exc
        if settings.x_forwarded_for_hop_skips < 0:
            raise ListenerError("x_forwarded_for_hop_skips is negative")
        self._unix = UNIX in settings.x_forwarded_for_authorized_addrs
        self._skips = settings.x_forwarded_for_hop_skips
        self._header_needed = settings.x_forwarded_for_reject_not_present
        self._proxy_needed = settings.x_forwarded_for_reject_not_authorized
        self.active = bool(settings.x_forwarded_for_authorized_addrs)

    def authorized(self, peer: str) -> bool:
        """Whether the TCP peer (an IP address, "" for a unix socket) may speak for others."""
        return bool(netaddr.IPAddress(peer) in self._authorized) if peer else self._unix

    def client(self, peer: str, authorized: bool, values: Sequence[str]) -> str:
        """The address of the client, given the header's values in order. Raises Refused (400).

        Counts from the right, since only the hops nearest to us were written by proxies we know.
        """
        if not values:
            if self._header_needed:
                raise Refused(400, "missing x-forwarded-for header and configured to reject when not present")
            return peer
        if not authorized:
            if self._proxy_needed:
                raise Refused(400, NOT_AUTHORIZED)
            return peer
        hops = [hop.strip() for value in values for hop in value.split(",", MAX_HOPS)]
        index = len(hops) - 1 - self._skips
        if index < 0 or len(hops) > MAX_HOPS:
            raise Refused(400, "malformed x-forwarded-for configuration or request")
        return _address(hops[index])


def _address(hop: str) -> str:
    """An IP address without port, brackets or zone. Raises Refused (400)."""
    if hop.startswith("["):
        hop = hop[1:].partition("]")[0]
    elif hop.count(":") == 1:
        hop = hop.partition(":")[0]
    try:
        return str(netaddr.IPAddress(hop, flags=netaddr.INET_PTON))
    except (netaddr.AddrFormatError, ValueError):
        raise Refused(400, "malformed x-forwarded-for header") from None
