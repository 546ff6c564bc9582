"""Azure Resource Manager, reading only (spec/azure.md 7.4).

Owns finding the thing a path means, the order of refusals, RBAC and paging. Paths ignore case; every well-formed
api-version is taken unless a provider is marked strict. Bodies are `arm_view`.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence
from typing import NoReturn

import msgspec
from aiohttp import web

from vaultlike.testing.azure.arm_view import (
    show_group,
    show_host,
    show_identity,
    show_provider,
    show_subscription,
)
from vaultlike.testing.azure.bearer import AccessClaims, BadBearer, caller
from vaultlike.testing.azure.gate import Gate
from vaultlike.testing.azure.model import Host, Identity, Subscription, fold
from vaultlike.testing.azure.paging import page
from vaultlike.testing.azure.refusals import ArmRefusal, Refusal
from vaultlike.testing.azure.state import State

_VERSION = re.compile(r"20[0-9]{2}-[0-9]{2}-[0-9]{2}(-preview)?", re.ASCII)
_FILTER = re.compile(r"\s*(identity/principalId|resourceType)\s+eq\s+'([^']*)'\s*", re.ASCII | re.IGNORECASE)
_IDENTITIES = "microsoft.managedidentity/userassignedidentities"
_QUOTA = 11999  # reads left, as a fresh caller sees it
_BEARER_CODES = {
    "missing": ("AuthenticationFailed", "Authentication failed. The 'Authorization' header is missing."),
    "malformed": ("InvalidAuthenticationToken", "The access token is invalid."),
    "signature": ("InvalidAuthenticationToken", "The signature of the access token is not valid."),
    "expired": ("ExpiredAuthenticationToken", "The access token expiry UTC time is earlier than current UTC time."),
    "audience": ("InvalidAuthenticationTokenAudience", "The access token was obtained for the wrong audience."),
    "issuer": ("InvalidAuthenticationToken", "The access token is from the wrong issuer."),
}


class Arm:
    def __init__(self, state: State) -> None:
        self._state = state
        self._reads = 0

    def routes(self, gate: Gate) -> list[web.RouteDef]:
        handler = gate.guard("arm", self.handle)
        return [web.route("*", "/{arm:(?i:subscriptions|providers)}{path:(/.*)?}", handler)]

    async def handle(self, request: web.Request) -> web.Response:
        """Any request below `/subscriptions` and `/providers`."""
        try:
            response = self._answer(request)
        except Refusal as refusal:
            response = refusal.response(self._state.now())
        self._reads += 1
        response.headers["x-ms-request-id"] = response.headers["x-ms-correlation-request-id"] = str(uuid.uuid4())
        response.headers["x-ms-ratelimit-remaining-subscription-reads"] = str(max(0, _QUOTA - self._reads))
        return response

    def _answer(self, request: web.Request) -> web.Response:
        """The order of Azure: who, which api-version, which subscription, allowed at all, then what exists."""
        claims = self._authenticate(request)
        version = request.query.get("api-version", "")
        if not version:
            raise ArmRefusal(
                400, "MissingApiVersionParameter", "The api-version query parameter (?api-version=) is required."
            )
        if not _VERSION.fullmatch(version):
            raise ArmRefusal(400, "InvalidApiVersionParameter", f"The api-version '{version[:40]}' is invalid.")
        if request.method != "GET":
            raise ArmRefusal(405, "MethodNotAllowed", "The emulated Resource Manager only reads.")
        steps = [step for step in request.path.split("/") if step]
        if fold(steps[0]) == "providers":
            return self._providers(request, "", steps[1:])
        if len(steps) == 1:
            mine = [one for one in self._state.world.subscriptions.values() if one.tenant == claims.tid]
            return self._list(request, [show_subscription(one) for one in mine if self._may(claims, one)])
        subscription = self._subscription(steps[1], claims)
        return self._below(request, claims, subscription, steps[2:])

    def _below(
        self, request: web.Request, claims: AccessClaims, subscription: Subscription, steps: list[str]
    ) -> web.Response:
        """Everything inside one subscription; `steps` is the path after it."""
        scope, kind = f"/subscriptions/{subscription.id}", fold(steps[0]) if steps else ""
        if not steps:
            self._demand(claims, "Microsoft.Resources/subscriptions/read", scope)
            return _json(show_subscription(subscription))
        if kind == "providers" and len(steps) <= 2:
            self._demand(claims, "Microsoft.Resources/subscriptions/providers/read", scope)
            return self._providers(request, subscription.id, steps[1:])
        if kind == "resourcegroups" and len(steps) == 1:
            self._demand(claims, "Microsoft.Resources/subscriptions/resourceGroups/read", scope)
            groups = subscription.resource_groups.items()
            return self._list(request, [show_group(subscription.id, name, where) for name, where in groups])
        group = ""
        if kind == "resourcegroups":
            group, steps = steps[1], steps[2:]
            scope += f"/resourceGroups/{group}"
        if not steps:
            self._demand(claims, "Microsoft.Resources/subscriptions/resourceGroups/read", scope)
            name = self._group(subscription, group)
            return _json(show_group(subscription.id, name, subscription.resource_groups[name]))
        if [fold(step) for step in steps] == ["resources"]:
            self._demand(claims, "Microsoft.Resources/resources/read", scope)
            return self._resources(request, subscription, self._group(subscription, group) if group else "")
        if fold(steps[0]) != "providers" or len(steps) < 3:
            raise ArmRefusal(404, "InvalidResourceType", "The path names no resource.")
        return self._typed(request, claims, subscription, group, steps[1:])

    def _typed(
        self, request: web.Request, claims: AccessClaims, subscription: Subscription, group: str, steps: list[str]
    ) -> web.Response:
        """One resource, or all of a type; `steps` is namespace, type, name, type, name..."""
        kind = "/".join([steps[0], *steps[1::2]])
        name = "/".join(steps[2::2])
        scope = f"/subscriptions/{subscription.id}" + (f"/resourceGroups/{group}" if group else "")
        single = len(steps) % 2 == 1
        self._check_version(steps[0], "/".join(steps[1::2]), request.query["api-version"])
        if single:
            pairs = "/".join(steps[1:])
            self._demand(claims, f"{kind}/read", f"{scope}/providers/{steps[0]}/{pairs}")
            if not group:
                raise ArmRefusal(404, "InvalidResourceType", "A resource needs a resource group in its path.")
            self._group(subscription, group)
            return self._single(request, f"{scope}/providers/{steps[0]}/{pairs}", kind, name, group)
        self._demand(claims, f"{kind}/read", scope)
        if group:
            self._group(subscription, group)
        things: list[Host | Identity] = [one for one in self._things(subscription, group) if _is(one, kind)]
        return self._list(request, [self._show(one) for one in things])

    def _single(self, request: web.Request, resource_id: str, kind: str, name: str, group: str) -> web.Response:
        world, key = self._state.world, fold(resource_id)
        identity = world.identities.get(key)
        if identity is not None:
            return _json(show_identity(self._state.directory, identity))
        host: Host | None = world.machines.get(key) or world.scale_sets.get(key) or world.resources.get(key)
        if host is None:
            text = f"The Resource '{kind}/{name}' under resource group '{group}' was not found."
            raise ArmRefusal(404, "ResourceNotFound", text)
        view = fold(request.query.get("$expand", "")) == "instanceview"
        return _json(show_host(self._state.directory, host, instance_view=view))

    def _resources(self, request: web.Request, subscription: Subscription, group: str) -> web.Response:
        things = self._things(subscription, group)
        wanted = request.query.get("$filter", "")
        if wanted:
            match = _FILTER.fullmatch(wanted)
            if match is None:
                raise ArmRefusal(
                    400, "InvalidFilterInQueryString", f"Invalid $filter '{wanted[:200]}' in the query string."
                )
            name, value = fold(match[1]), fold(match[2])
            if name == "resourcetype":
                things = [one for one in things if _is(one, value)]
            else:
                things = [one for one in things if isinstance(one, Host) and fold(one.principal_id) == value]
        return self._list(request, [self._show(one) for one in things])

    def _providers(self, request: web.Request, subscription: str, steps: list[str]) -> web.Response:
        providers = self._state.world.providers
        if not steps:
            return self._list(request, [show_provider(one, subscription) for one in providers.values()])
        found = providers.get(fold(steps[0])) if len(steps) == 1 else None
        if found is None:
            raise ArmRefusal(404, "InvalidResourceNamespace", f"The resource namespace '{steps[0]}' is invalid.")
        return _json(show_provider(found, subscription))

    def _things(self, subscription: Subscription, group: str) -> list[Host | Identity]:
        things: list[Host | Identity] = [*self._state.directory.hosts(), *self._state.world.identities.values()]
        return [
            one
            for one in things
            if fold(one.subscription) == fold(subscription.id)
            and (not group or fold(one.resource_group) == fold(group))
        ]

    def _show(self, thing: Host | Identity) -> msgspec.Struct:
        if isinstance(thing, Identity):
            return show_identity(self._state.directory, thing)
        return show_host(self._state.directory, thing)

    def _list(self, request: web.Request, entries: Sequence[msgspec.Struct]) -> web.Response:
        settings = self._state.world.settings
        part, following = page(request, entries, settings.page_size, self._state.addresses.resource_manager)
        body: dict[str, object] = {"value": part}
        return _json(body | {"nextLink": following} if following else body)

    def _authenticate(self, request: web.Request) -> AccessClaims:
        try:
            return caller(self._state, request, "arm")
        except BadBearer as bad:
            code, text = _BEARER_CODES[bad.problem]
            self._unauthorized(code, text)

    def _unauthorized(self, code: str, text: str, tenant: str = "common") -> NoReturn:
        where = f"{self._state.addresses.authority}/{tenant}"
        challenge = f'Bearer authorization_uri="{where}", error="invalid_token", error_description="{text}"'
        raise ArmRefusal(401, code, text, {"WWW-Authenticate": challenge})

    def _subscription(self, name: str, claims: AccessClaims) -> Subscription:
        found = self._state.world.subscriptions.get(fold(name))
        if found is None:
            raise ArmRefusal(404, "SubscriptionNotFound", f"The subscription '{name[:100]}' could not be found.")
        if found.tenant != claims.tid:
            text = "The access token is from the wrong issuer: it must match the tenant of this subscription."
            self._unauthorized("InvalidAuthenticationTokenTenant", text, found.tenant)
        return found

    def _group(self, subscription: Subscription, name: str) -> str:
        for known in subscription.resource_groups:
            if fold(known) == fold(name):
                return known
        raise ArmRefusal(404, "ResourceGroupNotFound", f"Resource group '{name[:100]}' could not be found.")

    def _check_version(self, namespace: str, kind: str, version: str) -> None:
        provider = self._state.world.providers.get(fold(namespace))
        if provider is None:
            raise ArmRefusal(404, "InvalidResourceNamespace", f"The resource namespace '{namespace}' is invalid.")
        known = next((versions for name, versions in provider.types.items() if fold(name) == fold(kind)), None)
        if provider.strict_versions and version not in (known or ()):
            text = f"No registered resource provider found for API version '{version}' for type '{kind}'."
            raise ArmRefusal(400, "NoRegisteredProviderFound", text)

    def _may(self, claims: AccessClaims, subscription: Subscription) -> bool:
        """Whether the caller holds any role inside a subscription: then it sees it in the list."""
        holders, prefix = self._holders(claims), fold(f"/subscriptions/{subscription.id}")
        mine = [one for one in self._state.world.roles if fold(one.principal_id) in holders]
        return any(fold(one.scope).startswith(prefix) for one in mine)

    def _holders(self, claims: AccessClaims) -> set[str]:
        return {fold(claims.oid), *map(fold, self._state.directory.groups_of(claims.oid))}

    def _demand(self, claims: AccessClaims, action: str, scope: str) -> None:
        """RBAC. Raises ArmRefusal (403)."""
        holders, where = self._holders(claims), fold(scope) + "/"
        for held in self._state.world.roles:
            inside = where.startswith(fold(held.scope) + "/")
            if inside and fold(held.principal_id) in holders and any(_covers(one, action) for one in held.actions):
                return
        client = claims.appid or claims.azp
        text = (
            f"The client '{client}' with object id '{claims.oid}' does not have authorization to perform action "
            f"'{action}' over scope '{scope}' or the scope is invalid."
        )
        raise ArmRefusal(403, "AuthorizationFailed", text)


def _covers(pattern: str, action: str) -> bool:
    """Whether an RBAC action with `*` covers another; `a/*/read` covers `a/read` too (spec/azure.md 3.2)."""
    rule = re.escape(fold(pattern)).replace(r"/\*/", "/(?:.*/)?").replace(r"\*", ".*")
    return re.fullmatch(rule, fold(action)) is not None


def _is(thing: Host | Identity, kind: str) -> bool:
    return (_IDENTITIES if isinstance(thing, Identity) else fold(thing.type)) == fold(kind)


def _json(body: object) -> web.Response:
    return web.Response(body=msgspec.json.encode(body), content_type="application/json", charset="utf-8")
