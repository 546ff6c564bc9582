"""Permissions as the second API words them: subject, actions, conditions (spec/infisical.md 3). Reads and shows them.

What they come to in paths is `project_rules` and `organization_rules`. Conditions are read into operators here; which
of them a policy can say is theirs to judge.
"""

from __future__ import annotations

import re

from msgspec import Struct

from vaultlike.errors import Invalid

MAX_PERMISSIONS = 200  # of one role
MAX_VALUES = 100  # of one condition
MAX_VALUE = 512  # characters
OPERATORS = ("$eq", "$in", "$glob", "$ne")
_ALLOWED = re.compile(r"[\w.@-]+", re.ASCII)


class Condition(Struct, frozen=True):
    """What one field must be: `$eq` and `$ne` have one value, `$in` several, `$glob` patterns. All must hold."""

    field: str
    operator: str
    values: tuple[str, ...]


class Permission(Struct, frozen=True, kw_only=True):
    """One right, or (inverted) what is taken away again."""

    subject: str
    actions: tuple[str, ...]
    conditions: tuple[Condition, ...] = ()
    inverted: bool = False

    def shown(self) -> dict[str, object]:
        """As the API shows it."""
        found: dict[str, object] = {"subject": self.subject, "action": list(self.actions)}
        if self.conditions:
            conditions: dict[str, dict[str, object]] = {}
            for one in self.conditions:
                single = one.operator in ("$eq", "$ne") or (one.operator == "$glob" and len(one.values) == 1)
                conditions.setdefault(one.field, {})[one.operator] = one.values[0] if single else list(one.values)
            found["conditions"] = conditions
        if self.inverted:
            found["inverted"] = True
        return found


def read_permissions(raw: object) -> tuple[Permission, ...]:
    """The permissions of a request's JSON value. Raises Invalid for what is none."""
    if not isinstance(raw, list):
        raise Invalid("permissions must be a list")
    if len(raw) > MAX_PERMISSIONS:
        raise Invalid(f"a role has at most {MAX_PERMISSIONS} permissions")
    return tuple(_permission(one) for one in raw)


def _permission(raw: object) -> Permission:
    if not isinstance(raw, dict):
        raise Invalid("a permission must be an object with subject and action")
    subject, inverted = raw.get("subject"), raw.get("inverted")
    if isinstance(subject, list) and len(subject) == 1:
        subject = subject[0]
    if not isinstance(subject, str) or not subject or len(subject) > MAX_VALUE:
        raise Invalid("a permission needs one subject")
    if inverted is not None and not isinstance(inverted, bool):
        raise Invalid("inverted must be true or false")
    action = raw.get("action", raw.get("actions"))
    actions = action if isinstance(action, list) else [action]
    if not actions or len(actions) > MAX_VALUES or not all(isinstance(one, str) for one in actions):
        raise Invalid(f"permission on {_safe(subject)}: action must name one or several actions")
    return Permission(
        subject=subject,
        actions=tuple(dict.fromkeys(str(one) for one in actions)),
        conditions=_conditions(raw.get("conditions"), subject),
        inverted=bool(inverted),
    )


def _conditions(raw: object, subject: str) -> tuple[Condition, ...]:
    if raw is None:
        return ()
    if not isinstance(raw, dict):
        raise Invalid(f"permission on {_safe(subject)}: conditions must be an object")
    found: list[Condition] = []
    for field, wanted in raw.items():
        operators = wanted if isinstance(wanted, dict) else {"$eq": wanted}
        if not operators:
            raise Invalid(f"permission on {_safe(subject)}: the condition on {_safe(str(field))} says nothing")
        for operator, value in operators.items():
            found.append(_condition(str(field), str(operator), value, subject))
    return tuple(found)


def _condition(field: str, operator: str, value: object, subject: str) -> Condition:
    where = f"permission on {_safe(subject)}: the condition {_safe(operator)} on {_safe(field)}"
    if operator not in OPERATORS:
        raise Invalid(f"{where}: no policy can say this; use {', '.join(OPERATORS)}")
    given = value if isinstance(value, list) else [value]
    values = [one for one in given if isinstance(one, str) and 0 < len(one) <= MAX_VALUE]
    if len(values) < len(given):
        raise Invalid(f"{where}: values must be texts of 1 to {MAX_VALUE} characters")
    single = operator in ("$eq", "$ne")
    if not values or len(values) > MAX_VALUES or (single and len(values) > 1):
        raise Invalid(f"{where}: wants {'one value' if single else f'1 to {MAX_VALUES} values'}")
    return Condition(field, operator, tuple(values))


def refuse(permission: Permission, problem: str) -> Invalid:
    """The refusal of a permission, with the reason."""
    return Invalid(f"permission on {_safe(permission.subject)}: {problem}")


def plain(segment: str) -> bool:
    """Whether a name can stand in a policy's path as it is, without meaning anything there."""
    return _ALLOWED.fullmatch(segment) is not None and segment not in (".", "..")


def _safe(text: str) -> str:
    return "'" + "".join(char if char.isprintable() else "?" for char in text[:64]) + "'"
