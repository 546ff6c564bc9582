"""The paths of `auth/token`. Policies of a creation are decided in `creation`, lifetimes in `tokens.ttl`."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from vaultlike.builtin.token.creation import CreateBody, RootRules, policies, wish
from vaultlike.builtin.token.lookup import TokenInfo, describe
from vaultlike.errors import Denied, Invalid
from vaultlike.sdk import AuthInfo, Backend, Call, Context, Renewal, Reply, TokenParams, list_, read, write
from vaultlike.services import Services
from vaultlike.storage.engine import LAST_USE, Conflict
from vaultlike.tokens.entry import Token
from vaultlike.tokens.store import NewToken
from vaultlike.tokens.ttl import Limits, lifetime
from vaultlike.types import Anything, Duration

TIDY = "Tidy operation successfully started. Any information from the operation will be printed to the server's logs."


class TokenBody(Struct, kw_only=True):
    """A body that names a token."""

    token: Annotated[Anything, Meta(description="The token; the caller's own where it is left out.")] = ""

    def text(self) -> str:
        """The token's text. Raises Denied for anything else."""
        if not isinstance(self.token, str):
            raise Denied("invalid token")
        return self.token


class RenewBody(TokenBody, kw_only=True):
    """A body that asks for more time."""

    increment: Annotated[Duration, Meta(description="Seconds from now; 0 as the token's own rules say.")] = 0


class AccessorBody(Struct, kw_only=True):
    """A body that names an accessor."""

    accessor: Annotated[str, Meta(description="The token's accessor.")] = ""


class RenewAccessorBody(AccessorBody, kw_only=True):
    """A body that asks for more time by accessor."""

    increment: Annotated[Duration, Meta(description="Seconds from now.")] = 0


