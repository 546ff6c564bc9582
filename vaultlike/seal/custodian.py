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
from msgspec import UNSET

from vaultlike.clock import Clock
from vaultlike.errors import Invalid, Sealed, Unavailable, Upstream
from vaultlike.seal import initialization, records
from vaultlike.seal.barrier import Barrier
from vaultlike.seal.custody import Custody, ended_by, version_of
from vaultlike.seal.envelope import NotOpened
from vaultlike.seal.initialization import Initialized, InitOrder
from vaultlike.seal.key import KEY_BYTES, Key, Random, new_key
from vaultlike.seal.keyring import Keyring
from vaultlike.seal.migration import first_record, migrated, split_of, verifier
from vaultlike.seal.records import CONFIG, KEYRING, NAMESPACE, Documents, Recovery, SealRecord
from vaultlike.seal.seals import Seals
from vaultlike.seal.sealtype import Shamir
from vaultlike.seal.shares import Collector, Split, issue, parse_share, recover
from vaultlike.seal.status import SealStatus, Unsealing
from vaultlike.storage.engine import Conflict, Op, PutDocument

Holder: TypeAlias = Literal["unseal", "recovery"]  # which key a group of people holds shares of
FirstWrites: TypeAlias = Callable[[Barrier], Awaitable[Sequence[Op]]]

_NOT_INITIALIZED = "security barrier not initialized"


