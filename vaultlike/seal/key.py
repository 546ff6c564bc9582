"""Owns key material in memory: a buffer that can be wiped. Does not know what a key is for or where it is stored.

Wiping is best effort: Python and the libraries below may have made copies; what this project holds is overwritten.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import NoReturn, TypeAlias
from uuid import UUID

from vaultlike.errors import Sealed

# That many bytes from a cryptographic source; `os.urandom` in production.
Random: TypeAlias = Callable[[int], bytes]
KEY_BYTES = 32


class Key:
    """Secret bytes, never printed, compared in constant time, overwritten by `wipe`."""

    __slots__ = ("__weakref__", "_buffer")

    def __init__(self, value: bytes | bytearray) -> None:
        self._buffer = bytearray(value)

    def reveal(self) -> bytearray:
        """The live buffer, not a copy. Raises Sealed after `wipe`."""
        if not self._buffer:
            raise Sealed(reason="a key was used after it was wiped")
        return self._buffer

    def copy(self) -> Key:
        """A second buffer with the same bytes and its own life."""
        return Key(self.reveal())

    def matches(self, other: Key) -> bool:
        """Equality in constant time."""
        return hmac.compare_digest(self.reveal(), other.reveal())

    def wipe(self) -> None:
        """Overwrites and forgets the bytes; safe to repeat."""
        for index in range(len(self._buffer)):
            self._buffer[index] = 0
        self._buffer = bytearray()

    def __len__(self) -> int:
        return len(self._buffer)

    def __repr__(self) -> str:
        return "Key(...)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("keys are not pickled or copied by machinery")


def new_key(random: Random) -> Key:
    """A fresh 256-bit key."""
    return Key(random(KEY_BYTES))


def new_nonce(random: Random) -> str:
    """A random UUID (version 4) that names one unseal, rekey or root generation."""
    return str(UUID(bytes=random(16), version=4))
