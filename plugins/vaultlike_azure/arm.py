"""Azure Resource Manager, as far as logins ask it: machines, scale sets, identities, any resource (spec/azure.md 3.2).

Answers are parsed into Structs here and nowhere else. What they mean for a login is in `residence.py`.
"""

from __future__ import annotations

from typing import Final, TypeVar

from cachetools import TTLCache
from msgspec import Struct

from vaultlike.errors import Upstream
from vaultlike.sdk import Context
from vaultlike.sdk.egress import BadStatus, Fetched
from vaultlike_azure.credentials import Credentials
from vaultlike_azure.resource_id import ResourceId, group_path
from vaultlike_azure.settings import Settings
from vaultlike_azure.wire import Wire, continued

T = TypeVar("T")
COMPUTE_API: Final = "2022-11-01"
IDENTITY_API: Final = "2023-01-31"
PROVIDERS_API: Final = "2021-04-01"
FALLBACK_API: Final = "2022-03-01"
MAX_PAGES: Final = 50
_VERSIONS_KEPT: Final = 3600.0  # seconds


class Assigned(Struct, frozen=True):
    """One user-assigned identity of a resource; flexible scale sets leave the ids out."""

    principalId: str | None = None
    clientId: str | None = None


class IdentityBlock(Struct, frozen=True):
    principalId: str | None = None
    userAssignedIdentities: dict[str, Assigned | None] | None = None


class Host(Struct, frozen=True):
    """A resource that can carry identities."""

    location: str | None = None
    identity: IdentityBlock | None = None


class IdentityProperties(Struct, frozen=True):
    principalId: str | None = None
    clientId: str | None = None


class UserIdentity(Struct, frozen=True):
    """A user-assigned identity as a resource of its own."""

    id: str = ""
    location: str | None = None
    properties: IdentityProperties | None = None


class _Identities(Struct, frozen=True):
    value: list[UserIdentity] = []
    nextLink: str | None = None


class _ResourceType(Struct, frozen=True):
    resourceType: str = ""
    apiVersions: list[str] = []


class _Provider(Struct, frozen=True):
    resourceTypes: list[_ResourceType] = []


class _Error(Struct, frozen=True):
    code: str = ""
    message: str = ""


class _ErrorBody(Struct, frozen=True):
    error: _Error = _Error()


class ResourceManager:
    """Reads with the server's own credentials. None is an answer: there is no such resource."""

    def __init__(self, ctx: Context, settings: Settings, wire: Wire, credentials: Credentials) -> None:
        self._base, self._scope = settings.cloud.resource_manager, settings.cloud.manager_scope
        self._wire, self._credentials = wire, credentials
        self._versions: TTLCache[str, str] = TTLCache(512, _VERSIONS_KEPT, timer=ctx.clock.monotonic)

    async def machine(self, subscription: str, group: str, name: str) -> Host | None:
        """A virtual machine."""
        path = f"{_compute(subscription, group)}/virtualMachines/{name}"
        return await self._get(path, {"$expand": "instanceView", "api-version": COMPUTE_API}, Host)

    async def scale_set(self, subscription: str, group: str, name: str) -> Host | None:
        """A virtual machine scale set."""
        path = f"{_compute(subscription, group)}/virtualMachineScaleSets/{name}"
        return await self._get(path, {"api-version": COMPUTE_API}, Host)

    async def resource(self, resource: ResourceId) -> Host | None:
        """Any resource by its id, with an api version that its provider lists (spec/azure.md 2.5)."""
        return await self._get(resource.path, {"api-version": await self._version(resource)}, Host)

    async def identity(self, resource: ResourceId) -> UserIdentity | None:
        """A user-assigned identity, in whatever subscription it lies."""
        return await self._get(resource.path, {"api-version": IDENTITY_API}, UserIdentity)

    async def identities(self, subscription: str, group: str) -> list[UserIdentity]:
        """All user-assigned identities of a resource group; an unknown group has none."""
        path = f"{group_path(subscription, group)}/providers/Microsoft.ManagedIdentity/userAssignedIdentities"
        found: list[UserIdentity] = []
        page = await self._get(path, {"api-version": IDENTITY_API}, _Identities)
        for _ in range(MAX_PAGES):
            if page is None:
                return found
            found += page.value
            if not page.nextLink:
                return found
            page = await self._get(continued(self._base, page.nextLink), None, _Identities)
        raise Upstream(reason=f"a list of identities of more than {MAX_PAGES} pages")

    async def _version(self, resource: ResourceId) -> str:
        known = self._versions.get(resource.type)
        if known is not None:
            return known
        path = f"/subscriptions/{resource.subscription}/providers/{resource.namespace}"
        provider = await self._get(path, {"api-version": PROVIDERS_API}, _Provider)
        wanted = resource.relative_type.casefold()
        for kind in provider.resourceTypes if provider else ():
            if kind.resourceType.casefold() == wanted:
                stable = next((version for version in kind.apiVersions if "preview" not in version), FALLBACK_API)
                self._versions[resource.type] = stable
                return stable
        return FALLBACK_API

    async def _get(self, path: str, params: dict[str, str] | None, kind: type[T]) -> T | None:
        answer = await self._send(path, params)
        if answer.status == 401:
            # revoked or rotated under us: once more with a new token
            self._credentials.forget(self._scope)
            answer = await self._send(path, params)
        if answer.status == 404:
            return None
        if answer.status != 200:
            raise _failure(answer)
        return answer.json(kind)

    async def _send(self, path: str, params: dict[str, str] | None) -> Fetched:
        token = await self._credentials.token(self._scope)
        headers = {"Authorization": f"Bearer {token.reveal()}", "Accept": "application/json"}
        url = path if params is None else self._base + path  # the next page of a list is a whole URL with its query
        return await self._wire.send("GET", url, headers=headers, params=params)


def _compute(subscription: str, group: str) -> str:
    return f"{group_path(subscription, group)}/providers/Microsoft.Compute"


def _failure(answer: Fetched) -> Upstream:
    """Whose fault it is, for the operator: code and message of Resource Manager, and what helps."""
    try:
        error = answer.json(_ErrorBody).error
    except Upstream:
        return BadStatus(answer.where, answer.status)
    hint = {
        401: "; the server's credentials are not accepted",
        403: "; grant the server's application or identity the right to read this resource",
        429: "; Azure asks to slow down",
    }.get(answer.status, "")
    return Upstream(reason=f"{answer.where}: status {answer.status}, {error.code[:64]}: {error.message[:300]}{hint}")
