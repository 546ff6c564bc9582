"""What an access token of the second API says, for clients that read it without asking (spec/infisical.md 1)."""

from __future__ import annotations

from vaultlike.builtin.organization.identities import Identities
from vaultlike.builtin.organization.methods.listing import BY_NAME
from vaultlike.builtin.organization.organizations import the_organization
from vaultlike.sdk import Context
from vaultlike.services import Services
from vaultlike.tokens.entry import Token

NO_END = 1_000_000_000  # how the API spells "no maximum": 0 makes clients log in again and again


async def access_claims(ctx: Context, services: Services, token: Token) -> dict[str, object]:
    """The claims of a token beside its id and its times."""
    entry, row = token.entry, token.row
    identity, organization = await Identities(ctx.storage).known(row.entity), await the_organization(ctx)
    claims: dict[str, object] = {
        "authTokenType": "identityAccessToken",
        "identityId": row.entity,
        "identityAccessTokenId": entry.jti,
        "identityName": identity.name if identity is not None else "",
        "orgId": organization.id,
        "rootOrgId": organization.id,
        "creationEpoch": int(entry.created_at),
        "accessTokenTTL": entry.creation_ttl,
    }
    if entry.period:
        claims["accessTokenPeriod"] = entry.period
    if entry.num_uses:
        claims["numUsesLimit"] = entry.num_uses
    if method := entry.memo.get("method", ""):
        claims["authMethod"] = method
        if method in BY_NAME and (facts := BY_NAME[method].identity_auth(entry.meta or {})):
            claims["identityAuth"] = facts
    return claims