class TokenBackend(Backend):
    """Tokens made of tokens."""

    kind = "token"
    summary = "Creates, looks up, renews and revokes tokens."

    def __init__(self, ctx: Context, services: Services) -> None:
        super().__init__(ctx)
        self._core = services

    # Creation

    @write("create")
    async def create(self, call: Call, body: CreateBody) -> Reply:
        """Creates a token, by default a child of the caller's."""
        return await self._create(call, body, orphan=False)

    @write("create-orphan")
    async def create_orphan(self, call: Call, body: CreateBody) -> Reply:
        """Creates a token without a parent."""
        return await self._create(call, body, orphan=True)

    async def _sudo(self, call: Call) -> bool:
        assert call.caller is not None
        if call.caller.is_root:
            return True
        entity = await self._core.identity.entity(call.caller.entity_id)
        acl = await self._core.acl_of(call.caller.policies, entity)
        return acl.check(call.operation, call.mount + call.path, call.data, call.wrap_ttl).sudo

    async def _create(self, call: Call, body: CreateBody, *, orphan: bool) -> Reply:
        caller = call.caller
        assert caller is not None
        if caller.kind == "batch":
            raise Invalid("batch tokens cannot create more tokens")
        parent = await self._core.tokens.find_id(caller.id)
        if parent is None:
            raise Denied(reason="the calling token is gone")
        if parent.row.uses_left is not None:
            raise Invalid("restricted use token cannot generate child tokens")
        if body.entity_alias:
            raise Invalid("'entity_alias' is only allowed in combination with token role")
        sudo = await self._sudo(call)
        asked = wish(body, sudo=sudo, orphan=orphan)
        names = policies(body, caller, sudo=sudo)
        root = RootRules(caller.is_root, parent.row.expires_at is not None)
        root.check(names, ttl=asked.ttl, batch=asked.batch)
        new = NewToken(
            path=call.mount + call.path,
            policies=names,
            display_name=asked.display_name,
            ttl=asked.ttl,
            mount=self.ctx.accessor,
            entity="" if asked.orphan else parent.row.entity,
            parent=None if asked.orphan else parent.row.id,
            renewable=body.renewable and not asked.batch,
            meta=body.meta,
            explicit_max_ttl=asked.explicit_max_ttl,
            period=asked.period,
            num_uses=body.num_uses,
            bound_cidrs=parent.entry.bound_cidrs,
            batch=asked.batch,
            text=asked.text,
        )
        return await self._mint(call, new, asked.warnings)

    async def _mint(self, call: Call, new: NewToken, warnings: tuple[str, ...]) -> Reply:
        from msgspec.structs import replace

        now = self.ctx.clock.now()
        if new.policies == ("root",) and not new.ttl and not new.period and not new.explicit_max_ttl:
            new = replace(new, expires=False, renewable=False)
        else:
            limits = Limits(
                mount_default=self.ctx.system.default_ttl(),
                mount_max=self.ctx.system.max_ttl(),
                ttl=new.ttl,
                period=new.period,
                explicit_max_ttl=new.explicit_max_ttl,
            )
            life = lifetime(limits, now=now, issued_at=now)
            new, warnings = replace(new, ttl=life.ttl), (*warnings, *life.warnings)
        for name in new.policies:
            if await self._core.policies.find(name) is None:
                warnings = (*warnings, f'Policy "{name}" does not exist')
        try:
            token = await self._core.tokens.mint(new)
        except Conflict:
            if new.text:
                raise Invalid("cannot create a token with a duplicate ID") from None
            raise Denied(reason="the parent token was revoked meanwhile") from None
        extra = await self._core.identity_policies(await self._core.identity.entity(new.entity))
        auth = AuthInfo(
            client_token=token.text,
            accessor=token.entry.accessor,
            policies=tuple(sorted({*new.policies, *extra})),
            token_policies=new.policies,
            identity_policies=extra,
            metadata=new.meta,
            lease_duration=new.ttl if new.expires else 0,
            renewable=new.renewable,
            entity_id=new.entity,
            token_type="batch" if new.batch else "service",
            orphan=new.parent is None,
            num_uses=new.num_uses,
        )
        return Reply(auth=auth, warnings=warnings)

    # Looking up

    async def _describe(self, token: Token) -> TokenInfo:
        entity = await self._core.identity.entity(token.row.entity)
        return describe(token, self.ctx.clock.now(), await self._core.identity_policies(entity))

    async def _own(self, call: Call) -> Token:
        assert call.caller is not None
        token = await self._core.tokens.find(call.caller.token)
        if token is None:
            raise Denied("bad token")
        return token

    @read("lookup-self")
    async def read_self(self, call: Call) -> TokenInfo:
        """What the calling token is."""
        return await self._describe(await self._own(call))

    @write("lookup-self")
    async def lookup_self(self, call: Call, body: TokenBody) -> TokenInfo:
        """What the calling token is."""
        return await self._describe(await self._own(call))

    async def _lookup(self, call: Call, body: TokenBody) -> TokenInfo:
        text = body.text()
        token = await self._core.tokens.find(text) if text else await self._own(call)
        if token is None:
            raise Denied("bad token")
        return await self._describe(token)

    @read("lookup")
    async def read_lookup(self, call: Call, body: TokenBody) -> TokenInfo:
        """What a token is."""
        return await self._lookup(call, body)

    @write("lookup")
    async def lookup(self, call: Call, body: TokenBody) -> TokenInfo:
        """What a token is."""
        return await self._lookup(call, body)

    @write("lookup-accessor")
    async def lookup_accessor(self, call: Call, body: AccessorBody) -> TokenInfo:
        """What the token with this accessor is, without the token itself."""
        return await self._describe(await self._by_accessor(body.accessor))

    async def _by_accessor(self, accessor: str) -> Token:
        if not accessor:
            raise Invalid("missing accessor")
        token = await self._core.tokens.find_accessor(accessor)
        if token is None:
            raise InvalidAccessor
        return token

    # Renewing

    @write("renew-self")
    async def renew_self(self, call: Call, body: RenewBody) -> Reply:
        """Gives the calling token more time."""
        token = await self._own(call)
        if token.row.uses_left == LAST_USE:
            raise Invalid("token not found")
        return await self._core.renew(call, token, body.increment)

    @write("renew")
    async def renew_token(self, call: Call, body: RenewBody) -> Reply:
        """Gives a token more time."""
        text = body.text()
        if not text:
            raise Invalid("missing token ID")
        token = await self._core.tokens.find(text)
        if token is None:
            raise Invalid("token not found")
        return await self._core.renew(call, token, body.increment)

    @write("renew-accessor")
    async def renew_accessor(self, call: Call, body: RenewAccessorBody) -> Reply:
        """Gives the token with this accessor more time."""
        token = await self._by_accessor(body.accessor)
        if not token.entry.renewable:
            raise Invalid("invalid request")
        return await self._core.renew(call, token, body.increment, show_token=False)

    async def renew(self, call: Call, renewal: Renewal) -> TokenParams:
        """Tokens made here follow the mount's lifetimes and their own period and explicit maximum."""
        return TokenParams(token_period=int(renewal.memo.get("period", "0")))

    # Revoking

    @write("revoke-self")
    async def revoke_self(self, call: Call) -> None:
        """Revokes the calling token and all its children."""
        assert call.caller is not None
        if call.caller.kind == "batch":
            raise Invalid("batch tokens cannot be revoked")
        await self._core.tokens.revoke(call.caller.id)

    @write("revoke")
    async def revoke(self, call: Call, body: TokenBody) -> None:
        """Revokes a token and all its children."""
        token = await self._to_revoke(body)
        if token is not None:
            await self._core.tokens.revoke(token.row.id)

    async def _to_revoke(self, body: TokenBody) -> Token | None:
        text = body.text()
        if not text:
            raise Invalid("missing token ID")
        token = await self._core.tokens.find(text)
        if token is not None and token.batch:
            raise Invalid("batch tokens cannot be revoked")
        return token

    @write("revoke-accessor")
    async def revoke_accessor(self, call: Call, body: AccessorBody) -> Reply | None:
        """Revokes the token with this accessor and all its children."""
        if not body.accessor:
            raise Invalid("missing accessor")
        token = await self._core.tokens.find_accessor(body.accessor)
        if token is None:
            return Reply(warnings=("No token found with this accessor",))
        await self._core.tokens.revoke(token.row.id)
        return None

    @write("revoke-orphan")
    async def revoke_orphan(self, call: Call, body: TokenBody) -> None:
        """Revokes a token; its children live on without a parent."""
        if not await self._sudo(call):
            raise Invalid("root or sudo privileges required to revoke and orphan")
        token = await self._to_revoke(body)
        if token is None:
            raise Invalid("token to revoke not found")
        await self._core.tokens.revoke_orphan(token.row.id)

    @list_("accessors/", sudo=True)
    async def accessors(self, call: Call) -> dict[str, object]:
        """The accessors of all tokens."""
        keys: list[str] = []
        after = b""
        while page := await self._core.tokens.tokens(call.namespace, after):
            keys += [token.entry.accessor for token in page]
            after = page[-1].row.id
        return {"keys": keys}

    @write("tidy")
    async def tidy(self, call: Call) -> Reply:
        """Starts tidying what expired tokens left; expired tokens are swept all the time anyway."""
        return Reply(warnings=(TIDY,), status=202)


class InvalidAccessor(Invalid):
    """No token with this accessor (400)."""

    routed = True
    default = "invalid accessor"
