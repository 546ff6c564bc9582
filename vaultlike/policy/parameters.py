"""Rules about the parameters of a request: which are required, denied, allowed (spec/vault-api.md 5.2).

Values compare by type, and a number in a policy matches no number of a request: so does the reference.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from vaultlike.hcl import Value
from vaultlike.policy.model import Parameters

ANY = "*"


def merge_parameters(maps: Iterable[Parameters]) -> dict[str, tuple[Value, ...]]:
    """One map of several, whatever their order: values add up, and an empty list (any value) absorbs the others."""
    merged: dict[str, list[Value]] = {}
    unbounded: set[str] = set()
    for one in maps:
        for name, values in one.items():
            merged.setdefault(name, []).extend(values)
            if not values:
                unbounded.add(name)
    return {name: () if name in unbounded else tuple(sorted(values, key=repr)) for name, values in merged.items()}


def parameter_problem(
    data: Mapping[str, object], *, required: Iterable[str], denied: Parameters, allowed: Parameters
) -> str:
    """Why `data` is refused, for the operator, naming a parameter but no value; empty when nothing is wrong.

    `required` are lower-case names and want the request to spell them so; the keys of `data` are otherwise compared
    in lower case.
    """
    for name in required:
        if name not in data:
            return f"required parameter {name!r} is missing"
    if not data:
        return ""
    if denied:
        if ANY in denied:
            return "every parameter is denied"
        for name, value in data.items():
            values = denied.get(name.lower())
            if values is not None and _matches(value, values):
                return f"parameter {name[:64]!r} is denied" + (" with this value" if values else "")
    if not allowed or (ANY in allowed and len(allowed) == 1):
        return ""
    for name, value in data.items():
        values = allowed.get(name.lower())
        if values is None:
            if ANY not in allowed:
                return f"parameter {name[:64]!r} is not allowed"
        elif not _matches(value, values):
            return f"parameter {name[:64]!r} is not allowed with this value"
    return ""


def _matches(value: object, wanted: tuple[Value, ...]) -> bool:
    return not wanted or any(_same(value, one) for one in wanted)


def _same(value: object, wanted: Value) -> bool:
    if isinstance(wanted, str):
        return isinstance(value, str) and _glob(wanted, value)
    return _equal(value, wanted)


def _equal(value: object, wanted: Value) -> bool:
    """Equal and of one type. An object or a number in a policy equals nothing."""
    if isinstance(wanted, tuple):
        return (
            isinstance(value, list | tuple)
            and len(value) == len(wanted)
            and all(_equal(one, other) for one, other in zip(value, wanted, strict=True))
        )
    if wanted is None or isinstance(wanted, bool):
        return value is wanted
    return isinstance(wanted, str) and isinstance(value, str) and value == wanted


def _glob(pattern: str, value: str) -> bool:
    if len(pattern) < 2:
        return pattern == value
    if pattern[0] == "*":
        return pattern[1:-1] in value if pattern[-1] == "*" else value.endswith(pattern[1:])
    return value.startswith(pattern[:-1]) if pattern[-1] == "*" else value == pattern
