"""The mount's configuration: what a write accepts, what is kept, what a read shows (spec/auth-methods.md 2a-1).

A write replaces everything but `namespace_in_state`. Owns no network: `key_sources.py` turns this into what
logins need.
"""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta, Struct

from vaultlike.errors import Invalid
from vaultlike.sdk.conversion import go_text
from vaultlike.sdk.fields import fields_of
from vaultlike.sdk.jwks import ALGORITHMS, KeySet
from vaultlike.types import NO_SECRET, Anything, LowerText, Names, Object, Secret
from vaultlike_jwt.providers import check_provider, shown_provider

KEPT: Final = "namespace_in_state"
MAX_SOURCES: Final = 32
MAX_KEYS: Final = 8  # of one mount: each is tried on a token, for such keys have no id
SAFE_ALGORITHMS: Final = tuple(sorted(ALGORITHMS))
ONE_SOURCE: Final = (
    "exactly one of 'jwt_validation_pubkeys', 'jwks_url', 'jwks_pairs', 'oidc_discovery_url', or 'provider_config' "
    "must be set"
)


class JwksPair(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """One of several key sets. With `issuer` it serves the tokens of that issuer alone; without, it goes by key ids."""

    jwks_url: str
    jwks_ca_pem: str = ""
    issuer: str = ""


class Config(Struct, kw_only=True, omit_defaults=True):
    """Whose tokens the mount believes. Exactly one source of keys is set."""

    oidc_discovery_url: Annotated[str, Meta(description="Issuer whose discovery document names its keys.")] = ""
    oidc_discovery_ca_pem: Annotated[
        str, Meta(description="CA certificates for the issuer, instead of the system's.")
    ] = ""
    skip_discovery_issuer_check: Annotated[
        bool,
        Meta(description="Believe a discovery document of another issuer than its address; bound_issuer must be set."),
    ] = False
    oidc_client_id: Annotated[
        str, Meta(description="Client id of this mount at the provider, for the browser flow.")
    ] = ""
    oidc_client_secret: Annotated[Secret, Meta(description="Secret of that client; never shown.")] = NO_SECRET
    oidc_response_mode: Annotated[str, Meta(description="'query' or 'form_post'; empty is query.")] = ""
    oidc_response_types: Annotated[Names, Meta(description="'code' and 'id_token'; empty is code.")] = ()
    jwks_url: Annotated[str, Meta(description="Address of a key set.")] = ""
    jwks_ca_pem: Annotated[str, Meta(description="CA certificates for jwks_url, instead of the system's.")] = ""
    jwks_pairs: Annotated[
        Anything, Meta(description="Several key sets: objects of jwks_url, jwks_ca_pem and issuer.")
    ] = None
    default_role: Annotated[LowerText, Meta(description="Role of a login that names none.")] = ""
    jwt_validation_pubkeys: Annotated[Names, Meta(description="PEM public keys or certificates.")] = ()
    jwt_supported_algs: Annotated[Names, Meta(description="Signature algorithms to accept.")] = ()
    bound_issuer: Annotated[str, Meta(description="What 'iss' must be; empty is not judged.")] = ""
    provider_config: Annotated[Object, Meta(description="Settings of one kind of provider.")] = {}
    override_allowed_server_names: Annotated[Names, Meta(description="Not supported; must be empty.")] = ()
    namespace_in_state: Annotated[bool, Meta(description="Carry the namespace in the state parameter.")] = True
    skip_jwks_validation: Annotated[
        bool, Meta(description="A key source that cannot be reached is a warning; holds for the write that says so.")
    ] = False

    @property
    def pairs(self) -> tuple[JwksPair, ...]:
        """The checked `jwks_pairs`."""
        return msgspec.convert(self.jwks_pairs or (), tuple[JwksPair, ...])

    @property
    def browser(self) -> bool:
        """Whether people can log in with their browser."""
        return bool(self.oidc_discovery_url and self.oidc_client_id)

    def answers(self, kind: str) -> bool:
        """Whether the provider is asked for `code` or `id_token`."""
        return kind in (self.oidc_response_types or ("code",))

    @property
    def algorithms(self) -> tuple[str, ...]:
        """What a JWT login accepts: all that are safe, unless some are named."""
        return self.jwt_supported_algs or SAFE_ALGORITHMS


def replace_all(sent: dict[str, object], new: Config) -> None:
    """What a write leaves out is set back (surprises 30)."""
    default = Config()
    for name in fields_of(Config).fields:
        if name not in sent and name != KEPT:
            setattr(new, name, getattr(default, name))


def check_sources(new: Config) -> None:
    """Exactly one source of keys, and what may stand beside it. Raises Invalid with the reference's texts."""
    sources = [new.oidc_discovery_url, new.jwt_validation_pubkeys, new.jwks_url, new.jwks_pairs]
    if sum(map(bool, sources)) != 1:
        raise Invalid(ONE_SOURCE)
    if new.jwks_pairs:
        new.jwks_pairs = _pairs(new.jwks_pairs)
        if new.jwks_ca_pem:
            raise Invalid("'jwks_ca_pem' cannot be used with 'jwks_pairs'")
        if new.bound_issuer:
            raise Invalid("Bound issuer is not supported for use with 'jwks_pairs'")
    if bool(new.oidc_client_id) != bool(new.oidc_client_secret):
        raise Invalid("both 'oidc_client_id' and 'oidc_client_secret' must be set for OIDC")
    if ".well-known/openid-configuration" in new.oidc_discovery_url:
        raise Invalid("'oidc_discovery_url' contains '.well-known' component")
    if new.override_allowed_server_names:
        raise Invalid("'override_allowed_server_names' is not supported: give the issuer's CA or use its own name")
    if new.oidc_client_id and not new.oidc_discovery_url:
        raise Invalid("'oidc_discovery_url' must be set for OIDC")
    if new.skip_discovery_issuer_check and not (new.oidc_discovery_url and new.bound_issuer):
        # nothing would say whose tokens these are
        raise Invalid("'skip_discovery_issuer_check' needs 'oidc_discovery_url' and 'bound_issuer'")
    if new.jwt_validation_pubkeys:
        static_keys(new.jwt_validation_pubkeys)


def check_rest(new: Config) -> None:
    """Algorithms, response types and mode, provider. After the key source, as the reference does. Raises Invalid."""
    for name in new.jwt_supported_algs:
        if name not in ALGORITHMS:
            raise Invalid(f'invalid jwt_supported_algs: unsupported signing algorithm "{name[:64]}"')
    if not set(new.oidc_response_types) <= {"code", "id_token"}:
        shown = go_text(list(new.oidc_response_types))[:256]
        raise Invalid(f"invalid response_types {shown}. 'code' and 'id_token' are allowed")
    if new.oidc_response_mode in ("", "query"):
        if new.answers("id_token"):
            raise Invalid("query response_mode may not be used with an id_token response_type")
    elif new.oidc_response_mode != "form_post":
        raise Invalid(f'invalid response_mode: "{new.oidc_response_mode[:64]}"')
    check_provider(new.provider_config)


def static_keys(texts: tuple[str, ...]) -> KeySet:
    """The keys of PEM texts. Raises Invalid with the reference's texts."""
    if len(texts) > MAX_KEYS:
        raise Invalid(f"error parsing public key: {len(texts)} keys, at most {MAX_KEYS} are allowed")
    for text in texts:
        try:
            KeySet.from_pems((text,))
        except Invalid as problem:
            if "-----BEGIN " not in text or "-----END " not in text:
                why = "data does not contain any valid public keys"
            else:
                why = "x509: malformed certificate" if "is not a PEM" in str(problem) else str(problem)
            raise Invalid(f"error parsing public key: {why}") from None
    return KeySet.from_pems(texts)


def _pairs(raw: object) -> list[dict[str, Any]]:
    items = raw if isinstance(raw, list) else [raw]
    if len(items) > MAX_SOURCES:
        raise Invalid(f"invalid jwks_pairs: {len(items)} key sets, at most {MAX_SOURCES} are allowed")
    try:
        pairs = msgspec.convert(items, tuple[JwksPair, ...])
    except msgspec.ValidationError as problem:
        raise Invalid(f"invalid jwks_pairs: {problem}") from None
    if not all(pair.jwks_url.strip() for pair in pairs):
        raise Invalid("invalid jwks_pairs: 'jwks_url' must be a non-empty string")
    named = [pair.issuer for pair in pairs if pair.issuer]
    if named and len(named) != len(pairs):
        # A set without an issuer would vouch for tokens of the others.
        raise Invalid("invalid jwks_pairs: either every pair names its 'issuer' or none does")
    if len(set(named)) != len(named):
        raise Invalid("invalid jwks_pairs: two pairs name the same 'issuer'")
    return [msgspec.to_builtins(pair) for pair in pairs]


def show_config(value: Config) -> dict[str, object]:
    """What a read shows: no client secret, no secret of a provider."""
    shown = fields_of(Config).wire(value)
    del shown["skip_jwks_validation"]
    shown["provider_config"] = shown_provider(value.provider_config)
    for name in ("jwks_pairs", "skip_discovery_issuer_check"):  # extensions: shown when used
        if not shown[name]:
            del shown[name]
    return shown
