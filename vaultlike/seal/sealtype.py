"""Owns the kinds of seal: who can unwrap the root key. Shamir (people hold shares) and static (a key in the server's
configuration) are built. A cloud key service fits in as one more `AutoSeal`. Knows no storage."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Protocol, TypeAlias

import msgspec

from vaultlike.errors import Invalid, NotBuilt
from vaultlike.seal.envelope import NotOpened, unwrap, wrap
from vaultlike.seal.key import KEY_BYTES, Key, Random
from vaultlike.seal.records import Wrap

_NOT_BUILT = frozenset(
    {"transit", "awskms", "azurekeyvault", "gcpckms", "ocikms", "alicloudkms", "pkcs11", "kmip", "huaweicloudkms"}
)


class Unwrapped(msgspec.Struct, frozen=True):
    """The root key; `current` is False when an older wrapping key opened it, so that it should be wrapped anew."""

    root: Key
    current: bool


class AutoSeal(Protocol):
    """A seal that opens without people. `kind` is what seal-status calls it."""

    @property
    def kind(self) -> str: ...

    async def wrap(self, root: Key) -> Wrap:
        """Raises Upstream when the key service does not answer."""

    async def unwrap(self, wraps: Sequence[Wrap]) -> Unwrapped:
        """Raises NotOpened when none of the wraps opens, Upstream when the key service does not answer."""


class Shamir:
    """People hold shares of the unseal key, which wraps the root key."""

    kind = "shamir"

    def wrap(self, root: Key, unseal_key: Key, random: Random) -> Wrap:
        """The root key under the unseal key."""
        return Wrap(self.kind, "", wrap(unseal_key, _context(self.kind, ""), root.reveal(), random))

    def unwrap(self, wraps: Sequence[Wrap], unseal_key: Key) -> Key:
        """The root key. Raises NotOpened for another unseal key."""
        if len(unseal_key) != KEY_BYTES:
            raise NotOpened(reason="the unseal key has a wrong size")
        for each in wraps:
            if each.kind == self.kind:
                return Key(unwrap(unseal_key, _context(self.kind, ""), each.sealed))
        raise NotOpened(reason="the seal configuration holds no root key for seal type shamir")


class Static:
    """A key from the server's configuration wraps the root key; the one before may still open it.

    Keys are 32 bytes. Whoever reads the configuration *and* the database reads everything: keep them apart.
    """

    kind = "static"

    def __init__(self, current: tuple[str, Key], previous: tuple[str, Key] | None, random: Random) -> None:
        self._current = current
        self._previous = previous
        self._random = random

    async def wrap(self, root: Key) -> Wrap:
        key_id, key = self._current
        return Wrap(self.kind, key_id, wrap(key, _context(self.kind, key_id), root.reveal(), self._random))

    async def unwrap(self, wraps: Sequence[Wrap]) -> Unwrapped:
        for each in wraps:
            for held in (self._current, self._previous):
                if held is not None and each.kind == self.kind and each.key_id == held[0]:
                    root = Key(unwrap(held[1], _context(self.kind, held[0]), each.sealed))
                    return Unwrapped(root, held is self._current)
        known = ", ".join(repr(each.key_id) for each in wraps if each.kind == self.kind)
        raise NotOpened(reason=f"seal static: the root key is wrapped by key id {known or '(none)'}, not configured")


SealType: TypeAlias = Shamir | AutoSeal


def seal_type(kind: str, settings: Mapping[str, str], random: Random) -> SealType:
    """The seal of a `seal "KIND" { ... }` stanza; `shamir` takes no settings.

    `static`: `current_key_id`, `current_key`, optionally `previous_key_id`, `previous_key`; a key is 32 bytes in hex or
    base64 (the configuration has resolved `file://` and `env://`). Raises Invalid, NotBuilt.
    """
    if kind in ("", "shamir"):
        _refuse_unknown(kind, settings, frozenset())
        return Shamir()
    if kind == "static":
        names = frozenset({"current_key_id", "current_key", "previous_key_id", "previous_key"})
        _refuse_unknown(kind, settings, names)
        current = _static_key(settings, "current")
        if current is None:
            raise Invalid('seal "static" needs current_key_id and current_key')
        previous = _static_key(settings, "previous")
        if previous is not None and previous[0] == current[0]:
            raise Invalid('seal "static": current_key_id and previous_key_id must differ')
        return Static(current, previous, random)
    if kind in _NOT_BUILT:
        raise NotBuilt(f'seal "{kind}" is not built: use shamir or static')
    raise Invalid(f'unknown seal type "{kind[:64]}"')


def _refuse_unknown(kind: str, settings: Mapping[str, str], known: frozenset[str]) -> None:
    unknown = sorted(set(settings) - known)
    if unknown:
        raise Invalid(f'seal "{kind or "shamir"}": unknown setting {unknown[0][:64]}')


def _static_key(settings: Mapping[str, str], which: str) -> tuple[str, Key] | None:
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


def _context(kind: str, key_id: str) -> bytes:
    return b"vaultlike/seal/root/" + kind.encode() + b"/" + key_id.encode()
