"""`sys/config/ui/headers`: response headers of web pages (spec/vault-api.md 2.12). `http.pages` sends them."""

from __future__ import annotations

import re
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from vaultlike.errors import Invalid
from vaultlike.sdk import Answer, Call, Reply, delete, list_, read, write
from vaultlike.storage.view import View
from vaultlike.system.part import Part
from vaultlike.types import Strings

FOLDER = "ui-headers/"
_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}", re.ASCII)  # RFC 9110 5.6.2
_VALUE = re.compile(r"[\t\x20-\x7e]{0,4096}")
MAX_VALUES = 16
MAX_HEADERS = 64
FRAMING = frozenset(("connection", "content-length", "content-type", "date", "transfer-encoding"))  # HTTP's own

_decode = msgspec.json.Decoder(tuple[str, ...]).decode


async def stored_headers(storage: View) -> list[tuple[str, str]]:
    """Every header with each of its values; `storage` is the core's own of the root namespace."""
    return [(name, value) for name, raw in await storage.items(FOLDER) for value in _decode(raw)]


class HeaderBody(Struct, kw_only=True):
    """The values of a header."""

    values: Annotated[Strings, Meta(description="The values.")] = ()
    multivalue: Annotated[bool, Meta(description="Show all values, not only the first.")] = False


class ReadBody(Struct, kw_only=True):
    """The query of a read."""

    multivalue: Annotated[bool, Meta(description="Show all values, not only the first.")] = False


class UiHeaders(Part):
    """Headers of the web page."""

    @list_("config/ui/headers/", sudo=True)
    async def names(self, call: Call) -> dict[str, object]:
        """Lists the headers."""
        return {"keys": await self.services.storage.keys(FOLDER)}

    @read("config/ui/headers/{header:any}", sudo=True)
    async def one(self, call: Call, body: ReadBody) -> Answer:
        """Shows a header."""
        values = await self.services.storage.cached(FOLDER + _canonical(call.params["header"]), _decode)
        if values is None:
            return None
        return {"values": values} if body.multivalue else {"value": values[0]}

    @write("config/ui/headers/{header:any}", sudo=True)
    async def save(self, call: Call, body: HeaderBody) -> Reply:
        """Sets a header."""
        name = call.params["header"]
        if name.lower().startswith("x-vault-"):
            raise Invalid("X-Vault headers cannot be set")
        if not body.values:
            raise Invalid("header and values must be specified")
        if not _NAME.fullmatch(name) or name.lower() in FRAMING:
            raise Invalid("this is no name of a header that can be set")
        if len(body.values) > MAX_VALUES or not all(_VALUE.fullmatch(value) for value in body.values):
            raise Invalid("a value is too long or contains characters that cannot be sent")
        known = await self.services.storage.keys(FOLDER)
        if _canonical(name) not in known and len(known) >= MAX_HEADERS:
            raise Invalid(f"at most {MAX_HEADERS} headers can be set")
        if name.lower() == "content-security-policy":
            call.warn(f"overriding default {_canonical(name)} which is secure by default, proceed with caution")
        await self.services.storage.put(FOLDER + _canonical(name), msgspec.json.encode(body.values))
        return Reply(status=200)

    @delete("config/ui/headers/{header:any}", sudo=True)
    async def remove(self, call: Call) -> None:
        """Removes a header. Fine when there is none."""
        await self.services.storage.delete(FOLDER + _canonical(call.params["header"]))


def _canonical(name: str) -> str:
    """`x-frame-options` as `X-Frame-Options`."""
    return "-".join(part[:1].upper() + part[1:].lower() for part in name.split("-"))
