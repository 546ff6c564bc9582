"""What oidc-auth and jwt-auth say of a token's claims, and how the jwt plugin's role says it (spec/infisical.md 1).

Matching is the plugin's (`bound_claims_type` of patterns). Owns no sources of keys.
"""

from __future__ import annotations

from typing import Annotated, TypeVar

from msgspec import Meta, field, structs

from vaultlike.builtin.organization.methods.access import AccessFields, Text, entries, token_fields
from vaultlike.errors import Invalid
from vaultlike.types import Pairs

ANY_AUDIENCE = "**"
MAX_CLAIMS = 64


class BoundFields(AccessFields, kw_only=True):
    """Bounds narrow together: each that is not empty must admit the token."""

    bound_issuer: Annotated[Text, Meta(description="What `iss` must be, to the letter.")] = ""
    bound_audiences: Annotated[
        Text, Meta(description="Patterns with commas; one of the token's audiences fits one.")
    ] = ""
    bound_claims: Annotated[
        Pairs, Meta(description="Claims (`a.b` for inner ones) and their patterns, with commas.")
    ] = field(default_factory=dict)
    bound_subject: Annotated[Text, Meta(description="Pattern for `sub`.")] = ""


B = TypeVar("B", bound=BoundFields)


def checked_bounds(fields: B) -> B:
    """Trimmed, lists joined as they are shown. Raises Invalid."""
    if len(fields.bound_claims) > MAX_CLAIMS:
        raise Invalid(f"boundClaims has more than {MAX_CLAIMS} claims")
    claims = {}
    for name, text in fields.bound_claims.items():
        found = entries(text, f"boundClaims.{name[:128]}")
        if not name.strip() or not found:
            raise Invalid("boundClaims: each claim needs a name and at least one value")
        claims[name.strip()] = ", ".join(found)
    return structs.replace(
        fields,
        bound_issuer=fields.bound_issuer.strip(),
        bound_audiences=", ".join(entries(fields.bound_audiences, "boundAudiences")),
        bound_claims=claims,
        bound_subject=fields.bound_subject.strip(),
    )


def role_fields(fields: BoundFields, kind: str) -> dict[str, object]:
    """The role of the jwt plugin. `kind` is its `bound_claims_type`.

    No audience at all is every one: the plugin wants that said.
    """
    return {
        "role_type": "jwt",
        "user_claim": "sub",
        "bound_claims_type": kind,
        "bound_subject": fields.bound_subject,
        "bound_audiences": list(entries(fields.bound_audiences, "boundAudiences")) or [ANY_AUDIENCE],
        "bound_claims": {
            pointer(name): list(entries(text, f"boundClaims.{name}")) for name, text in fields.bound_claims.items()
        },
        **token_fields(fields),
    }


def pointer(path: str) -> str:
    """A dotted path as the plugin's: a name, or a JSON pointer (RFC 6901)."""
    if "." not in path and not path.startswith("/"):
        return path
    return "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in path.split("."))


def bound_remarks(fields: BoundFields) -> list[str]:
    """What is not bound, and is accepted as the wire has it."""
    found = []
    if not (fields.bound_subject or fields.bound_claims or fields.bound_audiences):
        found.append("no subject, audience or claim is bound: every token of the issuer logs in")
    elif not fields.bound_audiences:
        found.append("boundAudiences is empty: tokens that the issuer made for others log in too")
    elif not (fields.bound_subject or fields.bound_claims):
        found.append("no subject or claim is bound: everybody with a token for the audience logs in")
    return found
