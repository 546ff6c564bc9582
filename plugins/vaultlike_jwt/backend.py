"""The jwt and oidc auth methods: their paths and who does the work. One class, two names."""

from __future__ import annotations

from vaultlike.errors import Denied, Invalid, Upstream
from vaultlike.sdk import Backend, Call, Collection, Context, Login, Renewal, Reply, Singleton, TokenParams, login
from vaultlike.sdk.call import Answer
from vaultlike_jwt.config import Config, check_rest, check_sources, replace_all, show_config
from vaultlike_jwt.key_sources import KeySources, probe, shown_health
from vaultlike_jwt.login import LoginBody, as_login, assertion, check_address, role_name
from vaultlike_jwt.role import FIELD_TEXT, Role, check_role, show_role
from vaultlike_jwt.token import prove


async def check_config(ctx: Context, call: Call, new: Config, old: Config | None) -> list[str]:
    """Completes and judges a written config; asks the publishers of its keys once. Raises Invalid."""
    replace_all(call.data, new)
    check_sources(new)
    warnings = await probe(ctx, new)
    check_rest(new)
    new.skip_jwks_validation = False
    return warnings


class ConfigResource(Singleton[Config]):
    """The config, read together with the health of its key sources."""

    async def _read(self, backend: Backend, call: Call) -> Answer:
        assert isinstance(backend, Jwt)
        value = await self.find(backend.ctx)
        if value is None:
            return None
        shown, warnings = show_config(value), []
        sources = backend.sources(value)
        try:
            await sources.ready()
            shown["status"] = "valid"
        except Upstream as problem:
            shown["status"] = "invalid"
            warnings.append(f"failed to construct JWK validator: {problem.reason[:512]}")
        if health := shown_health(sources):
            shown["key_sources"] = health
        return Reply(data=shown, warnings=tuple(warnings))


class Jwt(Backend):
    """Machines log in with a signed JWT, people through an OpenID provider."""

    kind = "jwt"
    summary = "Log in with a signed JWT or through an OpenID Connect provider."
    config = ConfigResource(
        "config",
        Config,
        check=check_config,
        saved="config_saved",
        create_or_update=False,
        deletable=False,
        summary="whose tokens the mount believes",
    )
    roles = Collection(
        "role/{name}",
        Role,
        check=check_role,
        render=show_role,
        fold=True,
        field_text=FIELD_TEXT,
        ttl_warnings=False,
        summary="a role: which tokens may log in, and with what token",
    )

    def __init__(self, ctx: Context) -> None:
        super().__init__(ctx)
        self._sources: KeySources | None = None
        self._made_from: Config | None = None

    async def stop(self) -> None:
        """Ends fetches that are under way."""
        old, self._sources = self._sources, None
        if old is not None:
            await old.close()

    @login()
    async def login(self, call: Call, body: LoginBody) -> Login:
        """Logs in with a JWT."""
        config = await self.configured()
        name, role = await self.role(role_name(body.role, config))
        allowed = Invalid("role with oidc role_type is not allowed")
        call.require("role_type", "jwt", role.role_type, role.role_type != "oidc", allowed)
        if not body.jwt:
            raise Invalid("missing token")
        check_address(call, role)
        # Checked when it was written, and again here: such a role would take every token of the issuer.
        call.require("role narrows", "at least one bound", "one" if role.narrow else "none", role.narrow)
        claims = await prove(call, body.jwt.reveal(), self.sources(config), config, role, self.ctx.clock.now())
        person, params = assertion(call, name, role, claims)
        return as_login(name, params, person)

    async def renew(self, call: Call, renewal: Renewal) -> TokenParams:
        """Today's token parameters of the role, if it is still there."""
        name = renewal.memo.get("role", "")
        if not name:
            raise Denied(reason="the token does not say with which role it was issued")
        role = await self.roles.find(self.ctx, name)
        if role is None:
            raise Invalid(f"role {name} does not exist during renewal")
        call.check("role_exists", True, True, True)
        return role

    async def configured(self) -> Config:
        """The configuration. Raises Invalid when there is none."""
        config = await self.config.find(self.ctx)
        if config is None:
            raise Invalid("could not load configuration")
        return config

    async def role(self, name: str) -> tuple[str, Role]:
        """The role of that name. Raises Invalid when there is none."""
        role = await self.roles.find(self.ctx, name) if len(name) <= 512 else None
        if role is None:
            raise Invalid(f'role "{name[:256]}" could not be found')
        return name, role

    def sources(self, config: Config) -> KeySources:
        """The key sources of this configuration: kept, with their keys, until it changes."""
        known = self._sources
        if known is None or not (config is self._made_from or config == self._made_from):
            # The old ones are not closed: logins that began with them may finish with them.
            known = self._sources = KeySources(self.ctx, config)
        self._made_from = config
        return known

    async def config_saved(self, name: str) -> None:
        """The next login starts anew, with fresh keys."""
        self._sources = None


class Oidc(Jwt):
    """The same method under its other name."""

    kind = "oidc"
