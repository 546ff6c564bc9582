"""The levers of `control` over HTTP, below `/_emu` of the plain listener. Bodies and answers are JSON.

Owns the mapping only. Requests that came through a browser or a proxy are refused: the levers are for this machine.

| Request | Does |
|---|---|
| `GET /_emu/info` | addresses, CA and the seeded ids: the same object the command prints |
| `POST /_emu/tenants`, `subscriptions`, `applications`, `identities`, `machines`, `scale-sets`, `resources`, `providers`, `groups`, `role-assignments`, `app-role-assignments` | adds one (fields: the Structs of `model`); answers it with its ids |
| `POST /_emu/passwords` `{"app", "password": {...}}`, `POST /_emu/federated` `{"owner", "credential": {...}}` | adds a credential |
| `DELETE /_emu/things?name=`, `DELETE /_emu/grants?principal=` | removes a thing; removes all rights |
| `POST /_emu/token` (`tokens.TokenOrder`) | mints: `{"token", "expires_at", ...}` |
| `GET /_emu/keys`, `POST /_emu/keys` `{"publish", "activate"}`, `POST /_emu/keys/{kid}/{publish,withdraw,activate,retire}` | signing keys |
| `GET`, `POST` (`faults.Fault`), `DELETE /_emu/faults[?endpoint=]` | faults |
| `GET`, `PATCH /_emu/settings` | settings (`control.SettingsChange`) |
| `GET`, `DELETE /_emu/counters`, `GET /_emu/requests` | request counters, last requests |
"""  # noqa: E501  (a table row cannot be folded)

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeAlias, TypeVar

import msgspec
from aiohttp import web
from msgspec import Struct

from vaultlike.errors import Denied, Invalid, NotFound, VaultlikeError
from vaultlike.testing.azure.control import Control, SettingsChange
from vaultlike.testing.azure.faults import Fault
from vaultlike.testing.azure.model import (
    Application,
    AppRoleAssignment,
    FederatedCredential,
    Group,
    Identity,
    Machine,
    Password,
    Provider,
    Resource,
    RoleAssignment,
    ScaleSet,
    Subscription,
    Tenant,
)
from vaultlike.testing.azure.tokens import TokenOrder

T = TypeVar("T")
Lever: TypeAlias = Callable[[web.Request], Awaitable[object]]


class PasswordBody(Struct, forbid_unknown_fields=True):
    app: str
    password: Password


class FederatedBody(Struct, forbid_unknown_fields=True):
    owner: str
    credential: FederatedCredential


class RotateBody(Struct, forbid_unknown_fields=True):
    publish: bool = True
    activate: bool = True


class Made(Struct, kw_only=True):
    """What was added, and its resource id where it has one."""

    resource_id: str = ""
    thing: object


