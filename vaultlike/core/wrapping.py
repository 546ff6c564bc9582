"""Response wrapping: the rendered answer in the cubbyhole of a single-use token (spec/vault-api.md 2.7)."""

from __future__ import annotations

from vaultlike.clock import rfc3339
from vaultlike.core.exchange import Exchange
from vaultlike.core.request import finds_nothing
from vaultlike.sdk import Reply, WrapInfo
from vaultlike.tokens.store import NewToken, TokenStore

POLICY = "response-wrapping"
KEY = "response"  # of the cubbyhole


async def wrap(tokens: TokenStore, exchange: Exchange) -> None:
    """Replaces the answer by a wrapping token. Answers without a body and raw ones stay as they are."""
    reply = exchange.reply
    if not isinstance(reply, Reply) or reply.wrap_info is not None:
        return
    if reply.data is None and reply.auth is None and not reply.warnings:
        return
    request = exchange.request
    if finds_nothing(request.verb, reply):
        return  # will be a 404, and refusals are never wrapped
    payload = request.render(exchange.outcome())
    if payload is None:
        return
    wrapped = reply.auth.accessor if reply.auth else reply.wrapped_accessor
    info = await make(tokens, payload, request.wrap_ttl, request.path, wrapped)
    exchange.reply = Reply(wrap_info=info)


async def make(tokens: TokenStore, payload: bytes, ttl: int, path: str, wrapped_accessor: str = "") -> WrapInfo:
    """A new wrapping token for `payload`, valid for `ttl` seconds and one use."""
    new = NewToken(path=path, policies=(POLICY,), display_name="", ttl=ttl, explicit_max_ttl=ttl, num_uses=1)
    token = await tokens.mint(new, cubbyhole={KEY: payload})
    return WrapInfo(
        token=token.text,
        accessor=token.entry.accessor,
        ttl=ttl,
        creation_time=rfc3339(token.entry.created_at),
        creation_path=path,
        wrapped_accessor=wrapped_accessor,
    )
