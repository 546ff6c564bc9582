"""Access tokens at `/api/v1/auth/token`: what every login answers, more time for one, its end, and the keys that prove
them (spec/infisical.md 1, 3)."""

from __future__ import annotations

from vaultlike.builtin.organization.claims import NO_END
from vaultlike.builtin.organization.wire import Wire
from vaultlike.core.access_tokens import is_signed
from vaultlike.errors import Invalid, NotBuilt
from vaultlike.http.infisical.ask import Ask
from vaultlike.http.infisical.endpoint import endpoint
from vaultlike.http.infisical.errors import Unauthorized
from vaultlike.http.message import Outgoing
from vaultlike.sdk import Reply


class TokenBody(Wire):
    """The access token, in the body: whatever the headers say is ignored."""

    access_token: str


class Granted(Wire):
    """What a login and a renewal answer. Spans in seconds; `access_token_max_ttl` is never 0."""

    access_token: str
    expires_in: int
    access_token_max_ttl: int
    token_type: str = "Bearer"


def granted(reply: Reply | None) -> Granted:
    """The answer of the core as this API shows it. Raises NotBuilt for a token that has no signed form."""
    auth = reply.auth if reply is not None else None
    if auth is None or not auth.signed:
        raise NotBuilt("this token has no form in this API: a batch token, or one of the other API")
    return Granted(
        access_token=auth.signed, expires_in=auth.lease_duration, access_token_max_ttl=auth.max_ttl or NO_END
    )


@endpoint("POST", "/v1/auth/token/renew", body=TokenBody, open=True, counted=False)
async def renew(ask: Ask, body: TokenBody) -> Granted:
    """Signs a new access token with more time; the one that was shown stays valid until its own end."""
    _own(ask, body)
    try:
        return granted(await ask.reply("write", "auth/token/renew-self"))
    except Invalid as problem:  # no time is left, or the method no longer renews it
        raise Unauthorized("Failed to renew the access token", reason=problem.reason) from None


@endpoint("POST", "/v1/auth/token/revoke", body=TokenBody, open=True, counted=False)
async def revoke(ask: Ask, body: TokenBody) -> object:
    """Ends an access token, in all the forms that renewals gave it."""
    _own(ask, body)
    await ask.reply("write", "auth/token/revoke-self")
    return {"message": "Successfully revoked access token"}


def _own(ask: Ask, body: TokenBody) -> None:
    """The token of the body is the one that counts. Raises Invalid for one of the other API."""
    if not is_signed(body.access_token):
        raise Invalid("Not an identity access token")
    ask.token = body.access_token


@endpoint("GET", "/.well-known/jwks.json", open=True, furnished=False)
async def keys(ask: Ask) -> Outgoing:
    """The public keys that access tokens are signed with, for those who check them offline."""
    return await ask.raw("read", "identity/oidc/.well-known/keys")
