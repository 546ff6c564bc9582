"""Owns the life of the seal: initialise, unseal, seal, and the root key while unsealed. Knows documents, not SQL.

Stored: the seal configuration in clear with the wrapped root key, and the keyring under the root key (`records`).
Unseal progress belongs to this process: all shares of one attempt go to the same one. One lock orders everything
that writes; `seal` waits for nobody.
"""

from __future__ import annotations

import asyncio
import hmac
import os
from collections.abc import Awaitable, Callable, Sequence
from typing import Literal, TypeAlias

import msgspec

from vaultlike.clock import Clock
from vaultlike.errors import Invalid, NotBuilt, Sealed, Unavailable
from vaultlike.seal import initialization, records
from vaultlike.seal.barrier import Barrier
from vaultlike.seal.custody import Custody, ended_by, version_of
from vaultlike.seal.envelope import NotOpened
from vaultlike.seal.initialization import Initialized, InitOrder
from vaultlike.seal.key import KEY_BYTES, Key, Random, new_key
from vaultlike.seal.keyring import Keyring
from vaultlike.seal.records import CONFIG, KEYRING, NAMESPACE, Documents, Recovery, SealRecord, Wrap
from vaultlike.seal.sealtype import SealType, Shamir
from vaultlike.seal.shares import Collector, Split, issue, parse_share, recover
from vaultlike.seal.status import SealStatus, Unsealing
from vaultlike.storage.engine import Conflict, Op, PutDocument

Holder: TypeAlias = Literal["unseal", "recovery"]  # which key a group of people holds shares of
FirstWrites: TypeAlias = Callable[[Barrier], Awaitable[Sequence[Op]]]

_NOT_INITIALIZED = "security barrier not initialized"


