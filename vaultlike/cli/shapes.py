"""Narrowing of JSON values: the one place where the command line meets data of unknown shape.

Each function gives the value when it has the right type and an empty one otherwise: a server that answers oddly must
not crash the command that shows the answer.
"""

from __future__ import annotations

from typing import TypeAlias

Json: TypeAlias = dict[str, object]


def as_map(value: object) -> Json:
    return value if isinstance(value, dict) else {}


def as_list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def as_text(value: object) -> str:
    return value if isinstance(value, str) else ""


def as_int(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def as_texts(value: object) -> list[str]:
    return [item for item in as_list(value) if isinstance(item, str)]
