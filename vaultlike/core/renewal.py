"""More time for a token: the method that made it says today's parameters, the arithmetic is the core's."""

from __future__ import annotations

from vaultlike.core import external
from vaultlike.errors import Invalid
from vaultlike.sdk import AuthInfo, Call, Renewal, Reply, TokenParams
from vaultlike.services import Services
from vaultlike.tokens.entry import Token
from vaultlike.tokens.ttl import Limits, lifetime


async def renew(services: Services, call: Call, token: Token, increment: int, *, show_token: bool = True) -> Reply:
    """Renews a token by `increment` seconds from now (0: as its method says), within every limit.

    Raises Invalid for tokens that cannot be renewed or have reached their maximum, and what the method raises.
    """
    if token.batch:
        raise Invalid("batch tokens cannot be renewed")
    if not token.entry.renewable or token.row.expires_at is None:
        raise Invalid("lease is not renewable")
    limits, max_ttl = await _limits(services, call, token)
    now = services.clock.now()
    life = lifetime(limits, now=now, issued_at=token.entry.created_at, increment=increment)
    renewed = await services.tokens.renew(token, life.ends_at)
    if token.entry.groups:
        await external.refresh(services, token.row.entity, token.row.mount, token.entry.groups)
    entity = await services.identity.standing(token.row.entity)
    extra = await services.identity_policies(entity)
    auth = AuthInfo(
        client_token=token.text if show_token else "",
        accessor=token.entry.accessor,
        policies=tuple(sorted({*token.entry.policies, *extra})),
        token_policies=token.entry.policies,
        identity_policies=extra,
        metadata=token.entry.meta,
        lease_duration=life.ttl,
        renewable=True,
        entity_id=token.row.entity,
        orphan=renewed.row.parent is None,
        num_uses=token.entry.num_uses,  # as it was made with; a look-up tells what is left
        signed=await services.signed(renewed, life.ttl) if renewed.entry.jti else "",
        max_ttl=max_ttl,
    )
    return Reply(auth=auth, warnings=life.warnings)


async def _limits(services: Services, call: Call, token: Token) -> tuple[Limits, int]:
    """What bounds the new time, and the whole life in seconds that the method grants (0: any)."""
    entry, row = token.entry, token.row
    mount = services.router.by_accessor(row.mount)
    if mount is None:
        raise Invalid("the token's auth mount is gone")
    params = TokenParams(token_period=entry.period)
    if mount.backend is not None:
        renewal = Renewal(
            alias=entry.alias, memo={**entry.memo, "role": entry.memo.get("role", row.role)},
            token_policies=entry.policies, issued_at=entry.created_at, role=row.role, period=entry.period,
            granted=token.granted,
        )  # fmt: skip
        params = await mount.backend.renew(call, renewal)
    explicit = entry.explicit_max_ttl
    if params.token_explicit_max_ttl and (not explicit or params.token_explicit_max_ttl < explicit):
        explicit = params.token_explicit_max_ttl
    limits = Limits(
        mount_default=services.default_ttl(mount.entry),
        mount_max=services.max_ttl(mount.entry),
        ttl=params.token_ttl,
        max_ttl=params.token_max_ttl,
        period=params.token_period,
        explicit_max_ttl=explicit,
    )
    return limits, 0 if params.token_period else params.token_max_ttl
