"""An imaginary SPIRE: a server that mints JWT-SVIDs and its OIDC discovery provider, for development and tests."""

from vaultlike.testing.spire.authority import Authority
from vaultlike.testing.spire.provider import DiscoveryProvider

__all__ = ["Authority", "DiscoveryProvider"]
