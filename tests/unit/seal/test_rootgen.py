"""Generating a root token: the refusals of spec/vault-api.md 2.13, then OTP and PGP."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Sequence

import pytest
from pysequoia import Tsk

from vaultlike.errors import Internal, Invalid, Sealed
from vaultlike.seal.custodian import Custodian
from vaultlike.seal.initialization import InitOrder
from vaultlike.seal.rootgen import RootGeneration, new_otp

from .conftest import MakeNode, opened_by

TOKEN = "hvs." + "a1B2" * 6
OTP = "0123456789012345678901234567"


async def mint() -> str:
    return TOKEN


async def never() -> str:
    raise AssertionError("a root token was minted")


async def started(node: MakeNode) -> tuple[Custodian, RootGeneration, tuple[str, ...]]:
    custodian = node()
    made = await custodian.initialize(InitOrder(secret_shares=5, secret_threshold=3))
    made.close()
    for key in made.issued.keys[:3]:
        await custodian.submit(key)
    return custodian, RootGeneration(custodian), made.issued.keys


def decoded(encoded: str, otp: str) -> str:
    assert "=" not in encoded
    mixed = base64.b64decode(encoded + "=" * (-len(encoded) % 4))
    return bytes(a ^ b for a, b in zip(mixed, otp.encode(), strict=True)).decode()


async def test_nothing_works_while_sealed(node: MakeNode) -> None:
    generation = RootGeneration(node())
    for call in (generation.status, generation.start, lambda: generation.update("ab" * 33, "", never)):
        with pytest.raises(Sealed):
            await call()


@pytest.mark.parametrize("otp", ["x", "0" * 27, "0" * 29, "é" * 28])
async def test_a_bad_otp_is_refused(node: MakeNode, otp: str) -> None:
    _, generation, _ = await started(node)
    with pytest.raises(Invalid, match="OTP string has incorrect length"):
        await generation.start(otp=otp, pgp_key="y")
    with pytest.raises(Invalid, match="error parsing PGP key"):
        await generation.start(pgp_key="not a key")
    assert not (await generation.status()).started


async def test_a_second_start_is_refused(node: MakeNode) -> None:
    _, generation, _ = await started(node)
    await generation.start()
    with pytest.raises(Invalid, match="root generation already in progress"):
        await generation.start()


async def test_bad_updates_are_refused_and_mint_nothing(node: MakeNode) -> None:
    _, generation, keys = await started(node)
    with pytest.raises(Invalid, match="no root generation in progress"):
        await generation.update(keys[0], "", never)
    nonce = (await generation.start()).nonce
    for key, given, text in (
        ("00", nonce, "must be a valid hex or base64"),
        (keys[0], "", "incorrect nonce"),
        (keys[0], nonce[:-1] + "\ud800", "incorrect nonce"),
    ):
        with pytest.raises(Invalid, match=text):
            await generation.update(key, given, never)
    await generation.update(keys[0], nonce, never)
    with pytest.raises(Invalid, match="already been provided"):
        await generation.update(keys[0], nonce, never)
    await generation.update(keys[1], nonce, never)
    with pytest.raises(Invalid, match="invalid key"):
        await generation.update("ab" * 33, nonce, never)
    status = await generation.status()
    assert (status.started, status.progress, status.nonce) == (True, 0, nonce)


async def test_cancel_and_seal_end_the_attempt(node: MakeNode) -> None:
    custodian, generation, keys = await started(node)
    nonce = (await generation.start()).nonce
    generation.cancel()
    generation.cancel()
    with pytest.raises(Invalid, match="no root generation in progress"):
        await generation.update(keys[0], nonce, never)
    nonce = (await generation.start()).nonce
    await generation.update(keys[0], nonce, never)
    custodian.seal()
    for key in keys[:3]:
        await custodian.submit(key)
    assert (await generation.status()).started is False


async def test_a_token_of_another_length_is_not_encoded(node: MakeNode) -> None:
    async def short() -> str:
        return "hvs.short"

    _, generation, keys = await started(node)
    nonce = (await generation.start()).nonce
    for key in keys[:2]:
        await generation.update(key, nonce, short)
    with pytest.raises(Internal):
        await generation.update(keys[2], nonce, short)


@pytest.mark.parametrize("own", ["", OTP])
async def test_enough_shares_give_a_token_under_the_otp(node: MakeNode, own: str) -> None:
    _, generation, keys = await started(node)
    first = await generation.start(otp=own)
    assert (first.started, first.required, first.otp_length, len(first.nonce)) == (True, 3, 28, 36)
    assert bool(first.otp) is not bool(own)
    assert (await generation.status()).otp == ""
    assert (first.otp or own) not in repr(first)
    for progress, key in enumerate(keys[:2], start=1):
        assert (await generation.update(key, first.nonce, never)).progress == progress
    done = await generation.update(keys[4], first.nonce, mint)
    assert (done.complete, done.started, done.progress, done.nonce) == (True, True, 3, first.nonce)
    assert done.encoded_token == done.encoded_root_token
    assert decoded(done.encoded_token, first.otp or own) == TOKEN
    assert (await generation.status()).started is False


async def test_concurrent_last_shares_mint_one_token(node: MakeNode) -> None:
    minted: list[str] = []

    async def count() -> str:
        minted.append(TOKEN)
        await asyncio.sleep(0)
        return TOKEN

    _, generation, keys = await started(node)
    nonce = (await generation.start()).nonce
    await asyncio.gather(*(generation.update(key, nonce, count) for key in keys), return_exceptions=True)
    assert minted == [TOKEN]


async def test_a_token_for_a_pgp_key(node: MakeNode) -> None:
    holder = Tsk.generate(user_id="a")
    _, generation, keys = await started(node)
    key = base64.b64encode(str(holder.extract_certificate()).encode()).decode()
    first = await generation.start(pgp_key=key)
    assert (first.otp, first.pgp_fingerprint) == ("", holder.extract_certificate().fingerprint)
    done = await _all(generation, keys[:3], first.nonce)
    assert opened_by(holder, base64.b64decode(done)) == TOKEN


async def _all(generation: RootGeneration, keys: Sequence[str], nonce: str) -> str:
    for key in keys:
        status = await generation.update(key, nonce, mint)
    return status.encoded_token


def test_otp_bytes_that_would_favour_some_letters_are_left_out() -> None:
    draws = iter([bytes([248, 249, 250, 251, 252, 253, 254, 255] * 4)[:28], bytes([61, 247]) * 14])
    assert new_otp(lambda count: next(draws)) == "z" * 28
