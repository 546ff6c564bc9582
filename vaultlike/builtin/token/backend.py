"""The paths of `auth/token`. Policies of a creation are decided in `creation`, lifetimes in `tokens.ttl`."""

from __future__ import annotations

import asyncio
from typing import Annotated

from msgspec import Meta, Struct

from vaultlike.builtin.token.creating import Creating, has_sudo
from vaultlike.builtin.token.lookup import TokenInfo, describe
from vaultlike.builtin.token.roles import FIELD_TEXT, TokenRole, TokenRoles, check_role, least
from vaultlike.errors import Denied, Invalid, InvalidInside
from vaultlike.sdk import Backend, Call, Context, Renewal, Reply, TokenParams, list_, read, write
from vaultlike.sdk.routes import Route
from vaultlike.services import Services
from vaultlike.storage.engine import LAST_USE
from vaultlike.tokens.entry import Token
from vaultlike.types import Anything, Duration

TIDYING = "Tidy operation already in progress."
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
    roles = TokenRoles(
        "roles/{name}", TokenRole, check=check_role, field_text=FIELD_TEXT, summary="the role for making tokens"
    )

    def __init__(self, ctx: Context, services: Services) -> None:
        super().__init__(ctx)
        self._core = services
        self._creating = Creating(ctx, services, self.roles)
        self._tidying: asyncio.Task[None] | None = None

    def routes(self) -> list[tuple[Route, object]]:
        """The paths declared here, and those of creation."""
        return [*super().routes(), *self._creating.routes()]

    # Looking up

    async def _describe(self, token: Token) -> TokenInfo:
        home = await self._core.home(token)
        extra = await home.identity_policies(await home.identity.entity(token.row.entity))
        return describe(token, self.ctx.clock.now(), extra, home.namespace.path)

    async def _own(self, call: Call) -> Token:
        assert call.caller is not None
        token = call.caller.record
        assert isinstance(token, Token)
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
            raise InvalidInside("missing accessor")
        token = await self._core.tokens.find_accessor(accessor)
        if token is None:
            raise InvalidInside("invalid accessor")
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
            raise InvalidInside("invalid request")
        return await self._core.renew(call, token, body.increment, show_token=False)

    async def renew(self, call: Call, renewal: Renewal) -> TokenParams:
        """Tokens made here get again what they last got, within their own limits and today's of their role."""
        params = TokenParams(token_ttl=renewal.granted, token_period=renewal.period)
        if not renewal.role:
            return params
        role = await self.roles.find(self.ctx, renewal.role)
        if role is None:
            raise Invalid(f'original token role "{renewal.role}" could not be found, not renewing')
        params.token_period = least(renewal.period, role.token_period)
        params.token_explicit_max_ttl = role.token_explicit_max_ttl
        return params

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
            raise InvalidInside("missing accessor")
        token = await self._core.tokens.find_accessor(body.accessor)
        if token is None:
            return Reply(warnings=("No token found with this accessor",))
        await self._core.tokens.revoke(token.row.id)
        return None

    @write("revoke-orphan")
    async def revoke_orphan(self, call: Call, body: TokenBody) -> None:
        """Revokes a token; its children live on without a parent."""
        if not await has_sudo(self._core, call):
            raise Invalid("root or sudo privileges required to revoke and orphan")
        token = await self._to_revoke(body)
        if token is None:
            raise Invalid("token to revoke not found")
        await self._core.tokens.revoke_orphan(token.row.id)

    @list_("accessors/", sudo=True)
    async def accessors(self, call: Call) -> dict[str, object]:
        """The accessors of all tokens."""
        keys: list[str] = []
        after = 0
        while page := await self._core.tokens.tokens(call.namespace, after):
            keys += [token.entry.accessor for token in page]
            after = page[-1].row.position
        return {"keys": keys}

    @write("tidy")
    async def tidy(self, call: Call) -> Reply:
        """Starts deleting expired tokens now, with what they left; the periodic work does it all the time anyway."""
        if self._tidying is not None and not self._tidying.done():
            return Reply(warnings=(TIDYING,), status=202)
        self._tidying = asyncio.create_task(self._sweep(), name="tidy of tokens")
        return Reply(warnings=(TIDY,), status=202)

    async def _sweep(self) -> None:
        try:
            rows = await self._core.tokens.sweep()
            self.ctx.log.info("tokens tidied", rows=rows)
        except Exception as problem:  # nobody waits for it: the log is where it is told
            self.ctx.log.error("tidying tokens failed", problem=repr(problem))

    async def stop(self) -> None:
        """Ends a tidy that is under way."""
        if self._tidying is not None:
            self._tidying.cancel()
