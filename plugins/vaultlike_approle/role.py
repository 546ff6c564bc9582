"""Roles: what a login must prove and what token it gets (spec/auth-methods.md 4a)."""

from __future__ import annotations

import uuid
from typing import Annotated

from msgspec import Meta

from vaultlike.errors import Invalid
from vaultlike.sdk import Call, Context, TokenParams, is_network
from vaultlike.sdk.fields import fields_of
from vaultlike.sdk.login import DEPRECATED, check_period, check_token_params
from vaultlike.types import Duration, Names

FIELD_TEXT = 'error converting input for field "{field}": {problem}'
PERIOD_TEXT = 'period of "{period}" is greater than the backend\'s maximum lease TTL of "{limit}"'
NOT_OURS = ("ttl", "max_ttl", "num_uses", "bound_cidrs")  # deprecated names that this method never had
PLAIN_TYPES = {"default-service": "service", "default-batch": "batch"}
MAX_ROLE_ID = 512  # characters: the longest alias
CAPPED = "token_max_ttl is greater than the backend mount's maximum TTL value; " + (
    "issued tokens' max TTL value will be truncated"
)


class Role(TokenParams, kw_only=True):
    """One role. A bound that is None was never set and reads null; one that is empty was cleared and reads []."""

    role_id: Annotated[str, Meta(description="Identifier that logins name; generated when not given.")] = ""
    bind_secret_id: Annotated[bool, Meta(description="Whether a login needs a secret id.")] = True
    secret_id_bound_cidrs: Annotated[
        Names | None, Meta(description="Networks that may log in, each with its mask.")
    ] = None
    secret_id_num_uses: Annotated[int, Meta(description="How often a secret id can log in; 0 is unlimited.")] = 0
    secret_id_ttl: Annotated[Duration, Meta(description="Life of a secret id, in seconds; 0 is for ever.")] = 0
    local_secret_ids: Annotated[
        bool, Meta(description="Keep secret ids in this cluster; can only be said when the role is made.")
    ] = False


def settle_names(data: dict[str, object]) -> list[str]:
    """Replaces names of the wire that mean another one, in place; the warnings about it."""
    for name in NOT_OURS:
        data.pop(name, None)
    if "bound_cidr_list" in data:  # the old name
        data.setdefault("secret_id_bound_cidrs", data.pop("bound_cidr_list"))
    kind = data.get("token_type")
    if isinstance(kind, str) and kind in PLAIN_TYPES:
        data["token_type"] = PLAIN_TYPES[kind]
        return [f"{kind} has no useful meaning; adjusting to {PLAIN_TYPES[kind]}"]
    return []


def complete(call: Call, new: Role, old: Role | None) -> None:
    """What a role write may not change, and the role id of a new role. Raises Invalid."""
    if old is not None and "local_secret_ids" in call.data:
        raise Invalid("local_secret_ids can only be modified during role creation")
    if not new.role_id and "role_id" not in call.data:
        new.role_id = str(uuid.uuid4())
    if not new.role_id.strip():
        raise Invalid("invalid role_id supplied, or failed to generate a role_id")


def check_role(ctx: Context, role: Role) -> list[str]:
    """Refuses a role that contradicts itself or constrains nothing; the warnings about it. Raises Invalid."""
    max_ttl = ctx.system.max_ttl()
    check_token_params(role, max_ttl)
    check_period(role, max_ttl, PERIOD_TEXT)
    role.role_id = role.role_id.strip()  # logins are trimmed too
    if len(role.role_id) > MAX_ROLE_ID or not role.role_id.isprintable():
        raise Invalid(f"role_id is longer than {MAX_ROLE_ID} characters or unprintable")
    if role.secret_id_num_uses < 0:
        raise Invalid("secret_id_num_uses cannot be negative")
    check_networks(role.secret_id_bound_cidrs or ())
    if not (role.bind_secret_id or role.secret_id_bound_cidrs or role.token_bound_cidrs):
        # whoever knows the role id, which is no secret, would be let in
        raise Invalid("at least one constraint should be enabled on the role")
    return [CAPPED] if max_ttl and role.token_max_ttl > max_ttl else []


def check_networks(cidrs: tuple[str, ...]) -> None:
    """Refuses what has no mask or is no address. Raises Invalid."""
    for text in cidrs:
        if not is_network(text):
            raise Invalid(f"failed to validate CIDR blocks: invalid CIDR address: {text[:64]}")


def show_role(ctx: Context, value: Role) -> dict[str, object]:
    """What a read shows: not the role id, and deprecated fields only when they say something."""
    shown = fields_of(Role).wire(value)
    del shown["role_id"]
    for name in DEPRECATED:
        if name in shown and not shown[name]:
            del shown[name]
    return shown
