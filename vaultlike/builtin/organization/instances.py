"""One plugin, many configurations: a mount that holds an instance of an auth method per identity (ADR 7).

Every path of the method is there once more below the identity's id, `<identity id>/login` and so on, over a folder of
storage of its own. Plugins know nothing of it. A login is always the identity's: whatever name the method proved, the
alias is the id; and it needs the identity and its attachment to be there. Instances are opened when somebody asks for
one, and closed when others need the room.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any

from msgspec import structs

from vaultlike.builtin.organization.methods import attachments
from vaultlike.builtin.organization.methods.reach import OPERATORS_WORD, reach_of
from vaultlike.builtin.organization.organizations import the_organization
from vaultlike.builtin.organization.places import FOLDER, ORGANIZATION
from vaultlike.errors import Invalid
from vaultlike.sdk import Alias, Backend, Call, Context, Gauge, Login, Renewal, TokenParams
from vaultlike.sdk.routes import LoginFacts, Route, RouteTable
from vaultlike.services import Services

CAPTURE = "instance"
OWN_NAME = "own_name"  # in a token's memo: the name that the method itself proved
METHOD = "method"  # in a token's memo, and in the mount's options: the method's name in the second API
OPEN = 2_048  # instances in memory; each holds the keys of its issuer


class _Instance:
    __slots__ = ("backend", "guarded", "table")

    def __init__(self, backend: Backend, *, guarded: bool) -> None:
        self.backend, self.table, self.guarded = backend, RouteTable(backend.routes()), guarded


class Instances(Backend):
    """The mount. `method` is the plugin's class."""

    def __init__(self, ctx: Context, method: type[Backend], services: Services) -> None:
        super().__init__(ctx)
        self.kind, self.summary = method.kind, method.summary
        self.method, self._services = method, services
        self.name = ctx.options.get(METHOD, "")
        self._open: OrderedDict[str, _Instance] = OrderedDict()

    def routes(self) -> list[tuple[Route, object]]:
        """The paths of the method, each below the id of an identity."""
        return [(self._below(route), self) for route, _ in self.method(self.ctx).routes()]

    def _below(self, route: Route) -> Route:
        return structs.replace(
            route,
            pattern=f"{{{CAPTURE}}}/{route.pattern}",
            handler=_forward(route),
            exists=_forward_exists(route) if route.exists is not None else None,
            login=LoginFacts(CAPTURE, None) if route.login is not None else None,
        )

    def context(self, identity: str) -> Context:
        """What the instance of an identity works with. It reaches private addresses only where the operator says so."""
        storage = self.ctx.storage.below(f"{FOLDER}{identity}/")
        ctx = structs.replace(self.ctx, mount=f"{self.ctx.mount}{identity}/", storage=storage)
        return ctx.guarded() if self._guarded() else ctx

    def _guarded(self) -> bool:
        return self.kind not in OPERATORS_WORD and not reach_of(self.ctx.system, self._services.namespace.path).internal

    async def admit(self, call: Call, identity: str) -> None:
        """Before a login: the identity is known and has this method. Raises Denied; opens nothing for a stranger."""
        known = await self.knows(identity)
        call.require("identity", "a known one", "known" if known else "unknown", known)
        own = self._services.router.at(ORGANIZATION)
        organization = own.backend.ctx if own is not None and own.backend is not None else None
        if organization is not None and (slug := call.data.get("organizationSlug")):
            ours = (await the_organization(organization)).slug
            call.require("organization", ours, str(slug)[:128], slug == ours)
        there = organization is not None and await attachments.attached(organization.storage, identity, self.name)
        call.require("attachment", f"{self.name} of the identity", "there" if there else "none", there)

    async def knows(self, identity: str) -> bool:
        """Whether there is such an identity."""
        return await self._services.identity.entity(identity) is not None

    async def instance(self, identity: str) -> _Instance:
        """The running instance of an identity; there is always one, with nothing configured at first."""
        known, guarded = self._open.get(identity), self._guarded()
        if known is not None and known.guarded == guarded:
            self._open.move_to_end(identity)
            return known
        if known is not None:  # the operator has changed where it may reach out to
            await self.close(identity)
        known = self._open[identity] = _Instance(self.method(self.context(identity)), guarded=guarded)
        if len(self._open) > OPEN:
            _, oldest = self._open.popitem(last=False)
            await oldest.backend.stop()
        return known

    async def close(self, identity: str) -> None:
        """Drops the running instance; the next request opens it anew."""
        known = self._open.pop(identity, None)
        if known is not None:
            await known.backend.stop()

    async def stop(self) -> None:
        """Closes every instance."""
        while self._open:
            _, one = self._open.popitem()
            await one.backend.stop()

    def gauges(self) -> list[Gauge]:
        """How many instances are open, and the largest of each number that they show: never one series an identity."""
        largest: dict[str, Gauge] = {}
        for instance in self._open.values():
            for one in instance.backend.gauges():
                known = largest.get(one.name)
                if known is None or one.value > known.value:
                    largest[one.name] = one
        of_all = [Gauge(one.name, one.value, f"{one.help} The largest of all identities.") for one in largest.values()]
        return [Gauge("instances.open", len(self._open), "Identities whose method is in memory."), *of_all]

    async def addresses(self, role: str) -> tuple[str, ...] | None:
        """The addresses of an identity's role: both have one name."""
        return await (await self.instance(role)).backend.addresses(role)

    async def renew(self, call: Call, renewal: Renewal) -> TokenParams:
        """As the identity's instance says."""
        instance = await self.instance(renewal.alias)
        return await instance.backend.renew(call, structs.replace(renewal, alias=renewal.memo.get(OWN_NAME, "")))


def _forward(route: Route) -> Callable[..., Awaitable[Any]]:
    async def handler(mount: Instances, call: Call, *body: object) -> object:
        if route.login is not None:
            await mount.admit(call, call.params[CAPTURE])
        inner, owned = await _enter(mount, call, route)
        answer = await owned(inner, *body)
        return _of_identity(answer, call.params[CAPTURE], mount.name) if isinstance(answer, Login) else answer

    return handler


def _forward_exists(route: Route) -> Callable[..., Awaitable[Any]]:
    async def exists(mount: Instances, call: Call) -> bool:
        if not await mount.knows(call.params[CAPTURE]):
            return False  # asked before policies are: a made-up identity opens nothing
        inner, owned = await _enter(mount, call, route)
        assert owned.route.exists is not None
        found: bool = await owned.route.exists(owned.owner, inner)
        return found

    return exists


async def _enter(mount: Instances, call: Call, route: Route) -> tuple[Call, Any]:
    identity = call.params[CAPTURE]
    instance = await mount.instance(identity)
    place = instance.table.places[route.pattern.removesuffix("/") if route.verb == "list" else route.pattern]
    params = {name: value for name, value in call.params.items() if name != CAPTURE}
    inner = structs.replace(
        call,
        path=call.path[len(identity) + 1 :],
        mount=f"{call.mount}{identity}/",
        params=params,
        bound_at_use=route.login is not None,  # a token's networks are those of its uses, not of its login
    )
    return inner, place.routes[route.verb]


def _of_identity(login: Login, identity: str, method: str) -> Login:
    if login.role != identity.lower():
        raise Invalid("the role must be the identity's", reason=f"role {login.role} at the instance of {identity}")
    return structs.replace(
        login,
        alias=Alias(identity, dict(login.alias.metadata)),
        role=identity,
        groups=(),
        memo={**login.memo, OWN_NAME: login.alias.name, METHOD: method},
    )
