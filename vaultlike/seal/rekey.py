"""Owns the change of key holders: new shares of a new unseal or recovery key (spec/vault-api.md 2.13).

One attempt at a time for each kind of key, in this process. The old shares approve; with `require_verification` the
new key counts only after enough of the new shares have been read back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec
from msgspec import UNSET, UnsetType

from vaultlike.errors import Invalid
from vaultlike.seal.backup import Backup, put_backup
from vaultlike.seal.custodian import Custodian, Holder
from vaultlike.seal.key import Key, new_key
from vaultlike.seal.pgp import Recipient, parse_all
from vaultlike.seal.shares import Collector, IssuedKeys, Split, issue, parse_share, recover
from vaultlike.storage.engine import Op

_WRONG_NONCE = "incorrect nonce supplied for this rekey operation"


class RekeyOrder(msgspec.Struct, frozen=True, kw_only=True):
    """The body of `sys/rekey/init`."""

    secret_shares: int = 0
    secret_threshold: int = 0
    pgp_keys: tuple[str, ...] = ()
    backup: bool = False
    require_verification: bool = False


class RekeyStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The bare body of `sys/rekey/init` and of `update` while shares are missing."""

    nonce: str = ""
    started: bool = False
    t: int = 0
    n: int = 0
    progress: int = 0
    required: int
    pgp_fingerprints: tuple[str, ...] | None = None
    backup: bool = False
    verification_required: bool = False
    verification_nonce: str | UnsetType = UNSET


