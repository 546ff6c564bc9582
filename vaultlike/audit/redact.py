"""Hashing of what must not stand in an audit log: every value that a caller sent or was given, unless it is exempt.

Texts and numbers become `hmac-sha256:<hex>` under the device's own key, so that equal values can be found and nothing
can be read; names of fields, true, false and null stay. The same text gives the same hash as `sys/audit-hash`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Mapping

import msgspec

MAX_DEPTH = 60  # levels of objects and lists that are walked; what lies deeper is hashed as one text
_TOKEN = re.compile(r"\bhv[sbr]\.[A-Za-z0-9_.\-]+")
_encode = msgspec.json.Encoder(enc_hook=str).encode
_decode = msgspec.json.Decoder().decode


class Redactor:
    """Hashes for one device. `raw` hashes nothing, `accessors=False` leaves accessors in clear."""

    __slots__ = ("_inner", "_outer", "accessors", "elide_lists", "raw")

    def __init__(self, key: bytes, *, raw: bool = False, accessors: bool = True, elide_lists: bool = False) -> None:
        if len(key) != 32:
            raise ValueError("the key of a redactor has 32 bytes")
        self.raw, self.accessors, self.elide_lists = raw, accessors, elide_lists
        # HMAC (RFC 2104) with the key's two blocks hashed once: less than half of what `hmac.digest` takes
        block = key.ljust(64, b"\0")
        self._inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in block))
        self._outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in block))

    def hash(self, text: str) -> str:
        """The hash of a text, always."""
        inner = self._inner.copy()
        inner.update(text.encode("utf-8", "surrogatepass"))
        outer = self._outer.copy()
        outer.update(inner.digest())
        return "hmac-sha256:" + outer.hexdigest()

    def secret(self, text: str) -> str:
        """A token or another secret; empty stays empty."""
        return self.hash(text) if text and not self.raw else text

    def accessor(self, text: str) -> str:
        """An accessor."""
        return self.hash(text) if text and self.accessors and not self.raw else text

    def text(self, text: str) -> str:
        """A path or an error: in clear, but for tokens that stand in it."""
        if self.raw or "hv" not in text:
            return text
        return _TOKEN.sub(lambda match: self.hash(match[0]), text)

    def data(self, data: Mapping[str, object], clear: Collection[str] = (), *, listing: bool = False) -> object:
        """Request or response data; `clear` are top-level names left as they are; a `listing` may be shortened."""
        if listing and self.elide_lists:
            data = {name: len(item) if _listed(name, item) else item for name, item in data.items()}  # type: ignore[arg-type]
            clear = (*clear, "keys", "key_info")
        if self.raw:
            return data
        return {name: item if name in clear else self._value(item, MAX_DEPTH) for name, item in data.items()}

    def _value(self, value: object, depth: int) -> object:
        if isinstance(value, str):
            return self.hash(value)
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, msgspec.Raw):  # JSON that nobody decoded on the way
            value = _decode(value)
            return self._value(value, depth)
        if depth == 0 or not isinstance(value, (Mapping, list, tuple)):
            return self.hash(_encode(value).decode())
        if isinstance(value, Mapping):
            return {name: self._value(item, depth - 1) for name, item in value.items()}
        return [self._value(item, depth - 1) for item in value]


def _listed(name: str, item: object) -> bool:
    return (name == "keys" and isinstance(item, (list, tuple))) or (name == "key_info" and isinstance(item, Mapping))
