"""`sys/wrapping/*`: wrap, look up, unwrap once, rewrap (spec/vault-api.md 2.7). Making wrapping tokens is the core's.

Single use is the token's: whoever spends its one use may read the stored answer, everybody else gets a 400. A wrapping
token that authenticates its own unwrapping has had that use spent by the core already.
"""

from __future__ import annotations

from typing import Annotated, TypeGuard

import msgspec
from msgspec import Meta, Struct

from vaultlike.clock import rfc3339
from vaultlike.errors import Denied, Invalid
from vaultlike.policy.store import RESPONSE_WRAPPING
from vaultlike.sdk import Call, Raw, Reply, read, write
from vaultlike.system.bearer import presented
from vaultlike.system.part import Part
from vaultlike.tokens.entry import Token
from vaultlike.tokens.store import cubbyhole_context

KEY = "response"  # where the core keeps the wrapped answer in the token's cubbyhole


class NotWrapping(Invalid):
    """The token is no wrapping token, or its answer has been taken (400)."""

    default = "wrapping token is not valid or does not exist"


class WrappedBody(Struct, kw_only=True):
    """Which wrapping token; empty means the caller's own."""

    token: Annotated[str, Meta(description="The wrapping token; the caller's own when left out.")] = ""


class _Inner(Struct):
    accessor: str = ""
    secret_id_accessor: str = ""


class _Wrapped(Struct):
    """As much of a wrapped answer as names an accessor."""

    auth: _Inner | None = None
    data: _Inner | None = None


class Wrapping(Part):
    """Wrapped answers."""

    @write("wrapping/wrap", free=True)
    async def wrap(self, call: Call) -> Reply:
        """Wraps the data that is sent; needs X-Vault-Wrap-TTL."""
        if call.wrap_ttl <= 0:
            raise Invalid("endpoint requires response wrapping to be used")
        return Reply(data=call.data)

    @write("wrapping/lookup", open=True)
    @read("wrapping/lookup", open=True)
    async def lookup(self, call: Call, body: WrappedBody) -> dict[str, object]:
        """Tells where a wrapped answer came from, without opening it."""
        _check_named(call)
        text = body.token or presented(call)
        if not text:
            raise Denied("error validating wrapping token: token is empty")
        token = await self.services.tokens.find(text)
        if not _is_wrapping(token) or token.row.uses_left != 1:
            raise NotWrapping
        return {
            "creation_path": token.row.path,
            "creation_time": rfc3339(token.entry.created_at),
            "creation_ttl": token.entry.creation_ttl,
        }

    @write("wrapping/unwrap", stranger=NotWrapping)
    async def unwrap(self, call: Call, body: WrappedBody) -> Raw | Reply:
        """Opens a wrapped answer, once: the answer comes back as it was, wrapped again where that is asked for."""
        token = await self._spend(call, body.token)
        payload = await self._take(token)
        if call.wrap_ttl > 0:
            path = call.mount + call.path
            return Reply(wrap_info=await self.services.wrap(payload, call.wrap_ttl, path, _accessor(payload)))
        return Raw(body=payload)

    @write("wrapping/rewrap", stranger=NotWrapping)
    async def rewrap(self, call: Call, body: WrappedBody) -> Reply:
        """Moves a wrapped answer to a new token, with the same TTL unless another is asked for; the old token ends."""
        token = await self._spend(call, body.token)
        payload = await self._take(token)
        ttl = call.wrap_ttl if call.wrap_ttl > 0 else token.entry.creation_ttl
        info = await self.services.wrap(payload, ttl, token.row.path, _accessor(payload))
        return Reply(wrap_info=info)

    async def _spend(self, call: Call, text: str) -> Token:
        """The wrapping token with its only use spent by this request. Raises NotWrapping, Denied for an empty text."""
        _check_named(call)
        caller = call.caller
        if caller is not None and (not text or text == caller.token):
            own = await self.services.tokens.find_id(caller.id)
            if not _is_wrapping(own):
                raise NotWrapping
            return own
        token = await self.services.tokens.find(text)
        if not _is_wrapping(token):
            raise NotWrapping
        spent = await self.services.tokens.use(token)
        if spent is None:
            raise NotWrapping
        return spent

    async def _take(self, token: Token) -> bytes:
        """The stored answer; the token and its cubbyhole go with it."""
        identity = token.row.id
        try:
            sealed = await self.services.engine.cubbyhole(identity, KEY)
            if sealed is None:
                raise NotWrapping
            return self.services.barrier.open(cubbyhole_context(identity, KEY), sealed)
        finally:
            await self.services.tokens.revoke(identity)


def _check_named(call: Call) -> None:
    """A token that is named must be one: an empty text does not mean the caller's own. Raises Denied."""
    if call.data.get("token") == "":
        raise Denied("error validating wrapping token: empty token in request body")


def _is_wrapping(token: Token | None) -> TypeGuard[Token]:
    return token is not None and token.entry.policies == (RESPONSE_WRAPPING,)


def _accessor(payload: bytes) -> str:
    """The accessor that a wrapped answer names, "" when it names none."""
    try:
        wrapped = msgspec.json.decode(payload, type=_Wrapped)
    except msgspec.DecodeError:  # data in some other shape: it names no accessor
        return ""
    if wrapped.auth is not None:
        return wrapped.auth.accessor
    return wrapped.data.secret_id_accessor if wrapped.data is not None else ""
