"""What a verified token says of its bearer, as far as Azure logins read it (spec/azure.md 2.2, 2.4)."""

from __future__ import annotations

from msgspec import Struct

from vaultlike.sdk.jwks import Claims
from vaultlike_azure.resource_id import ResourceId, parse_resource_id

MAX_GROUPS = 4096


class Principal(Struct, frozen=True, kw_only=True):
    """The identity that the token was issued to."""

    oid: str
    app_id: str
    tenant: str
    groups: tuple[str, ...]
    overage: bool  # the groups did not fit: only Graph knows them
    is_user: bool
    az_rid: str  # only in tokens of user-assigned identities: the resource that asked for it
    mirid: str  # the identity, or the resource itself where its identity is system-assigned

    @property
    def named(self) -> bool:
        """Whether the token says where it was issued; those for audiences that are not Azure's own do not."""
        return bool(self.az_rid or self.mirid)

    @property
    def host(self) -> ResourceId | None:
        """The resource that asked for the token, None when the token names none that can be read."""
        if self.az_rid:
            return parse_resource_id(self.az_rid)
        own = parse_resource_id(self.mirid)
        return None if own is None or own.is_identity else own

    @property
    def identity(self) -> ResourceId | None:
        """The user-assigned identity, None for others."""
        own = parse_resource_id(self.mirid)
        return own if own is not None and own.is_identity else None


def principal_of(claims: Claims) -> Principal:
    """Reads the claims. Raises JwtRefused (403) for one of the wrong JSON type."""
    groups = claims.texts("groups")
    names = claims.get("_claim_names")
    named = isinstance(names, dict) and "groups" in names
    return Principal(
        oid=claims.text("oid"),
        app_id=claims.text("appid") or claims.text("azp"),
        tenant=claims.text("tid"),
        groups=tuple(group for group in groups[:MAX_GROUPS] if group),
        overage=not groups and (named or claims.get("hasgroups") in (True, "true")),
        is_user=claims.text("idtyp") == "user",
        az_rid=claims.text("xms_az_rid"),
        mirid=claims.text("xms_mirid"),
    )
