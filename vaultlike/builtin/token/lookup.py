"""What a look-up shows of a token (spec/vault-api.md 3.4)."""

from __future__ import annotations

from msgspec import UNSET, Struct, UnsetType

from vaultlike.clock import rfc3339
from vaultlike.tokens.entry import Token


class TokenInfo(Struct, kw_only=True):
    """The data of `auth/token/lookup*`; UNSET keys are left out."""

    accessor: str
    creation_time: int
    creation_ttl: int
    display_name: str
    entity_id: str
    expire_time: str | None
    explicit_max_ttl: int
    id: str
    meta: dict[str, str] | None
    num_uses: int
    orphan: bool
    path: str
    policies: tuple[str, ...] | None
    ttl: int
    type: str
    renewable: bool | UnsetType = UNSET
    issue_time: str | UnsetType = UNSET
    last_renewal: str | UnsetType = UNSET
    last_renewal_time: int | UnsetType = UNSET
    role: str | UnsetType = UNSET
    period: int | UnsetType = UNSET
    namespace_path: str | UnsetType = UNSET
    bound_cidrs: tuple[str, ...] | UnsetType = UNSET
    identity_policies: tuple[str, ...] | UnsetType = UNSET
    external_namespace_policies: dict[str, tuple[str, ...]] | UnsetType = UNSET


def describe(token: Token, now: float, identity_policies: tuple[str, ...], namespace_path: str = "") -> TokenInfo:
    """The look-up data; `id` is the text the caller showed, "" for look-ups by accessor."""
    row, entry = token.row, token.entry
    info = TokenInfo(
        accessor=entry.accessor,
        creation_time=int(entry.created_at),
        creation_ttl=entry.creation_ttl,
        display_name=entry.display_name,
        entity_id=row.entity,
        expire_time=rfc3339(row.expires_at) if row.expires_at is not None else None,
        explicit_max_ttl=entry.explicit_max_ttl,
        id=token.text,
        meta=entry.meta,
        num_uses=row.uses_left or 0,
        orphan=row.parent is None,
        path=row.path,
        policies=entry.policies or None,
        ttl=token.remaining(now),
        type="batch" if token.batch else "service",
    )
    if row.path != "auth/token/root":
        info.renewable = entry.renewable
        info.issue_time = rfc3339(entry.created_at)
    if entry.renewed_at is not None:
        info.last_renewal = rfc3339(entry.renewed_at)
        info.last_renewal_time = int(entry.renewed_at)
    if row.role and row.path.startswith("auth/token/"):
        info.role = row.role
    if namespace_path:
        info.namespace_path = namespace_path
    if entry.period:
        info.period = entry.period
    if entry.bound_cidrs:
        info.bound_cidrs = entry.bound_cidrs
    if identity_policies:
        info.identity_policies = identity_policies
        info.external_namespace_policies = {}
    return info
