"""Owns the making of a new root token by key holders (spec/vault-api.md 2.13). Does not mint tokens: the caller does.

One attempt at a time, in this process. The token leaves only encoded: XORed with a one-time password that the person
who started holds, or encrypted to a PGP key.
"""

from __future__ import annotations

import asyncio
import base64
import string
from collections.abc import Awaitable, Callable

import msgspec

from vaultlike.errors import Internal, Invalid
from vaultlike.seal.custodian import Custodian
from vaultlike.seal.key import Random
from vaultlike.seal.pgp import Recipient
from vaultlike.seal.shares import Collector, parse_share

OTP_LENGTH = 28  # characters of a root token: "hvs." and 24 more
_LETTERS = string.digits + string.ascii_uppercase + string.ascii_lowercase

Mint = Callable[[], Awaitable[str]]


class RootGenerationStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The bare body of `sys/generate-root/*`. `otp` is told once, to the one who starts. Shown by no repr."""

    nonce: str = ""
    started: bool = False
    progress: int = 0
    required: int
    complete: bool = False
    encoded_token: str = ""
    encoded_root_token: str = ""
    pgp_fingerprint: str = ""
    otp: str = ""
    otp_length: int = OTP_LENGTH

    def __repr__(self) -> str:
        return f"RootGenerationStatus({self.nonce!r}, {self.progress}/{self.required})"


class RootGeneration:
    """The attempt in progress. Every method raises Sealed while sealed; sealing ends the attempt."""

    def __init__(self, custodian: Custodian) -> None:
        self._custodian = custodian
        self._collector = Collector(custodian.random)
        self._otp = ""
        self._recipient: Recipient | None = None
        self._lock = asyncio.Lock()
        custodian.when_sealed(self.cancel)

    async def status(self) -> RootGenerationStatus:
        """Where the attempt stands."""
        self._custodian.unsealed()
        split = await self._custodian.split(self._custodian.holder)
        return self._status(split.threshold)

    async def start(self, otp: str = "", pgp_key: str = "") -> RootGenerationStatus:
        """Begins; without either argument an OTP is made and told in this answer alone.

        Raises Invalid: OTP not 28 ASCII characters, unreadable PGP key, already in progress. NotBuilt (PGP).
        """
        self._custodian.unsealed()
        if otp and not (len(otp) == OTP_LENGTH and otp.isascii()):
            raise Invalid("OTP string has incorrect length")
        recipient = Recipient.parse(pgp_key, self._custodian.clock.now()) if pgp_key and not otp else None
        async with self._lock:
            split = await self._custodian.split(self._custodian.holder)
            if self._collector.nonce:
                raise Invalid("root generation already in progress for this namespace")
            told = "" if otp or recipient is not None else new_otp(self._custodian.random)
            self._otp, self._recipient = otp or told, recipient
            self._collector.start()
            return msgspec.structs.replace(self._status(split.threshold), otp=told)

    def cancel(self) -> None:
        """Ends the attempt, if there is one."""
        self._collector.clear()
        self._otp, self._recipient = "", None

    async def update(self, key: str, nonce: str, mint: Mint) -> RootGenerationStatus:
        """One share; with the last one `mint` makes the root token and the answer holds it, encoded.

        Raises Invalid: unreadable key, nothing in progress, wrong nonce, share given twice, wrong shares (the attempt
        goes on at progress 0).
        """
        share = parse_share(key)
        async with self._lock:
            self._custodian.unsealed()
            if not self._collector.nonce:
                raise Invalid("no root generation in progress")
            if not self._collector.is_named(nonce):
                raise Invalid("incorrect nonce supplied for this root generation operation")
            if not self._collector.add(share):
                raise Invalid("given key has already been provided during this generation operation")
            holder = self._custodian.holder
            required = (await self._custodian.split(holder)).threshold
            if len(self._collector) < required:
                return self._status(required)
            attempt, progress = self._collector.nonce, len(self._collector)
            proven = await self._custodian.proves(holder, self._collector.shares())
            self._collector.drop()
            if not proven:
                raise Invalid("root generation aborted, invalid key")
            if self._collector.nonce != attempt:
                raise Invalid("no root generation in progress")  # cancelled or sealed while the shares were checked
            otp, recipient = self._otp, self._recipient
            self.cancel()
            encoded = _encode(await mint(), otp, recipient)
            return RootGenerationStatus(
                nonce=attempt,
                started=True,
                progress=progress,
                required=required,
                complete=True,
                encoded_token=encoded,
                encoded_root_token=encoded,
                pgp_fingerprint=recipient.fingerprint if recipient else "",
            )

    def _status(self, required: int) -> RootGenerationStatus:
        return RootGenerationStatus(
            nonce=self._collector.nonce,
            started=bool(self._collector.nonce),
            progress=len(self._collector),
            required=required,
            pgp_fingerprint=self._recipient.fingerprint if self._recipient else "",
        )


def new_otp(random: Random) -> str:
    """28 base62 characters, each equally likely."""
    letters: list[str] = []
    while len(letters) < OTP_LENGTH:
        # 248 is the largest multiple of 62 in a byte: larger values would favour the first letters.
        letters.extend(_LETTERS[value % 62] for value in random(OTP_LENGTH) if value < 248)
    return "".join(letters[:OTP_LENGTH])


def _encode(token: str, otp: str, recipient: Recipient | None) -> str:
    if recipient is not None:
        return base64.b64encode(recipient.encrypt(token.encode())).decode()
    if len(token) != OTP_LENGTH or not token.isascii():
        raise Internal(reason=f"a root token must have {OTP_LENGTH} ASCII characters to be encoded")
    mixed = bytes(left ^ right for left, right in zip(token.encode(), otp.encode(), strict=True))
    return base64.b64encode(mixed).decode().rstrip("=")
