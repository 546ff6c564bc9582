"""Managed identity tokens as machines get them: instance metadata, App Service, Arc (spec/azure.md 7.3).

Owns these three endpoints and finding out which host asks: the one a listener is bound to, else the path prefix
`/at/<host>`, else the header `X-Emulator-Host`, else the default host. Instance documents are `instance`.
"""

from __future__ import annotations

import hmac
import re
import secrets
from pathlib import Path
from typing import Literal, TypeAlias

from aiohttp import web
from multidict import MultiMapping

from vaultlike.testing.azure.attested import attest
from vaultlike.testing.azure.directory import Principal
from vaultlike.testing.azure.gate import Gate
from vaultlike.testing.azure.instance import document, text_of, walk
from vaultlike.testing.azure.model import Host, fold
from vaultlike.testing.azure.refusals import MetadataRefusal, SiteRefusal, VersionRefusal
from vaultlike.testing.azure.state import State
from vaultlike.testing.azure.tokens import Minted, issue, resolve_audience

HOST_HEADER = "X-Emulator-Host"
Selector: TypeAlias = Literal["client_id", "object_id", "msi_res_id"]
_SELECTORS: dict[str, Selector] = {
    "client_id": "client_id",
    "object_id": "object_id",
    "principal_id": "object_id",
    "msi_res_id": "msi_res_id",
    "mi_res_id": "msi_res_id",
}
_VERSION = re.compile(r"20[0-9]{2}-[0-9]{2}-[0-9]{2}", re.ASCII)
_OLDEST_IDENTITY, _OLDEST_INSTANCE = "2018-02-01", "2017-04-02"
_SEVERAL = "Multiple user assigned identities exist, please specify the clientId / resourceId of the identity to use"


