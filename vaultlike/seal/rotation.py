"""Owns key rotation: the state of the active term, the policy of automatic rotation, and the count of uses.

Every process adds its count of sealed values to one document now and then (`save`), so the total is approximate; the
gap between the largest permitted `max_operations` and the 2^32 of NIST SP 800-38D 8.3 is there to absorb that.
"""

from __future__ import annotations

import msgspec

from vaultlike.errors import Invalid
from vaultlike.seal.custodian import Custodian
from vaultlike.seal.envelope import NotOpened
from vaultlike.seal.records import NAMESPACE, ROTATION, USAGE
from vaultlike.storage.engine import Conflict, PutDocument

MIN_OPERATIONS, MAX_OPERATIONS = 1_000_000, 3_865_470_566
MIN_INTERVAL = 24 * 3600  # seconds
_ATTEMPTS = 5


class KeyStatus(msgspec.Struct, frozen=True):
    """`sys/key-status`: the active term, when it was installed (Unix seconds), how many values it sealed (roughly)."""

    term: int
    installed_at: float
    encryptions: int


class RotationPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """`sys/rotate/config`. `interval` in seconds, 0 means by count alone."""

    max_operations: int = MAX_OPERATIONS
    interval: int = 0
    enabled: bool = True

    def check(self) -> None:
        """Raises Invalid for values that the wire contract refuses (spec/vault-api.md 2.12)."""
        if not MIN_OPERATIONS <= self.max_operations <= MAX_OPERATIONS:
            raise Invalid(f"max_operations must be in the range [{MIN_OPERATIONS},{MAX_OPERATIONS}]")
        if self.interval != 0 and self.interval < MIN_INTERVAL:
            raise Invalid("interval must be greater or equal to 24h0m0s")


class _Usage(msgspec.Struct, frozen=True):
    term: int
    encryptions: int


class Rotation:
    """Works while unsealed; every method raises Sealed otherwise."""

    def __init__(self, custodian: Custodian) -> None:
        self._custodian = custodian
        self._documents = custodian.documents
        self._unsaved = _Usage(0, 0)

    async def status(self) -> KeyStatus:
        """The active key, with this process's unsaved count."""
        active = self._custodian.unsealed().active()
        self._collect()
        stored, _ = await self._usage()
        count = stored.encryptions if stored.term == active.number else 0
        if self._unsaved.term == active.number:
            count += self._unsaved.encryptions
        return KeyStatus(active.number, active.installed_at, count)

    async def rotate(self) -> int:
        """`sys/rotate`: a new key term now; returns its number."""
        return await self._custodian.rotate()

    async def policy(self) -> RotationPolicy:
        """The policy in force."""
        stored = await self._documents.document(NAMESPACE, ROTATION)
        if stored is None:
            return RotationPolicy()
        plaintext = self._custodian.unsealed().open(ROTATION.encode(), stored.value)
        return msgspec.json.decode(plaintext, type=RotationPolicy)

    async def set_policy(self, policy: RotationPolicy) -> None:
        """Raises Invalid."""
        policy.check()
        sealed = self._custodian.unsealed().seal(ROTATION.encode(), msgspec.json.encode(policy))
        await self._documents.commit([PutDocument(NAMESPACE, ROTATION, sealed, bump=False)])

    async def tick(self) -> bool:
        """Rotates when the policy says so; once a minute is enough. True: it rotated.

        One process of all asks this, every one calls `save`. Should several ask, one rotates; the others see the new
        term.
        """
        await self.save()
        policy = await self.policy()
        if not policy.enabled:
            return False
        status = await self.status()
        age = self._custodian.clock.now() - status.installed_at
        if status.encryptions < policy.max_operations and not (policy.interval and age >= policy.interval):
            return False
        return await self._custodian.rotate(only_from=status.term) != status.term

    def _collect(self) -> None:
        """Moves the barrier's count here. What belongs to a term that is no longer active does not matter any more."""
        barrier = self._custodian.unsealed()
        term, count = barrier.active().number, barrier.take_encryptions()
        before = self._unsaved.encryptions if self._unsaved.term == term else 0
        self._unsaved = _Usage(term, before + count)

    async def save(self) -> None:
        """Adds this process's count to everybody's; writes nothing where nothing was sealed since."""
        self._collect()
        for _ in range(_ATTEMPTS):
            mine = self._unsaved
            if mine.encryptions == 0:
                return
            stored, version = await self._usage()
            if stored.term > mine.term:
                return
            before = stored.encryptions if stored.term == mine.term else 0
            total = msgspec.json.encode(_Usage(mine.term, before + mine.encryptions))
            try:
                await self._documents.commit([PutDocument(NAMESPACE, USAGE, total, expect=version, bump=False)])
            except Conflict:
                continue
            left = self._unsaved.encryptions - mine.encryptions if self._unsaved.term == mine.term else 0
            self._unsaved = _Usage(self._unsaved.term, max(left, 0))
            return

    async def _usage(self) -> tuple[_Usage, int]:
        stored = await self._documents.document(NAMESPACE, USAGE)
        if stored is None:
            return _Usage(0, 0), 0
        try:
            return msgspec.json.decode(stored.value, type=_Usage), stored.version
        except msgspec.DecodeError:
            raise NotOpened(reason="the count of key uses cannot be read") from None
