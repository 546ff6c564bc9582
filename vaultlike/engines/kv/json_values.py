"""What versioned secrets do to JSON values: numbers become 64 bit floats, patches are merged, values are left out.

Nested as deep as the request's parser allows; the HTTP layer bounds that.
"""

from __future__ import annotations

from decimal import Decimal

_EXACT = 2**53  # below it a float holds every whole number


def as_floats(value: object) -> object:
    """The value with numbers as clients of version 2 know them: 64 bit floats, whole ones without a point."""
    if isinstance(value, dict):
        return {key: as_floats(item) for key, item in value.items()}
    if isinstance(value, list):
        return [as_floats(item) for item in value]
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return value
    if isinstance(value, int) and -_EXACT <= value <= _EXACT:
        return value
    number = float(value)
    if number.is_integer() and abs(number) < 1e21:
        return int(Decimal(repr(number)))
    return number


def merged(target: object, patch: object) -> object:
    """RFC 7396: null deletes a key, objects merge, everything else replaces."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for key, item in patch.items():
        if item is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), item)
    return result


def names_only(value: object, depth: int) -> object:
    """The object's keys with null for every value; objects are entered down to `depth` levels (below 1: all)."""
    if not isinstance(value, dict) or not value:
        return None
    return {key: None if depth == 1 else names_only(item, depth - 1) for key, item in value.items()}
