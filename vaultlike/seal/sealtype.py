"""Owns what a seal is: somebody who can wrap and unwrap the root key. People with shares (Shamir), or a service.

A key service is one more class with the methods of `AutoSeal`, named in `configured`. Knows no storage.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from vaultlike.errors import Upstream
from vaultlike.seal.envelope import NotOpened, unwrap, wrap
from vaultlike.seal.key import KEY_BYTES, Key, Random
from vaultlike.seal.records import Wrap

NEVER = float("inf")


class KeyServiceFailed(Upstream):
    """A key service gave no key: no answer, a refusal, or nonsense (502). It may work again later."""

    def __init__(self, name: str, problem: str, reason: str = "") -> None:
        super().__init__(f'seal "{name}": {problem}', reason=f'seal "{name}": {reason or problem}')


class AutoSeal(Protocol):
    """A seal that opens without people. `kind` is what seal-status calls it, `name` tells several of a kind apart."""

    @property
    def kind(self) -> str: ...

    @property
    def name(self) -> str: ...

    async def wrap(self, root: Key) -> Wrap:
        """The root key, wrapped. Raises KeyServiceFailed."""

    async def unwrap(self, wraps: Sequence[Wrap]) -> Key:
        """The root key. Raises NotOpened when none of the wraps is for it, KeyServiceFailed."""

    async def current(self, wrap: Wrap) -> bool:
        """Whether `wrap` is under the key that `wrap()` would use now. Raises KeyServiceFailed."""

    async def tend(self) -> float:
        """Keeps what it needs alive, such as a token; seconds until it wants to be called again. Never fails."""


def wrapped_by(seal: AutoSeal, wraps: Sequence[Wrap]) -> Wrap | None:
    """The wrap that this seal made under its present name."""
    return next((each for each in wraps if each.kind == seal.kind and (each.name or each.kind) == seal.name), None)


class Shamir:
    """People hold shares of the unseal key, which wraps the root key."""

    kind = "shamir"

    def wrap(self, root: Key, unseal_key: Key, random: Random) -> Wrap:
        """The root key under the unseal key."""
        return Wrap(self.kind, "", wrap(unseal_key, root_context(self.kind, ""), root.reveal(), random))

    def unwrap(self, wraps: Sequence[Wrap], unseal_key: Key) -> Key:
        """The root key. Raises NotOpened for another unseal key."""
        if len(unseal_key) != KEY_BYTES:
            raise NotOpened(reason="the unseal key has a wrong size")
        for each in wraps:
            if each.kind == self.kind:
                return Key(unwrap(unseal_key, root_context(self.kind, ""), each.sealed))
        raise NotOpened(reason="the seal configuration holds no root key for seal type shamir")


def root_context(kind: str, key_id: str) -> bytes:
    """What a wrap of the root key authenticates besides the key."""
    return b"vaultlike/seal/root/" + kind.encode() + b"/" + key_id.encode()
