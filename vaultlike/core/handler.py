"""The call of a backend's handler: its body decoded into the Struct that the route declares."""

from __future__ import annotations

from vaultlike.core.exchange import Exchange
from vaultlike.sdk.fields import FIELD_TEXT, fields_of
from vaultlike.sdk.routes import Place


async def invoke(exchange: Exchange) -> object:
    """Calls the handler with its decoded body. Raises Invalid for a bad field, and what the handler raises."""
    call, owned = exchange.call, exchange.owned
    assert call is not None and owned is not None
    if call.data and exchange.place is not None and not owned.route.free:
        _check_foreign(exchange, exchange.place)
    if owned.route.body is None:
        return await owned(call)
    data = {**call.data, **call.params} if call.params else call.data
    body = fields_of(owned.route.body).convert(data, owned.route.field_text)
    return await owned(call, body)


def _check_foreign(exchange: Exchange, place: Place) -> None:
    """Fields of the path's other operations must fit too: `GET role/x?token_ttl=soon` (spec/vault-api.md 1.10)."""
    call, owned = exchange.call, exchange.owned
    assert call is not None and owned is not None
    own = owned.route.declares or owned.route.body
    mine = fields_of(own).fields if own is not None else {}
    known = place.declared()
    for name, raw in call.data.items():
        if name not in mine and name in known and name not in call.params and raw is not None:
            known[name].read(raw, FIELD_TEXT)
