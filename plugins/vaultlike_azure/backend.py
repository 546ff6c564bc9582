"""The azure auth method: its paths, and which provider serves them. The work is in the modules beside this one."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from vaultlike.errors import Denied, Invalid
from vaultlike.sdk import Backend, Call, Collection, Context, Gauge, Login, Renewal, TokenParams, login, write
from vaultlike.sdk.gauge import health_gauges
from vaultlike_azure.clouds import STANZA
from vaultlike_azure.config import FIELD_TEXT, Config
from vaultlike_azure.config_check import check_config
from vaultlike_azure.login import FIELD_TEXT as LOGIN_TEXT
from vaultlike_azure.login import LoginBody, check_shape, judge, still_admits
from vaultlike_azure.provider import Provider
from vaultlike_azure.role import Role, check_role, show_role
from vaultlike_azure.rotation import Rotator
from vaultlike_azure.rotation_state import ConfigResource
from vaultlike_azure.settings import resolve

NO_CONFIG = Config()


class RotateBody(Struct, kw_only=True):
    """What rotate-root may be told."""

    purge: Annotated[
        bool, Meta(description="Also remove the application's secrets that were not made by this server.")
    ] = False


class Azure(Backend):
    """Machines log in with the access token of their managed identity or service principal."""

    kind = "azure"
    summary = "Log in with an Azure managed identity or service principal."
    config = ConfigResource(
        "config",
        Config,
        check=check_config,
        saved="config_saved",
        create_or_update=False,
        field_text=FIELD_TEXT,
        summary="the connection to Azure",
    )
    roles = Collection(
        "role/{name}",
        Role,
        check=check_role,
        render=show_role,
        fold=True,
        field_text=FIELD_TEXT,
        ttl_warnings=False,
        summary="a role: which machines may log in, and with what token",
    )

    def __init__(self, ctx: Context) -> None:
        super().__init__(ctx)
        self._provider: Provider | None = None
        self._made_from: tuple[object, ...] = ()
        self._rotator = Rotator(ctx, self.config)

    async def stop(self) -> None:
        """Ends fetches that are under way."""
        old, self._provider = self._provider, None
        if old is not None:
            await old.close()

    async def tick(self) -> None:
        """Brings a started rotation forward, and starts one that is due."""
        await self._rotator.tick()

    def gauges(self) -> list[Gauge]:
        """How the tenant's publishers of keys are doing."""
        return health_gauges(self._provider.issuer.health()) if self._provider is not None else []

    @login(field_text=LOGIN_TEXT)
    async def login(self, call: Call, body: LoginBody) -> Login:
        """Logs a machine in with its Azure access token."""
        if not body.jwt:
            raise Invalid("jwt is required")
        if not body.role:
            raise Invalid("role is required")
        if ".." in body.role:
            raise Invalid("relative paths not supported")
        role = await self.roles.find(self.ctx, body.role)
        if role is None:
            raise Invalid(f'invalid role name "{body.role[:256]}"')
        call.require_address(role.token_bound_cidrs)
        asked = check_shape(body)
        return await judge(call, body, asked, role, await self.provider())

    async def renew(self, call: Call, renewal: Renewal) -> TokenParams:
        """Today's token parameters of the role, if it is still there and would still take this machine."""
        name = renewal.memo.get("role", "")
        if not name:
            raise Denied(reason="the token does not say with which role it was issued")
        role = await self.roles.find(self.ctx, name)
        if role is None:
            raise Invalid(f"role {name} does not exist during renewal")
        still_admits(call, role, dict(renewal.memo))
        return role

    @write("rotate-root")
    async def rotate_root(self, call: Call, body: RotateBody) -> None:
        """Makes a new client secret for the server's application and uses it from a minute later on."""
        await self._rotator.rotate(purge=body.purge)

    async def provider(self) -> Provider:
        """What talks to Azure for the configuration of now. Raises Invalid when there is none."""
        config = await self.config.find(self.ctx) or NO_CONFIG
        clouds = self.ctx.system.settings(STANZA)
        known = self._made_from
        if self._provider is None or not (
            (config is known[0] or config == known[0]) and (clouds is known[1] or clouds == known[1])
        ):
            # The old one is not closed: logins that began with it may finish with it.
            self._provider = Provider(self.ctx, resolve(config, self.ctx.system))
        self._made_from = (config, clouds)
        return self._provider

    async def config_saved(self, name: str) -> None:
        """The next login starts anew, with fresh keys and credentials."""
        self._provider = None
