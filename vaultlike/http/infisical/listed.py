"""Lists of the core as this API shows them: the values of `key_info`, in their order."""

from __future__ import annotations

from collections.abc import Mapping


def values(found: object) -> list[object]:
    """What a list answers of each key; [] for nothing."""
    info = found.get("key_info") if isinstance(found, Mapping) else None
    return list(info.values()) if isinstance(info, Mapping) else []