class Metadata:
    """The endpoints of one plain listener. `asks` binds the listener to a host; `arc_folder` is where Arc's challenge
    files are put (its clients insist on `/var/opt/azcmagent/tokens`)."""

    def __init__(self, state: State, arc_folder: Path, asks: str = "") -> None:
        self._state = state
        self._arc_folder = arc_folder
        self._asks = asks

    def routes(self, gate: Gate) -> list[web.RouteDef]:
        imds, instance = gate.guard("imds", self.identity), gate.guard("imds", self.instance)
        attested, site = gate.guard("imds", self.attested), gate.guard("app_service", self.app_service)
        arc = gate.guard("arc", self.arc)
        table = [
            ("/metadata/identity/oauth2/token", imds),
            ("/metadata/attested/document", attested),
            ("/msi/token", site),
            ("/arc/metadata/identity/oauth2/token", arc),
        ]
        routes = [
            web.get(prefix + path + slash, handler)
            for prefix in ("", "/at/{host}")
            for path, handler in table
            for slash in ("", "/")
        ]
        routes += [web.get(prefix + "/metadata/instance{path:.*}", instance) for prefix in ("", "/at/{host}")]
        return routes

    async def identity(self, request: web.Request) -> web.Response:
        """`/metadata/identity/oauth2/token`: every value of the answer is a string."""
        _check_caller(request)
        version = request.query.get("api-version", "")
        if not _VERSION.fullmatch(version) or version < _OLDEST_IDENTITY:
            text = "api-version is invalid or was not specified in the request"
            raise MetadataRefusal(400, "bad_request_102", text)
        selector, value = _selector(request.query)
        host = self._host(request)
        principal = self._choose(host, selector, value)
        minted, resource = self._issue(request, principal)
        now = int(self._state.now())
        span = str(minted.expires_at - now)
        return web.json_response(
            {
                "access_token": minted.token,
                "client_id": minted.client_id,
                "expires_in": span,
                "expires_on": str(minted.expires_at),
                "ext_expires_in": span,
                "not_before": str(minted.not_before),
                "refresh_token": "",
                "resource": resource,
                "token_type": "Bearer",
            }
        )

    async def instance(self, request: web.Request) -> web.Response:
        """`/metadata/instance` and paths below it; `format=text` for single values."""
        _check_caller(request)
        version = request.query.get("api-version", "")
        if not version:
            raise VersionRefusal(400, "Bad request. api-version was not specified in the request.")
        if not _VERSION.fullmatch(version) or version < _OLDEST_INSTANCE:
            raise VersionRefusal(400, f"Bad request. api-version {version[:20]} is not supported.")
        host = self._host(request)
        found = walk(document(self._state, host), request.match_info["path"])
        if found is None:
            raise MetadataRefusal(404, "Not found", "There is no such value in the instance document.")
        if request.query.get("format", "json") == "text":
            return web.Response(text=text_of(found))
        return web.json_response(found)

    async def attested(self, request: web.Request) -> web.Response:
        """`/metadata/attested/document`: a PKCS #7 signature over facts of the machine and the caller's nonce."""
        _check_caller(request)
        nonce = request.query.get("nonce", "")
        if not re.fullmatch(r"[A-Za-z0-9]{0,32}", nonce, re.ASCII):
            raise MetadataRefusal(400, "Bad request", "The nonce may hold at most 32 letters and digits.")
        signature = attest(self._state, self._host(request), nonce)
        return web.json_response({"encoding": "pkcs7", "signature": signature})

    async def app_service(self, request: web.Request) -> web.Response:
        """App Service, Functions, Container Apps: `IDENTITY_ENDPOINT` is `<metadata>/msi/token`."""
        given = request.headers.get("X-IDENTITY-HEADER", "")
        if not hmac.compare_digest(given.encode(), self._state.world.settings.identity_header.encode()):
            raise SiteRefusal(401, "The X-IDENTITY-HEADER is missing or wrong.")
        if request.query.get("api-version", "") < "2017-09-01":
            raise SiteRefusal(400, "The api-version is missing or not supported.")
        host = self._host(request, self._state.world.settings.default_site)
        try:
            selector, value = _selector(request.query)
            minted, resource = self._issue(request, self._choose(host, selector, value))
        except MetadataRefusal as refusal:
            raise SiteRefusal(400, f"No MSI found for specified ClientId/ResourceId: {refusal.text}") from refusal
        return web.json_response(
            {
                "access_token": minted.token,
                "client_id": minted.client_id,
                "expires_on": str(minted.expires_at),
                "not_before": str(minted.not_before),
                "resource": resource,
                "token_type": "Bearer",
            }
        )

    async def arc(self, request: web.Request) -> web.Response:
        """Arc: the caller proves that it may read a file on this machine. System-assigned identities only."""
        _check_caller(request)
        selector, _ = _selector(request.query)
        if selector:
            raise MetadataRefusal(400, "invalid_request", "Arc machines have no user assigned identities.")
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "basic" or not self._redeem(given.strip()):
            path = self._arc_folder / f"{secrets.token_hex(8)}.key"
            path.touch(mode=0o600)
            path.write_text(secrets.token_urlsafe(32))
            headers = {"WWW-Authenticate": f"Basic realm={path}"}
            raise MetadataRefusal(401, "unauthorized_client", "Missing Basic Authorization header", headers)
        host = self._host(request)
        if not host.principal_id:
            raise MetadataRefusal(400, "invalid_request", "Identity not found")
        minted, resource = self._issue(request, self._state.directory.system_principal(host))
        span = minted.expires_at - int(self._state.now())
        return web.json_response(
            {
                "access_token": minted.token,
                "expires_in": str(span),
                "expires_on": str(minted.expires_at),
                "not_before": str(minted.not_before),
                "resource": resource,
                "token_type": "Bearer",
            }
        )

    def _redeem(self, given: str) -> bool:
        """Whether this is the content of a challenge file; each works once."""
        for path in self._arc_folder.glob("*.key"):
            if hmac.compare_digest(path.read_text().encode(), given.encode()):
                path.unlink()
                return True
        return False

    def _host(self, request: web.Request, default: str = "") -> Host:
        name = self._asks or request.match_info.get("host", "") or request.headers.get(HOST_HEADER, "")
        host = self._state.directory.host(name or default or self._state.world.settings.default_host)
        if host is None:
            raise MetadataRefusal(404, "not_found", f"The emulator has no host {name[:100]!r}.")
        return host

    def _choose(self, host: Host, selector: str, value: str) -> Principal:
        """The identity a request means (spec/azure.md 7.3). Raises MetadataRefusal."""
        directory = self._state.directory
        attached = [] if host.no_identity else directory.identities_of(host)
        system = bool(host.principal_id) and not host.no_identity
        wanted = fold(value)
        if not selector:
            if system:
                return directory.system_principal(host)
            if len(attached) > 1:
                raise MetadataRefusal(400, "invalid_request", _SEVERAL)
            if attached:
                return directory.user_principal(attached[0], host)
        elif system and wanted in {fold(host.client_id if selector == "client_id" else host.principal_id)}:
            return directory.system_principal(host)
        for identity in attached:
            names = {"client_id": identity.client_id, "object_id": identity.principal_id, "msi_res_id": identity.id}
            if selector and fold(names[selector]) == wanted:
                return directory.user_principal(identity, host)
        raise MetadataRefusal(400, "invalid_request", "Identity not found")

    def _issue(self, request: web.Request, principal: Principal) -> tuple[Minted, str]:
        resource = request.query.get("resource", "")
        if not resource:
            raise MetadataRefusal(400, "invalid_request", "Required audience parameter not specified")
        audience = resolve_audience(self._state, resource, principal.tenant)
        if audience is None:
            text = f"AADSTS500011: The resource principal named {resource[:200]} was not found in the tenant."
            raise MetadataRefusal(400, "invalid_resource", text)
        return issue(self._state, principal, audience), resource


def _check_caller(request: web.Request) -> None:
    """Only a program on the machine itself may ask: not a forwarded request, not a naive one."""
    if "X-Forwarded-For" in request.headers:
        raise MetadataRefusal(400, "invalid_request", "Requests with X-Forwarded-For are refused")
    if request.headers.get("Metadata", "").lower() != "true":
        raise MetadataRefusal(400, "invalid_request", "Required metadata header not specified")


def _selector(query: MultiMapping[str]) -> tuple[Selector | Literal[""], str]:
    """The one identity selector of a request, or two empty texts. Raises MetadataRefusal for more than one."""
    given = [(_SELECTORS[name], value) for name, value in query.items() if name in _SELECTORS and value]
    if len(given) > 1:
        text = "Invalid request: only one of client_id, object_id and msi_res_id may be given"
        raise MetadataRefusal(400, "invalid_request", text)
    return given[0] if given else ("", "")
