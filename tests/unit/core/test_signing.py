"""Signatures made together: each is that of its own message, whoever else asks or goes."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.hashes import SHA256

from vaultlike.core.signing import SIZE, Signing


class BrokenKey:
    def sign(self, data: bytes, algorithm: object) -> bytes:
        raise ValueError("no such key")


def check(key: ec.EllipticCurvePrivateKey, signature: bytes, message: bytes) -> None:
    r, s = (int.from_bytes(part, "big") for part in (signature[:SIZE], signature[SIZE:]))
    key.public_key().verify(utils.encode_dss_signature(r, s), message, ec.ECDSA(SHA256()))


async def test_each_gets_the_signature_of_its_own_message_and_key() -> None:
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]
    signing = Signing()
    messages = [f"message {number}".encode() for number in range(20)]
    found = await asyncio.gather(*(signing.sign(keys[n % 2], text) for n, text in enumerate(messages)))
    for number, signature in enumerate(found):
        check(keys[number % 2], signature, messages[number])


async def test_one_that_fails_or_goes_is_nobody_else_s_trouble() -> None:
    key, signing = ec.generate_private_key(ec.SECP256R1()), Signing()
    broken: Any = BrokenKey()
    gone = asyncio.create_task(signing.sign(key, b"gone"))
    bad = asyncio.create_task(signing.sign(broken, b"bad"))
    good = asyncio.create_task(signing.sign(key, b"good"))
    await asyncio.sleep(0)
    gone.cancel()
    with pytest.raises(ValueError, match="no such key"):
        await bad
    check(key, await good, b"good")
    check(key, await signing.sign(key, b"later"), b"later")
