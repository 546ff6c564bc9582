"""Microsoft Graph: the groups of a principal, the secrets of the server's own application (spec/azure.md 3.2, 4)."""

from __future__ import annotations

from typing import Final, TypeVar

import msgspec
from msgspec import Struct

from vaultlike.errors import Upstream
from vaultlike.sdk.egress import BadStatus, Fetched
from vaultlike.types import Secret
from vaultlike_azure.credentials import Credentials
from vaultlike_azure.settings import GUID, Settings
from vaultlike_azure.wire import Wire, continued

T = TypeVar("T")
MAX_PAGES: Final = 50


class ClientPassword(Struct, frozen=True, rename="camel"):
    """A secret of an application as Graph lists it: never the text."""

    key_id: str
    display_name: str | None = None


class NewPassword(Struct, frozen=True, rename="camel"):
    """The answer that holds a new secret's text, once."""

    key_id: str
    secret_text: str
    end_date_time: str = ""

    def __repr__(self) -> str:
        return f"NewPassword(key_id={self.key_id!r})"


class Application(Struct, frozen=True, rename="camel"):
    id: str
    password_credentials: list[ClientPassword] = []


class _Applications(Struct, frozen=True):
    value: list[Application] = []


class _Ids(Struct, frozen=True):
    value: list[str] = []
    next_link: str = msgspec.field(name="@odata.nextLink", default="")


class _Error(Struct, frozen=True):
    code: str = ""
    message: str = ""


class _ErrorBody(Struct, frozen=True):
    error: _Error = _Error()


class Graph:
    """Calls with the server's own credentials. Raises Upstream for everything that Graph refuses."""

    def __init__(self, settings: Settings, wire: Wire, credentials: Credentials) -> None:
        self._base, self._scope = settings.cloud.graph, settings.cloud.graph_scope
        self._wire, self._credentials = wire, credentials

    async def groups(self, oid: str, *, is_user: bool) -> tuple[str, ...]:
        """Object ids of all groups of a principal, nested ones too."""
        if not GUID.fullmatch(oid):
            raise Upstream(reason="groups of a principal whose object id is no GUID")
        kind = "users" if is_user else "servicePrincipals"
        answer = await self._member_groups(kind, oid)
        if answer.status == 404:
            # the token does not always say which kind of object its bearer is
            answer = await self._member_groups("directoryObjects", oid)
        page = _body(answer, _Ids)
        found = list(page.value)
        for _ in range(MAX_PAGES):
            if not page.next_link:
                return tuple(found)
            page = _body(await self._send("GET", "", whole=continued(self._base, page.next_link)), _Ids)
            found += page.value
        raise Upstream(reason=f"a list of groups of more than {MAX_PAGES} pages")

    async def _member_groups(self, kind: str, oid: str) -> Fetched:
        return await self._send("POST", f"/v1.0/{kind}/{oid}/getMemberGroups", json={"securityEnabledOnly": False})

    async def application(self, client_id: str) -> Application:
        """The application with this client id; none or several is a failure."""
        if not GUID.fullmatch(client_id):
            raise Upstream(reason="client_id is no GUID, so Graph cannot find its application")
        params = {"$filter": f"appId eq '{client_id}'"}
        found = _body(await self._send("GET", "/v1.0/applications", params=params), _Applications).value
        if len(found) != 1:
            raise Upstream(reason=f"Graph knows {len(found)} applications with the configured client_id, not one")
        return found[0]

    async def add_password(self, object_id: str, name: str, until: str) -> tuple[str, Secret]:
        """Key id and text of a new secret. Asked once only: a second try could leave a secret nobody knows."""
        body = {"passwordCredential": {"displayName": name, "endDateTime": until}}
        answer = await self._send("POST", f"/v1.0/applications/{object_id}/addPassword", json=body, attempts=1)
        made = _body(answer, NewPassword)
        return made.key_id, Secret(made.secret_text)

    async def remove_password(self, object_id: str, key_id: str) -> None:
        """Removes one secret. One that is gone already is fine."""
        answer = await self._send("POST", f"/v1.0/applications/{object_id}/removePassword", json={"keyId": key_id})
        if answer.status in (200, 204):
            return
        if answer.status in (400, 404):
            listed = _body(await self._send("GET", f"/v1.0/applications/{object_id}"), Application)
            if all(one.key_id.lower() != key_id.lower() for one in listed.password_credentials):
                return
        raise _failure(answer)

    async def _send(
        self,
        method: str,
        path: str,
        *,
        params: dict[str, str] | None = None,
        json: object = None,
        attempts: int | None = None,
        whole: str = "",
    ) -> Fetched:
        if not self._base:
            raise Upstream(reason="this cloud has no address of Microsoft Graph")
        token = await self._credentials.token(self._scope)
        headers = {"Authorization": f"Bearer {token.reveal()}", "Accept": "application/json"}
        url = whole or self._base + path
        answer = await self._wire.send(method, url, headers=headers, params=params, json=json, attempts=attempts)
        if answer.status == 401:
            self._credentials.forget(self._scope)
        return answer


def _body(answer: Fetched, kind: type[T]) -> T:
    if answer.status not in (200, 201):
        raise _failure(answer)
    return answer.json(kind)


def _failure(answer: Fetched) -> Upstream:
    try:
        error = answer.json(_ErrorBody).error
    except Upstream:
        return BadStatus(answer.where, answer.status)
    hint = "; the server's application lacks a permission for Microsoft Graph" if answer.status == 403 else ""
    return Upstream(reason=f"{answer.where}: status {answer.status}, {error.code[:64]}: {error.message[:300]}{hint}")
