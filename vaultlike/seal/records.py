"""Owns what the seal stores and where: the clear seal configuration with the wrapped root key, and its document keys.

These documents are the only ones that the barrier does not seal. Reading them gives no key: the root key in them is
wrapped by the unseal key (or by an automatic seal), the keyring by the root key.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec

from vaultlike.seal.envelope import NotOpened
from vaultlike.storage.engine import Document, Op

NAMESPACE = ""
PREFIX = "core/seal/"  # reserved: nothing else writes below it
CONFIG = PREFIX + "config"
KEYRING = PREFIX + "keyring"
HANDOVER = PREFIX + "handover"
USAGE = PREFIX + "usage"
ROTATION = PREFIX + "rotation"
BACKUP = PREFIX + "backup"


class Documents(Protocol):
    """The part of `storage.engine.Engine` that the seal needs."""

    async def document(self, namespace: str, key: str) -> Document | None: ...
    async def commit(self, ops: Sequence[Op]) -> list[object]: ...


class Wrap(msgspec.Struct, frozen=True):
    """The root key, wrapped by one seal. `key_id` names the wrapping key for seals that have several, `name` the seal
    itself ("": its kind)."""

    kind: str
    key_id: str
    sealed: bytes
    name: str = ""


class Recovery(msgspec.Struct, frozen=True):
    """Who approves root generation and rekeying under an automatic seal. The verifier recognises the recovery key and
    gives nothing away: the key has 256 random bits."""

    shares: int
    threshold: int
    verifier: bytes


class SealRecord(msgspec.Struct, frozen=True, kw_only=True):
    """The seal configuration; its existence is what "initialised" means. `created_at` in Unix seconds."""

    kind: str
    shares: int
    threshold: int
    wraps: tuple[Wrap, ...]
    created_at: float
    recovery: Recovery | None = None
    layout: int = 1


async def load(documents: Documents) -> tuple[SealRecord, int] | None:
    """The record and its version, or None before initialisation. Raises NotOpened for a layout it cannot read."""
    stored = await documents.document(NAMESPACE, CONFIG)
    if stored is None:
        return None
    try:
        record = msgspec.json.decode(stored.value, type=SealRecord)
    except msgspec.DecodeError:
        raise NotOpened(reason="the seal configuration cannot be read") from None
    if record.layout != 1:
        raise NotOpened(reason=f"the seal configuration has layout {record.layout}: written by a newer server")
    return record, stored.version
