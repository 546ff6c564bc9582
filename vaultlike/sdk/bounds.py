"""Constraints as data: a role's `bound_*` fields say which fact they test, `enforce` tests them all.

Empty means refuse: a role whose bounds are all empty would let in anybody the issuer vouches for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from msgspec import Struct

from vaultlike.errors import Denied
from vaultlike.sdk.call import Call
from vaultlike.sdk.fields import fields_of


class Bound(Struct, frozen=True):
    """Marks a role field: any of its names must be among the values of `fact`. `fold` ignores case.

    `admits(allowed, received)` replaces the membership test; `later=True` leaves the test to the plugin's own code
    (a fact that must be fetched first), which still counts as a bound that narrows the role.
    """

    fact: str
    fold: bool = False
    admits: Callable[[str, str], bool] | None = None
    later: bool = False


def bounds_of(role: type[Struct]) -> dict[str, Bound]:
    """The bound fields of a role class, by field name."""
    found = {}
    for name, field in fields_of(role).fields.items():
        marks = [mark for mark in field.marks if isinstance(mark, Bound)]
        if name.startswith("bound_") and name != "bound_cidrs" and len(marks) != 1:
            raise TypeError(
                f"{role.__name__}.{name} needs exactly one Bound: a forgotten constraint would let anybody in"
            )
        if marks:
            found[name] = marks[0]
    return found


def narrows(role: Struct) -> bool:
    """Whether at least one bound of the role is not empty."""
    return any(getattr(role, name) for name in bounds_of(type(role)))


def matches(bound: Bound, allowed: Iterable[str], received: Iterable[str]) -> bool:
    """Whether any received value is admitted by any allowed one."""
    values = [value.casefold() for value in received] if bound.fold else list(received)
    for name in allowed:
        wanted = name.casefold() if bound.fold else name
        if bound.admits:
            if any(bound.admits(wanted, value) for value in values):
                return True
        elif wanted in values:
            return True
    return False


def enforce(call: Call, role: Struct, facts: Mapping[str, str | tuple[str, ...]]) -> None:
    """Tests every bound of `role` that is not empty and not `later` against `facts`; records each test on the call.

    Raises Denied at the first that fails, and for a role that narrows nothing. An absent fact admits nobody.
    """
    if not narrows(role):
        call.require("role narrows", "at least one bound", "none", False)
    for name, bound in bounds_of(type(role)).items():
        allowed: tuple[str, ...] = getattr(role, name) or ()
        if not allowed or bound.later:
            continue
        received = facts.get(bound.fact, ())
        values = (received,) if isinstance(received, str) else received
        call.require(
            name,
            list(allowed),
            list(values),
            matches(bound, allowed, values),
            Denied(reason=f"{bound.fact} {list(values)} is not admitted by {name} {list(allowed)}"),
        )
