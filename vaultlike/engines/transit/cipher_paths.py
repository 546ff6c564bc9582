"""`encrypt/`, `decrypt/`, `rewrap/`, `datakey/`: what named keys do for callers, for one text or a batch of them."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from typing import Annotated, TypeAlias

import msgspec
from msgspec import Meta, Struct

from vaultlike.engines.transit.key_paths import check_type
from vaultlike.engines.transit.keys import Keys
from vaultlike.engines.transit.named_key import AES, NamedKey
from vaultlike.errors import Invalid
from vaultlike.sdk import Call, Reply, write
from vaultlike.types import Anything

MAX_BATCH = 10_000  # items
_BITS = (128, 256, 512)


class Item(Struct, kw_only=True):
    """One text to work on. None: not sent (an empty text may be encrypted)."""

    plaintext: Annotated[str | None, Meta(description="What to encrypt, base64.")] = None
    ciphertext: Annotated[str | None, Meta(description="What to decrypt or wrap again.")] = None
    associated_data: Annotated[str, Meta(description="Bytes that must be the same for decryption, base64.")] = ""
    key_version: Annotated[int, Meta(description="The version to encrypt with; 0: the latest.")] = 0
    context: Annotated[str, Meta(description="Context of derived keys: not built.")] = ""
    nonce: Annotated[str, Meta(description="A nonce of the caller's: not built.")] = ""
    reference: Annotated[str, Meta(description="Comes back with this item's result.")] = ""


class WorkBody(Item, kw_only=True):
    """One text, or a batch that replaces it."""

    batch_input: Annotated[Anything, Meta(description="A list of objects with the same fields.")] = None
    type: Annotated[str, Meta(description="The type of a key that is made by encrypting.")] = AES
    convergent_encryption: Annotated[bool, Meta(description="Not built.")] = False
    partial_failure_response_code: Annotated[
        int, Meta(description="The status of a batch of which some items failed; 0: 400.")
    ] = 0


class DataKeyBody(Struct, kw_only=True):
    """A new data key."""

    bits: Annotated[int, Meta(description="Its length: 128, 256 or 512.")] = 256
    context: Annotated[str, Meta(description="Context of derived keys: not built.")] = ""
    nonce: Annotated[str, Meta(description="A nonce of the caller's: not built.")] = ""


Work: TypeAlias = Callable[[Item], dict[str, object]]


async def _exists(part: CipherPaths, call: Call) -> bool:
    return await part.keys.find(call.name) is not None


class CipherPaths:
    """Handlers over the keys. Who may only update cannot make a key by encrypting."""

    def __init__(self, keys: Keys, random: Callable[[int], bytes]) -> None:
        self.keys, self._random = keys, random

    @write("encrypt/{name}", exists=_exists)
    async def encrypt(self, call: Call, body: WorkBody) -> Reply:
        """Encrypts; makes the key if there is none and the caller may create it."""
        if body.convergent_encryption:
            raise Invalid("convergent_encryption is not supported by this server")
        if call.operation == "create":
            check_type(body.type)
            key, _ = await self.keys.create(call.name)
        else:
            key = await self.keys.require(call.name)
        return _worked(body, lambda item: self._encrypted(key, item))

    @write("decrypt/{name}")
    async def decrypt(self, call: Call, body: WorkBody) -> Reply:
        """Decrypts."""
        key = await self.keys.require(call.name)
        return _worked(body, lambda item: {"plaintext": _text(_opened(key, item))})

    @write("rewrap/{name}")
    async def rewrap(self, call: Call, body: WorkBody) -> Reply:
        """Encrypts again with the latest version what an older one encrypted; the plaintext is not shown."""
        key = await self.keys.require(call.name)

        def work(item: Item) -> dict[str, object]:
            plaintext = _opened(key, item)
            return _ciphered(key.encrypt(plaintext, item.key_version, _associated(item), self._random))

        return _worked(body, work)

    @write("datakey/{kind}/{name}")
    async def data_key(self, call: Call, body: DataKeyBody) -> dict[str, object]:
        """Makes a random key and encrypts it; `plaintext` shows it as well, `wrapped` does not."""
        kind = call.params["kind"]
        if kind not in ("plaintext", "wrapped"):
            raise Invalid("Invalid path, must be 'plaintext' or 'wrapped'")
        if body.bits not in _BITS:
            raise Invalid("invalid bit length")
        _refuse(body.context, body.nonce)
        key = await self.keys.require(call.name)
        made = self._random(body.bits // 8)
        answer = _ciphered(key.encrypt(made, 0, b"", self._random))
        return {**answer, "plaintext": _text(made)} if kind == "plaintext" else answer

    def _encrypted(self, key: NamedKey, item: Item) -> dict[str, object]:
        _refuse(item.context, item.nonce)
        if item.plaintext is None:
            raise Invalid("missing plaintext to encrypt")
        plaintext = _bytes(item.plaintext, "failed to base64-decode plaintext")
        return _ciphered(key.encrypt(plaintext, item.key_version, _associated(item), self._random))


def _worked(body: WorkBody, work: Work) -> Reply:
    """The result of one text, or of a batch: there a failure is told in its place, and the status says so."""
    if body.batch_input is None:
        return Reply(data=work(body))
    try:
        items = msgspec.convert(body.batch_input, list[Item], strict=False)
    except msgspec.ValidationError:
        raise Invalid("failed to parse batch input") from None
    if not items:
        raise Invalid("missing batch input to process")
    if len(items) > MAX_BATCH:
        raise Invalid(f"a batch has at most {MAX_BATCH} items")
    results: list[dict[str, object]] = []
    failed = 0
    for item in items:
        try:
            result = work(item)
        except Invalid as problem:
            failed += 1
            result = {"error": "; ".join(problem.messages)}
        results.append({**result, "reference": item.reference} if item.reference else result)
    status = 0
    if failed:
        chosen = body.partial_failure_response_code
        status = chosen if failed < len(items) and 200 <= chosen <= 599 else 400
    return Reply(data={"batch_results": results}, status=status)


def _opened(key: NamedKey, item: Item) -> bytes:
    _refuse(item.context, item.nonce)
    if not item.ciphertext:
        raise Invalid("missing ciphertext to decrypt")
    return key.decrypt(item.ciphertext, _associated(item))


def _refuse(context: str, nonce: str) -> None:
    if context or nonce:
        raise Invalid("context and nonce belong to derived and convergent keys, which this server does not support")


def _associated(item: Item) -> bytes:
    return _bytes(item.associated_data, "failed to base64-decode associated_data")


def _bytes(text: str, problem: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Invalid(problem) from None


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _ciphered(made: tuple[str, int]) -> dict[str, object]:
    return {"ciphertext": made[0], "key_version": made[1]}
