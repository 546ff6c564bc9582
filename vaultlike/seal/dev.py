"""Owns the shortcut of `server -dev`: initialise with one share of one and unseal at once. For throw-away storage."""

from __future__ import annotations

import msgspec

from vaultlike.errors import Internal
from vaultlike.seal.barrier import Barrier
from vaultlike.seal.custodian import Custodian
from vaultlike.seal.initialization import InitOrder
from vaultlike.types import Secret


class DevUnsealed(msgspec.Struct, frozen=True):
    """The open barrier, and the single unseal key in base64 for the operator's terminal."""

    barrier: Barrier
    unseal_key: Secret


async def initialize_dev(custodian: Custodian) -> DevUnsealed:
    """Raises Invalid when the storage is initialised already."""
    made = await custodian.initialize(InitOrder(secret_shares=1, secret_threshold=1))
    made.close()
    unseal_key = made.issued.keys_base64[0]
    barrier = await custodian.submit(unseal_key)
    if not isinstance(barrier, Barrier):
        raise Internal(reason="one share of one did not unseal")
    return DevUnsealed(barrier, Secret(unseal_key))
