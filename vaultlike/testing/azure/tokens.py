"""Minting access tokens: honest ones for the endpoints, any others for tests (spec/azure.md 7.2).

Owns the claims of v1 and v2 tokens and every way of bending them. Not who may have a token: that is `entra`
and `metadata`.
"""

from __future__ import annotations

import secrets
from typing import Literal

import msgspec
from msgspec import Struct

from vaultlike.testing.azure.directory import Principal
from vaultlike.testing.azure.jose import Algorithm, sign
from vaultlike.testing.azure.keys import STRANGER
from vaultlike.testing.azure.model import GRAPH_APP_ID, Application, fold
from vaultlike.testing.azure.state import State

ARM_AUDIENCES = (
    "https://management.core.windows.net",
    "https://management.azure.com",
    "https://management.core.usgovcloudapi.net",
    "https://management.core.chinacloudapi.cn",
)
GRAPH_AUDIENCES = (
    GRAPH_APP_ID,
    "https://graph.microsoft.com",
    "https://graph.microsoft.us",
    "https://microsoftgraph.chinacloudapi.cn",
)
OTHER_FIRST_PARTIES = (
    "https://vault.azure.net",
    "https://managedhsm.azure.net",
    "https://storage.azure.com",
    "https://database.windows.net",
)
MANAGED_LIFETIME = 86400.0  # seconds; managed identities get a day, applications an hour
APP_LIFETIME = 3600.0
_BACKDATED = 300.0  # nbf and iat lie five minutes back


class Audience(Struct, frozen=True, kw_only=True):
    """A resource a token can be asked for. `first_party` ones make Entra add the xms claims."""

    value: str
    kind: Literal["arm", "graph", "other", "app"]
    app: Application | None = None

    @property
    def first_party(self) -> bool:
        return self.kind != "app"


class Overage(Struct, frozen=True):
    """The claims by which Entra says that there are too many groups."""

    names: dict[str, str]
    sources: dict[str, dict[str, str]]


class TokenOrder(Struct, kw_only=True, forbid_unknown_fields=True):
    """A token for tests. Whose: `app`, else `identity` as used on `host`, else the host's own (default: the default
    host). All names, resource ids and client ids will do.

    audience: the claim `aud`, any text; version: 0 lets the audience decide; groups: null = what the audience's app
    wants; xms: whether the two xms claims are there; claims/drop: set last, so they win; duplicates: pairs written
    again at the end of the JSON; header: extra or replaced header fields; kid: null = the key's own, "" = none;
    key: kid of the signing key, "" = the active one, `stranger` = one nobody publishes; lifetime and issued_at:
    seconds; float_dates: 1.0 instead of 1.
    """

    host: str = ""
    identity: str = ""
    app: str = ""
    audience: str = "https://management.azure.com/"
    version: Literal[0, 1, 2] = 0
    groups: list[str] | None = None
    overage: Literal["", "claim_names", "hasgroups"] = ""
    xms: Literal["auto", "always", "never"] = "auto"
    claims: dict[str, object] = {}
    drop: list[str] = []
    duplicates: list[tuple[str, object]] = []
    header: dict[str, object] = {}
    alg: Algorithm = "RS256"
    kid: str | None = None
    key: str = ""
    lifetime: float | None = None
    issued_at: float | None = None
    float_dates: bool = False


class Minted(Struct, frozen=True, kw_only=True):
    """A token and what the answer around it tells; times are whole Unix seconds."""

    token: str
    not_before: int
    expires_at: int
    issued_at: int
    client_id: str


class UnknownPrincipal(LookupError):
    """The order names somebody who does not exist."""


def resolve_audience(state: State, resource: str, tenant: str) -> Audience | None:
    """What a requested resource means in this tenant; None when nobody knows it."""
    wanted = fold(resource)
    where = state.addresses
    if wanted in (*GRAPH_AUDIENCES, fold(where.graph)):
        return Audience(value=resource, kind="graph")
    if wanted in (*ARM_AUDIENCES, fold(where.audience), fold(where.resource_manager)):
        return Audience(value=resource, kind="arm")
    if wanted in OTHER_FIRST_PARTIES:
        return Audience(value=resource, kind="other")
    app = state.directory.audience(resource, tenant)
    if app is None:
        return None
    return Audience(value=app.app_id if app.token_version == 2 else resource, kind="app", app=app)


def issue(state: State, principal: Principal, audience: Audience) -> Minted:
    """An honest token, as the token endpoint and the metadata service hand them out."""
    return _build(state, principal, audience, TokenOrder())


def mint(state: State, order: TokenOrder) -> Minted:
    """A token as ordered. Raises UnknownPrincipal, and KeyError for an unknown signing key."""
    principal = _principal(state, order)
    audience = resolve_audience(state, order.audience, principal.tenant)
    return _build(state, principal, audience or Audience(value=order.audience, kind="app"), order)


