"""Token and accessor texts: 24 characters of base62 from the operating system's generator (spec/vault-api.md 3.3)."""

from __future__ import annotations

from collections.abc import Callable

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
SERVICE, BATCH = "hvs.", "hvb."
LENGTH = 24  # characters, 142 bits


def base62(random: Callable[[int], bytes], length: int = LENGTH) -> str:
    """`length` random characters without modulo bias: bytes of 248 and above are thrown away."""
    text = ""
    while len(text) < length:
        text += "".join(ALPHABET[byte % 62] for byte in random(2 * length) if byte < 248)
    return text[:length]


def service_token(random: Callable[[int], bytes]) -> str:
    """A new service token, 28 characters."""
    return SERVICE + base62(random)
