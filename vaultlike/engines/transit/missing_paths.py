"""The paths of the transit engine that are not built: each says so."""

from __future__ import annotations

from vaultlike.errors import NotBuilt
from vaultlike.sdk import Call, read, write


class MissingPaths:
    """Answers 501."""

    @write("sign/{path:rest}", free=True)
    @write("verify/{path:rest}", free=True)
    @write("hmac/{path:rest}", free=True)
    @write("hash", free=True)
    @write("hash/{path:rest}", free=True)
    @write("random", free=True)
    @write("random/{path:rest}", free=True)
    @write("restore", free=True)
    @write("restore/{path:rest}", free=True)
    @write("cache-config", free=True)
    @write("keys/{name}/import", free=True)
    @write("keys/{name}/import_version", free=True)
    @write("keys/{name}/trim", free=True)
    async def refuse_write(self, call: Call) -> None:
        """Not built: this server encrypts and decrypts, nothing else."""
        raise NotBuilt(f"transit: {call.path.partition('/')[0]} is not implemented by this server")

    @read("export/{path:rest}", free=True)
    @read("backup/{path:rest}", free=True)
    @read("byok-export/{path:rest}", free=True)
    @read("wrapping_key", free=True)
    @read("cache-config", free=True)
    async def refuse_read(self, call: Call) -> None:
        """Not built: keys never leave this server."""
        raise NotBuilt(f"transit: {call.path.partition('/')[0]} is not implemented by this server")
