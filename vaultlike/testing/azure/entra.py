"""The authority: discovery documents, keys and token endpoints of every tenant (spec/azure.md 7.1).

Owns the rules of the token endpoint and its AADSTS codes. Tokens are made in `tokens`, assertions judged in
`federation`. Unknown form and query parameters are ignored, as clients send many.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Sequence
from urllib.parse import unquote_plus

import msgspec
from aiohttp import web
from msgspec import Struct

from vaultlike.testing.azure.directory import Principal
from vaultlike.testing.azure.federation import Federation
from vaultlike.testing.azure.gate import Gate
from vaultlike.testing.azure.keys import PublicJwk
from vaultlike.testing.azure.model import FederatedCredential, Password, Tenant
from vaultlike.testing.azure.refusals import EntraRefusal
from vaultlike.testing.azure.state import State
from vaultlike.testing.azure.tokens import Minted, issue, issuer, resolve_audience

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_SUFFIX = "/.default"


class KeySet(Struct, frozen=True):
    keys: list[PublicJwk]


class TokenForm(Struct, frozen=True, kw_only=True):
    """The form fields that matter, of both versions."""

    grant_type: str = ""
    client_id: str = ""
    client_secret: str = ""
    client_assertion: str = ""
    client_assertion_type: str = ""
    scope: str = ""
    resource: str = ""

    def __repr__(self) -> str:
        return f"TokenForm(client_id={self.client_id!r})"


class Client(Struct, frozen=True, kw_only=True):
    """Who logs in at the token endpoint: an application, or a user-assigned identity (workload identity)."""

    principal: Principal
    name: str
    passwords: Sequence[Password] = ()
    federated: Sequence[FederatedCredential] = ()


class Entra:
    def __init__(self, state: State, federation: Federation) -> None:
        self._state = state
        self._federation = federation

    def routes(self, gate: Gate) -> list[web.RouteDef]:
        discovery, jwks, token = (
            gate.guard("discovery", self.discovery),
            gate.guard("jwks", self.jwks),
            gate.guard("token", self.token),
        )
        return [
            web.get("/common/discovery/instance", gate.guard("instance_discovery", self.instance)),
            web.get("/common/discovery/keys", jwks),
            web.get("/{tenant}/discovery/keys", jwks),
            web.get("/{tenant}/discovery/v2.0/keys", jwks),
            web.get("/{tenant}/.well-known/openid-configuration", discovery),
            web.get("/{tenant}/v2.0/.well-known/openid-configuration", discovery),
            web.post("/{tenant}/oauth2/token", token),
            web.post("/{tenant}/oauth2/v2.0/token", token),
        ]

    async def discovery(self, request: web.Request) -> web.Response:
        """The v1 document, whose issuer is on another host, or the v2 one."""
        tenant = self._tenant(request)
        base = self._state.addresses.authority
        second = "/v2.0/.well-known" in request.path
        oauth = f"{base}/{tenant.id}/oauth2/v2.0" if second else f"{base}/{tenant.id}/oauth2"
        keys = f"{base}/{tenant.id}/discovery/v2.0/keys" if second else f"{base}/common/discovery/keys"
        document: dict[str, object] = {
            "issuer": issuer(self._state, tenant.id, 2 if second else 1),
            "authorization_endpoint": f"{oauth}/authorize",
            "token_endpoint": f"{oauth}/token",
            "jwks_uri": keys,
            "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic"],
            "response_types_supported": ["code", "id_token", "code id_token", "token id_token"],
            "response_modes_supported": ["query", "fragment", "form_post"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "scopes_supported": ["openid", "profile", "email", "offline_access"],
            "tenant_region_scope": "EU",
            "cloud_instance_name": base.removeprefix("https://"),
            "msgraph_host": self._state.addresses.graph.removeprefix("https://"),
        }
        return web.json_response(document)

    async def instance(self, request: web.Request) -> web.Response:
        """Instance discovery: says that this authority is its own and only alias."""
        base = self._state.addresses.authority
        host = base.removeprefix("https://")
        tenant = request.query.get("authorization_endpoint", "").removeprefix(base).strip("/").partition("/")[0]
        return web.json_response(
            {
                "tenant_discovery_endpoint": f"{base}/{tenant or 'common'}/v2.0/.well-known/openid-configuration",
                "api-version": request.query.get("api-version", "1.1"),
                "metadata": [{"preferred_network": host, "preferred_cache": host, "aliases": [host]}],
            }
        )

    async def jwks(self, request: web.Request) -> web.Response:
        """The published keys; the v2 address names the issuer with each."""
        name = ""
        if "tenant" in request.match_info and request.match_info["tenant"] != "common":
            tenant = self._tenant(request)
            name = issuer(self._state, tenant.id, 2) if "/v2.0/" in request.path else ""
        body = msgspec.json.encode(KeySet(self._state.keys.jwks(name)))
        return web.Response(body=body, content_type="application/json")

    async def token(self, request: web.Request) -> web.Response:
        """The client credentials grant."""
        tenant = self._tenant(request)
        second = request.path.endswith("/v2.0/token")
        form = await _form(request)
        if form.grant_type != "client_credentials":
            raise EntraRefusal(
                400, "unsupported_grant_type", 70003, f"The grant type '{form.grant_type}' is not supported."
            )
        if not form.client_id:
            raise EntraRefusal(
                400, "invalid_request", 900144, "The request body must contain the parameter: 'client_id'."
            )
        client = self._client(form.client_id, tenant)
        await self._authenticate(form, client)
        resource = _resource(form, second)
        if not resource:  # v1 only: the resource is optional there
            resource = GRAPH_DEFAULT
        audience = resolve_audience(self._state, resource, tenant.id)
        if audience is None:
            text = (
                f"The resource principal named {resource} was not found in the tenant named {tenant.name or tenant.id}."
            )
            raise EntraRefusal(400, "invalid_resource", 500011, text)
        return _answer(issue(self._state, client.principal, audience), resource, second)

    def _tenant(self, request: web.Request) -> Tenant:
        name = request.match_info["tenant"]
        found = self._state.directory.tenant(name)
        if found is None:
            raise EntraRefusal(
                400, "invalid_tenant", 90002, f"Tenant '{name[:100]}' not found. Check that it is right."
            )
        return found

    def _client(self, client_id: str, tenant: Tenant) -> Client:
        directory = self._state.directory
        app = self._state.world.applications.get(client_id.lower())
        if app is not None and app.tenant == tenant.id:
            principal = directory.app_principal(app)
            return Client(principal=principal, name=app.display_name, passwords=app.passwords, federated=app.federated)
        identity = directory.identity(client_id)
        if identity is not None and identity.client_id.lower() == client_id.lower():
            principal = directory.user_principal(identity, None)
            if principal.tenant == tenant.id:
                return Client(principal=principal, name=identity.name, federated=identity.federated)
        where = tenant.name or tenant.id
        text = f"Application with identifier '{client_id[:100]}' was not found in the directory '{where}'."
        raise EntraRefusal(400, "unauthorized_client", 700016, text)

    async def _authenticate(self, form: TokenForm, client: Client) -> None:
        if form.client_assertion:
            if form.client_assertion_type != ASSERTION_TYPE:
                raise EntraRefusal(400, "invalid_request", 90023, "Unsupported client_assertion_type.")
            await self._federation.judge(form.client_assertion, client.principal.client_id, client.federated)
            return
        if not form.client_secret:
            text = "The request body must contain the following parameter: 'client_assertion' or 'client_secret'."
            raise EntraRefusal(401, "invalid_client", 7000218, text)
        now = self._state.now()
        # Every secret is compared, so that the time taken says nothing about which one was close.
        same = [one for one in client.passwords if hmac.compare_digest(one.text.encode(), form.client_secret.encode())]
        known = [one for one in same if one.usable_at <= now and one.starts_at <= now]
        if not known:
            text = f"Invalid client secret provided for app '{client.name}': send its value, not its id."
            raise EntraRefusal(401, "invalid_client", 7000215, text)
        if all(one.ends_at <= now for one in known):
            raise EntraRefusal(401, "invalid_client", 7000222, "The provided client secret keys are expired.")


GRAPH_DEFAULT = "https://graph.microsoft.com"


async def _form(request: web.Request) -> TokenForm:
    raw = await request.post()
    names = TokenForm.__struct_fields__
    form = msgspec.convert({k: v for k, v in raw.items() if k in names and isinstance(v, str)}, type=TokenForm)
    scheme, _, coded = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic" or form.client_secret:
        return form
    try:
        user, _, secret = base64.b64decode(coded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise EntraRefusal(400, "invalid_request", 90014, "The authorization header does not decode.") from error
    return msgspec.structs.replace(form, client_id=unquote_plus(user), client_secret=unquote_plus(secret))


def _resource(form: TokenForm, second: bool) -> str:
    """The resource asked for; in v2 it is the scope without `/.default`. Raises EntraRefusal."""
    if not second:
        return form.resource
    scopes = [one for one in form.scope.split() if one not in ("openid", "profile", "offline_access")]
    if not scopes:
        raise EntraRefusal(400, "invalid_request", 900144, "The request body must contain the parameter: 'scope'.")
    if len(scopes) > 1 or not scopes[0].endswith(_SUFFIX):
        text = f"The provided request must include one scope that ends in {_SUFFIX}; '{form.scope[:200]}' is not valid."
        raise EntraRefusal(400, "invalid_scope", 70011, text)
    return scopes[0].removesuffix(_SUFFIX)


def _answer(minted: Minted, resource: str, second: bool) -> web.Response:
    span = minted.expires_at - minted.issued_at
    headers = {"Cache-Control": "no-store, no-cache", "Pragma": "no-cache"}
    if second:
        body: dict[str, object] = {"token_type": "Bearer", "expires_in": span, "ext_expires_in": span}
    else:  # all strings in v1
        body = {
            "token_type": "Bearer",
            "expires_in": str(span),
            "ext_expires_in": str(span),
            "expires_on": str(minted.expires_at),
            "not_before": str(minted.not_before),
            "resource": resource,
        }
    return web.json_response(body | {"access_token": minted.token}, headers=headers)
