"""`/api/v1/auth/universal-auth`: logins by client id and secret, and the client secrets of identities. Attaching it is
as with every method."""

from __future__ import annotations

from vaultlike.builtin.organization.client_secrets import METHOD, NewClientSecret
from vaultlike.builtin.organization.wire import Wire
from vaultlike.errors import Denied, Invalid, InvalidAddress, LockedOut, NotFound, VaultlikeError
from vaultlike.http.infisical.access_token import Granted, granted
from vaultlike.http.infisical.ask import Ask
from vaultlike.http.infisical.endpoint import endpoint
from vaultlike.http.infisical.errors import Forbidden, Unauthorized
from vaultlike.http.infisical.jwt_login import COMMON

SECRETS = "/v1/auth/universal-auth/identities/{identity}/client-secrets"
WRONG = "Invalid credentials"  # whatever of them is wrong
LOCKED = "This identity auth method is temporarily locked, please try again later"
TOLD = ("organization", "entity enabled")  # what has nothing to do with the credentials, or comes after them
ELSEWHERE = "Forbidden: client secrets of this identity cannot be used from this IP address"


class UniversalLogin(Wire):
    """What a login says."""

    client_id: str
    client_secret: str
    organization_slug: str | None = None


@endpoint("POST", "/v1/auth/universal-auth/login", body=UniversalLogin, open=True, login=METHOD.name)
async def login(ask: Ask, body: UniversalLogin) -> Granted:
    """Logs an identity in with a client secret."""
    said = {"role_id": body.client_id, "secret_id": body.client_secret}
    if body.organization_slug:
        said["organizationSlug"] = body.organization_slug
    try:
        return granted(await ask.reply("write", f"{METHOD.mount}login", said))
    except (Invalid, Denied, NotFound) as problem:
        raise _refusal(problem) from None


def _refusal(problem: VaultlikeError) -> VaultlikeError:
    if problem.check in TOLD:
        kind, text = COMMON[problem.check]
        return kind(text, reason=problem.reason)
    if isinstance(problem, InvalidAddress):
        return Forbidden(ELSEWHERE, reason=problem.reason)
    return Unauthorized(LOCKED if isinstance(problem, LockedOut) else WRONG, reason=problem.reason)


@endpoint("POST", SECRETS, body=NewClientSecret)
async def create_client_secret(ask: Ask, body: NewClientSecret) -> object:
    """Makes a client secret; it is shown this once."""
    return await ask.core("write", _secrets(ask), body)


@endpoint("GET", SECRETS)
async def list_client_secrets(ask: Ask) -> object:
    """The client secrets that can log in."""
    found = await ask.core("list", _secrets(ask))
    assert isinstance(found, dict)
    return {"clientSecretData": found["clientSecretData"]}


@endpoint("GET", SECRETS + "/{secret}")
async def read_client_secret(ask: Ask) -> object:
    """One client secret, without its text."""
    return {"clientSecretData": await ask.core("read", f"{_secrets(ask)}/{ask.params['secret']}")}


@endpoint("POST", SECRETS + "/{secret}/revoke")
async def revoke_client_secret(ask: Ask) -> object:
    """Ends a client secret and the access tokens that it gave."""
    return {"clientSecretData": await ask.core("write", f"{_secrets(ask)}/{ask.params['secret']}/revoke")}


@endpoint("POST", "/v1/auth/universal-auth/identities/{identity}/clear-lockouts")
async def clear_lockouts(ask: Ask) -> object:
    """Lets every address that was turned away try again."""
    return await ask.core("write", f"{_secrets(ask)}-lockouts/clear")


def _secrets(ask: Ask) -> str:
    return f"organization/identities/{ask.params['identity']}/client-secrets"
