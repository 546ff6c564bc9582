"""A login: role id, secret id, addresses, and one use (spec/auth-methods.md 4b)."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct
from msgspec.structs import replace

from vaultlike.errors import Invalid, InvalidAddress, InvalidCredentials
from vaultlike.sdk import Alias, Call, Context, Login, admits
from vaultlike.sdk.conversion import to_cidrs
from vaultlike.types import NO_SECRET, Secret
from vaultlike_approle.index import Place, digest, place_of
from vaultlike_approle.issuing import MAX_SECRET_ID, check_subset
from vaultlike_approle.role import Role
from vaultlike_approle.roles import Roles
from vaultlike_approle.secret_ids import Found, SecretIds

REFUSED = "invalid role or secret ID"  # the same for either
MADE_WITH = "secret_id_accessor"  # in a token's memo: which secret id logged in


class LoginBody(Struct, kw_only=True):
    """The two halves of the credential."""

    role_id: Annotated[str, Meta(description="The role's identifier.")] = ""
    secret_id: Annotated[Secret, Meta(description="A secret id of the role, where the role wants one.")] = NO_SECRET


async def judge(ctx: Context, call: Call, body: LoginBody, roles: Roles, secrets: SecretIds) -> Login:
    """What the credential proves. Raises Invalid, and InvalidCredentials for a wrong secret id of a known role.

    The use is taken last: addresses that do not fit cost none. Addresses of the token are those of its use alone.
    """
    role_id = body.role_id.strip()
    if not role_id:
        raise Invalid("missing role_id")
    text = body.secret_id.reveal().strip()
    place = await place_of(ctx, role_id)
    role = await roles.find(ctx, place.name) if place is not None else None
    if place is None or role is None:
        await digest(ctx, "secret", "", text)  # as much work as for a role that is there
        unknown = Invalid(REFUSED, reason="no role has this role_id")
        call.require("role_id", "a role's", "no role's", False, unknown)
        raise unknown
    inside = not role.secret_id_bound_cidrs or admits(role.secret_id_bound_cidrs, call.remote)
    found = await _secret(ctx, call, place, text, secrets, inside) if role.bind_secret_id else None
    _check_addresses(call, role, found)
    if found is not None and not call.simulated:
        left = await secrets.use(found)
        refusal = Invalid(REFUSED, reason="the secret_id's last use was taken meanwhile")
        call.require("secret_id uses", "one left", "one left" if left else "none", left, refusal)
    metadata = {**(found.body.metadata if found is not None else {}), "role_name": place.name}
    token = role
    if found is not None and found.body.token_cidrs:
        token = replace(role, token_bound_cidrs=to_cidrs(list(found.body.token_cidrs)))
    return Login(
        alias=Alias(role_id, metadata),
        token=token,
        role=place.name,
        metadata=metadata,
        memo={"role_name": place.name, MADE_WITH: found.body.accessor} if found else {"role_name": place.name},
        bound_at_use=True,
        spent=found is not None and found.body.uses > 0,
    )


async def _secret(ctx: Context, call: Call, place: Place, text: str, secrets: SecretIds, inside: bool) -> Found:
    """The secret id of that text. `inside`: the caller is in the role's networks; refusals of others never count."""
    if not text:
        raise Invalid("missing secret_id")
    found = await secrets.find(place, text) if len(text) <= MAX_SECRET_ID else None
    wrong = (InvalidCredentials if inside else InvalidAddress)(REFUSED, reason="the role has no such secret_id")
    call.require("secret_id", "one of the role's", "one of them" if found else "another", found is not None, wrong)
    assert found is not None
    over = found.body.expired(ctx.clock.now())
    expired = f"the secret_id with accessor {found.body.accessor} has expired"
    late = (Invalid if inside else InvalidAddress)(REFUSED, reason=expired)
    call.require("secret_id life", "not expired", "expired" if over else "not expired", not over, late)
    return found


def _check_addresses(call: Call, role: Role, found: Found | None) -> None:
    remote = call.remote
    if found is not None and found.body.cidrs:
        text = f'source address "{remote}" unauthorized through CIDR restrictions on the secret ID'
        inside = admits(found.body.cidrs, remote)
        call.require("cidr_list", list(found.body.cidrs), remote, inside, InvalidAddress(text))
    if role.secret_id_bound_cidrs:
        text = f'source address "{remote}" unauthorized by CIDR restrictions on the role'
        inside = admits(role.secret_id_bound_cidrs, remote)
        call.require("secret_id_bound_cidrs", list(role.secret_id_bound_cidrs), remote, inside, InvalidAddress(text))
    if found is not None:  # the role may have become narrower since the secret id was made
        check_subset(found.body.token_cidrs, role.token_bound_cidrs)
