"""oidc-auth: tokens of an OpenID provider, SPIRE's among them (spec/infisical.md 1, oidc-auth)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Final

from msgspec import Meta, field, structs

from vaultlike.builtin.organization.methods.access import Text
from vaultlike.builtin.organization.methods.bounds import (
    BoundFields,
    bound_remarks,
    checked_bounds,
    pointer,
    role_fields,
)
from vaultlike.builtin.organization.methods.certificates import Pem, checked_ca
from vaultlike.builtin.organization.methods.method import Attachment, Method, Step
from vaultlike.builtin.organization.methods.reach import Reach, check_url
from vaultlike.errors import Invalid
from vaultlike.types import Pairs

# as guides tell people to enter it; the second is SPIRE's guide
ENDINGS: Final = ("/.well-known/openid-configuration", "/.well-known/openid_configuration")

ROLE: Final = "role"  # the plugin's own metadata, which no claim may be mapped to


class OidcFields(BoundFields, kw_only=True):
    """What an attachment says."""

    oidc_discovery_url: Annotated[Text, Meta(description="The provider, with or without its well-known path.")]
    ca_cert: Annotated[Pem, Meta(description="CA certificates for the provider, instead of the system's.")] = ""
    claim_metadata_mapping: Annotated[
        Pairs, Meta(description="Keys in the access token, each with the claim (`a.b` for inner ones) it comes from.")
    ] = field(default_factory=dict)


class OidcAuth(Method[OidcFields]):
    """Logins are checked by the jwt plugin."""

    name, title, plugin, fields = "oidc-auth", "OIDC Auth", "oidc", OidcFields

    def checked(self, fields: OidcFields, before: Attachment[OidcFields] | None, reach: Reach) -> OidcFields:
        """The address without its well-known part. Raises Invalid."""
        fields = checked_bounds(fields)
        if not fields.bound_issuer:
            raise Invalid("boundIssuer is required")
        url = fields.oidc_discovery_url.strip().rstrip("/")
        for ending in ENDINGS:
            url = url.removesuffix(ending)
        url = url.rstrip("/")
        check_url(url, "oidcDiscoveryUrl", reach)
        sources = list(fields.claim_metadata_mapping.values())
        if not all(key and claim for key, claim in fields.claim_metadata_mapping.items()):
            raise Invalid("claimMetadataMapping: each key needs a claim")
        if len(set(sources)) != len(sources):
            raise Invalid("claimMetadataMapping: a claim can be mapped to one key only")
        return structs.replace(fields, oidc_discovery_url=url, ca_cert=checked_ca(fields.ca_cert, "caCert"))

    def steps(self, identity: str, fields: OidcFields) -> Sequence[Step]:
        """The provider for the instance, bounds and tokens for its only role."""
        config = {
            "oidc_discovery_url": fields.oidc_discovery_url,
            "oidc_discovery_ca_pem": fields.ca_cert if fields.oidc_discovery_url.startswith("https:") else "",
            # the address may be an inner one: whose tokens count is what bound_issuer says
            "skip_discovery_issuer_check": True,
            "bound_issuer": fields.bound_issuer,
            "skip_jwks_validation": True,  # a provider that is down now may be up when somebody logs in
        }
        mappings = {pointer(claim): key for key, claim in fields.claim_metadata_mapping.items()}
        role = {**role_fields(fields, "picomatch"), "claim_mappings": mappings}
        return Step(path="config", data=config), Step(path=f"role/{identity}", data=role)

    def remarks(self, fields: OidcFields) -> list[str]:
        """What is not bound."""
        return bound_remarks(fields)

    def identity_auth(self, metadata: Mapping[str, str]) -> dict[str, object]:
        """The claims that are mapped."""
        return {"oidc": {"claims": {key: value for key, value in metadata.items() if key != ROLE}}}
