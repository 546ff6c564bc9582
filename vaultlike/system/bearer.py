"""Whose token came with a request on a path that needs none, checked as the core checks tokens elsewhere.

Spends no use and judges no policy: handlers of open paths that show more to those who may see more use it.
"""

from __future__ import annotations

from vaultlike.errors import Denied
from vaultlike.identity.entity import Entity
from vaultlike.sdk import Call
from vaultlike.sdk.networks import admits
from vaultlike.services import Services
from vaultlike.tokens.entry import Token


def presented(call: Call) -> str:
    """The token text of the request's headers, "" when there is none."""
    text = call.headers.get("X-Vault-Token", "")
    if text:
        return text
    authorization = call.headers.get("Authorization", "")
    return authorization[7:].strip() if authorization.startswith("Bearer ") else ""


async def bearer(services: Services, call: Call) -> tuple[Token, Entity | None]:
    """The valid token of the request and its entity. Raises Denied for none, a bad one or one used elsewhere."""
    _, token = await services.tokens.present(presented(call))
    if token is None:
        raise Denied(reason="no token, or one that is unknown, expired or used up")
    if not services.admits(token):
        raise Denied(reason="the token is of another namespace")
    if token.entry.bound_cidrs and not admits(token.entry.bound_cidrs, call.remote):
        raise Denied(reason=f"address {call.remote} is not in {list(token.entry.bound_cidrs)}")
    return token, await entity_of(services, token)


async def entity_of(services: Services, token: Token) -> Entity | None:
    """The entity a token stands for, None for a token without one. Raises Denied when it is disabled or gone."""
    if not token.row.entity:
        return None
    entity = await (await services.home(token)).identity.entity(token.row.entity)
    if entity is None or entity.body.disabled:
        raise Denied(reason="the token's entity is disabled or gone")
    return entity
