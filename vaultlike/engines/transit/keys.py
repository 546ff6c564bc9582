"""Where named keys are kept: one document each, below `policy/`. Every key is configuration: a change moves the
generation, so that a new version or limit holds on every node at the next request."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from vaultlike.clock import Clock
from vaultlike.engines.transit.named_key import NamedKey
from vaultlike.errors import Invalid
from vaultlike.sdk import Storage

_FOLDER = "policy/"
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(NamedKey).decode


class Keys:
    """The keys of one mount. Names fold nothing: `A` and `a` are two keys."""

    def __init__(self, storage: Storage, clock: Clock, random: Callable[[int], bytes]) -> None:
        self._storage, self._clock, self._random = storage, clock, random

    async def find(self, name: str) -> NamedKey | None:
        """The key, or None."""
        return await self._storage.cached(_FOLDER + name, _decode)

    async def require(self, name: str) -> NamedKey:
        """The key that encrypts or decrypts. Raises Invalid."""
        key = await self.find(name)
        if key is None:
            raise Invalid("encryption key not found")
        return key

    async def names(self) -> list[str]:
        """Every name, sorted."""
        return await self._storage.keys(_FOLDER)

    async def create(self, name: str) -> tuple[NamedKey, bool]:
        """The key of that name, and whether it was made just now."""
        made = NamedKey.create(name, self._random, self._clock.now())
        fresh = False

        def apply(raw: bytes | None) -> bytes:
            nonlocal made, fresh
            fresh = raw is None
            if raw is not None:
                made = _decode(raw)
                return raw
            return _encode(made)

        await self._storage.update(_FOLDER + name, apply)
        return made, fresh

    async def rotate(self, name: str) -> NamedKey:
        """Adds a version. Raises Invalid when there is no such key."""
        return await self.change(name, lambda key: key.rotated(self._random, self._clock.now()), "key not found")

    async def change(self, name: str, edit: Callable[[NamedKey], NamedKey], missing: str) -> NamedKey:
        """Read-modify-write; `edit` may run again. Raises Invalid(missing) when there is no such key."""
        result: NamedKey | None = None

        def apply(raw: bytes | None) -> bytes:
            nonlocal result
            if raw is None:
                raise Invalid(missing)
            result = edit(_decode(raw))
            return _encode(result)

        await self._storage.update(_FOLDER + name, apply)
        assert result is not None
        return result

    async def delete(self, name: str) -> None:
        """Deletes the key; what it encrypted is lost. Raises Invalid unless its config allows that."""

        def apply(raw: bytes | None) -> None:
            if raw is None:
                raise Invalid("could not delete key; not found")
            if not _decode(raw).deletion_allowed:
                raise Invalid(f"error deleting policy {name}: deletion is not allowed for this policy")

        await self._storage.update(_FOLDER + name, apply)
