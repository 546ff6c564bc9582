"""The call of a backend's handler: its body decoded into the Struct that the route declares."""

from __future__ import annotations

from vaultlike.core.exchange import Exchange
from vaultlike.sdk.fields import fields_of


async def invoke(exchange: Exchange) -> object:
    """Calls the handler with its decoded body. Raises Invalid for a bad field, and what the handler raises."""
    call, owned = exchange.call, exchange.owned
    assert call is not None and owned is not None
    if owned.route.body is None:
        return await owned(call)
    data = {**call.data, **call.params} if call.params else call.data
    body = fields_of(owned.route.body).convert(data, owned.route.field_text)
    return await owned(call, body)