class Custodian:
    """One per process. `barrier` is None while sealed; everything that needs keys takes the `Barrier` from here."""

    def __init__(
        self, documents: Documents, seals: Seals, clock: Clock, *, storage_type: str, random: Random = os.urandom
    ) -> None:
        self.documents = documents
        self.random = random
        self.clock = clock
        self._seals = seals
        self.problem = ""  # why the last attempt to open by itself failed, as anybody may read it
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
        return "recovery" if self._seals.automatic else "unseal"

    def unsealed(self) -> Barrier:
        """The open barrier. Raises Sealed."""
        return self._opened().barrier

    async def initialized(self) -> bool:
        """Whether a seal configuration exists (one document read)."""
        return await records.load(self.documents) is not None

    async def status(self) -> SealStatus:
        """For `sys/seal-status` and `sys/unseal` (one document read)."""
        loaded = await records.load(self.documents)
        split = Split(0, 0) if loaded is None else split_of(loaded[0])
        sealed, automatic = self._custody is None, self._seals.automatic
        migrating = loaded is not None and self._seals.migrating(loaded[0])
        return SealStatus(
            type=self._seals.kind if loaded is None or migrating else loaded[0].kind,
            initialized=loaded is not None,
            sealed=sealed,
            t=split.threshold,
            n=split.shares,
            progress=len(self._collector),
            nonce=self._collector.nonce,
            migration=migrating,
            recovery_seal=automatic,
            recovery_seal_type=Shamir.kind if automatic else UNSET,
            storage_type=self._storage_type,
            warnings=(self.problem,) if sealed and self.problem else UNSET,
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
            holders = initialization.check(order, self._seals, now)
            root, secret = new_key(self.random), new_key(self.random)
            barrier = Barrier(Keyring.create(self.random, now), self.random)
            try:
                issued = issue(secret, holders.split, holders.recipients, self.random)
                record = await first_record(self._seals, root, secret, holders.split, now, self.random)
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

    # Unseal and seal

    async def submit(self, key: str, *, migrate: bool = False) -> Unsealing | Barrier:
        """One share, as text. The barrier when that was the last one needed or the server is unsealed already.

        Raises Invalid: not hex or base64, wrong size, not initialised, wrong shares (progress is back at 0 then).
        """
        share = parse_share(key)
        async with self._lock:
            if self._custody is not None:
                share.wipe()
                return self._custody.barrier
            record, version = await self._stored()
            migrating = self._seals.migrating(record)
            self._check_submission(record, migrating, migrate)
            split = split_of(record)
            if not self._collector.nonce:
                self._collector.start()
            self._collector.add(share)
            if len(self._collector) < split.threshold:
                return Unsealing(len(self._collector), split.threshold, self._collector.nonce)
            try:
                secret = recover(self._collector.shares(), split)
                root = await self._root_by(record, secret)
            except (Invalid, NotOpened):
                raise Invalid("Unseal failed, invalid key") from None
            finally:
                self._collector.clear()
            try:
                return await (self._migrate(record, version, root, secret) if migrating else self._open(root))
            finally:
                secret.wipe()

    def _check_submission(self, record: SealRecord, migrating: bool, migrate: bool) -> None:
        if migrate and not migrating:
            raise Invalid("can't perform a seal migration, no migration seal found")
        if migrating and not migrate:
            raise Invalid("migrate option not provided and seal migration is required")
        if migrating:
            return
        if self._seals.automatic:
            raise Invalid(f"seal type {record.kind} unseals by itself and takes no keys")
        if record.recovery is not None:
            raise Invalid(
                f"initialised with seal type {record.kind}, which is not configured: configure it again, or name it "
                'with disabled = "true" to migrate'
            )

    async def _root_by(self, record: SealRecord, secret: Key) -> Key:
        """The root key, by the consent of the people who hold `secret`. Raises Invalid or NotOpened for another
        secret, KeyServiceFailed."""
        if record.recovery is None:
            return Shamir().unwrap(record.wraps, secret)
        if not hmac.compare_digest(verifier(secret), record.recovery.verifier):
            raise Invalid("these are not the recovery keys")
        try:
            return await self._seals.open_old(record.wraps)
        except NotOpened as problem:
            raise Unavailable("the disabled seal does not open the root key", reason=problem.reason) from None

    async def _migrate(self, record: SealRecord, version: int, root: Key, secret: Key) -> Barrier:
        """Opens, and puts a new root key under the configured seals: the old one opens nothing any more."""
        custody = await Custody.begin(self.documents, self.clock, self.random, root)
        fresh = new_key(self.random)
        try:
            target = await migrated(record, self._seals, fresh, secret, self.random)
            results = await self._replace(target, version, custody.change_root(fresh))
        except BaseException:
            fresh.wipe()
            custody.end()
            raise
        custody.root_changed(fresh, version_of(results[1]))
        self._custody = custody
        return custody.barrier

    def reset(self) -> None:
        """Forgets the shares given so far. Raises Invalid while unsealed."""
        if self._custody is not None:
            raise Invalid("vault is unsealed")
        self._collector.clear()

    async def auto_unseal(self) -> Barrier | None:
        """Opens without people when a seal can; None for Shamir, before initialisation and before a migration.

        Raises NotOpened when no configured key is the right one, KeyServiceFailed when a later attempt may succeed.
        """
        if not self._seals.automatic:
            return None
        async with self._lock:
            if self._custody is not None:
                return self._custody.barrier
            loaded = await records.load(self.documents)
            if loaded is None or self._seals.migrating(loaded[0]):
                return None
            try:
                root = await self._seals.open(loaded[0].wraps)
            except (Upstream, NotOpened) as problem:
                self.problem = "; ".join(problem.messages)
                raise
            self.problem = ""
            return await self._open(root)

    async def rewrap(self) -> tuple[str, ...]:
        """Gives every active seal its own, present wrap of the root key; what could not be done, for the log.

        Asks key services, so nobody waits for it: it writes only if the seal is what it was before. Raises Sealed,
        Unavailable when another node changed the seal meanwhile.
        """
        custody = self._opened()
        record, version = await self._stored()
        if record.recovery is None or not self._seals.automatic or self._seals.migrating(record):
            return ()
        root = Key(custody.root_key())
        try:
            found = await self._seals.rewrap(root, record.wraps)
        finally:
            root.wipe()
        if found.wraps != record.wraps and custody is self._custody:
            await self._replace(msgspec.structs.replace(record, kind=self._seals.kind, wraps=found.wraps), version)
        return found.problems

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
        record, _ = await self._stored()
        if holder == "recovery" and record.recovery is None:
            raise Invalid("recovery keys are not supported by this seal type")
        if holder == "unseal" and record.recovery is not None:
            raise Invalid(f"seal type {record.kind} has no unseal keys: use the recovery keys")
        return split_of(record)

    async def proves(self, holder: Holder, shares: Sequence[Key]) -> bool:
        """Whether the shares give the holder's current key."""
        split, (record, _) = await self.split(holder), await self._stored()
        try:
            secret = recover(shares, split)
        except Invalid:
            return False
        try:
            if record.recovery is not None:
                return hmac.compare_digest(verifier(secret), record.recovery.verifier)
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
            record, version = await self._stored()
            if holder == "recovery":
                recovery = Recovery(split.shares, split.threshold, verifier(secret))
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

    async def _stored(self) -> tuple[SealRecord, int]:
        loaded = await records.load(self.documents)
        if loaded is None:
            raise Invalid(_NOT_INITIALIZED)
        return loaded

    async def _open(self, root: Key) -> Barrier:
        self._custody = await Custody.begin(self.documents, self.clock, self.random, root)
        return self._custody.barrier

    def _opened(self) -> Custody:
        if self._custody is None:
            raise Sealed
        return self._custody


def _put_record(record: SealRecord, expect: int) -> Op:
    return PutDocument(NAMESPACE, CONFIG, msgspec.json.encode(record), expect=expect)
