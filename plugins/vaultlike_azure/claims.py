"""What a verified token says of its bearer, as far as Azure logins read it (spec/azure.md 2.2, 2.4)."""

from __future__ import annotations

from msgspec import Struct

from vaultlike.sdk.jwks import Claims
from vaultlike_azure.resource_id import ResourceId, parse_resource_id

MAX_GROUPS = 4096


class Principal(Struct, frozen=True, kw_only=True):
    """The identity that the token was issued to.

    `host` is the resource that asked for the token: `xms_az_rid` where the identity is user-assigned, else
    `xms_mirid`; `identity` is the user-assigned identity itself. Both are None when the claims are absent, which they
    are in tokens for audiences that are not Azure's own, or name nothing that can be read.
    """

    oid: str
    app_id: str
    tenant: str
    groups: tuple[str, ...]
    overage: bool  # the groups did not fit: only Graph knows them
    is_user: bool
    named: bool  # at least one of the two claims was there
    host: ResourceId | None
    identity: ResourceId | None


def principal_of(claims: Claims) -> Principal:
    """Reads the claims. Raises JwtRefused (403) for one of the wrong JSON type."""
    az_rid, mirid = claims.text("xms_az_rid"), claims.text("xms_mirid")
    holder, own = parse_resource_id(az_rid), parse_resource_id(mirid)
    is_identity = own is not None and own.is_identity
    groups = claims.texts("groups")
    names = claims.get("_claim_names")
    overage = not groups and (
        (isinstance(names, dict) and "groups" in names) or claims.get("hasgroups") in (True, "true")
    )
    return Principal(
        oid=claims.text("oid"),
        app_id=claims.text("appid") or claims.text("azp"),
        tenant=claims.text("tid"),
        groups=tuple(group for group in groups[:MAX_GROUPS] if group),
        overage=overage,
        is_user=claims.text("idtyp") == "user",
        named=bool(az_rid or mirid),
        host=holder if az_rid else (None if is_identity else own),
        identity=own if is_identity else None,
    )
