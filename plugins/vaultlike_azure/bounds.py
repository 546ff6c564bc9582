"""What a role asks of the token alone: service principals and groups (spec/azure.md 2.3). No network but Graph's."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from vaultlike.errors import Denied, Upstream
from vaultlike.sdk import Call
from vaultlike_azure.claims import Principal
from vaultlike_azure.role import Role

SHOWN = 32  # entries of a list in an explanation
FindGroups = Callable[[Principal], Awaitable[tuple[str, ...]]]


def admits(allowed: tuple[str, ...] | None, *received: str) -> bool:
    """Whether one of the received values is in the list, regardless of case. Nothing received is never admitted."""
    values = {value.casefold() for value in received if value}
    return any(name.casefold() in values for name in allowed or ())


def shown(names: tuple[str, ...] | None) -> list[str]:
    """A list as an explanation shows it."""
    return list((names or ())[:SHOWN])


def check_narrows(call: Call, role: Role) -> None:
    """A role must narrow something besides the tenant. Raises Denied."""
    wild = role.any_principal and role.any_group
    call.require(
        "role.narrows", "a service principal, a group or a place", "wildcards only" if wild else "bounds", not wild
    )
    bound = bool(role.bound_service_principal_ids or role.bound_group_ids or role.binds_resource)
    call.require("role.bounds", "at least one", "some" if bound else "none", bound)


async def check_principal(call: Call, role: Role, principal: Principal, find_groups: FindGroups) -> Principal:
    """Service principal and groups. Raises Denied; Upstream when Graph has to say and cannot.

    Returns the principal, with the groups that Graph knew where the token had no room for them.
    """
    call.require("token.oid", "present", principal.oid or "absent", bool(principal.oid))
    if role.bound_service_principal_ids and not role.any_principal:
        allowed = role.bound_service_principal_ids
        call.require("bound_service_principal_ids", shown(allowed), principal.oid, admits(allowed, principal.oid))
    if role.bound_group_ids and not role.any_group:
        if principal.overage:
            principal = await _with_groups(call, principal, find_groups)
        allowed = role.bound_group_ids
        ok = admits(allowed, *principal.groups)
        call.require("bound_group_ids", shown(allowed), shown(principal.groups), ok)
    return principal


async def _with_groups(call: Call, principal: Principal, find_groups: FindGroups) -> Principal:
    from msgspec.structs import replace

    try:
        groups = await find_groups(principal)
    except Upstream as error:
        call.check("token.groups", "the groups, or Graph's answer", error.reason, False)
        raise
    except Denied as error:
        call.check("token.groups", "the groups", error.reason, False)
        raise
    call.check("token.groups", "the groups", f"{len(groups)} from Graph", True)
    return replace(principal, groups=groups)
