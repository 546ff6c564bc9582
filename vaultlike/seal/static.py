"""Owns the static seal: a key from the server's configuration wraps the root key; the one before may still open it.

Whoever reads the configuration *and* the database reads everything: keep them apart.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence

from vaultlike.errors import Invalid
from vaultlike.seal.envelope import NotOpened, unwrap, wrap
from vaultlike.seal.key import KEY_BYTES, Key, Random
from vaultlike.seal.records import Wrap
from vaultlike.seal.sealtype import NEVER, root_context

SETTINGS = frozenset({"current_key_id", "current_key", "previous_key_id", "previous_key"})


class StaticKeys:
    """The settings of the stanza: a key is 32 bytes in hex or base64 (the configuration resolved `file://`, `env://`)."""

    __slots__ = ("current", "previous")

    def __init__(self, settings: Mapping[str, str]) -> None:
        """Raises Invalid; no text repeats a key."""
        current = _key(settings, "current")
        if current is None:
            raise Invalid('seal "static" needs current_key_id and current_key')
        self.current, self.previous = current, _key(settings, "previous")
        if self.previous is not None and self.previous[0] == self.current[0]:
            raise Invalid('seal "static": current_key_id and previous_key_id must differ')


class Static:
    """Opens with what it holds: asks nobody."""

    kind = "static"

    def __init__(self, name: str, keys: StaticKeys, random: Random) -> None:
        self.name = name
        self._keys = keys
        self._random = random

    async def wrap(self, root: Key) -> Wrap:
        key_id, key = self._keys.current
        return Wrap(
            self.kind, key_id, wrap(key, root_context(self.kind, key_id), root.reveal(), self._random), self.name
        )

    async def unwrap(self, wraps: Sequence[Wrap]) -> Key:
        for each in wraps:
            for held in (self._keys.current, self._keys.previous):
                if held is not None and each.kind == self.kind and each.key_id == held[0]:
                    try:
                        return Key(unwrap(held[1], root_context(self.kind, held[0]), each.sealed))
                    except NotOpened:
                        continue  # another static seal may have called its key the same
        known = ", ".join(repr(each.key_id) for each in wraps if each.kind == self.kind)
        raise NotOpened(
            reason=f'seal "{self.name}": the root key is wrapped by key id {known or "(none)"}; '
            "no configured key of that id opens it"
        )

    async def current(self, wrap: Wrap) -> bool:
        return wrap.key_id == self._keys.current[0]

    async def tend(self) -> float:
        return NEVER


def _key(settings: Mapping[str, str], which: str) -> tuple[str, Key] | None:
    key_id, text = settings.get(f"{which}_key_id", ""), settings.get(f"{which}_key", "")
    if not key_id and not text:
        return None
    if not key_id or not text or len(key_id) > 256:
        raise Invalid(f'seal "static": {which}_key_id and {which}_key go together')
    for decode in (binascii.unhexlify, _base64):
        try:
            raw = decode(text)
        except ValueError:
            continue
        if len(raw) == KEY_BYTES:
            return key_id, Key(raw)
    raise Invalid(f'seal "static": {which}_key must be 32 bytes in hex or base64')


def _base64(text: str) -> bytes:
    return base64.b64decode(text, validate=True)
