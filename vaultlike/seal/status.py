"""Owns the shapes in which the seal's state is told (spec/vault-api.md 2.1). Reads nothing itself."""

from __future__ import annotations

import msgspec
from msgspec import UNSET, UnsetType


class SealStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The seal's part of `sys/seal-status`; version and cluster fields are the caller's to add."""

    type: str
    initialized: bool
    sealed: bool
    t: int
    n: int
    progress: int
    nonce: str
    migration: bool = False
    recovery_seal: bool
    recovery_seal_type: str | UnsetType = UNSET  # the recovery key is always split among people
    storage_type: str
    warnings: tuple[str, ...] | UnsetType = UNSET  # why an automatic seal has not opened yet


class Unsealing(msgspec.Struct, frozen=True):
    """Shares are still missing: how many were given and how many it takes."""

    progress: int
    threshold: int
    nonce: str
