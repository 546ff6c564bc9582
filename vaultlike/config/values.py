"""One value of a configuration, as HCL or JSON has it -> the type a key wants. Each reader raises ValueError with what
was expected. Numbers and flags may stand in quotes, as they always could (spec/vault-api.md 8.1)."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import urlsplit

from vaultlike.durations import BadDuration, parse_duration, parse_nanoseconds
from vaultlike.hcl import Body, Value, quote

_TRUE, _FALSE = frozenset(("1", "t", "true")), frozenset(("0", "f", "false"))
_SIZE = re.compile(r"(\d{1,15})\s*(|b|[kmgt]i?b?)", re.IGNORECASE | re.ASCII)
_POWERS = {"": 0, "b": 0, "k": 1, "m": 2, "g": 3, "t": 4}
MAX_TEXT = 64 * 1024  # characters of one value
LEVELS = ("trace", "debug", "info", "notice", "warn", "warning", "error", "err")

Reader = Callable[[Value], object]


def text(value: Value) -> str:
    """A string; a number or flag as it would be written."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    if not isinstance(value, str):
        raise ValueError("must be a string")
    if len(value) > MAX_TEXT or "\x00" in value:
        raise ValueError("is too long, or holds a NUL character")
    return value


def nonempty(value: Value) -> str:
    """A string with something in it."""
    found = text(value)
    if not found.strip():
        raise ValueError("must not be empty")
    return found


def flag(value: Value) -> bool:
    """true or false."""
    if isinstance(value, bool):
        return value
    word = text(value).lower() if isinstance(value, str | int) else ""
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    raise ValueError("must be true or false")


def integer(value: Value) -> int:
    """A whole number, 0 or more."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 19:
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError("must be a whole number, 0 or more")
    return value


def size(value: Value) -> int:
    """Bytes; `"32MiB"` and the like are powers of 1024."""
    if isinstance(value, str) and (found := _SIZE.fullmatch(value.strip())):
        return int(found[1]) * int(1024 ** _POWERS[found[2][:1].lower()])
    try:
        return integer(value)
    except ValueError:
        raise ValueError('must be a size, such as 33554432 or "32MiB"') from None


def duration(value: Value) -> int:
    """Seconds, from a number or `"768h"`."""
    try:
        return parse_duration(value)
    except BadDuration:
        raise ValueError('must be a span of time, such as 3600 or "768h"') from None


def seconds(value: Value) -> float:
    """Seconds with a fraction, from a number or `"1m30s"`; more than 0."""
    try:
        span = parse_nanoseconds(value) / 1e9
    except BadDuration:
        raise ValueError('must be a span of time, such as 90 or "1m30s"') from None
    if not span:
        raise ValueError("must be more than 0")
    return span


def names(value: Value) -> tuple[str, ...]:
    """Several strings: a list, or one string with commas."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    if not isinstance(value, tuple):
        raise ValueError("must be a list of strings")
    return tuple(nonempty(one) for one in value)


def url(value: Value) -> str:
    """An address with scheme and host."""
    found = nonempty(value)
    try:
        parts = urlsplit(found)
        whole = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        whole = False
    if not whole or any(one.isspace() for one in found):
        raise ValueError('must be an address such as "https://host:8200"')
    return found


def secure_url(value: Value) -> str:
    """An https address: what is sent there are credentials."""
    found = url(value)
    if not found.startswith("https://"):
        raise ValueError("must be an https address")
    return found


def one_of(*allowed: str) -> Reader:
    """A reader of one of these words, in lower case."""

    def read(value: Value) -> str:
        found = text(value).strip().lower()
        if found not in allowed:
            raise ValueError(f"must be one of {', '.join(allowed)}")
        return found

    return read


def headers(value: Value) -> dict[str, dict[str, tuple[str, ...]]]:
    """`{ "default" = { "X-Name" = ["value"] }, "4xx" = { } }`."""
    if not isinstance(value, Body):
        raise ValueError("must be a block of statuses")
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    for entry in value.entries:
        if not re.fullmatch(r"default|[1-5]\d\d|[1-5]xx", entry.key):
            raise ValueError(f'{quote(entry.key)} is no status: "default", "4xx" or "404"')
        if not isinstance(entry.value, Body):
            raise ValueError(f"{quote(entry.key)} must be a block of headers")
        for header in entry.value.entries:
            values = header.value if isinstance(header.value, tuple) else (header.value,)
            found.setdefault(entry.key, {})[header.key] = tuple(text(one) for one in values)
    return found


def anything(value: Value) -> None:
    """Whatever it is: the key does nothing here."""
