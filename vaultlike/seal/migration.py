"""Owns how the stored seal configuration looks for a set of seals: at initialisation, and when the seals change.

The people's key stays the same through a migration: unseal keys become recovery keys and the other way round.
"""

from __future__ import annotations

import hmac

from msgspec.structs import replace

from vaultlike.seal.key import Key, Random
from vaultlike.seal.records import Recovery, SealRecord
from vaultlike.seal.seals import Seals
from vaultlike.seal.sealtype import Shamir
from vaultlike.seal.shares import Split


def verifier(recovery_key: Key) -> bytes:
    """32 bytes that recognise a recovery key and say nothing about it."""
    return hmac.digest(recovery_key.reveal(), b"vaultlike/seal/recovery-verifier", "sha256")


def split_of(record: SealRecord) -> Split:
    """How the people's key is split."""
    if record.recovery is not None:
        return Split(record.recovery.shares, record.recovery.threshold)
    return Split(record.shares, record.threshold)


async def first_record(seals: Seals, root: Key, secret: Key, split: Split, now: float, random: Random) -> SealRecord:
    """A new installation's record. Raises KeyServiceFailed."""
    empty = SealRecord(kind=Shamir.kind, shares=split.shares, threshold=split.threshold, wraps=(), created_at=now)
    return await migrated(empty, seals, root, secret, random)


async def migrated(record: SealRecord, seals: Seals, root: Key, secret: Key, random: Random) -> SealRecord:
    """The record for these seals: `root` wrapped anew, `secret` (the people's key) in its new part.

    Raises KeyServiceFailed.
    """
    split = split_of(record)
    if seals.automatic:
        recovery = Recovery(split.shares, split.threshold, verifier(secret))
        wraps = await seals.wrap(root)
        return replace(record, kind=seals.kind, shares=1, threshold=1, wraps=wraps, recovery=recovery)
    wrapped = Shamir().wrap(root, secret, random)
    return replace(
        record, kind=Shamir.kind, shares=split.shares, threshold=split.threshold, wraps=(wrapped,), recovery=None
    )
