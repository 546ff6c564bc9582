"""The login: its body, the shape of its names, and the order of its checks (spec/azure.md 2).

What one check means is in `bounds.py` (token) and `residence.py` (Resource Manager).
"""

from __future__ import annotations

import asyncio
import re
from contextlib import nullcontext
from typing import Annotated, Final

from msgspec import Meta, Struct

from vaultlike.errors import Denied, Invalid, Upstream
from vaultlike.sdk import Alias, Call, Login
from vaultlike.types import NO_SECRET, Secret
from vaultlike_azure.bounds import admits, check_narrows, check_principal
from vaultlike_azure.claims import Principal, principal_of
from vaultlike_azure.provider import Provider
from vaultlike_azure.residence import Asked, Place, Residence, same_region
from vaultlike_azure.resource_id import fold
from vaultlike_azure.role import Role

FIELD_TEXT: Final = 'Field validation failed: error converting input {value} for field "{field}": {problem}'
DEADLINE: Final = 27.0  # seconds for all requests of one login: many clients give up after 30
MAX_NAME: Final = 256  # characters of one name; Azure allows 90
_SUBSCRIPTION: Final = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}", re.ASCII)
_GROUP: Final = re.compile(r"[\w\-.()]*[\w\-()]")
_MACHINE: Final = re.compile(r"[a-zA-Z](?:[a-zA-Z0-9._\-]*[a-zA-Z0-9_])?", re.ASCII)


class LoginBody(Struct, kw_only=True):
    """What a machine sends."""

    role: Annotated[str, Meta(description="Name of the role to log in with.")] = ""
    jwt: Annotated[Secret, Meta(description="Access token of the machine's identity.")] = NO_SECRET
    subscription_id: Annotated[str, Meta(description="Subscription of the machine.")] = ""
    resource_group_name: Annotated[str, Meta(description="Resource group of the machine.")] = ""
    vm_name: Annotated[str, Meta(description="Name of the virtual machine.")] = ""
    vmss_name: Annotated[str, Meta(description="Name of the scale set.")] = ""
    resource_id: Annotated[str, Meta(description="Full id of any other resource with an identity.")] = ""


def check_shape(body: LoginBody) -> Asked:
    """The names as they may go into URLs. Raises Invalid with the reference's texts."""
    if body.subscription_id and not _SUBSCRIPTION.fullmatch(body.subscription_id):
        raise Invalid(f'invalid subscription id "{body.subscription_id[:MAX_NAME]}"')
    if body.resource_group_name and not _fits(_GROUP, body.resource_group_name):
        raise Invalid(f'invalid resource group name "{body.resource_group_name[:MAX_NAME]}"')
    if body.vmss_name and not _fits(_MACHINE, body.vmss_name):
        raise Invalid(f'invalid vmss_name "{body.vmss_name[:MAX_NAME]}"')
    if body.vm_name and not _fits(_MACHINE, body.vm_name):
        raise Invalid(f'invalid vm name "{body.vm_name[:MAX_NAME]}"')
    return Asked(
        subscription_id=body.subscription_id,
        resource_group_name=body.resource_group_name,
        vm_name=body.vm_name,
        vmss_name=body.vmss_name,
        resource_id=body.resource_id,
    )


def _fits(pattern: re.Pattern[str], name: str) -> bool:
    return len(name) <= MAX_NAME and pattern.fullmatch(name) is not None


async def judge(call: Call, body: LoginBody, asked: Asked, role: Role, provider: Provider) -> Login:
    """What the token and Azure prove. Raises Invalid (400), Denied (403) or Upstream (502)."""
    claims = await provider.issuer.verify(body.jwt.reveal(), call.check)
    principal = principal_of(claims)
    tenant = provider.settings.tenant_guid
    if tenant and principal.tenant:
        call.require("token.tid", tenant, principal.tenant, fold(principal.tenant) == tenant)
    check_narrows(call, role)
    place = None
    try:
        async with asyncio.timeout(DEADLINE) if role.binds_resource or principal.overage else nullcontext():
            principal = await check_principal(call, role, principal, provider.groups)
            if role.binds_resource:
                place = await Residence(call, role, asked, principal, provider.manager).prove()
    except TimeoutError:
        raise Upstream(reason=f"Azure did not answer all that this login needs within {DEADLINE:g} s") from None
    return _assertion(body, asked, role, principal, place)


def _assertion(body: LoginBody, asked: Asked, role: Role, principal: Principal, place: Place | None) -> Login:
    facts = {
        "resource_group_name": place.resource_group_name if place else asked.resource_group_name,
        "subscription_id": asked.subscription_id,
        "vm_name": asked.vm_name,
        "vmss_name": asked.vmss_name,
        "resource_id": asked.resource_id,
        "app_id": principal.app_id,
    }
    always = ("resource_group_name", "subscription_id")
    said = {name: value for name, value in facts.items() if value or name in always}
    return Login(
        alias=Alias(principal.oid, said if place else _proved(said, principal)),
        token=role,
        role=body.role.lower(),
        display_name=principal.oid,
        metadata={"role": body.role, **said},
        groups=principal.groups,
        memo=_memo(body.role, role, principal, place),
    )


def _proved(said: dict[str, str], principal: Principal) -> dict[str, str]:
    """Without a look into Azure the names are the caller's word. Policies are templated on an alias's metadata, so it
    keeps only what the token itself says."""
    proved = {"resource_group_name": "", "subscription_id": ""}
    if principal.app_id:
        proved["app_id"] = principal.app_id
    host = principal.host if said["subscription_id"] else None
    if host is None or not host.in_group(said["subscription_id"], said["resource_group_name"]):
        return proved
    proved["resource_group_name"], proved["subscription_id"] = said["resource_group_name"], said["subscription_id"]
    if "vm_name" in said and host.is_machine(said["vm_name"]):
        proved["vm_name"] = said["vm_name"]
    if "vmss_name" in said and host.is_of_scale_set(said["vmss_name"]):
        proved["vmss_name"] = said["vmss_name"]
    return proved


def _memo(name: str, role: Role, principal: Principal, place: Place | None) -> dict[str, str]:
    """The facts that renewal tests again, as few as will do: the memo is stored with every token."""
    memo = {"role": name, "oid": principal.oid}
    if role.bound_group_ids and not role.any_group:
        memo["group"] = next(group for group in principal.groups if admits(role.bound_group_ids, group))
    if place is not None:
        memo["sub"], memo["rg"] = place.subscription_id, place.resource_group_name
        if place.location:
            memo["loc"] = place.location
        if place.vmss_name:
            memo["vmss"] = place.vmss_name
    return memo


def still_admits(call: Call, role: Role, memo: dict[str, str]) -> None:
    """Tests today's role against the facts of the login. A bound that login did not need to prove is not refused.

    Raises Denied.
    """
    locations = tuple(same_region(name) for name in role.bound_locations or ())
    for name, allowed, key in (
        ("bound_service_principal_ids", () if role.any_principal else role.bound_service_principal_ids, "oid"),
        ("bound_group_ids", () if role.any_group else role.bound_group_ids, "group"),
        ("bound_subscription_ids", role.bound_subscription_ids, "sub"),
        ("bound_resource_groups", role.bound_resource_groups, "rg"),
        ("bound_locations", locations, "loc"),
        ("bound_scale_sets", role.bound_scale_sets, "vmss"),
    ):
        fact = memo.get(key, "")
        if allowed and fact:
            refusal = Denied(reason=f"the role's {name} no longer admits {fact}")
            call.require(name, list(allowed), fact, admits(allowed, fact), refusal)
