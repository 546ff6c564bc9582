"""Owns the copy of PGP-encrypted new shares that a rekey may leave behind (`sys/rekey/backup`)."""

from __future__ import annotations

import msgspec

from vaultlike.errors import Invalid
from vaultlike.seal.barrier import Barrier
from vaultlike.seal.custodian import Custodian, Holder
from vaultlike.seal.records import BACKUP, NAMESPACE
from vaultlike.seal.shares import IssuedKeys
from vaultlike.storage.engine import DeleteDocument, Op, PutDocument


class Backup(msgspec.Struct, frozen=True):
    """Encrypted shares by the fingerprint of the PGP key that opens them."""

    nonce: str
    keys: dict[str, tuple[str, ...]]
    keys_base64: dict[str, tuple[str, ...]]

    @classmethod
    def of(cls, nonce: str, issued: IssuedKeys) -> Backup:
        """The copy of one rekey's shares."""
        keys: dict[str, tuple[str, ...]] = {}
        keys_base64: dict[str, tuple[str, ...]] = {}
        for at, fingerprint in enumerate(issued.fingerprints):
            keys[fingerprint] = (*keys.get(fingerprint, ()), issued.keys[at])
            keys_base64[fingerprint] = (*keys_base64.get(fingerprint, ()), issued.keys_base64[at])
        return cls(nonce, keys, keys_base64)


def put_backup(barrier: Barrier, holder: Holder, backup: Backup) -> Op:
    """The write that stores it, sealed."""
    key = _key(holder)
    return PutDocument(NAMESPACE, key, barrier.seal(key.encode(), msgspec.json.encode(backup)), bump=False)


async def read_backup(custodian: Custodian, holder: Holder) -> Backup:
    """The copy. Raises Invalid when there is none, Sealed."""
    barrier, key = custodian.unsealed(), _key(holder)
    stored = await custodian.documents.document(NAMESPACE, key)
    if stored is None:
        raise Invalid("no backed-up keys found")
    return msgspec.json.decode(barrier.open(key.encode(), stored.value), type=Backup)


async def delete_backup(custodian: Custodian, holder: Holder) -> None:
    """Removes the copy, if there is one. Raises Sealed."""
    custodian.unsealed()
    await custodian.documents.commit([DeleteDocument(NAMESPACE, _key(holder), bump=False)])


def _key(holder: Holder) -> str:
    return f"{BACKUP}/{holder}"
