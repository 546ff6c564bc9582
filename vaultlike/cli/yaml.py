"""JSON-like data as YAML: block style, sorted keys, texts quoted whenever they could be taken for something else."""

from __future__ import annotations

import json
import re

_PLAIN = re.compile(r"[A-Za-z_/][A-Za-z0-9_/.+-]*(?:[ :][A-Za-z0-9_/.+-]+)*\Z")
_WORDS = frozenset(("null", "true", "false", "yes", "no", "on", "off", "y", "n", "nan", "inf", "~"))


def dump(value: object) -> str:
    """The document, without a final newline."""
    return "\n".join(_lines(value))


def _lines(value: object) -> list[str]:
    if isinstance(value, dict) and value:
        return [line for key in sorted(value) for line in _entry(f"{_scalar(key)}:", value[key])]
    if isinstance(value, list) and value:
        return [line for item in value for line in _item(item)]
    return [_scalar(value)]


def _entry(key: str, value: object) -> list[str]:
    if isinstance(value, dict) and value:
        return [key, *("  " + line for line in _lines(value))]
    if isinstance(value, list) and value:
        return [key, *_lines(value)]
    if isinstance(value, str) and _fits_block(value):
        return [f"{key} |-" if not value.endswith("\n") else f"{key} |", *_block(value)]
    return [f"{key} {_scalar(value)}"]


def _item(value: object) -> list[str]:
    lines = _lines(value)
    return [f"- {lines[0]}", *("  " + line for line in lines[1:])]


def _fits_block(text: str) -> bool:
    """Many lines without anything that a block would change: odd characters, trailing blanks, an indented start."""
    body = text.removesuffix("\n")
    if "\n" not in body or text.endswith("\n\n") or body[:1] in (" ", "\n", "\t"):
        return False
    return all(line.isprintable() and line == line.rstrip() for line in body.split("\n"))


def _block(text: str) -> list[str]:
    return ["  " + line if line else "" for line in text.removesuffix("\n").split("\n")]


def _scalar(value: object) -> str:
    if value is None or isinstance(value, bool | int | float):
        return json.dumps(value)
    if isinstance(value, str):
        plain = _PLAIN.match(value) and value.lower() not in _WORDS and ": " not in value
        return value if plain else json.dumps(value, ensure_ascii=not value.isprintable())
    return "{}" if isinstance(value, dict) else "[]"
