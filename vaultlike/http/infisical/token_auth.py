"""`/api/v1/auth/token-auth`: access tokens that are minted for identities. Attaching it is as with every method."""

from __future__ import annotations

import msgspec

from vaultlike.builtin.organization.token_paths import NewTokenBody, TokenName, TokenPage
from vaultlike.http.infisical.access_token import granted
from vaultlike.http.infisical.ask import Ask
from vaultlike.http.infisical.endpoint import endpoint

TOKENS = "/v1/auth/token-auth/identities/{identity}/tokens"
TOKEN = "/v1/auth/token-auth/tokens/{token}"


@endpoint("POST", TOKENS, body=NewTokenBody)
async def create_token(ask: Ask, body: NewTokenBody) -> object:
    """Mints an access token; it is shown this once."""
    reply = await ask.reply("write", _tokens(ask), body)
    shown = granted(reply)
    assert reply is not None
    return {**msgspec.to_builtins(shown), "tokenData": reply.data}


@endpoint("GET", TOKENS, query=TokenPage)
async def list_tokens(ask: Ask, query: TokenPage) -> object:
    """The access tokens of an identity, the newest first."""
    found = await ask.core("list", _tokens(ask), query)
    assert isinstance(found, dict)
    return {"tokens": found["tokens"]}


@endpoint("GET", TOKEN)
async def read_token(ask: Ask) -> object:
    """One access token, without its text."""
    return {"token": await ask.core("read", _token(ask))}


@endpoint("PATCH", TOKEN, body=TokenName)
async def rename_token(ask: Ask, body: TokenName) -> object:
    """Names an access token."""
    return {"token": await ask.core("patch", _token(ask), body)}


@endpoint("POST", TOKEN + "/revoke")
async def revoke_token(ask: Ask) -> object:
    """Ends an access token."""
    return {"token": await ask.core("write", f"{_token(ask)}/revoke")}


def _tokens(ask: Ask) -> str:
    return f"organization/identities/{ask.params['identity']}/tokens"


def _token(ask: Ask) -> str:
    return f"organization/tokens/{ask.params['token']}"
