"""The jwt and oidc auth methods: their paths and who does the work. One class, two names."""

from __future__ import annotations

from vaultlike.errors import Denied, Invalid, Upstream, WrongMethod
from vaultlike.sdk import (
    Backend,
    Call,
    Collection,
    Context,
    Gauge,
    Login,
    Raw,
    Renewal,
    Reply,
    Singleton,
    TokenParams,
    login,
    read,
    write,
)
from vaultlike.sdk.call import Answer
from vaultlike.sdk.gauge import health_gauges
from vaultlike.sdk.routes import LoginFacts
from vaultlike_jwt import pages
from vaultlike_jwt.config import Config, check_rest, check_sources, replace_all, show_config
from vaultlike_jwt.finish import (
    FAILED,
    MAX_ANSWER,
    NO_STATE,
    CallbackBody,
    Finisher,
    PollBody,
    check_nonce,
    waiting_login,
)
from vaultlike_jwt.flows import Flow, Flows
from vaultlike_jwt.key_sources import KeySources, probe, shown_health
from vaultlike_jwt.login import LoginBody, as_login, assertion, role_name
from vaultlike_jwt.provider import Provider
from vaultlike_jwt.role import FIELD_TEXT, Role, check_role, show_role
from vaultlike_jwt.start import StartBody, Starter
from vaultlike_jwt.token import prove

NO_FACTS = LoginFacts("", None)


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
        self._flows = Flows(ctx)
        self._starter = Starter(ctx, self._flows)

    async def tick(self) -> None:
        """Deletes browser logins that nobody finished."""
        await self._flows.clean()

    async def stop(self) -> None:
        """Ends fetches that are under way."""
        old, self._sources = self._sources, None
        if old is not None:
            await old.close()

    def gauges(self) -> list[Gauge]:
        """How the publishers of the keys in use are doing."""
        return health_gauges(self._sources.health()) if self._sources is not None else []

    @login()
    async def login(self, call: Call, body: LoginBody) -> Login:
        """Logs in with a JWT."""
        config = await self.configured()
        name, role = await self.role(role_name(body.role, config))
        allowed = Invalid("role with oidc role_type is not allowed")
        call.require("role_type", "jwt", role.role_type, role.role_type != "oidc", allowed)
        if not body.jwt:
            raise Invalid("missing token")
        call.require_address(role.token_bound_cidrs)
        # Checked when it was written, and again here: such a role would take every token of the issuer.
        call.require("role narrows", "at least one bound", "one" if role.narrow else "none", role.narrow)
        claims = await prove(call, body.jwt.reveal(), self.sources(config), config, role, self.ctx.clock.now())
        person, params = assertion(call, name, role, claims)
        return as_login(name, params, person)

    @write("oidc/auth_url", open=True, login=LoginFacts("role", None))
    async def auth_url(self, call: Call, body: StartBody) -> Reply:
        """Begins a browser login: the address to visit."""
        config = await self.configured()
        _real(call)
        if not config.browser:
            raise Invalid("OIDC login is not configured for this mount")
        name, role = await self.role(role_name(body.role, config))
        started = await self._starter.start(call, body, name, role, config, self._provider(config))
        return Reply(data=started.shown())

    @read("oidc/callback", open=True, login=NO_FACTS)
    async def callback(self, call: Call, body: CallbackBody) -> Login | Raw:
        """Ends a browser login with the provider's answer."""
        config = await self._configured(f"{FAILED} Could not load configuration")
        _real(call)
        flow = await self._flows.find(body.state)
        there = flow is not None and flow.mode != "device" and not flow.claimed and config.browser
        call.require("state", "of a login under way", "known" if there else "unknown", there, Invalid(NO_STATE))
        assert flow is not None
        role = await self._role_of(flow)
        finisher = self._finisher(config)
        if flow.mode == "direct":
            return await finisher.direct(call, body, flow, role)
        taken = await self._flows.take(body.state)
        if taken is None:
            raise Invalid(NO_STATE, reason="another request used the state a moment ago")
        return await finisher.client(call, body, taken, role)

    @write("oidc/callback", open=True, login=NO_FACTS)
    async def form_post(self, call: Call, body: CallbackBody) -> Raw:
        """Takes the form that a provider posts (`response_mode=form_post`)."""
        config = await self._configured(f"{FAILED} Could not load configuration.")
        _real(call)
        if config.oidc_response_mode != "form_post":
            raise WrongMethod
        code, token = body.code.reveal(), body.id_token.reveal()
        if len(code) > MAX_ANSWER or len(token) > MAX_ANSWER:
            raise pages.failed(FAILED, "The provider's answer is too large.")
        flow = await self._flows.find(body.state)
        if flow is None or flow.mode != "client" or flow.code or flow.id_token:  # the first form counts
            raise pages.failed(FAILED, "Expired or missing OAuth state.")
        await self._flows.amend(body.state, code=code, id_token=token)
        return pages.received()

    @write("oidc/poll", open=True, login=NO_FACTS)
    async def poll(self, call: Call, body: PollBody) -> Login:
        """Asks for the login that a browser elsewhere has ended (direct and device mode)."""
        config = await self._configured(f"{FAILED} Could not load configuration")
        _real(call)
        flow = await self._flows.find(body.state)
        there = flow is not None and flow.mode != "client" and config.browser
        call.require("state", "of a login under way", "known" if there else "unknown", there, Invalid(NO_STATE))
        assert flow is not None
        try:
            check_nonce(call, flow, body.client_nonce)
        except Invalid:
            await self._flows.take(body.state)
            raise
        role = await self._role_of(flow)
        call.require_address(role.token_bound_cidrs)
        if flow.mode == "device":
            return await self._finisher(config).device(call, body.state, flow, role)
        found = waiting_login(flow, role)
        if await self._flows.take(body.state) is None:
            raise Invalid(NO_STATE, reason="another request fetched the login a moment ago")
        return found

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
        return await self._configured("could not load configuration")

    async def _configured(self, text: str) -> Config:
        config = await self.config.find(self.ctx)
        if config is None:
            raise Invalid(text)
        return config

    async def _role_of(self, flow: Flow) -> Role:
        role = await self.roles.find(self.ctx, flow.role)
        if role is None:
            raise Invalid(f"{FAILED} Role could not be found")
        return role

    def _provider(self, config: Config) -> Provider:
        discovery = self.sources(config).discovery
        assert discovery is not None  # a config with a client id has a discovery URL
        return Provider(self.ctx, config, discovery)

    def _finisher(self, config: Config) -> Finisher:
        return Finisher(self.ctx, self._flows, config, self.sources(config), self._provider(config))

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


def _real(call: Call) -> None:
    """A browser login cannot be tried dry: each of its steps uses something up. Raises Invalid."""
    if call.simulated:
        raise Invalid("a browser login cannot be simulated")


class Oidc(Jwt):
    """The same method under its other name."""

    kind = "oidc"
