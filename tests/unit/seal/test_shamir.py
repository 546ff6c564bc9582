"""Sharing a secret: what is refused, that enough shares suffice, and that fewer say nothing."""

from __future__ import annotations

import itertools
import os
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vaultlike.errors import Internal, Invalid
from vaultlike.seal.shamir import _inverse, _multiply, combine, split

SECRET = bytes(range(32))


@pytest.mark.parametrize(("shares", "threshold"), [(1, 1), (0, 0), (3, 1), (2, 3), (256, 2), (5, 0), (5, -1)])
def test_an_impossible_split_is_refused(shares: int, threshold: int) -> None:
    with pytest.raises(Invalid):
        split(SECRET, shares, threshold, os.urandom)


@pytest.mark.parametrize("size", [0, 1025])
def test_a_secret_of_an_impossible_size_is_refused(size: int) -> None:
    with pytest.raises(Invalid):
        split(bytes(size), 3, 2, os.urandom)


def test_a_random_source_that_repeats_itself_is_noticed() -> None:
    with pytest.raises(Internal):
        split(SECRET, 3, 2, lambda count: b"\x07" * count)


def test_the_same_share_twice_is_refused() -> None:
    first, second, _ = split(SECRET, 3, 2, os.urandom)
    with pytest.raises(Invalid, match="duplicate"):
        combine([first, first])
    same_x = bytearray(second)
    same_x[-1] = first[-1]
    with pytest.raises(Invalid, match="duplicate"):
        combine([first, same_x])


@pytest.mark.parametrize(
    "shares", [[], [b"ab"], [b"ab", b"abc"], [b"a", b"b"], [b"a\x00", b"b\x01"], [bytes(1026), bytes(1026)]]
)
def test_shares_that_cannot_belong_together_are_refused(shares: list[bytes]) -> None:
    with pytest.raises(Invalid):
        combine(shares)


def test_the_field_is_the_one_of_aes() -> None:
    assert _multiply(0x57, 0x83) == 0xC1  # FIPS 197, 4.2
    assert _multiply(0x57, 0x13) == 0xFE
    assert all(_multiply(value, _inverse(value)) == 1 for value in range(1, 256))


@settings(max_examples=60, deadline=None)
@given(data=st.data(), secret=st.binary(min_size=1, max_size=40), shares=st.integers(2, 12))
def test_any_enough_shares_give_the_secret(data: st.DataObject, secret: bytes, shares: int) -> None:
    threshold = data.draw(st.integers(2, shares))
    made = split(secret, shares, threshold, os.urandom)
    assert len({share[-1] for share in made}) == shares
    assert all(len(share) == len(secret) + 1 and share[-1] for share in made)
    chosen = data.draw(st.permutations(made))[: data.draw(st.integers(threshold, shares))]
    assert combine(chosen) == secret


def test_every_choice_of_three_of_five() -> None:
    made = split(SECRET, 5, 3, os.urandom)
    assert all(combine(chosen) == SECRET for chosen in itertools.permutations(made, 3))


def test_the_largest_split() -> None:
    made = split(SECRET, 255, 255, os.urandom)
    assert combine(made) == SECRET
    assert combine(made[:-1]) != SECRET


def test_too_few_shares_fit_every_secret_equally() -> None:
    """Two of three shares: for each possible secret exactly one third share completes them to it."""
    first, second, third = split(b"s", 3, 3, os.urandom)
    reachable = Counter(bytes(combine([first, second, bytes([value, third[-1]])])) for value in range(256))
    assert len(reachable) == 256


def test_one_share_is_evenly_distributed_whatever_the_secret() -> None:
    seen = set()
    for value in range(256):

        def scripted(count: int, value: int = value) -> bytes:
            return bytes([value]) if count == 1 else bytes(range(1, count + 1))

        seen.add(split(b"\x00", 2, 2, scripted)[0][0])
    assert len(seen) == 256
