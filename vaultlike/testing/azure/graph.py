"""Microsoft Graph, the corner a secrets server needs: applications with their passwords, and group membership.

Owns its rules, rights and bodies (spec/azure.md 7.5). Served at `/graph/v1.0` (the base of `addresses.graph`) and at
`/v1.0`.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TypeVar

import msgspec
from aiohttp import web
from msgspec import UNSET, Struct, UnsetType, field

from vaultlike.testing.azure.bearer import AccessClaims, BadBearer, caller
from vaultlike.testing.azure.gate import Gate, Handler
from vaultlike.testing.azure.model import Application, Host, Identity, Password, fold
from vaultlike.testing.azure.paging import page
from vaultlike.testing.azure.refusals import GraphRefusal
from vaultlike.testing.azure.state import State

READ_APPS = ("Application.Read.All", "Application.ReadWrite.All", "Application.ReadWrite.OwnedBy", "Directory.Read.All")
WRITE_ALL, WRITE_OWNED = "Application.ReadWrite.All", "Application.ReadWrite.OwnedBy"
READ_GROUPS = ("GroupMember.Read.All", "Group.Read.All", "Directory.Read.All", "Directory.ReadWrite.All")
_B = TypeVar("_B")
_FILTER = re.compile(r"\s*(appId|id)\s+eq\s+'([^']*)'\s*", re.ASCII)
_TWO_YEARS = 2 * 365 * 86400.0
_MAX_PASSWORDS = 100


class ShownPassword(Struct, frozen=True, kw_only=True, rename="camel"):
    """`secret_text` is only there in the answer that creates it."""

    key_id: str
    display_name: str | None
    hint: str
    start_date_time: str
    end_date_time: str
    secret_text: str | None = None
    custom_key_identifier: str | None = None


class ShownApplication(Struct, frozen=True, kw_only=True, rename="camel"):
    id: str
    app_id: str
    display_name: str
    identifier_uris: list[str]
    password_credentials: list[ShownPassword]


class ShownPrincipal(Struct, frozen=True, kw_only=True, rename="camel"):
    id: str
    app_id: str
    display_name: str
    service_principal_type: str


class ShownGroup(Struct, frozen=True, kw_only=True, rename="camel"):
    odata_type: str = field(name="@odata.type", default="#microsoft.graph.group")
    id: str
    display_name: str
    security_enabled: bool = True


class Listing(Struct, frozen=True, kw_only=True):
    context: str = field(name="@odata.context")
    next_link: str | UnsetType = field(name="@odata.nextLink", default=UNSET)
    value: Sequence[object]


class NewPassword(Struct, frozen=True, kw_only=True, rename="camel"):
    display_name: str | None = None
    start_date_time: datetime | None = None
    end_date_time: datetime | None = None


class AddPassword(Struct, frozen=True, kw_only=True, rename="camel"):
    password_credential: NewPassword | None = None


class RemovePassword(Struct, frozen=True, kw_only=True, rename="camel"):
    key_id: str


class MemberGroups(Struct, frozen=True, kw_only=True, rename="camel"):
    security_enabled_only: bool = False


class Graph:
    def __init__(self, state: State) -> None:
        self._state = state

    def routes(self, gate: Gate) -> list[web.RouteDef]:
        table: list[tuple[str, str, Handler]] = [
            ("GET", "/applications", self.applications),
            ("GET", "/applications/{id}", self.application),
            ("POST", "/applications/{id}/addPassword", self.add_password),
            ("POST", "/applications/{id}/removePassword", self.remove_password),
            ("GET", "/servicePrincipals", self.principals),
            ("GET", "/servicePrincipals/{id}", self.principal),
            ("POST", "/{kind:servicePrincipals|directoryObjects}/{id}/getMemberGroups", self.member_groups),
            ("GET", "/{kind:servicePrincipals|directoryObjects}/{id}/transitiveMemberOf", self.member_of),
            ("GET", "/servicePrincipals/{id}/transitiveMemberOf/microsoft.graph.group", self.member_of),
            ("*", "/{rest:.*}", self.unknown),
        ]
        return [
            web.route(method, prefix + path, gate.guard("graph", handler))
            for prefix in ("/graph/v1.0", "/v1.0")
            for method, path, handler in table
        ]

    async def unknown(self, request: web.Request) -> web.Response:
        self._caller(request, ())
        raise GraphRefusal(400, "BadRequest", "The emulated Graph has no such resource.")

    async def applications(self, request: web.Request) -> web.Response:
        claims = self._caller(request, READ_APPS)
        wanted = _filter(request)
        mine = [one for one in self._state.world.applications.values() if one.tenant == claims.tid]
        found = [one for one in mine if wanted is None or fold(wanted[1]) == fold(_named(wanted[0], one))]
        return self._list(request, "applications", [_show(one) for one in found])

    async def application(self, request: web.Request) -> web.Response:
        return _json(_show(self._application(request, self._caller(request, READ_APPS))))

    async def add_password(self, request: web.Request) -> web.Response:
        """A new password; its text is in this answer and nowhere else."""
        app = self._writable(request)
        wanted = (await _body(request, AddPassword)).password_credential or NewPassword()
        now = self._state.now()
        starts, ends = _time(wanted.start_date_time, now), _time(wanted.end_date_time, now + _TWO_YEARS)
        if ends <= starts or ends <= now:
            raise GraphRefusal(
                400, "Request_BadRequest", "The end date of a password credential must be in the future."
            )
        if len(app.passwords) >= _MAX_PASSWORDS:
            raise GraphRefusal(400, "Directory_QuotaExceeded", "The application holds too many password credentials.")
        added = Password(
            key_id=self._state.new_guid(),
            text=secrets.token_urlsafe(30),
            display_name=wanted.display_name or "",
            starts_at=starts,
            ends_at=ends,
            usable_at=now + self._state.world.settings.secret_delay,
        )
        app.passwords.append(added)
        self._state.save()
        return _json(_show_password(added, secret=True))

    async def remove_password(self, request: web.Request) -> web.Response:
        app = self._writable(request)
        wanted = fold((await _body(request, RemovePassword)).key_id)
        left = [one for one in app.passwords if fold(one.key_id) != wanted]
        if len(left) == len(app.passwords):
            raise GraphRefusal(400, "Request_BadRequest", f"No password credential found with keyId '{wanted[:100]}'.")
        app.passwords = left
        self._state.save()
        return web.Response(status=204)

    async def principals(self, request: web.Request) -> web.Response:
        claims = self._caller(request, READ_APPS)
        wanted = _filter(request)
        found = [
            one
            for one in self._principals(claims.tid)
            if wanted is None or fold(wanted[1]) == fold(one.app_id if wanted[0] == "appId" else one.id)
        ]
        return self._list(request, "servicePrincipals", found)

    async def principal(self, request: web.Request) -> web.Response:
        claims = self._caller(request, READ_APPS)
        return _json(self._principal(request, claims))

    async def member_groups(self, request: web.Request) -> web.Response:
        """The ids of all groups, nested ones too."""
        claims = self._caller(request, READ_GROUPS)
        principal = self._principal(request, claims)
        await _body(request, MemberGroups)
        groups = self._state.directory.groups_of(principal.id)
        return self._list(request, "Collection(Edm.String)", groups)

    async def member_of(self, request: web.Request) -> web.Response:
        claims = self._caller(request, READ_GROUPS)
        principal = self._principal(request, claims)
        groups = self._state.world.groups
        ids = self._state.directory.groups_of(principal.id)
        shown = [ShownGroup(id=one, display_name=groups[fold(one)].name) for one in ids]
        return self._list(request, "directoryObjects", shown)

    def _caller(self, request: web.Request, rights: Sequence[str]) -> AccessClaims:
        """The caller, who must hold one of these rights (any caller when there are none). Raises GraphRefusal."""
        try:
            claims = caller(self._state, request, "graph")
        except BadBearer as bad:
            text = f"Access token is empty or not valid: {bad.problem}."
            headers = {"WWW-Authenticate": 'Bearer realm="", error="invalid_token"'}
            raise GraphRefusal(401, "InvalidAuthenticationToken", text, headers) from bad
        if rights and not set(rights) & set(claims.roles):
            raise GraphRefusal(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
        return claims

    def _writable(self, request: web.Request) -> Application:
        claims = self._caller(request, (WRITE_ALL, WRITE_OWNED))
        app = self._application(request, claims)
        if WRITE_ALL not in claims.roles and fold(claims.oid) not in map(fold, app.owners):
            raise GraphRefusal(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
        return app

    def _application(self, request: web.Request, claims: AccessClaims) -> Application:
        wanted = fold(request.match_info["id"])
        for app in self._state.world.applications.values():
            if fold(app.object_id) == wanted and app.tenant == claims.tid:
                return app
        raise _not_found(wanted)

    def _principals(self, tenant: str) -> list[ShownPrincipal]:
        directory, world = self._state.directory, self._state.world
        found = [
            (one.service_principal_id, one.app_id, one.display_name, "Application")
            for one in world.applications.values()
            if one.tenant == tenant
        ]
        managed: list[Host | Identity] = [*world.identities.values(), *directory.hosts()]
        found += [
            (one.principal_id, one.client_id, one.name, "ManagedIdentity")
            for one in managed
            if one.principal_id and directory.tenant_of(one.subscription) == tenant
        ]
        return [
            ShownPrincipal(id=oid, app_id=client, display_name=name, service_principal_type=kind)
            for oid, client, name, kind in found
        ]

    def _principal(self, request: web.Request, claims: AccessClaims) -> ShownPrincipal:
        wanted = fold(request.match_info["id"])
        for one in self._principals(claims.tid):
            if fold(one.id) == wanted:
                return one
        raise _not_found(wanted)

    def _list(self, request: web.Request, name: str, entries: Sequence[object]) -> web.Response:
        base = self._state.addresses.graph
        part, following = page(request, entries, self._state.world.settings.page_size, base)
        context = f"{base}/v1.0/$metadata#{name}"
        return _json(Listing(context=context, next_link=following or UNSET, value=part))


def _filter(request: web.Request) -> tuple[str, str] | None:
    given = request.query.get("$filter")
    if given is None:
        return None
    match = _FILTER.fullmatch(given)
    if match is None:
        raise GraphRefusal(400, "Request_UnsupportedQuery", "Unsupported or invalid query filter clause.")
    return match[1], match[2]


def _named(name: str, app: Application) -> str:
    return app.app_id if name == "appId" else app.object_id


async def _body(request: web.Request, kind: type[_B]) -> _B:
    try:
        return msgspec.json.decode(await request.read() or b"{}", type=kind)
    except msgspec.DecodeError as error:
        raise GraphRefusal(400, "Request_BadRequest", f"The body is not as expected: {error}") from error


def _time(given: datetime | None, default: float) -> float:
    if given is None:
        return default
    return (given if given.tzinfo else given.replace(tzinfo=UTC)).timestamp()


def _date(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _show(app: Application) -> ShownApplication:
    return ShownApplication(
        id=app.object_id,
        app_id=app.app_id,
        display_name=app.display_name,
        identifier_uris=app.identifier_uris,
        password_credentials=[_show_password(one) for one in app.passwords],
    )


def _show_password(password: Password, *, secret: bool = False) -> ShownPassword:
    return ShownPassword(
        key_id=password.key_id,
        display_name=password.display_name or None,
        hint=password.text[:3],
        start_date_time=_date(password.starts_at),
        end_date_time=_date(password.ends_at),
        secret_text=password.text if secret else None,
    )


def _not_found(wanted: str) -> GraphRefusal:
    text = f"Resource '{wanted[:100]}' does not exist or one of its queried reference-property objects are not present."
    return GraphRefusal(404, "Request_ResourceNotFound", text)


def _json(body: object) -> web.Response:
    return web.Response(body=msgspec.json.encode(body), content_type="application/json", charset="utf-8")