class Custodian:
    """One per process. `barrier` is None while sealed; everything that needs keys takes the `Barrier` from here."""

    def __init__(
        self, documents: Documents, seal: SealType, clock: Clock, *, storage_type: str, random: Random = os.urandom
    ) -> None:
        self.documents = documents
        self.random = random
        self.clock = clock
        self._seal_type = seal
        self._storage_type = storage_type
        self._lock = asyncio.Lock()
        self._custody: Custody | None = None
        self._collector = Collector(random)
        self._when_sealed: list[Callable[[], None]] = []

    # What it is now

    @property
    def barrier(self) -> Barrier | None:
        """The open barrier, or None while sealed."""
        return None if self._custody is None else self._custody.barrier

    @property
    def holder(self) -> Holder:
        """Whose shares approve root generation: the unseal key's, or the recovery key's of an automatic seal."""
        return "unseal" if isinstance(self._seal_type, Shamir) else "recovery"

    def unsealed(self) -> Barrier:
        """The open barrier. Raises Sealed."""
        return self._opened().barrier

    async def initialized(self) -> bool:
        """Whether a seal configuration exists (one document read)."""
        return await records.load(self.documents) is not None

    async def status(self) -> SealStatus:
        """For `sys/seal-status` and `sys/unseal` (one document read)."""
        loaded = await records.load(self.documents)
        split = Split(0, 0) if loaded is None else _split(loaded[0])
        return SealStatus(
            type=self._seal_type.kind if loaded is None else loaded[0].kind,
            initialized=loaded is not None,
            sealed=self._custody is None,
            t=split.threshold,
            n=split.shares,
            progress=len(self._collector),
            nonce=self._collector.nonce,
            recovery_seal=not isinstance(self._seal_type, Shamir),
            storage_type=self._storage_type,
        )

    # Initialise

    async def initialize(self, order: InitOrder, first_writes: FirstWrites | None = None) -> Initialized:
        """Creates all keys. `first_writes` may add documents sealed with the new barrier to the same commit.

        With Shamir the server stays sealed. Raises Invalid (spec 2.1), NotBuilt (PGP), storage errors.
        """
        async with self._lock:
            if await records.load(self.documents) is not None:
                raise Invalid("Vault is already initialized")
            now = self.clock.now()
            holders = initialization.check(order, self._seal_type, now)
            root, secret = new_key(self.random), new_key(self.random)
            barrier = Barrier(Keyring.create(self.random, now), self.random)
            try:
                issued = issue(secret, holders.split, holders.recipients, self.random)
                record = await self._record(root, secret, holders.split, now)
                keyring = barrier.keyring().sealed(root, self.random)
                ops = [_put_record(record, 0), PutDocument(NAMESPACE, KEYRING, keyring, expect=0)]
                if first_writes is not None:
                    ops.extend(await first_writes(barrier))
                results = await self.documents.commit(ops)
            except Conflict:
                barrier.close()
                root.wipe()
                raise Invalid("Vault is already initialized") from None
            except BaseException:
                barrier.close()
                root.wipe()
                raise
            finally:
                secret.wipe()
            recovery = self.holder == "recovery"
            if recovery:
                version = version_of(results[1])
                self._custody = Custody(self.documents, self.clock, self.random, root, barrier, version)
            else:
                root.wipe()
            return Initialized(issued, recovery, barrier, holders.root_token)

    async def _record(self, root: Key, secret: Key, split: Split, now: float) -> SealRecord:
        if isinstance(self._seal_type, Shamir):
            wraps: tuple[Wrap, ...] = (self._seal_type.wrap(root, secret, self.random),)
            return SealRecord(
                kind="shamir", shares=split.shares, threshold=split.threshold, wraps=wraps, created_at=now
            )
        wraps = (await self._seal_type.wrap(root),)
        recovery = Recovery(split.shares, split.threshold, _verifier(secret))
        return SealRecord(
            kind=self._seal_type.kind, shares=1, threshold=1, wraps=wraps, created_at=now, recovery=recovery
        )

    # Unseal and seal

    async def submit(self, key: str, *, migrate: bool = False) -> Unsealing | Barrier:
        """One share, as text. The barrier when that was the last one needed or the server is unsealed already.

        Raises Invalid: not hex or base64, wrong size, not initialised, wrong shares (progress is back at 0 then).
        """
        share = parse_share(key)
        if migrate:
            raise NotBuilt("seal migration is not built")
        async with self._lock:
            if self._custody is not None:
                share.wipe()
                return self._custody.barrier
            record = await self._loaded()
            if not isinstance(self._seal_type, Shamir):
                raise Invalid(f"seal type {record.kind} unseals by itself and takes no keys")
            split = _split(record)
            if not self._collector.nonce:
                self._collector.start()
            self._collector.add(share)
            if len(self._collector) < split.threshold:
                return Unsealing(len(self._collector), split.threshold, self._collector.nonce)
            try:
                secret = recover(self._collector.shares(), split)
                root = self._seal_type.unwrap(record.wraps, secret)
            except (Invalid, NotOpened):
                raise Invalid("Unseal failed, invalid key") from None
            finally:
                self._collector.clear()
            secret.wipe()
            return await self._open(root)

    def reset(self) -> None:
        """Forgets the shares given so far. Raises Invalid while unsealed."""
        if self._custody is not None:
            raise Invalid("vault is unsealed")
        self._collector.clear()

    async def auto_unseal(self) -> Barrier | None:
        """Opens without people when the seal can; None for Shamir, or before initialisation.

        Raises NotOpened when the configured key is another one, Upstream when a key service does not answer.
        """
        if isinstance(self._seal_type, Shamir):
            return None
        async with self._lock:
            if self._custody is not None:
                return self._custody.barrier
            loaded = await records.load(self.documents)
            if loaded is None:
                return None
            record = await self._loaded()
            opened = await self._seal_type.unwrap(record.wraps)
            if not opened.current:
                wraps = (await self._seal_type.wrap(opened.root),)
                await self._replace(msgspec.structs.replace(record, wraps=wraps), loaded[1])
            return await self._open(opened.root)

    async def adopt(self, root_key: bytes) -> Barrier:
        """Opens with the root key itself, as it comes over an inherited socket from a process that is unsealed.

        Raises NotOpened when it is not (or no longer) the root key.
        """
        async with self._lock:
            if self._custody is not None:
                return self._custody.barrier
            if len(root_key) != KEY_BYTES:
                raise NotOpened(reason="a root key has 32 bytes")
            return await self._open(Key(root_key))

    def root_key(self) -> bytes:
        """The root key, for `adopt` in a process of the same machine; for nothing else. Raises Sealed."""
        return self._opened().root_key()

    def seal(self) -> None:
        """Wipes every key, at once and without waiting; whoever holds the barrier gets Sealed from now on."""
        custody, self._custody = self._custody, None
        if custody is not None:
            custody.end()
        self._collector.clear()
        for callback in self._when_sealed:
            callback()

    def when_sealed(self, callback: Callable[[], None]) -> None:
        """`callback` runs at each `seal`: it drops what must not outlive the keys."""
        self._when_sealed.append(callback)

    # The keyring, here and on other nodes

    async def refresh(self) -> None:
        """Takes over a keyring that another process changed; to be called whenever the generation has moved.

        Raises Sealed when it cannot be opened: the process has sealed itself then.
        """
        async with self._lock:
            await self._reload(self._opened())

    async def rotate(self, only_from: int = 0) -> int:
        """Adds a key term and returns the active one; it holds on other nodes at their next request.

        `only_from`: do nothing if the active term is another one by now (an automatic rotation that came second).
        Raises Sealed, Invalid (keyring full), Unavailable when other nodes keep changing the keyring.
        """
        async with self._lock:
            try:
                return await self._opened().rotate(only_from)
            except NotOpened as problem:
                self.seal()
                raise ended_by(problem) from None

    async def _reload(self, custody: Custody) -> None:
        try:
            await custody.reload()
        except NotOpened as problem:
            self.seal()
            raise ended_by(problem) from None

    # Changing who holds keys (used by `rekey` and `rootgen`)

    async def split(self, holder: Holder) -> Split:
        """How many shares the holder's key has and how many are needed. Raises Invalid when there is no such key."""
        record = await self._loaded()
        if holder == "recovery" and record.recovery is None:
            raise Invalid("recovery keys are not supported by this seal type")
        if holder == "unseal" and record.recovery is not None:
            raise Invalid(f"seal type {record.kind} has no unseal keys: use the recovery keys")
        return _split(record)

    async def proves(self, holder: Holder, shares: Sequence[Key]) -> bool:
        """Whether the shares give the holder's current key."""
        split, record = await self.split(holder), await self._loaded()
        try:
            secret = recover(shares, split)
        except Invalid:
            return False
        try:
            if record.recovery is not None:
                return hmac.compare_digest(_verifier(secret), record.recovery.verifier)
            Shamir().unwrap(record.wraps, secret).wipe()
        except NotOpened:
            return False
        finally:
            secret.wipe()
        return True

    async def install(self, holder: Holder, secret: Key, split: Split, also: Sequence[Op] = ()) -> None:
        """Makes `secret`, which was issued in that split, the holder's key; the old shares are worthless from now on.

        A new unseal key comes with a new root key, which other nodes take over at their next request. Raises Sealed,
        Unavailable when another node changed the seal meanwhile.
        """
        async with self._lock:
            custody = self._opened()
            loaded = await records.load(self.documents)
            if loaded is None:
                raise Invalid(_NOT_INITIALIZED)
            record, version = loaded
            if holder == "recovery":
                recovery = Recovery(split.shares, split.threshold, _verifier(secret))
                await self._replace(msgspec.structs.replace(record, recovery=recovery), version, also)
                return
            await self._reload(custody)
            root = new_key(self.random)
            try:
                wraps = (Shamir().wrap(root, secret, self.random),)
                fresh = msgspec.structs.replace(record, shares=split.shares, threshold=split.threshold, wraps=wraps)
                results = await self._replace(fresh, version, [*custody.change_root(root), *also])
            except BaseException:
                root.wipe()
                raise
            custody.root_changed(root, version_of(results[1]))

    async def _replace(self, record: SealRecord, version: int, also: Sequence[Op] = ()) -> list[object]:
        try:
            return await self.documents.commit([_put_record(record, version), *also])
        except Conflict:
            raise Unavailable("the seal is being changed by another node, try again") from None

    async def _loaded(self) -> SealRecord:
        loaded = await records.load(self.documents)
        if loaded is None:
            raise Invalid(_NOT_INITIALIZED)
        if loaded[0].kind != self._seal_type.kind:
            raise NotBuilt(
                f"initialised with seal type {loaded[0].kind}, configured with {self._seal_type.kind}: "
                "seal migration is not built"
            )
        return loaded[0]

    async def _open(self, root: Key) -> Barrier:
        self._custody = await Custody.begin(self.documents, self.clock, self.random, root)
        return self._custody.barrier

    def _opened(self) -> Custody:
        if self._custody is None:
            raise Sealed
        return self._custody


def _split(record: SealRecord) -> Split:
    if record.recovery is not None:
        return Split(record.recovery.shares, record.recovery.threshold)
    return Split(record.shares, record.threshold)


def _verifier(recovery_key: Key) -> bytes:
    return hmac.digest(recovery_key.reveal(), b"vaultlike/seal/recovery-verifier", "sha256")


def _put_record(record: SealRecord, expect: int) -> Op:
    return PutDocument(NAMESPACE, CONFIG, msgspec.json.encode(record), expect=expect)