class RekeyDone(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to the last old share: the new shares, told once. Shown by no repr."""

    nonce: str
    complete: bool = True
    keys: tuple[str, ...]
    keys_base64: tuple[str, ...]
    pgp_fingerprints: tuple[str, ...] | None
    backup: bool
    verification_required: bool
    verification_nonce: str | UnsetType = UNSET

    def __repr__(self) -> str:
        return f"RekeyDone({self.nonce!r})"


class VerificationStatus(msgspec.Struct, frozen=True):
    """The bare body of `sys/rekey/verify` while new shares are missing."""

    nonce: str
    started: bool
    t: int
    n: int
    progress: int


class VerificationDone(msgspec.Struct, frozen=True):
    """The new key counts from now on."""

    nonce: str
    complete: bool = True


class _Attempt(msgspec.Struct):
    order: RekeyOrder
    recipients: tuple[Recipient, ...]
    secret: Key | None = None  # the new key, issued and waiting for its verification

    @property
    def split(self) -> Split:
        return Split(self.order.secret_shares, self.order.secret_threshold)

    @property
    def fingerprints(self) -> tuple[str, ...] | None:
        return tuple(recipient.fingerprint for recipient in self.recipients) or None


class Rekey:
    """The attempt in progress for one holder. Every method raises Sealed while sealed; sealing ends the attempt."""

    def __init__(self, custodian: Custodian, holder: Holder) -> None:
        self._custodian = custodian
        self._holder = holder
        self._old = Collector(custodian.random)
        self._new = Collector(custodian.random)
        self._attempt: _Attempt | None = None
        self._lock = asyncio.Lock()
        custodian.when_sealed(self.cancel)

    async def status(self) -> RekeyStatus:
        """Where the attempt stands."""
        self._custodian.unsealed()
        return self._status((await self._custodian.split(self._holder)).threshold)

    async def start(self, order: RekeyOrder) -> RekeyStatus:
        """Begins. Raises Invalid: impossible split, unreadable PGP keys, already in progress. NotBuilt (PGP)."""
        self._custodian.unsealed()
        what = "invalid rekey seal configuration"
        Split(order.secret_shares, order.secret_threshold).check(what, len(order.pgp_keys))
        if order.backup and not order.pgp_keys:
            raise Invalid("cannot request a backup of the new keys without providing PGP keys for encryption")
        async with self._lock:
            # Off the event loop: anybody may ask for 255 public-key operations here.
            recipients = await asyncio.to_thread(parse_all, order.pgp_keys, self._custodian.clock.now())
            required = (await self._custodian.split(self._holder)).threshold
            if self._attempt is not None:
                raise Invalid("rekey already in progress")
            self._attempt = _Attempt(order, recipients)
            self._old.start()
            return self._status(required)

    def cancel(self) -> None:
        """Ends the attempt, if there is one; keys that were issued but not verified are worthless."""
        if self._attempt is not None and self._attempt.secret is not None:
            self._attempt.secret.wipe()
        self._attempt = None
        self._old.clear()
        self._new.clear()

    async def update(self, key: str, nonce: str) -> RekeyStatus | RekeyDone:
        """One old share; the last one makes and answers the new shares.

        Raises Invalid: unreadable key, nothing in progress, wrong nonce, share given twice, wrong shares (the attempt
        goes on at progress 0). Unavailable when another node changed the seal meanwhile.
        """
        share = parse_share(key)
        async with self._lock:
            self._custodian.unsealed()
            attempt = self._attempt
            if attempt is None:
                raise Invalid("no rekey in progress")
            if attempt.secret is not None:
                raise Invalid("rekey operation already finished; verification must be performed")
            if not self._old.is_named(nonce):
                raise Invalid(_WRONG_NONCE)
            if not self._old.add(share):
                raise Invalid("given key has already been provided during this generation operation")
            required = (await self._custodian.split(self._holder)).threshold
            if len(self._old) < required:
                return self._status(required)
            proven = await self._custodian.proves(self._holder, self._old.shares())
            self._old.drop()
            if not proven:
                raise Invalid("rekey aborted, invalid key")
            if self._attempt is not attempt:
                raise Invalid("no rekey in progress")  # cancelled or sealed while the shares were checked
            return await self._issue(attempt)

    async def _issue(self, attempt: _Attempt) -> RekeyDone:
        custodian, nonce = self._custodian, self._old.nonce
        secret = new_key(custodian.random)
        issued = issue(secret, attempt.split, attempt.recipients, custodian.random)
        verify = attempt.order.require_verification
        also: Sequence[Op] = ()
        if attempt.order.backup:
            also = (put_backup(custodian.unsealed(), self._holder, Backup.of(nonce, issued)),)
        if verify:
            if also:
                await custodian.documents.commit(also)
            attempt.secret = secret
            self._new.start()
        else:
            try:
                await custodian.install(self._holder, secret, attempt.split, also)
            finally:
                secret.wipe()
        done = self._done(nonce, issued, attempt)
        if not verify:
            self.cancel()
        return done

    def _done(self, nonce: str, issued: IssuedKeys, attempt: _Attempt) -> RekeyDone:
        return RekeyDone(
            nonce=nonce,
            keys=issued.keys,
            keys_base64=issued.keys_base64,
            pgp_fingerprints=attempt.fingerprints,
            backup=attempt.order.backup,
            verification_required=attempt.order.require_verification,
            verification_nonce=self._new.nonce or UNSET,
        )

    # Verification of the new shares

    def verification(self) -> VerificationStatus:
        """Where the reading back stands. Raises Invalid when nothing waits for it."""
        attempt, _ = self._pending()
        split = attempt.split
        return VerificationStatus(self._new.nonce, True, split.threshold, split.shares, len(self._new))

    def restart_verification(self) -> VerificationStatus:
        """Forgets the new shares given so far and continues under a new nonce. Raises Invalid."""
        self._pending()
        self._new.start()
        return self.verification()

    async def verify(self, key: str, nonce: str) -> VerificationStatus | VerificationDone:
        """One new share; the last one makes the new key count.

        Raises Invalid as `update` does; wrong shares put the progress back to 0. Unavailable.
        """
        share = parse_share(key)
        async with self._lock:
            attempt, secret = self._pending()
            if not self._new.is_named(nonce):
                raise Invalid(_WRONG_NONCE)
            if not self._new.add(share):
                raise Invalid("given key has already been provided during this verification operation")
            if len(self._new) < attempt.split.threshold:
                return self.verification()
            try:
                given = recover(self._new.shares(), attempt.split)
                right = given.matches(secret)
                given.wipe()
            except Invalid:
                right = False
            finally:
                self._new.drop()
            if not right:
                raise Invalid("rekey verification failed, invalid key")
            finished = self._new.nonce
            kept = secret.copy()  # a cancellation during the commit wipes the other one
            try:
                await self._custodian.install(self._holder, kept, attempt.split)
            finally:
                kept.wipe()
            if self._attempt is attempt:
                self.cancel()
            return VerificationDone(finished)

    def _pending(self) -> tuple[_Attempt, Key]:
        self._custodian.unsealed()
        if self._attempt is None or self._attempt.secret is None:
            raise Invalid("no rekey verification in progress")
        return self._attempt, self._attempt.secret

    def _status(self, required: int) -> RekeyStatus:
        attempt = self._attempt
        if attempt is None:
            return RekeyStatus(required=required)
        return RekeyStatus(
            nonce=self._old.nonce,
            started=True,
            t=attempt.order.secret_threshold,
            n=attempt.order.secret_shares,
            progress=len(self._old),
            required=required,
            pgp_fingerprints=attempt.fingerprints,
            backup=attempt.order.backup,
            verification_required=attempt.order.require_verification,
            verification_nonce=self._new.nonce or UNSET,
        )
