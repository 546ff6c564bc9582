"""`sys/tools/*`: random bytes and hashes (spec/vault-api.md 2.12). Stateless."""

from __future__ import annotations

import base64
import binascii
import hashlib
import string
from typing import Annotated

from msgspec import Meta, Struct

from vaultlike.errors import Invalid
from vaultlike.sdk import Call, Reply, write
from vaultlike.system.part import Part

MAX_BYTES = 131_072
BASE64 = frozenset(string.ascii_letters + string.digits + "+/")
REPLACED = "Endpoint replaced the value of these parameters with the values captured from the endpoint's path: [source]"
SOURCES = ("platform", "seal", "all")
ALGORITHMS = {
    "sha2-224": "sha224", "sha2-256": "sha256", "sha2-384": "sha384", "sha2-512": "sha512",
    "sha3-224": "sha3_224", "sha3-256": "sha3_256", "sha3-384": "sha3_384", "sha3-512": "sha3_512",
}  # fmt: skip


class RandomBody(Struct, kw_only=True):
    """How many random bytes, and how they are written."""

    bytes: Annotated[int, Meta(description="How many bytes.")] = 32
    format: Annotated[str, Meta(description="base64 or hex.")] = "base64"


class HashBody(Struct, kw_only=True):
    """What to hash, and how."""

    input: Annotated[str, Meta(description="The data in base64.")] = ""
    algorithm: Annotated[str, Meta(description="sha2-224 to sha2-512 or sha3-224 to sha3-512.")] = "sha2-256"
    format: Annotated[str, Meta(description="hex or base64.")] = "hex"


class PlainRandomBody(Struct, kw_only=True):
    """How random bytes are written, where the path says how many."""

    format: Annotated[str, Meta(description="base64 or hex.")] = "base64"


class Tools(Part):
    """Small services for scripts."""

    @write("tools/random")
    async def random(self, call: Call, body: RandomBody) -> Reply:
        """Makes random bytes."""
        return _told(call, self._random(body.bytes, body.format, "platform"))

    @write("tools/random/{count:any}", slash=True)
    async def counted(self, call: Call, body: RandomBody) -> Reply:
        """Makes random bytes, as many as the path says (or from the source it names)."""
        count = call.params["count"]
        if count in SOURCES:
            return _told(call, self._random(body.bytes, body.format, count))
        return _told(call, self._random(_count(count), body.format, "platform"))

    @write("tools/random/{source}/{count:any}", slash=True)
    async def sourced(self, call: Call, body: PlainRandomBody) -> dict[str, object]:
        """Makes random bytes from a source."""
        return self._random(_count(call.params["count"]), body.format, call.params["source"])

    @write("tools/hash")
    @write("tools/hash/{urlalgorithm:any}", slash=True)
    async def hash(self, call: Call, body: HashBody) -> dict[str, object]:
        """Hashes data."""
        try:
            data = base64.b64decode(body.input, validate=True)
        except (binascii.Error, ValueError):
            text = body.input.rstrip("=")
            at = next((at for at, letter in enumerate(text) if letter not in BASE64), len(text) // 4 * 4)
            raise Invalid(f"unable to decode input as base64: illegal base64 data at input byte {at}") from None
        algorithm = call.params.get("urlalgorithm", body.algorithm)
        name = ALGORITHMS.get(algorithm)
        if name is None:
            raise Invalid(f"unsupported algorithm {algorithm[:64]}")
        if body.format not in ("hex", "base64"):
            raise Invalid(f'unsupported encoding format {body.format[:64]}; must be "hex" or "base64"')
        digest = hashlib.new(name, data).digest()
        return {"sum": digest.hex() if body.format == "hex" else base64.b64encode(digest).decode()}

    def _random(self, count: int, form: str, source: str) -> dict[str, object]:
        if count < 1:
            raise Invalid("'bytes' cannot be less than 1")
        if count > MAX_BYTES:
            raise Invalid(f"'bytes' should be less than {MAX_BYTES}")
        if form not in ("hex", "base64"):
            raise Invalid(f'unsupported encoding format "{form[:64]}"; must be "hex" or "base64"')
        if source not in SOURCES:
            raise Invalid(f'unsupported entropy source "{source[:64]}"; must be "platform" or "seal", or "all"')
        data = self.services.random(count)
        return {"random_bytes": data.hex() if form == "hex" else base64.b64encode(data).decode()}


def _told(call: Call, data: dict[str, object]) -> Reply:
    """The answer; a source can be named by the path alone, and who named one otherwise is told."""
    return Reply(data=data, warnings=(REPLACED,) if call.data.pop("source", None) is not None else ())


def _count(text: str) -> int:
    if not text.removeprefix("-").isdigit() or len(text) > 9:
        raise Invalid(f'error parsing url-set byte count: strconv.Atoi: parsing "{text[:64]}": invalid syntax')
    return int(text)
