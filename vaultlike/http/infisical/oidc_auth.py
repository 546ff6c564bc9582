"""`/api/v1/auth/oidc-auth/login`: the token of an OpenID provider (spec/infisical.md 1, oidc-auth)."""

from __future__ import annotations

from typing import Final

from vaultlike.builtin.organization.methods.listing import BY_NAME
from vaultlike.http.infisical.access_token import Granted
from vaultlike.http.infisical.ask import Ask
from vaultlike.http.infisical.endpoint import endpoint
from vaultlike.http.infisical.errors import Forbidden, Unauthorized
from vaultlike.http.infisical.jwt_login import JwtLogin, Refusals, log_in

METHOD: Final = BY_NAME["oidc-auth"]
REFUSALS: Final[Refusals] = {
    "jwt": (Unauthorized, "Access denied: the token is not valid"),
    "bound_issuer": (Unauthorized, "Access denied: OIDC issuer not allowed"),
    "bound_subject": (Forbidden, "Access denied: OIDC subject not allowed"),
    "bound_audiences": (Unauthorized, "Access denied: OIDC audience not allowed"),
    "bound_claims": (Unauthorized, "Access denied: OIDC claim not allowed"),
    "claim_mappings": (Unauthorized, "Access denied: a claim that is mapped to metadata is missing"),
    "upstream": (Unauthorized, "Access denied: the provider's keys cannot be had"),
}


@endpoint("POST", "/v1/auth/oidc-auth/login", body=JwtLogin, open=True, login=METHOD.name)
async def login(ask: Ask, body: JwtLogin) -> Granted:
    """Logs an identity in with a token of its provider, such as a JWT-SVID of SPIRE's."""
    return await log_in(ask, METHOD, body, REFUSALS)
