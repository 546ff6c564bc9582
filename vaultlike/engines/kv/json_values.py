"""What versioned secrets do to JSON values: numbers become 64 bit floats, patches are merged, values are left out.

Depth is bounded, so that no request exhausts the stack.
"""

from __future__ import annotations

from decimal import Decimal

from vaultlike.errors import Invalid

MAX_DEPTH = 300  # levels of objects and lists
_EXACT = 2**53  # below it a float holds every whole number


def as_floats(value: object, depth: int = MAX_DEPTH) -> object:
    """The value with numbers as clients of version 2 know them: 64 bit floats, whole ones without a point.

    Raises Invalid when it is nested deeper than `depth`.
    """
    if isinstance(value, (dict, list)):
        if depth == 0:
            raise Invalid("the data are nested too deeply")
        if isinstance(value, list):
            items = []
            for item in value:
                items.append(as_floats(item, depth - 1))  # a comprehension doubles the stack
            return items
        members = {}
        for key, item in value.items():
            members[key] = as_floats(item, depth - 1)
        return members
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return value
    if isinstance(value, int) and -_EXACT <= value <= _EXACT:
        return value
    try:
        number = float(value)
    except OverflowError:
        raise Invalid("a number does not fit into 64 bits") from None
    if number.is_integer() and abs(number) < 1e21:
        return int(Decimal(repr(number)))
    return number


def merged(target: object, patch: object, depth: int = MAX_DEPTH) -> object:
    """RFC 7396: null deletes a key, objects merge, everything else replaces. Raises Invalid as `as_floats`."""
    if not isinstance(patch, dict):
        return patch
    if depth == 0:
        raise Invalid("the data are nested too deeply")
    result = dict(target) if isinstance(target, dict) else {}
    for key, item in patch.items():
        if item is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), item, depth - 1)
    return result


def names_only(value: object, depth: int) -> object:
    """The object's keys with null for every value; objects are entered down to `depth` levels (below 1: all)."""
    if not isinstance(value, dict) or not value:
        return None
    names: dict[str, object] = {}
    for key, item in value.items():
        names[key] = None if depth == 1 else names_only(item, depth - 1)
    return names