class ControlHttp:
    """`info` makes the object of `GET /_emu/info`."""

    def __init__(self, control: Control, info: Callable[[], Struct]) -> None:
        self._control = control
        self._info = info

    def routes(self) -> list[web.RouteDef]:
        control = self._control
        table: list[tuple[str, str, Lever]] = [
            ("GET", "/info", self._value(self._info)),
            ("POST", "/tenants", self._adds(Tenant, control.add_tenant)),
            ("POST", "/subscriptions", self._adds(Subscription, control.add_subscription)),
            ("POST", "/applications", self._adds(Application, control.add_application)),
            ("POST", "/identities", self._adds(Identity, control.add_identity)),
            ("POST", "/machines", self._adds(Machine, control.add_machine)),
            ("POST", "/scale-sets", self._adds(ScaleSet, control.add_scale_set)),
            ("POST", "/resources", self._adds(Resource, control.add_resource)),
            ("POST", "/providers", self._adds(Provider, control.add_provider)),
            ("POST", "/groups", self._adds(Group, control.add_group)),
            ("POST", "/role-assignments", self._adds(RoleAssignment, control.grant)),
            ("POST", "/app-role-assignments", self._adds(AppRoleAssignment, control.grant_app_role)),
            ("POST", "/passwords", self._adds(PasswordBody, lambda b: control.add_password(b.app, b.password))),
            ("POST", "/federated", self._adds(FederatedBody, lambda b: control.add_federated(b.owner, b.credential))),
            ("POST", "/token", self._adds(TokenOrder, control.mint_full, bare=True)),
            ("POST", "/faults", self._adds(Fault, control.fault, bare=True)),
            ("PATCH", "/settings", self._adds(SettingsChange, control.configure, bare=True)),
            ("POST", "/keys", self._adds(RotateBody, self._rotate, bare=True)),
            ("GET", "/keys", self._value(control.keys)),
            ("GET", "/faults", self._value(control.faults)),
            ("GET", "/settings", self._value(control.settings)),
            ("GET", "/counters", self._value(control.counters)),
            ("GET", "/requests", self._value(control.requests)),
            ("DELETE", "/counters", self._value(control.reset_counters)),
            ("DELETE", "/faults", self._clear_faults),
            ("DELETE", "/things", self._remove),
            ("DELETE", "/grants", self._revoke),
            ("POST", "/keys/{kid}/{change}", self._change_key),
        ]
        return [web.route(method, "/_emu" + path, _rendered(lever)) for method, path, lever in table]

    def _value(self, read: Callable[[], object]) -> Lever:
        async def lever(request: web.Request) -> object:
            return read()

        return lever

    def _adds(self, kind: type[T], act: Callable[[T], object], *, bare: bool = False) -> Lever:
        async def lever(request: web.Request) -> object:
            made = act(await _body(request, kind))
            if bare or made is None:
                return made
            where = made.id if isinstance(made, Identity | Machine | ScaleSet | Resource) else ""
            return Made(resource_id=where, thing=_blinded(made))

        return lever

    def _rotate(self, body: RotateBody) -> dict[str, str]:
        return {"kid": self._control.rotate_keys(publish=body.publish, activate=body.activate)}

    async def _clear_faults(self, request: web.Request) -> None:
        self._control.clear_faults(request.query.get("endpoint", ""))

    async def _remove(self, request: web.Request) -> None:
        self._control.remove(request.query.get("name", ""))

    async def _revoke(self, request: web.Request) -> None:
        self._control.revoke(request.query.get("principal", ""))

    async def _change_key(self, request: web.Request) -> object:
        control = self._control
        changes = {
            "publish": control.publish_key,
            "withdraw": control.withdraw_key,
            "activate": control.activate_key,
            "retire": control.retire_key,
        }
        act = changes.get(request.match_info["change"])
        if act is None:
            raise NotFound(f"a key can be changed by {', '.join(changes)}")
        return act(request.match_info["kid"])


def _rendered(lever: Lever) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handler(request: web.Request) -> web.Response:
        try:
            if "Origin" in request.headers or "X-Forwarded-For" in request.headers:
                raise Denied("the levers are not for browsers or proxies")
            answer = await lever(request)
        except VaultlikeError as error:
            return web.json_response({"errors": list(error.messages)}, status=error.status)
        if answer is None:
            return web.Response(status=204)
        return web.Response(body=msgspec.json.encode(answer), content_type="application/json")

    return handler


async def _body(request: web.Request, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(await request.read() or b"{}", type=kind)
    except msgspec.DecodeError as error:
        raise Invalid(f"the body is not as expected: {error}") from error


def _blinded(thing: object) -> object:
    """The thing without the texts of its passwords: who sent them knows them."""
    if isinstance(thing, Password):
        return msgspec.structs.replace(thing, text="")
    if isinstance(thing, Application):
        hidden = [msgspec.structs.replace(one, text="") for one in thing.passwords]
        return msgspec.structs.replace(thing, passwords=hidden)
    return thing
