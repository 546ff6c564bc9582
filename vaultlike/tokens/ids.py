"""Token texts: 24 characters of base62 from the operating system's generator (spec/vault-api.md 3.3)."""

from __future__ import annotations

from collections.abc import Callable

ALPHABET = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
SERVICE, BATCH = "hvs.", "hvb."
LENGTH = 24  # characters, 142 bits
_LETTER_OF = bytes(ALPHABET[byte % 62] for byte in range(256))
_BIASED = bytes(range(248, 256))  # 248 is the largest multiple of 62 below 256


def base62(random: Callable[[int], bytes], length: int = LENGTH) -> str:
    """`length` random characters without modulo bias: bytes of 248 and above are thrown away."""
    text = b""
    while len(text) < length:
        text += random(length + 8).translate(_LETTER_OF, _BIASED)
    return text[:length].decode()


def random_uuid(random: Callable[[int], bytes]) -> str:
    """A random UUID (version 4, RFC 9562) as text."""
    digits = random(16).hex()
    variant = "89ab"[int(digits[16], 16) & 3]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"


def service_token(random: Callable[[int], bytes], namespace: str = "") -> str:
    """A new service token, 28 characters; one of a namespace below the root ends with a dot and that one's id."""
    return f"{SERVICE}{base62(random)}.{namespace}" if namespace else SERVICE + base62(random)
