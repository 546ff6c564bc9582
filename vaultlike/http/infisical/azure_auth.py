"""`/api/v1/auth/azure-auth/login`: the access token of an Azure identity (spec/infisical.md 1, azure-auth)."""

from __future__ import annotations

from typing import Final

from vaultlike.builtin.organization.methods.listing import BY_NAME
from vaultlike.http.infisical.access_token import Granted
from vaultlike.http.infisical.ask import Ask
from vaultlike.http.infisical.endpoint import endpoint
from vaultlike.http.infisical.errors import TokenError, Unauthorized
from vaultlike.http.infisical.jwt_login import JwtLogin, Refusals, log_in

METHOD: Final = BY_NAME["azure-auth"]
REFUSALS: Final[Refusals] = {
    "jwt.kid": (Unauthorized, "Access denied: the token is not signed with a key of the tenant"),
    "jwt": (TokenError, "The Azure access token is invalid or expired"),
    "token": (Unauthorized, "Access denied: the token is not of this tenant"),
    "bound_service_principal_ids": (Unauthorized, "Access denied: service principal not allowed"),
}


@endpoint("POST", "/v1/auth/azure-auth/login", body=JwtLogin, open=True, login=METHOD.name)
async def login(ask: Ask, body: JwtLogin) -> Granted:
    """Logs an identity in with the token of its managed identity or service principal."""
    return await log_in(ask, METHOD, body, REFUSALS)
