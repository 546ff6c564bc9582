"""`/api/v1/auth/jwt-auth/login`: a token signed with a known key (spec/infisical.md 1, jwt-auth)."""

from __future__ import annotations

from typing import Final

from vaultlike.builtin.organization.methods.listing import BY_NAME
from vaultlike.http.infisical.access_token import Granted
from vaultlike.http.infisical.ask import Ask
from vaultlike.http.infisical.endpoint import endpoint
from vaultlike.http.infisical.errors import Forbidden, Unauthorized
from vaultlike.http.infisical.jwt_login import JwtLogin, Refusals, log_in

METHOD: Final = BY_NAME["jwt-auth"]
REFUSALS: Final[Refusals] = {
    "jwt": (Unauthorized, "Access denied: the token is not valid"),
    "bound_issuer": (Forbidden, "Access denied: issuer mismatch"),
    "bound_subject": (Forbidden, "Access denied: subject not allowed"),
    "bound_audiences": (Unauthorized, "Access denied: token audience not allowed"),
    "bound_claims": (Unauthorized, "Access denied: claim not allowed"),
    "upstream": (Unauthorized, "Access denied: the keys cannot be had"),
}


@endpoint("POST", "/v1/auth/jwt-auth/login", body=JwtLogin, open=True, login=METHOD.name)
async def login(ask: Ask, body: JwtLogin) -> Granted:
    """Logs an identity in with a JWT."""
    return await log_in(ask, METHOD, body, REFUSALS)
