"""KV version 1: any path holds one object, a write replaces it (spec/vault-api.md 7.2)."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from vaultlike.durations import parse_signed_duration
from vaultlike.engines.kv.documents import Texts
from vaultlike.errors import Invalid
from vaultlike.sdk import Call, Context, Reply, delete, list_, read, write

_decode = msgspec.json.Decoder(dict[str, object]).decode
_encode = msgspec.json.Encoder().encode


async def _exists(part: UnversionedPaths, call: Call) -> bool:
    path = call.params["path"]
    return bool(path) and await part.texts.find(path) is not None


class UnversionedPaths:
    """The paths of a version 1 mount."""

    def __init__(self, ctx: Context, texts: Texts) -> None:
        self._ctx, self.texts = ctx, texts

    @read("{path:maybe}")
    async def read_secret(self, call: Call) -> Reply | None:
        """Reads a secret."""
        path = call.params["path"]
        raw = await self.texts.find(path) if path else None
        if raw is None:
            return None
        data = _decode(raw)
        return Reply(data=data, lease_duration=self._lease(data))

    @write("{path:maybe}", free=True, exists=_exists)
    async def write_secret(self, call: Call) -> None:
        """Writes a secret: the whole body."""
        path = call.params["path"]
        if not path:
            raise Invalid("missing path")
        if not call.data:
            raise Invalid("missing data fields")
        await self.texts.put(path, _encode(call.data))

    @delete("{path:maybe}", free=True)
    async def delete_secret(self, call: Call) -> None:
        """Deletes a secret."""
        if call.params["path"]:
            await self.texts.delete(call.params["path"])

    @list_("{path:maybe}", scans=True)
    async def list_names(self, call: Call) -> dict[str, object]:
        """Lists the names in a folder."""
        find = self.texts.keys if call.operation == "scan" else self.texts.children
        return {"keys": await find(call.params["path"])}

    def _lease(self, data: Mapping[str, object]) -> int:
        """Seconds after which a client should read again: what the secret says, or the mount's default.

        What it says is the writer's: null is 0, and a negative one is shown as it is.
        """
        for key in ("ttl", "lease"):
            if key in data:
                try:
                    return 0 if data[key] is None else parse_signed_duration(data[key])
                except Invalid:
                    break
        return self._ctx.system.default_ttl()
