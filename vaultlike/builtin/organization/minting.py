"""Access tokens without a login: minting one for an identity that has token-auth, and what it may do from then on."""

from __future__ import annotations

import uuid

from vaultlike.builtin.organization.instances import METHOD
from vaultlike.builtin.organization.methods import attachments
from vaultlike.builtin.organization.methods.access import CAP, AccessFields
from vaultlike.builtin.organization.methods.method import Attachment
from vaultlike.builtin.organization.methods.token import TokenAuth
from vaultlike.builtin.organization.minted import Minted, MintedTokens
from vaultlike.builtin.organization.places import ORGANIZATION
from vaultlike.errors import Invalid, NotFound
from vaultlike.sdk import AuthInfo, Context, TokenParams
from vaultlike.sdk.resources import encode
from vaultlike.services import Services
from vaultlike.tokens.store import NewToken
from vaultlike.tokens.ttl import Limits, lifetime

TOKEN_AUTH = TokenAuth()
POLICIES = ("default",)  # of the token itself; what the identity may do comes from its entity
MAX_NAME = 512  # characters


async def attached(ctx: Context, services: Services, identity: str) -> AccessFields:
    """What token-auth of an identity says. Raises NotFound for nobody, Invalid where it is not attached."""
    found = await attachments.find(ctx.storage, identity, TOKEN_AUTH)
    if found is None:
        if await services.identity.entity(identity) is None:
            raise NotFound(f"Failed to find identity with ID {identity[:64]}")
        raise Invalid("The identity does not have token auth")
    return found.fields


def token_params(fields: AccessFields, period: int = 0) -> TokenParams:
    """The same as the core's arithmetic wants it; spans within what any access token may have. With a `period` of its
    own (seconds) a token has no end but that of its last renewal."""
    return TokenParams(
        token_ttl=min(fields.access_token_ttl or CAP, CAP),
        token_max_ttl=0 if period else min(fields.access_token_max_ttl or CAP, CAP),
        token_period=period,
        token_num_uses=fields.access_token_num_uses_limit,
        token_bound_cidrs=tuple(one.cidr for one in fields.access_token_trusted_ips),
    )


async def admit(ctx: Context, identity: str) -> None:
    """Attaches token-auth with its defaults where it is not there. Who calls has judged whether that may be."""
    now = ctx.clock.now()
    new = Attachment(
        id=str(uuid.UUID(bytes=ctx.random(16), version=4)), identity=identity, created_at=now, updated_at=now,
        fields=AccessFields(),
    )  # fmt: skip
    await ctx.storage.commit_if({attachments.key(identity, TOKEN_AUTH.name): (encode(new), 0)})


async def mint(
    ctx: Context, services: Services, identity: str, name: str = "", *, period: int = 0
) -> tuple[AuthInfo, Minted]:
    """A new access token of an identity, with its record. Who calls has judged whether the caller may act for it.

    `ctx` is the organization's; with a `period` (seconds) it lives as long as it is renewed. Raises NotFound, Invalid.
    """
    params = token_params(await attached(ctx, services, identity), period)
    if len(name) > MAX_NAME:
        raise Invalid(f"a token's name has at most {MAX_NAME} characters")
    own = services.router.at(ORGANIZATION)
    assert own is not None
    now = services.clock.now()
    limits = Limits(
        mount_default=CAP, mount_max=CAP, ttl=params.token_ttl, max_ttl=params.token_max_ttl, period=period
    )  # fmt: skip
    life = lifetime(limits, now=now, issued_at=now)
    new = services.named(
        NewToken(
            path=f"{ORGANIZATION}identities/{identity}/tokens",
            policies=POLICIES,
            display_name="token-auth",
            ttl=life.ttl,
            mount=own.entry.accessor,
            role=identity,
            entity=identity,
            renewable=True,
            period=period,
            num_uses=params.token_num_uses,
            memo={METHOD: TOKEN_AUTH.name},
        )
    )
    record = Minted(
        id=new.jti, identity=identity, created_at=now, updated_at=now, ttl=life.ttl,
        max_ttl=params.token_max_ttl, period=period, num_uses=params.token_num_uses, name=name,
    )  # fmt: skip
    await MintedTokens(ctx).add(record)
    token = await services.tokens.mint(new)
    extra = await services.identity_policies(await services.identity.entity(identity))
    auth = AuthInfo(
        client_token=token.text,
        accessor=token.entry.accessor,
        policies=tuple(sorted({*POLICIES, *extra})),
        token_policies=POLICIES,
        identity_policies=extra,
        lease_duration=life.ttl,
        renewable=True,
        entity_id=identity,
        num_uses=params.token_num_uses,
        signed=await services.signed(token, life.ttl),
        max_ttl=params.token_max_ttl,
    )
    return auth, record
