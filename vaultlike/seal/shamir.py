"""Owns Shamir's secret sharing over GF(256) (A. Shamir, "How to share a secret", CACM 1979). Knows no unsealing.

Every byte of the secret is the constant term of its own random polynomial; a share is the polynomials' values at one
x, followed by the byte x. The field is that of AES (x^8+x^4+x^3+x+1). Only x coordinates, which are not secret, steer
branches and choose tables; secret bytes go through table lookups, which Python cannot make constant in time.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from vaultlike.errors import Internal, Invalid
from vaultlike.seal.key import Random

MAX_SHARES = 255  # the non-zero elements of the field
MAX_SECRET = 1024  # bytes
_POLYNOMIAL = 0x11B
_DRAWS = 4096  # a sound random source yields 255 distinct bytes long before


def split(secret: bytes | bytearray, shares: int, threshold: int, random: Random) -> list[bytearray]:
    """`shares` shares of which any `threshold` give the secret back and fewer say nothing about it.

    `secret`: 1..1024 bytes; 2 <= threshold <= shares <= 255. Raises Invalid. Each share is one byte longer than the
    secret: its last byte is the x coordinate, random and distinct.
    """
    if not 2 <= threshold <= shares <= MAX_SHARES:
        raise Invalid("threshold must lie between 2 and the number of shares, at most 255")
    if not 1 <= len(secret) <= MAX_SECRET:
        raise Invalid("secret to split must have between 1 and 1024 bytes")
    # A leading coefficient of zero is kept: without it a set of threshold - 1 shares would rule some secrets out.
    coefficients = [random(len(secret)) for _ in range(threshold - 1)]
    made: list[bytearray] = []
    for x in _coordinates(shares, random):
        table = _times(x)
        value = bytes(len(secret))
        for coefficient in coefficients:
            value = _xor(value, coefficient).translate(table)
        share = bytearray(_xor(value, secret))
        share.append(x)
        made.append(share)
    return made


def combine(shares: Sequence[bytes | bytearray]) -> bytearray:
    """The secret, if the shares are enough and belong together; otherwise bytes that mean nothing.

    Raises Invalid for fewer than two shares, different lengths, x = 0 and the same x twice.
    """
    if not 2 <= len(shares) <= MAX_SHARES:
        raise Invalid("between 2 and 255 shares are needed")
    length = len(shares[0])
    if not 2 <= length <= MAX_SECRET + 1 or any(len(share) != length for share in shares):
        raise Invalid("all shares must be the same length")
    coordinates = [share[-1] for share in shares]
    if 0 in coordinates or len(set(coordinates)) != len(coordinates):
        raise Invalid("duplicate or impossible share")
    secret = bytes(length - 1)
    for share, x in zip(shares, coordinates, strict=True):
        weight = 1  # the Lagrange basis polynomial of x, evaluated at 0; minus is plus in this field
        for other in coordinates:
            if other != x:
                weight = _multiply(weight, _multiply(other, _inverse(x ^ other)))
        secret = _xor(secret, bytes(share[:-1]).translate(_times(weight)))
    return bytearray(secret)


def _coordinates(count: int, random: Random) -> list[int]:
    chosen: dict[int, None] = {}
    for _ in range(_DRAWS):
        for x in random(count):
            if x and len(chosen) < count:
                chosen[x] = None
        if len(chosen) == count:
            return list(chosen)
    raise Internal(reason="the random source repeats itself")


def _xor(left: bytes | bytearray, right: bytes | bytearray) -> bytes:
    return (int.from_bytes(left, "big") ^ int.from_bytes(right, "big")).to_bytes(len(left), "big")


def _multiply(a: int, b: int) -> int:
    product = 0
    while b:
        product ^= a * (b & 1)
        a <<= 1
        a ^= _POLYNOMIAL * (a >> 8)
        b >>= 1
    return product


@lru_cache(maxsize=256)
def _inverse(a: int) -> int:
    power = a
    for _ in range(6):  # a^254 = 1/a: square and multiply through 254 = 0b11111110
        power = _multiply(_multiply(power, power), a)
    return _multiply(power, power)


@lru_cache(maxsize=256)
def _times(scalar: int) -> bytes:
    """The multiplication table of one element, for `bytes.translate`."""
    return bytes(_multiply(value, scalar) for value in range(256))
