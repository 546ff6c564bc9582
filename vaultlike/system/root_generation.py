"""`sys/generate-root*` and `sys/decode-token`: a new root token by the holders of the keys (spec/vault-api.md 2.13).

The older paths are open and bare (whoever holds the keys needs no token), the newer ones want a token and use the
envelope. Both speak of the same attempt.
"""

from __future__ import annotations

import base64
import binascii
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from vaultlike.errors import Invalid
from vaultlike.sdk import Call, Raw, delete, read, write
from vaultlike.sdk.routes import Route
from vaultlike.seal.rootgen import RootGenerationStatus
from vaultlike.services import Services
from vaultlike.system.part import Part
from vaultlike.system.seal import Life, bare, declared_and_refused

MAX_TOKEN = 4096  # characters of an encoded token


class StartBody(Struct, kw_only=True):
    """How the token shall be encoded."""

    otp: Annotated[str, Meta(description="A one-time password of 28 characters; made when nothing is given.")] = ""
    pgp_key: Annotated[str, Meta(description="A PGP key to encrypt the token to.")] = ""


class ShareBody(Struct, kw_only=True):
    """One share of a key."""

    key: Annotated[str, Meta(description="One unseal key, hex or base64.")] = ""
    nonce: Annotated[str, Meta(description="The nonce of the attempt.")] = ""


class DecodeBody(Struct, kw_only=True):
    """An encoded token and its password."""

    encoded_token: Annotated[str, Meta(description="The encoded token.")] = ""
    otp: Annotated[str, Meta(description="The one-time password it was encoded with.")] = ""


def required_key(body: ShareBody) -> str:
    """The share. Raises Invalid when there is none."""
    if not body.key:
        raise Invalid("'key' must be specified in request body as JSON")
    return body.key


class RootGenerationPaths(Part):
    """Root generation."""

    def __init__(self, services: Services, life: Life) -> None:
        super().__init__(services)
        self._life = life

    def routes(self) -> list[tuple[Route, object]]:
        """Every declared route, and the refusal of other methods of the bare ones."""
        return declared_and_refused(self)

    @read("generate-root/attempt", open=True)
    async def status(self, call: Call) -> Raw:
        """Where the generation of a root token stands."""
        return bare(await self._life.root_generation.status())

    @write("generate-root/attempt", open=True)
    async def start(self, call: Call, body: StartBody) -> Raw:
        """Begins to generate a root token."""
        return bare(await self._life.root_generation.start(body.otp, body.pgp_key))

    @delete("generate-root/attempt", open=True)
    async def cancel(self, call: Call) -> None:
        """Gives up generating a root token."""
        self._life.root_generation.cancel()

    @write("generate-root/update", open=True)
    async def update(self, call: Call, body: ShareBody) -> Raw:
        """Takes one share; the last one gives the encoded token."""
        return bare(await self._update(body))

    @read("generate-root-token/attempt")
    async def newer_status(self, call: Call) -> dict[str, object]:
        """Where the generation of a root token stands (with a token)."""
        return _data(await self._life.root_generation.status())

    @write("generate-root-token/attempt")
    async def newer_start(self, call: Call, body: StartBody) -> dict[str, object]:
        """Begins to generate a root token (with a token)."""
        return _data(await self._life.root_generation.start(body.otp, body.pgp_key))

    @delete("generate-root-token/attempt")
    async def newer_cancel(self, call: Call) -> None:
        """Gives up generating a root token (with a token)."""
        self._life.root_generation.cancel()

    @write("generate-root-token/update")
    async def newer_update(self, call: Call, body: ShareBody) -> dict[str, object]:
        """Takes one share; the last one gives the encoded token (with a token)."""
        return _data(await self._update(body))

    @write("decode-token", open=True)
    async def decode(self, call: Call, body: DecodeBody) -> dict[str, object]:
        """Decodes an encoded token with its password: pure arithmetic."""
        if not body.encoded_token or len(body.encoded_token) > MAX_TOKEN:
            raise Invalid("missing encoded token")
        if not body.otp:
            raise Invalid("missing otp")
        try:
            mixed = base64.b64decode(body.encoded_token + "=" * (-len(body.encoded_token) % 4), validate=True)
        except binascii.Error:
            raise Invalid("the encoded token is not base64") from None
        password = body.otp.encode()
        if len(password) != len(mixed):
            raise Invalid("the otp does not have the length of the token")
        try:
            return {"token": bytes(a ^ b for a, b in zip(mixed, password, strict=True)).decode("ascii")}
        except UnicodeDecodeError:
            raise Invalid("the otp does not belong to this token") from None

    async def _update(self, body: ShareBody) -> RootGenerationStatus:
        return await self._life.root_generation.update(required_key(body), body.nonce, self._life.new_root_token)


def _data(status: RootGenerationStatus) -> dict[str, object]:
    found: dict[str, object] = msgspec.to_builtins(status)
    return found
