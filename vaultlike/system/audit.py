"""`sys/audit`, `sys/audit-hash` and `sys/config/auditing/request-headers`: the table of audit devices over the API
(spec/vault-api.md 2.8). Owns no device."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from vaultlike.errors import Invalid
from vaultlike.sdk import Call, Reply, delete, read, write
from vaultlike.system.part import Part
from vaultlike.types import Pairs

MAX_INPUT = 1024 * 1024  # characters of a text to hash
MAX_TEXT = 16_384  # characters of a description or an option


class DeviceBody(Struct, kw_only=True):
    """A new audit device."""

    type: Annotated[str, Meta(description="file, syslog, socket or http.")] = ""
    description: Annotated[str, Meta(description="For people.")] = ""
    options: Annotated[Pairs, Meta(description="Settings of the device, such as file_path.")] = {}
    local: Annotated[bool, Meta(description="Kept for clients: there is no replication.")] = False


class HashBody(Struct, kw_only=True):
    """A text to hash."""

    input: Annotated[str, Meta(description="The text.")] = ""


class HeaderBody(Struct, kw_only=True):
    """How a request header is recorded."""

    hmac: Annotated[bool, Meta(description="Whether its value is hashed.")] = False


class Audit(Part):
    """Enables, lists and disables audit devices."""

    @read("audit", sudo=True, inject=True)
    async def list_devices(self, call: Call) -> Reply:
        """Lists the enabled audit devices."""
        return Reply(data={entry.path: entry.shown() for entry in self.services.audit.devices()})

    @write("audit/{path:rest}", sudo=True)
    async def enable(self, call: Call, body: DeviceBody) -> None:
        """Enables an audit device."""
        texts = (call.params["path"], body.description, *body.options, *body.options.values())
        if any(len(text) > MAX_TEXT for text in texts) or sum(map(len, texts)) > 2 * MAX_TEXT:
            raise Invalid(f"no text may be longer than {MAX_TEXT} characters")
        await self.services.audit.enable(
            call.params["path"], body.type, description=body.description, options=body.options, local=body.local
        )
        await self.services.current()

    @delete("audit/{path:rest}", sudo=True)
    async def disable(self, call: Call) -> None:
        """Disables an audit device."""
        if await self.services.audit.disable(call.params["path"]):
            await self.services.current()

    @write("audit-hash/{path:rest}", inject=True)
    async def hash(self, call: Call, body: HashBody) -> dict[str, object]:
        """Hashes a text as an audit device does, to find it in the log."""
        if not body.input:
            raise Invalid('the "input" parameter is empty')
        if len(body.input) > MAX_INPUT:
            raise Invalid(f"the input may not be longer than {MAX_INPUT} characters")
        return {"hash": self.services.audit.hash(call.params["path"], body.input)}

    @read("config/auditing/request-headers", sudo=True, inject=True)
    async def list_headers(self, call: Call) -> dict[str, object]:
        """Lists the request headers that are recorded."""
        return {"headers": {name: {"hmac": hashed} for name, hashed in self.services.audit.headers().items()}}

    @read("config/auditing/request-headers/{header:rest}", sudo=True, inject=True)
    async def read_header(self, call: Call) -> dict[str, object]:
        """Reads how a request header is recorded."""
        name = call.params["header"]
        hashed = self.services.audit.headers().get(name.lower())
        if hashed is None:
            raise Invalid("Could not find header in config")
        return {name: {"hmac": hashed}}

    @write("config/auditing/request-headers/{header:rest}", sudo=True)
    async def record_header(self, call: Call, body: HeaderBody) -> None:
        """Records a request header from now on."""
        await self.services.audit.record_header(call.params["header"], body.hmac)
        await self.services.current()

    @delete("config/auditing/request-headers/{header:rest}", sudo=True)
    async def forget_header(self, call: Call) -> None:
        """Stops recording a request header."""
        await self.services.audit.forget_header(call.params["header"])
        await self.services.current()
