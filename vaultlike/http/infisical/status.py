"""`/api/status`: whether the server answers, for clients that look before they log in."""

from __future__ import annotations

from vaultlike.clock import rfc3339
from vaultlike.http.infisical.ask import Ask
from vaultlike.http.infisical.endpoint import endpoint


@endpoint("GET", "/status", open=True, furnished=False)
async def status(ask: Ask) -> object:
    """Says that the server is there; 503 while it is sealed."""
    return {
        "date": rfc3339(ask.server.clock.now()),
        "message": "Ok",
        "emailConfigured": False,
        "inviteOnlySignup": True,
        "redisConfigured": False,
        "secretScanningConfigured": False,
        "samlDefaultOrgSlug": None,
    }
