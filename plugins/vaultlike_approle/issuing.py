"""Making secret ids: what may be asked for, within what the role allows (spec/auth-methods.md 4a)."""

from __future__ import annotations

import uuid
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from vaultlike.errors import Invalid
from vaultlike.sdk import Context, within
from vaultlike.types import NO_SECRET, Duration, Names, Pairs, Secret
from vaultlike_approle.metadata import check_notes, parse_metadata
from vaultlike_approle.role import Role, check_networks
from vaultlike_approle.secret_ids import SecretId

MAX_SECRET_ID = 4096  # characters


class IssueBody(Struct, kw_only=True):
    """What a generated secret id may be given."""

    metadata: Annotated[str, Meta(description="JSON text of an object of texts; goes to the tokens.")] = ""
    cidr_list: Annotated[Names, Meta(description="Networks that may log in with it, within the role's.")] = ()
    token_bound_cidrs: Annotated[
        Names, Meta(description="Networks that its tokens may be used from, within the role's.")
    ] = ()
    num_uses: Annotated[int | UnsetType, Meta(description="How often it can log in; the role's when not given.")] = (
        UNSET
    )
    ttl: Annotated[Duration | UnsetType, Meta(description="Life in seconds; the role's when not given.")] = UNSET
    notes: Annotated[Pairs, Meta(description="What to remember of it: shown by lookups, never given to tokens.")] = {}


class CustomBody(IssueBody, kw_only=True):
    """A secret id that the caller chose."""

    secret_id: Annotated[Secret, Meta(description="The secret id.")] = NO_SECRET


def new_secret_id(ctx: Context, name: str, role: Role, body: IssueBody) -> SecretId:
    """A secret id for the role of that name. Raises Invalid for what the role does not allow."""
    if not role.bind_secret_id:
        raise Invalid("bind_secret_id is not set on the role")
    check_networks(body.cidr_list)
    check_subset(body.cidr_list, role.secret_id_bound_cidrs or ())
    check_networks(body.token_bound_cidrs)
    check_subset(body.token_bound_cidrs, role.token_bound_cidrs)
    uses, ttl = _uses(role, body), _ttl(role, body)
    metadata = parse_metadata(body.metadata)
    now = ctx.clock.now()
    capped = shown_ttl(ctx, ttl)
    return SecretId(
        accessor=str(uuid.UUID(bytes=ctx.random(16), version=4)),
        role=name,
        uses=uses,
        ttl=ttl,
        created_at=now,
        expires_at=now + capped if capped else 0.0,
        updated_at=now,
        metadata=metadata,
        cidrs=body.cidr_list,
        token_cidrs=body.token_bound_cidrs,
        notes=check_notes(body.notes),
    )


def shown_ttl(ctx: Context, ttl: int) -> int:
    """A life within the mount's maximum, seconds; 0 is for ever."""
    longest = ctx.system.max_ttl()
    return min(ttl, longest) if longest else ttl


def check_subset(asked: tuple[str, ...], allowed: tuple[str, ...]) -> None:
    """Refuses networks that are not within those of the role, where it has some. Raises Invalid."""
    if asked and allowed and not within(asked, allowed):
        raise Invalid(
            "failed to verify subset relationship between CIDR blocks on the role "
            f"[{_quoted(allowed)}] and CIDR blocks on the secret ID [{_quoted(asked)}]"
        )


def _uses(role: Role, body: IssueBody) -> int:
    if body.num_uses is UNSET:
        return role.secret_id_num_uses
    if body.num_uses < 0:
        raise Invalid("num_uses cannot be negative")
    if role.secret_id_num_uses and (not body.num_uses or body.num_uses > role.secret_id_num_uses):
        raise Invalid("num_uses cannot be higher than the role's secret_id_num_uses")
    return body.num_uses


def _ttl(role: Role, body: IssueBody) -> int:
    if body.ttl is UNSET:
        return role.secret_id_ttl
    if role.secret_id_ttl and (not body.ttl or body.ttl > role.secret_id_ttl):
        raise Invalid("ttl cannot be longer than the role's secret_id_ttl")
    return body.ttl


def _quoted(texts: tuple[str, ...]) -> str:
    return " ".join(f'"{text[:64]}"' for text in texts[:16])
