"""`identities/{id}/tokens` and `tokens/{token}`: the access tokens of token-auth (spec/infisical.md 2)."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from vaultlike.builtin.organization.boundary import require_over
from vaultlike.builtin.organization.minted import Minted, MintedTokens
from vaultlike.builtin.organization.minting import MAX_NAME, TOKEN_AUTH, attached, mint
from vaultlike.builtin.organization.part import Part
from vaultlike.builtin.organization.wire import Wire, moment
from vaultlike.errors import Invalid, NotFound, PermissionDenied
from vaultlike.sdk import Call, Context, Reply, list_, patch, read, write
from vaultlike.sdk.call import Operation
from vaultlike.services import Services

MAX_PAGE, DEFAULT_PAGE = 100, 20
MAX_OFFSET = 100_000


class NewTokenBody(Wire):
    """What an access token is minted with."""

    name: Annotated[str, Meta(description="What it is for.")] = ""


class TokenName(Wire):
    """What can be changed of an access token."""

    name: Annotated[str, Meta(description="What it is for.")]


class TokenPage(Wire):
    """Which access tokens to list."""

    offset: Annotated[int, Meta(ge=0, le=MAX_OFFSET, description="How many to leave out.")] = 0
    limit: Annotated[int, Meta(ge=1, le=MAX_PAGE, description="At most so many.")] = DEFAULT_PAGE


class TokenShown(Wire):
    """What is shown of an access token; never the token itself. Spans in seconds."""

    id: str
    identity_id: str
    name: str | None
    created_at: str
    updated_at: str
    access_token_ttl: int
    access_token_max_ttl: int
    access_token_period: int
    access_token_num_uses: int
    access_token_num_uses_limit: int
    access_token_last_used_at: str | None
    access_token_last_renewed_at: str | None
    is_access_token_revoked: bool
    identity_ua_client_secret_id: str | None = None
    auth_method: str = TOKEN_AUTH.name


class TokenPaths(Part):
    """Minting, listing, naming and revoking access tokens."""

    def __init__(self, ctx: Context, services: Services) -> None:
        super().__init__(ctx, services)
        self.records = MintedTokens(ctx)

    @write("identities/{id:any}/tokens")
    async def create(self, call: Call, body: NewTokenBody) -> Reply:
        """Mints an access token, which is shown this once."""
        identity = call.params["id"]
        await attached(self.ctx, self.services, identity)
        await require_over(self.services, call, identity, given=True)
        auth, record = await mint(self.ctx, self.services, identity, body.name)
        return Reply(data=await self._show(record), auth=auth)

    @list_("identities/{id:any}/tokens/")
    async def list_all(self, call: Call, body: TokenPage) -> Reply:
        """Lists an identity's access tokens, the newest first; those that are over are gone after a day."""
        identity = call.params["id"]
        await attached(self.ctx, self.services, identity)
        if not (0 <= body.offset <= MAX_OFFSET and 1 <= body.limit <= MAX_PAGE):
            raise Invalid(f"limit is between 1 and {MAX_PAGE}, offset between 0 and {MAX_OFFSET}")
        found = await self.records.page(identity, body.offset, body.limit)
        shown = [await self._show(one) for one in found]
        return Reply(data={"keys": [one.id for one in shown], "tokens": shown})

    @read("tokens/{token:any}", judged=True)
    async def read(self, call: Call) -> TokenShown:
        """Reads what is known of an access token."""
        return await self._show(await self._allowed(call, "read"))

    @patch("tokens/{token:any}", judged=True)
    async def rename(self, call: Call, body: TokenName) -> TokenShown:
        """Names an access token."""
        record = await self._allowed(call, "update")
        name = body.name.strip()
        if not 0 < len(name) <= MAX_NAME:
            raise Invalid(f"a token's name has between 1 and {MAX_NAME} characters")
        new = await self.records.change(record.id, name=name, updated_at=self.ctx.clock.now())
        return await self._show(new or record)

    @write("tokens/{token:any}/revoke", judged=True)
    async def revoke(self, call: Call) -> TokenShown:
        """Ends an access token, in all the forms that renewals gave it."""
        record = await self._allowed(call, "update")
        token = await self.services.find_named(record.id)
        if token is not None:
            await self.services.tokens.revoke(token.row.id)
        new = await self.records.change(record.id, revoked=True, updated_at=self.ctx.clock.now())
        return await self._show(new or record)

    async def _allowed(self, call: Call, operation: Operation) -> Minted:
        """The record of the token that a path names, if the caller may do this below its identity. Raises NotFound,
        PermissionDenied."""
        assert call.caller is not None
        name = call.params["token"]
        found = await self.records.find(name) if len(name) == 36 else None
        if found is None:
            raise NotFound(f"Token with ID '{name[:64]}' not found")
        acl = await self.services.acl_of_caller(call.caller)
        path = f"{call.mount}identities/{found.identity}/tokens/{found.id}"
        decision = acl.check(operation, path, call.data, call.wrap_ttl)
        if not decision.allowed:
            raise PermissionDenied(reason=f"policies do not allow {operation} on {path}: {decision.reason}")
        return found

    async def _show(self, record: Minted) -> TokenShown:
        token = None if record.revoked else await self.services.find_named(record.id)
        renewed_at = token.entry.renewed_at if token is not None else None
        uses = record.uses
        if record.num_uses:
            left = max(token.row.uses_left or 0, 0) if token is not None else 0
            uses = record.num_uses - left if token is not None else min(uses, record.num_uses)
        return TokenShown(
            id=record.id,
            identity_id=record.identity,
            name=record.name or None,
            created_at=moment(record.created_at),
            updated_at=moment(record.updated_at),
            access_token_ttl=record.ttl,
            access_token_max_ttl=record.max_ttl,
            access_token_period=record.period,
            access_token_num_uses=uses,
            access_token_num_uses_limit=record.num_uses,
            access_token_last_used_at=moment(record.used_at) if record.used_at is not None else None,
            access_token_last_renewed_at=moment(renewed_at) if renewed_at is not None else None,
            is_access_token_revoked=token is None,
        )
