"""The paths `auth/token/create*`: from a checked wish to a durable token (spec/vault-api.md 3.2, 3.6)."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from vaultlike.builtin.token.creation import CreateBody, RootRules, Wish, check_batch, check_inner, policies, wish
from vaultlike.builtin.token.roles import TokenRole, TokenRoles, admits_alias, least, role_policies
from vaultlike.errors import Denied, Invalid, Unavailable
from vaultlike.sdk import AuthInfo, Call, Caller, Context, Reply, write
from vaultlike.sdk.routes import Route, routes_of_function
from vaultlike.services import Services
from vaultlike.storage.engine import Conflict, Op
from vaultlike.tokens.entry import Token
from vaultlike.tokens.store import NewToken
from vaultlike.tokens.ttl import Limits, lifetime


async def has_sudo(core: Services, call: Call) -> bool:
    """Whether the caller's policies give sudo on the path that was called."""
    assert call.caller is not None
    if call.caller.is_root:
        return True
    acl = await core.acl_of_caller(call.caller)
    return acl.check(call.operation, call.mount + call.path, call.data, call.wrap_ttl).sudo


class Terms(Struct, frozen=True, kw_only=True):
    """What request and role come to together: the lesser of each. Spans in seconds."""

    period: int
    explicit_max_ttl: int
    num_uses: int
    batch: bool
    orphan: bool
    renewable: bool
    path: str
    bound_cidrs: tuple[str, ...]
    warnings: tuple[str, ...]


