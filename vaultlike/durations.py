"""Spans of time as the wire writes them (spec/vault-api.md 1.11): text or number -> seconds, and back to Go's forms.

Everybody who reads a TTL, period or interval uses this one parser. What a field does with null or `system` is the
field's own business.
"""

from __future__ import annotations

import re

from vaultlike.errors import Invalid

NANOSECOND = 1
SECOND = 1_000_000_000 * NANOSECOND
MAX_TEXT = 128  # characters
MAX_SECONDS = (2**63 - 1) // SECOND  # what 64 bits of nanoseconds hold, about 292 years

_UNITS = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,  # U+00B5, micro sign
    "μs": 1_000,  # U+03BC, Greek mu
    "ms": 1_000_000,
    "s": SECOND,
    "m": 60 * SECOND,
    "h": 3600 * SECOND,
}
_PART = re.compile(r"(\d*)(\.\d*)?(ns|us|µs|μs|ms|s|m|h)(?![^\d.])", re.ASCII)
_ESCAPED = {'"': '\\"', "\\": "\\\\"}
_SECONDS = re.compile(r"[+-]?\d+", re.ASCII)
_DAYS = re.compile(r"([+-]?)(\d+)d", re.ASCII)


class BadDuration(Invalid):
    """The value is no span of time (400). The text names the value, as far as it is short."""


def parse_duration(value: object) -> int:
    """Whole seconds, never negative, from an int, `"3600"`, `"1h30m"`, `"7d"` or `""` (0). Fractions are cut off.

    Floats, bools and everything else are refused (a `true` for a plain string field is the caller's to turn into
    `"1"`). Raises BadDuration.
    """
    return parse_nanoseconds(value) // SECOND


def parse_signed_duration(value: object) -> int:
    """As `parse_duration`, but `-1h` and -3600 are allowed; fractions are cut off towards zero. Raises BadDuration."""
    nanoseconds = _parse(value)
    return nanoseconds // SECOND if nanoseconds >= 0 else -(-nanoseconds // SECOND)


def parse_nanoseconds(value: object) -> int:
    """Nanoseconds, never negative: for limits that must not be lost when below a second. Raises BadDuration."""
    nanoseconds = _parse(value)
    if nanoseconds < 0:
        raise BadDuration("cannot provide negative value")
    return nanoseconds


def _parse(value: object) -> int:
    if isinstance(value, float):
        raise BadDuration(f'time: missing unit in duration "{value}"')
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise BadDuration("could not parse duration from input")
    if isinstance(value, int):
        return _bounded(value * SECOND, value)
    text = value
    if not text:
        return 0
    if len(text) > MAX_TEXT:
        raise BadDuration("time: invalid duration: too long")
    if _SECONDS.fullmatch(text):
        return _bounded(int(text) * SECOND, text)
    days = _DAYS.fullmatch(text)
    if days:
        return _bounded(int(days[1] + days[2]) * 86_400 * SECOND, text)
    return _go_duration(text)


def _go_duration(text: str) -> int:
    sign = -1 if text[0] == "-" else 1
    position = 1 if text[0] in "+-" else 0
    total = 0
    if position == len(text):
        raise BadDuration(f'time: invalid duration "{_shown(text)}"')
    while position < len(text):
        part = _PART.match(text, position)
        if part is None or not (part[1] or len(part[2] or "") > 1):
            raise BadDuration(f"time: {_go_problem(text, position)}")
        unit = _UNITS[part[3]]
        total += int(part[1] or "0") * unit
        fraction = (part[2] or ".")[1:]
        if fraction:
            total += int(fraction) * unit // 10 ** len(fraction)
        position = part.end()
    return _bounded(sign * total, text)


def _go_problem(text: str, position: int) -> str:
    rest = text[position:]
    number = re.match(r"\d+\.?\d*|\.\d+", rest, re.ASCII)
    if number is None:
        return f'invalid duration "{_shown(text)}"'
    unit = re.split(r"[\d.]", rest[number.end() :], maxsplit=1)[0]
    if not unit:
        return f'missing unit in duration "{_shown(text)}"'
    return f'unknown unit "{_shown(unit)}" in duration "{_shown(text)}"'


def _bounded(nanoseconds: int, value: int | str) -> int:
    if abs(nanoseconds) > MAX_SECONDS * SECOND:
        text = str(value)
        if not (_SECONDS.fullmatch(text) or _DAYS.fullmatch(text)):
            raise BadDuration(f'time: invalid duration "{_shown(text)}"')
        if abs(nanoseconds) >= 2**63 * SECOND:
            raise BadDuration(f'time: missing unit in duration "{_shown(text)}"')
        raise BadDuration("multiplication of durations resulted in overflow, one operand may be too large")
    return nanoseconds


def _shown(text: str) -> str:
    return "".join(_ESCAPED.get(one, one) if one.isprintable() else "?" for one in text[:64])


def go_duration(seconds: int) -> str:
    """Whole seconds as Go prints them: `768h0m0s`, `30m0s`, `5s`, `0s`, `-1m0s`."""
    sign, rest = ("-", -seconds) if seconds < 0 else ("", seconds)
    hours, minutes, rest = rest // 3600, rest // 60 % 60, rest % 60
    if hours:
        return f"{sign}{hours}h{minutes}m{rest}s"
    return f"{sign}{minutes}m{rest}s" if minutes else f"{sign}{rest}s"


def compact_duration(seconds: int) -> str:
    """The short form of warnings: `768h`, `30m`, `1h30m`, `0s` (spec/vault-api.md 1.11)."""
    text = go_duration(seconds)
    if text.endswith("m0s"):
        text = text[:-2]
    return text[:-2] if text.endswith("h0m") else text
