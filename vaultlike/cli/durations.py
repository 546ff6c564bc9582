"""Durations on the command line and in tables. Whole seconds inside; spec/vault-api.md 1.11 for the notation."""

from __future__ import annotations

import re

_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h|d)")


def seconds(text: str) -> float:
    """`90`, `90s`, `1h30m`, `1.5h`, `7d` in seconds, also with a leading `-`. Raises ValueError for anything else."""
    sign, rest = (-1.0, text[1:]) if text.startswith("-") else (1.0, text.removeprefix("+"))
    if rest.isascii() and rest.isdigit():
        return sign * float(rest)
    total, at = 0.0, 0
    for part in _PART.finditer(rest):
        if part.start() != at:
            break
        total += float(part[1]) * _UNITS[part[2]]
        at = part.end()
    if not rest or at != len(rest):
        raise ValueError(f'invalid duration "{text}" (examples: 3600, 90s, 1h30m)')
    return sign * total


def readable(total: int) -> str:
    """Seconds as people read them: 2764800 is `768h`, 90 is `1m30s`, 0 is `0s`."""
    sign, rest = ("-", -total) if total < 0 else ("", total)
    hours, minutes, secs = rest // 3600, rest % 3600 // 60, rest % 60
    if not hours and not minutes:
        return f"{sign}{secs}s"
    text = f"{hours}h" if hours else ""
    if minutes or (hours and secs):
        text += f"{minutes}m"
    if secs:
        text += f"{secs}s"
    return sign + text
