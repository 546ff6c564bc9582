"""Everything that talks to Azure for one configuration of one mount; a changed configuration is a new one."""

from __future__ import annotations

from vaultlike.sdk import Context
from vaultlike_azure.arm import ResourceManager
from vaultlike_azure.claims import Principal
from vaultlike_azure.credentials import Credentials
from vaultlike_azure.graph import Graph
from vaultlike_azure.issuer import TenantIssuer
from vaultlike_azure.settings import Settings
from vaultlike_azure.wire import Wire


class Provider:
    """Makes no request until it is used; everything in it is cached for all logins of the mount."""

    def __init__(self, ctx: Context, settings: Settings) -> None:
        self.settings = settings
        self.wire = Wire(ctx, settings)
        self.issuer = TenantIssuer(ctx, settings, self.wire.client)
        self.credentials = Credentials(ctx, settings, self.wire)
        self.manager = ResourceManager(ctx, settings, self.wire, self.credentials)
        self.graph = Graph(settings, self.wire, self.credentials)

    async def groups(self, principal: Principal) -> tuple[str, ...]:
        """The groups of a principal whose token has no room for them. Raises Upstream."""
        return await self.graph.groups(principal.oid, is_user=principal.is_user)

    async def close(self) -> None:
        await self.issuer.close()
        await self.credentials.close()