class Creating:
    """Creates tokens, with or without a role."""

    def __init__(self, ctx: Context, services: Services, roles: TokenRoles) -> None:
        self.ctx, self._core, self._roles = ctx, services, roles

    def routes(self) -> list[tuple[Route, object]]:
        """The paths declared below."""
        return [
            (route, self) for item in vars(type(self)).values() if callable(item) for route in routes_of_function(item)
        ]

    @write("create")
    async def create(self, call: Call, body: CreateBody) -> Reply:
        """Creates a token, by default a child of the caller's."""
        return await self._create(call, body, orphan=False)

    @write("create-orphan")
    async def create_orphan(self, call: Call, body: CreateBody) -> Reply:
        """Creates a token without a parent."""
        return await self._create(call, body, orphan=True)

    @write("create/{role_name}")
    async def create_with_role(self, call: Call, body: CreateBody) -> Reply:
        """Creates a token within the limits of a role."""
        name = call.params["role_name"]
        role = await self._roles.find(self.ctx, name)
        if role is None:
            raise Invalid(f"unknown role {name}")
        return await self._create(call, body, orphan=role.orphan, role_name=name, role=role)

    async def _create(
        self, call: Call, body: CreateBody, *, orphan: bool, role_name: str = "", role: TokenRole | None = None
    ) -> Reply:
        caller = call.caller
        assert caller is not None
        parent = await self._parent(caller)
        foreign = parent.row.namespace != call.namespace
        if foreign:  # the names of its policies mean others here, and nobody knows its entity
            caller = replace(caller, token_policies=("default",))
        sudo = await has_sudo(self._core, call)
        asked = wish(body, sudo=sudo, orphan=orphan, with_role=role is not None)
        if body.entity_alias:
            _check_alias(role, body.entity_alias)
        names = None
        if role is not None:
            names = role_policies(role, body.policies, caller.token_policies, no_default=body.no_default_policy)
        default = not body.no_default_policy and not (role is not None and role.token_no_default_policy)
        names = policies(body, caller, sudo=sudo, default=default, of_role=names)
        terms = self._terms(call, body, asked, role, parent)
        if call.namespace:
            check_inner(names, asked.text)
        RootRules(caller.is_root, parent.row.expires_at is not None).check(names, ttl=asked.ttl, batch=terms.batch)
        new = NewToken(
            path=terms.path,
            policies=names,
            display_name=asked.display_name,
            ttl=asked.ttl,
            mount=self.ctx.accessor,
            role=role_name,
            entity="" if terms.orphan or foreign else parent.row.entity,
            parent=None if terms.orphan else parent.row.id,
            renewable=terms.renewable,
            meta=None if call.data.get("meta") is None else body.meta,  # an explicit null is no empty map
            explicit_max_ttl=asked.explicit_max_ttl,
            period=asked.period,
            num_uses=terms.num_uses,
            bound_cidrs=terms.bound_cidrs,
            batch=terms.batch,
            text=asked.text,
        )
        new, warnings = self._with_lifetime(new, terms, (*asked.warnings, *terms.warnings))
        for name in new.policies:
            if await self._core.policies.find(name) is None:
                warnings = (*warnings, f'Policy "{name}" does not exist')
        if body.entity_alias:
            return await self._mint_for(call, new, body.entity_alias, warnings)
        return await self._answer(new, await self._mint(new), warnings)

    async def _parent(self, caller: Caller) -> Token:
        if caller.kind == "batch":
            raise Invalid("batch tokens cannot create more tokens")
        assert isinstance(caller.record, Token)
        home = await self._core.home(caller.record)
        parent = await home.tokens.find_id(caller.id)
        if parent is None:
            raise Denied(reason="the calling token is gone")
        if parent.row.uses_left is not None:
            raise Invalid("restricted use token cannot generate child tokens")
        return parent

    def _terms(self, call: Call, body: CreateBody, asked: Wish, role: TokenRole | None, parent: Token) -> Terms:
        batch, path = body.type == "batch", call.mount + call.path
        if role is None:
            return Terms(
                period=asked.period, explicit_max_ttl=asked.explicit_max_ttl, num_uses=body.num_uses, batch=batch,
                orphan=asked.orphan, renewable=body.renewable and not batch, path=path,
                bound_cidrs=parent.entry.bound_cidrs, warnings=(),
            )  # fmt: skip
        if role.token_type in ("service", "batch"):
            batch = role.token_type == "batch"
        elif role.token_type == "default-batch" and not body.type:
            batch = True
        warnings = []
        period = least(asked.period, role.token_period)
        explicit = least(asked.explicit_max_ttl, role.token_explicit_max_ttl)
        for what, one, other, used in (
            ("Explicit max TTL", asked.explicit_max_ttl, role.token_explicit_max_ttl, explicit),
            ("Period", asked.period, role.token_period, period),
        ):
            if one and other:
                warnings.append(
                    f"{what} specified both during creation call and in role; using the lesser value of {used} seconds"
                )
        uses = least(body.num_uses, role.token_num_uses)
        if batch:
            check_batch(explicit_max_ttl=explicit, num_uses=uses, period=period)
        # a role without addresses of its own must not be a way out of the caller's
        return Terms(
            period=period, explicit_max_ttl=explicit, num_uses=uses, batch=batch, orphan=role.orphan,
            renewable=body.renewable and role.renewable and not batch,
            path=f"{path}/{role.path_suffix}" if role.path_suffix else path,
            bound_cidrs=role.token_bound_cidrs or parent.entry.bound_cidrs, warnings=tuple(warnings),
        )  # fmt: skip

    def _with_lifetime(
        self, new: NewToken, terms: Terms, warnings: tuple[str, ...]
    ) -> tuple[NewToken, tuple[str, ...]]:
        if new.policies == ("root",) and not (new.ttl or terms.period or terms.explicit_max_ttl):
            return replace(new, expires=False, renewable=False), warnings
        now = self.ctx.clock.now()
        root = new.policies == ("root",)  # has no default ttl: lives as long as it may
        limits = Limits(
            mount_default=self.ctx.system.default_ttl(),
            mount_max=self.ctx.system.max_ttl(),
            ttl=new.ttl or (terms.explicit_max_ttl if root else 0),
            period=terms.period,
            explicit_max_ttl=terms.explicit_max_ttl,
        )
        life = lifetime(limits, now=now, issued_at=now)
        return replace(new, ttl=life.ttl), (*warnings, *life.warnings)

    async def _mint_for(self, call: Call, new: NewToken, alias: str, warnings: tuple[str, ...]) -> Reply:
        """A token that stands for the entity behind an alias of this mount, made on first sight."""
        for _ in range(3):
            who = await self._core.identity.recognise(call.namespace, self.ctx.accessor, alias, {})
            if who.entity.body.disabled:
                raise Denied("entity from given entity alias is disabled")
            new = replace(new, entity=who.entity.id)
            try:
                token = await self._core.tokens.mint(new, who.ops)
            except Conflict:
                if not who.ops:
                    raise _taken(new) from None
                continue  # another first use of the alias was faster
            if who.changed:
                self._core.identity.forget()
            return await self._answer(new, token, warnings)
        raise Unavailable("too many concurrent first uses of one entity alias")

    async def _mint(self, new: NewToken, ops: tuple[Op, ...] = ()) -> Token:
        try:
            return await self._core.tokens.mint(new, ops)
        except Conflict:
            raise _taken(new) from None

    async def _answer(self, new: NewToken, token: Token, warnings: tuple[str, ...]) -> Reply:
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


def _check_alias(role: TokenRole | None, alias: str) -> None:
    """Refuses (Invalid) an entity alias that nobody has allowed."""
    if role is None:
        raise Invalid("'entity_alias' is only allowed in combination with token role")
    if len(alias) > 512 or not alias.isprintable() or not admits_alias(role, alias):
        raise Invalid("invalid 'entity_alias' value")


def _taken(new: NewToken) -> Invalid | Denied:
    if new.text:
        return Invalid("cannot create a token with a duplicate ID")
    return Denied(reason="the parent token was revoked meanwhile")
