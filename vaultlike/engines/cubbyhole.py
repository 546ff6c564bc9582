"""The cubbyhole: every service token's own store, gone with the token (spec/vault-api.md 7.3). No token sees another's.

Owns the paths; the token store keeps the values with the token.
"""

from __future__ import annotations

from typing import Protocol

import msgspec

from vaultlike.errors import Denied, Invalid
from vaultlike.sdk import Backend, Call, Context, Reply, delete, list_, read, write

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(dict[str, object]).decode


RESPONSE_WRAPPING = "response-wrapping"  # the policy of wrapping tokens alone
OLD_WAY = (
    "Reading from 'cubbyhole/response' is deprecated. Please use sys/wrapping/unwrap to unwrap responses, as it "
    "provides additional security checks and other benefits."
)


class PrivateStore(Protocol):
    """What a token keeps for itself; `identity` is the token's id (a keyed hash)."""

    async def private(self, identity: bytes, path: str) -> bytes | None: ...
    async def put_private(self, identity: bytes, path: str, value: bytes) -> None: ...
    async def delete_private(self, identity: bytes, path: str) -> None: ...
    async def private_names(self, identity: bytes, folder: str) -> list[str]: ...


async def _exists(backend: Cubbyhole, call: Call) -> bool:
    caller, path = call.caller, call.params["path"]
    if caller is None or caller.kind != "service" or not path:
        return False
    return await backend.store.private(caller.id, path) is not None


class Cubbyhole(Backend):
    """The mount `cubbyhole/`."""

    kind = "cubbyhole"
    summary = "Keeps values that only the token that wrote them can read."

    def __init__(self, ctx: Context, store: PrivateStore) -> None:
        super().__init__(ctx)
        self.store = store

    @read("{path:maybe}")
    async def read_value(self, call: Call) -> Reply | None:
        """Reads a value of the calling token."""
        raw = await self.store.private(_owner(call), _path(call))
        if raw is None:
            return None
        if call.caller is not None and call.caller.token_policies == (RESPONSE_WRAPPING,):
            return Reply(data={"response": raw.decode()}, warnings=(OLD_WAY,))
        return Reply(data=_decode(raw))

    @write("{path:maybe}", free=True, exists=_exists)
    async def write_value(self, call: Call) -> None:
        """Writes a value of the calling token: the whole body."""
        owner, path = _owner(call), _path(call)
        if not call.data:
            raise Invalid("missing data fields")
        await self.store.put_private(owner, path, _encode(call.data))

    @delete("{path:maybe}", free=True)
    async def delete_value(self, call: Call) -> None:
        """Deletes a value of the calling token; fine where there is none."""
        owner = _owner(call)
        if call.params["path"]:
            await self.store.delete_private(owner, call.params["path"])

    @list_("{path:maybe}")
    async def list_names(self, call: Call) -> dict[str, object]:
        """Lists the names in a folder of the calling token."""
        return {"keys": await self.store.private_names(_owner(call), call.params["path"])}


def _owner(call: Call) -> bytes:
    """The calling token's id. Raises Invalid for tokens that have no store."""
    if call.caller is None:
        raise Denied(reason="a cubbyhole belongs to a token, and there is none")
    if call.caller.kind != "service":
        raise Invalid("cubbyhole operations are only supported by 'service' type tokens")
    return call.caller.id


def _path(call: Call) -> str:
    path = call.params["path"]
    if not path:
        raise Invalid("missing path")
    return path
