"""Roles: which machines may log in, and with what token (spec/azure.md 1.4).

The tests of the bounds are in `bounds.py` (what the token says) and `residence.py` (what Resource Manager says).
"""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta

from vaultlike.errors import Invalid
from vaultlike.sdk import Bound, Call, Context, TokenParams, narrows
from vaultlike.sdk.fields import fields_of
from vaultlike.sdk.login import DEPRECATED, check_period
from vaultlike.types import Names

ANY = ("*",)
# None is "never set" and reads null, () was cleared and reads []
Bounds = Names | None


class Role(TokenParams, kw_only=True):
    """Bounds narrow together: each that is not empty must admit the machine."""

    bound_service_principal_ids: Annotated[
        Bounds, Bound("oid", fold=True, later=True), Meta(description="Object ids of service principals; '*' is any.")
    ] = None
    bound_group_ids: Annotated[
        Bounds, Bound("groups", fold=True, later=True), Meta(description="Object ids of groups; '*' is any.")
    ] = None
    bound_subscription_ids: Annotated[
        Bounds, Bound("subscription_id", fold=True, later=True), Meta(description="Subscriptions of the machine.")
    ] = None
    bound_resource_groups: Annotated[
        Bounds, Bound("resource_group_name", fold=True, later=True), Meta(description="Resource groups of the machine.")
    ] = None
    bound_locations: Annotated[
        Bounds, Bound("location", fold=True, later=True), Meta(description="Regions of the machine.")
    ] = None
    bound_scale_sets: Annotated[
        Bounds, Bound("vmss_name", fold=True, later=True), Meta(description="Scale sets of the machine.")
    ] = None

    @property
    def any_principal(self) -> bool:
        """`["*"]` alone is the wildcard; beside others `*` is a name like any."""
        return self.bound_service_principal_ids == ANY

    @property
    def any_group(self) -> bool:
        return self.bound_group_ids == ANY

    @property
    def names_principal(self) -> bool:
        """Whether a service principal or group is named, not just any."""
        return bool(self.bound_service_principal_ids and not self.any_principal) or bool(
            self.bound_group_ids and not self.any_group
        )

    @property
    def binds_resource(self) -> bool:
        """Whether the machine's place in Azure matters, so that Resource Manager must be asked."""
        return bool(
            self.bound_subscription_ids or self.bound_resource_groups or self.bound_locations or self.bound_scale_sets
        )


def check_role(ctx: Context, call: Call, new: Role, old: Role | None) -> list[str]:
    """Refuses roles that admit everybody or contradict the mount; warns of capped lifetimes. Raises Invalid."""
    max_ttl = ctx.system.max_ttl()
    check_period(new, max_ttl)
    if not narrows(new):
        raise Invalid("must have at least one bound constraint when creating/updating a role")
    if new.any_principal and new.any_group:
        raise Invalid(
            "bound_service_principal_ids and bound_group_ids are both '*', which admits nobody: "
            "name the service principals or the groups that may log in"
        )
    if not new.names_principal and not new.binds_resource:
        # The wire contract takes such a role without a word (an answer with a warning would be a 200).
        ctx.log.warning("role admits every identity of the tenant", role=call.name, add="bound_service_principal_ids")
    if max_ttl and new.token_max_ttl > max_ttl:
        return [
            "max_ttl is greater than the system or backend mount's maximum TTL value; "
            "issued tokens' max TTL value will be truncated"
        ]
    return []


def show_role(ctx: Context, value: Role) -> dict[str, object]:
    """What a read shows: deprecated fields only when they say something."""
    shown = fields_of(Role).wire(value)
    for name in DEPRECATED:
        if name in shown and (shown[name] is UNSET or not shown[name]):
            del shown[name]
    return shown