def _principal(state: State, order: TokenOrder) -> Principal:
    directory = state.directory
    if order.app:
        app = directory.application(order.app)
        if app is None:
            raise UnknownPrincipal(f"no application {order.app!r}")
        return directory.app_principal(app)
    host = directory.host(order.host or ("" if order.identity else state.world.settings.default_host))
    if order.host and host is None:
        raise UnknownPrincipal(f"no host {order.host!r}")
    if order.identity:
        identity = directory.identity(order.identity)
        if identity is None:
            raise UnknownPrincipal(f"no identity {order.identity!r}")
        return directory.user_principal(identity, host)
    if host is None:
        raise UnknownPrincipal("no default host")
    if host.principal_id:
        return directory.system_principal(host)
    attached = directory.identities_of(host)
    if not attached:
        raise UnknownPrincipal(f"{host.name!r} has no identity")
    return directory.user_principal(attached[0], host)


def _build(state: State, principal: Principal, audience: Audience, order: TokenOrder) -> Minted:
    now = state.now() if order.issued_at is None else order.issued_at
    lifetime = order.lifetime
    if lifetime is None:
        lifetime = MANAGED_LIFETIME if principal.managed else APP_LIFETIME
    start, end = int(now - _BACKDATED), int(now + lifetime)
    version = order.version or (audience.app.token_version if audience.app else 1)
    claims: dict[str, object] = {
        "aud": audience.value,
        "iss": issuer(state, principal.tenant, version),
        "iat": start,
        "nbf": start,
        "exp": end,
        "aio": secrets.token_urlsafe(24),
    }
    claims |= _identity_claims(state, principal, version)
    claims |= _xms_claims(principal, audience, order)
    claims |= _directory_claims(state, principal, audience, order)
    if order.float_dates:
        claims |= {name: float(at) for name, at in (("iat", start), ("nbf", start), ("exp", end))}
    claims |= order.claims
    for name in order.drop:
        claims.pop(name, None)
    return Minted(
        token=_sign(state, claims, order),
        not_before=start,
        expires_at=end,
        issued_at=int(now),
        client_id=principal.client_id,
    )


def issuer(state: State, tenant: str, version: int) -> str:
    """The `iss` of a tenant's tokens."""
    if version == 2:
        return f"{state.addresses.authority}/{tenant}/v2.0"
    return f"{state.addresses.issuer_base}/{tenant}/"


def _identity_claims(state: State, principal: Principal, version: int) -> dict[str, object]:
    claims: dict[str, object] = {
        "idp": issuer(state, principal.tenant, 1),
        "idtyp": "app",
        "oid": principal.object_id,
        "rh": f"1.{secrets.token_urlsafe(16)}.",
        "sub": principal.object_id,
        "tid": principal.tenant,
        "uti": secrets.token_urlsafe(16),
    }
    client, proof = ("azp", "azpacr") if version == 2 else ("appid", "appidacr")
    # "2" = proved by a certificate or by the platform, "1" = by a client secret.
    return claims | {client: principal.client_id, proof: "2" if principal.managed else "1", "ver": f"{version}.0"}


def _xms_claims(principal: Principal, audience: Audience, order: TokenOrder) -> dict[str, object]:
    wanted = audience.first_party if order.xms == "auto" else order.xms == "always"
    if not wanted:
        return {}
    named = {"xms_az_rid": principal.az_rid, "xms_mirid": principal.mirid}
    return {name: value for name, value in named.items() if value}


def _directory_claims(state: State, principal: Principal, audience: Audience, order: TokenOrder) -> dict[str, object]:
    claims: dict[str, object] = {}
    groups = order.groups
    if groups is None and audience.app and audience.app.group_claims:
        groups = state.directory.groups_of(principal.object_id)
    if order.overage == "hasgroups":
        claims["hasgroups"] = True
    elif order.overage == "claim_names":
        endpoint = f"{state.addresses.graph}/v1.0/servicePrincipals/{principal.object_id}/getMemberGroups"
        overage = Overage({"groups": "src1"}, {"src1": {"endpoint": endpoint}})
        claims |= {"_claim_names": overage.names, "_claim_sources": overage.sources}
    elif groups:
        claims["groups"] = groups
    resource_app = GRAPH_APP_ID if audience.kind == "graph" else (audience.app.app_id if audience.app else "")
    roles = state.directory.app_roles_of(principal.object_id, resource_app) if resource_app else []
    if roles:
        claims["roles"] = roles
    return claims


def _sign(state: State, claims: dict[str, object], order: TokenOrder) -> str:
    key = state.keys.private(order.key)
    own = state.keys.active if order.key in ("", STRANGER) else order.key
    kid = own if order.kid is None else order.kid
    header: dict[str, object] = {"typ": "JWT", "alg": order.alg}
    if kid:
        header |= {"x5t": kid, "kid": kid}
    payload = msgspec.json.encode(claims)
    if order.duplicates:
        # A dict cannot hold a name twice, so the text is extended.
        again = b",".join(
            msgspec.json.encode(name) + b":" + msgspec.json.encode(value) for name, value in order.duplicates
        )
        payload = payload[:-1] + (b"," if claims else b"") + again + b"}"
    return sign(msgspec.json.encode(header | order.header), payload, order.alg, key)
