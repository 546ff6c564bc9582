"""Owns what an initialisation asks for and gives back, and its checks (spec/vault-api.md 2.1). Writes nothing."""

from __future__ import annotations

import base64

import msgspec

from vaultlike.errors import Invalid
from vaultlike.seal.barrier import Barrier
from vaultlike.seal.pgp import Recipient, parse_all
from vaultlike.seal.seals import Seals
from vaultlike.seal.shares import IssuedKeys, Split


class InitOrder(msgspec.Struct, frozen=True, kw_only=True):
    """The body of `sys/init`; null and absent are the defaults."""

    secret_shares: int = 0
    secret_threshold: int = 0
    pgp_keys: tuple[str, ...] = ()
    stored_shares: int = 0
    recovery_shares: int = 0
    recovery_threshold: int = 0
    recovery_pgp_keys: tuple[str, ...] = ()
    root_token_pgp_key: str = ""


class Holders(msgspec.Struct, frozen=True):
    """A checked order: the people's key (unseal key, or recovery key of an automatic seal) and who receives what."""

    split: Split
    recipients: tuple[Recipient, ...]
    root_token: Recipient | None


class Initialized(msgspec.Struct, frozen=True):
    """What the caller of `sys/init` gets, once.

    `issued`: unseal keys, or recovery keys when `recovery`. `barrier` is open, so that the root token and the first
    mounts can be written; with Shamir the server counts as sealed, and `close` must follow that writing.
    """

    issued: IssuedKeys
    recovery: bool
    barrier: Barrier
    root_token: Recipient | None

    def deliver(self, root_token: str) -> str:
        """The root token as it is answered: itself, or base64 of an OpenPGP message for the given key."""
        if self.root_token is None:
            return root_token
        return base64.b64encode(self.root_token.encrypt(root_token.encode())).decode()

    def close(self) -> None:
        """Ends the barrier, unless an automatic seal has left the server unsealed. Safe to repeat."""
        if not self.recovery:
            self.barrier.close()

    def __repr__(self) -> str:
        return "Initialized(...)"


def check(order: InitOrder, seals: Seals, now: float) -> Holders:
    """The order for these seals at `now` (Unix seconds).

    Raises Invalid (texts of spec 2.1), NotBuilt when PGP keys come and cannot be used.
    """
    if not seals.automatic:
        foreign = {
            "recovery_shares": order.recovery_shares,
            "recovery_threshold": order.recovery_threshold,
            "recovery_pgp_keys": order.recovery_pgp_keys,
        }
        what, split = "invalid seal configuration", Split(order.secret_shares, order.secret_threshold)
        texts = order.pgp_keys
    else:
        foreign = {
            "secret_shares": order.secret_shares,
            "secret_threshold": order.secret_threshold,
            "pgp_keys": order.pgp_keys,
        }
        what, split = "invalid recovery configuration", Split(order.recovery_shares, order.recovery_threshold)
        texts = order.recovery_pgp_keys
    given = ",".join(name for name, value in foreign.items() if value)
    if given:
        raise Invalid(f"parameters {given} not applicable to seal type {seals.kind}")
    if order.stored_shares not in (0, 1):
        raise Invalid(f"{what}: stored keys must not be more than one")
    split.check(what, len(texts))
    root_token = Recipient.parse(order.root_token_pgp_key, now) if order.root_token_pgp_key else None
    return Holders(split, parse_all(texts, now), root_token)
