"""jwt-auth: tokens of whoever holds the keys that are given, or published at an address (spec/infisical.md 1)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from msgspec import Meta, structs

from vaultlike.builtin.organization.methods.access import Text
from vaultlike.builtin.organization.methods.bounds import BoundFields, bound_remarks, checked_bounds, role_fields
from vaultlike.builtin.organization.methods.certificates import Pem, checked_ca
from vaultlike.builtin.organization.methods.method import Attachment, Method, Step
from vaultlike.builtin.organization.methods.reach import Reach, check_url
from vaultlike.errors import Invalid
from vaultlike.types import Strings


class JwtFields(BoundFields, kw_only=True):
    """What an attachment says."""

    configuration_type: Annotated[
        str, Meta(description="Where the keys are: 'jwks' or 'static'.", pattern="^(jwks|static)$")
    ]
    jwks_url: Annotated[Text, Meta(description="Address of the key set; for 'jwks'.")] = ""
    jwks_ca_cert: Annotated[Pem, Meta(description="CA certificates for that address, instead of the system's.")] = ""
    public_keys: Annotated[Strings, Meta(description="PEM public keys; for 'static'.")] = ()


class JwtAuth(Method[JwtFields]):
    """Logins are checked by the jwt plugin."""

    name, title, plugin, fields = "jwt-auth", "JWT Auth", "jwt", JwtFields

    def checked(self, fields: JwtFields, before: Attachment[JwtFields] | None, reach: Reach) -> JwtFields:
        """What belongs to the other type of configuration is forgotten. Raises Invalid."""
        fields = checked_bounds(fields)
        kind = fields.configuration_type
        if kind not in ("jwks", "static"):
            raise Invalid("configurationType must be 'jwks' or 'static'")
        if kind == "static":
            keys = tuple(key.strip() for key in fields.public_keys)
            if not keys or not all(keys):
                raise Invalid("publicKeys must hold at least one key")
            return structs.replace(fields, jwks_url="", jwks_ca_cert="", public_keys=keys)
        url = fields.jwks_url.strip()
        check_url(url, "jwksUrl", reach)
        return structs.replace(
            fields, jwks_url=url, jwks_ca_cert=checked_ca(fields.jwks_ca_cert, "jwksCaCert"), public_keys=()
        )

    def steps(self, identity: str, fields: JwtFields) -> Sequence[Step]:
        """The keys for the instance, bounds and tokens for its only role."""
        config: dict[str, object] = {
            "jwks_url": fields.jwks_url,
            # without a CA the system's count: there is no way to turn the check of the certificate off
            "jwks_ca_pem": fields.jwks_ca_cert if fields.jwks_url.startswith("https:") else "",
            "jwt_validation_pubkeys": list(fields.public_keys),
            "bound_issuer": fields.bound_issuer,
            "skip_jwks_validation": True,
        }
        role = role_fields(fields, "picomatch-bash")
        return Step(path="config", data=config), Step(path=f"role/{identity}", data=role)

    def remarks(self, fields: JwtFields) -> list[str]:
        """What is not bound."""
        return bound_remarks(fields)
