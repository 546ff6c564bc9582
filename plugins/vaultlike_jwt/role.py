"""Roles: which tokens may log in, whom they stand for, and with what token (spec/auth-methods.md 2a-2).

The tests of the bounds are in `token.py` (audience, subject) and `bound_claims.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final

from msgspec import UNSET, Meta

from vaultlike.errors import Invalid
from vaultlike.sdk import Bound, Call, Context, TokenParams
from vaultlike.sdk.conversion import go_text
from vaultlike.sdk.fields import fields_of
from vaultlike.sdk.login import DEPRECATED, check_period
from vaultlike.types import Duration, Names, Object, Pairs, SignedDuration
from vaultlike_jwt.patterns import KINDS, check_patterns

FIELD_TEXT: Final = 'error converting input for field "{field}": {problem}'
PERIOD_TEXT: Final = "'period' of '\"{period}\"' is greater than the backend's maximum lease TTL of '\"{limit}\"'"
RESERVED: Final = "role"  # the metadata key that core code relies on
RAW_TOKENS: Final = ("id_token", "refresh_token", "access_token")
CALLBACK_MODES: Final = ("client", "direct", "device")
# A write that leaves these out sets them back (surprises 29)
RESET: Final[dict[str, object]] = {
    "role_type": "oidc",
    "bound_claims_type": "string",
    "callback_mode": "client",
    "oidc_disable_confirmation": False,
}

# None is "never set" and reads null, empty was cleared and reads [] or {}
MaybeNames = Names | None


class Role(TokenParams, kw_only=True):
    """Bounds narrow together: each that is set must admit the token. Leeways in seconds, 0 is the default of each."""

    role_type: Annotated[str, Meta(description="'jwt' or 'oidc' (browser flow).")] = "oidc"
    user_claim: Annotated[str, Meta(description="Claim that names the user: the entity alias.")] = ""
    user_claim_json_pointer: Annotated[bool, Meta(description="user_claim with a slash is a JSON pointer.")] = False
    groups_claim: Annotated[str, Meta(description="Claim with the user's groups; a slash makes it a JSON pointer.")] = (
        ""
    )
    bound_audiences: Annotated[
        MaybeNames, Bound("aud", later=True), Meta(description="One of these must be in the token's 'aud'.")
    ] = None
    bound_subject: Annotated[str, Bound("sub", later=True), Meta(description="The 'sub' that may log in.")] = ""
    bound_claims: Annotated[
        Object | None, Bound("claims", later=True), Meta(description="Claims and the values they must have.")
    ] = None
    bound_claims_type: Annotated[
        str,
        Bound("claims", later=True),
        Meta(
            description="How bound_claims compare: 'string', 'glob', or as patterns ('picomatch', 'picomatch-bash'), "
            "which then bound_subject and bound_audiences are too."
        ),
    ] = "string"
    claim_mappings: Annotated[Pairs | None, Meta(description="Claims to copy, each to a metadata key.")] = None
    expiration_leeway: Annotated[SignedDuration, Meta(description="Life of a token without 'exp'; 0 is 150.")] = 0
    not_before_leeway: Annotated[
        SignedDuration, Meta(description="How long before 'exp' a token with nothing else begins; 0 is 150.")
    ] = 0
    clock_skew_leeway: Annotated[
        SignedDuration, Meta(description="How far clocks may differ; 0 is 60, negative none.")
    ] = 0
    oidc_scopes: Annotated[MaybeNames, Meta(description="Scopes to ask for besides 'openid'.")] = None
    allowed_redirect_uris: Annotated[MaybeNames, Meta(description="Where the provider may send the browser.")] = None
    callback_mode: Annotated[
        str, Meta(description="Who takes the provider's answer: 'client', 'direct' (this server), or 'device'.")
    ] = "client"
    poll_interval: Annotated[int, Meta(description="Seconds between a client's polls; 0: the provider's, or 5.")] = 0
    verbose_oidc_logging: Annotated[
        bool, Meta(description="Log the claims of ID tokens (never a token) at level debug.")
    ] = False
    max_age: Annotated[Duration, Meta(description="Longest time since the user authenticated, in seconds.")] = 0
    oauth2_metadata: Annotated[
        MaybeNames, Meta(description="Provider tokens to copy into metadata: id_token, access_token, refresh_token.")
    ] = None
    token_policies_template_claims: Annotated[
        bool, Meta(description="Policies in token_policies may name claims, as in 'team-{{.team}}'.")
    ] = False
    oidc_disable_confirmation: Annotated[
        bool, Meta(description="Leave out the confirmation page of the direct mode.")
    ] = False

    @property
    def narrow(self) -> bool:
        """Whether anything about the token or its bearer's address is bound."""
        return bool(self.bound_audiences or self.bound_subject or self.bound_claims or self.token_bound_cidrs)


def check_role(ctx: Context, call: Call, new: Role, old: Role | None) -> list[str]:
    """Refuses roles that admit everybody or contradict themselves; warns of what is unwise. Raises Invalid."""
    for name, default in RESET.items():
        if not call.data.get(name) and (name == "role_type" or name not in call.data):
            setattr(new, name, default)
    max_ttl = ctx.system.max_ttl()
    if new.role_type not in ("jwt", "oidc"):
        raise Invalid(f"invalid 'role_type': {new.role_type[:64]}")
    check_period(new, max_ttl, PERIOD_TEXT)
    if new.bound_claims_type not in ("string", "glob", *KINDS):
        raise Invalid(f"invalid 'bound_claims_type': {new.bound_claims_type[:64]}")
    if new.bound_claims_type == "glob" and "bound_claims" in call.data:
        _check_globs(new.bound_claims or {})
    if "claim_mappings" in call.data:
        _check_mappings(new.claim_mappings or {})
    for name in new.oauth2_metadata or ():
        if name not in RAW_TOKENS:
            raise Invalid(f"Unrecognized oauth2 metadata name {name[:64]}")
    if not new.user_claim:
        raise Invalid("a user claim must be defined on the role")
    if new.callback_mode not in CALLBACK_MODES:
        raise Invalid(f"invalid 'callback_mode': {new.callback_mode[:64]}")
    if new.poll_interval < 0:
        raise Invalid("'poll_interval' cannot be negative")
    if new.role_type == "oidc" and not new.allowed_redirect_uris:
        raise Invalid("'allowed_redirect_uris' must be set if 'role_type' is 'oidc' or unspecified.")
    # An oidc role is narrowed by the client id that an ID token must name. Any other without a bound would take every
    # token that the issuer ever signed, for whomever.
    if new.role_type != "oidc" and not new.narrow:
        raise Invalid("must have at least one bound constraint when creating/updating a role")
    if new.token_policies_template_claims:
        from vaultlike_jwt.policies import check_templates

        check_templates(new.token_policies)
    return _warnings(new, max_ttl) + (check_patterns(new) if new.bound_claims_type in KINDS else [])


def _warnings(new: Role, max_ttl: int) -> list[str]:
    found = []
    if max_ttl and new.token_max_ttl > max_ttl:
        found.append(
            "token max ttl is greater than the system or backend mount's maximum TTL value; "
            "issued tokens' max TTL value will be truncated"
        )
    if new.verbose_oidc_logging:
        found.append(
            "verbose_oidc_logging has been enabled for this role. This is not recommended in production since "
            "sensitive information may be present in OIDC responses."
        )
    return found


def _check_globs(bound: Mapping[str, object]) -> None:
    for value in bound.values():
        if not isinstance(value, (str, bool, int, float, list)):
            raise Invalid(f"claim is not a string or list: {go_text(value)[:256]}")
        for item in value if isinstance(value, list) else [value]:
            if not isinstance(item, str):
                raise Invalid(f"claim is not a string: {go_text(item)[:256]}")


def _check_mappings(mappings: Mapping[str, str]) -> None:
    seen: set[str] = set()
    for target in mappings.values():
        if target == RESERVED:
            raise Invalid(f'metadata key "{RESERVED}" is reserved and may not be a mapping destination')
        if target in seen:
            raise Invalid(f'multiple keys are mapped to metadata key "{target[:256]}"')
        seen.add(target)


def show_role(ctx: Context, value: Role) -> dict[str, object]:
    """What a read shows: deprecated fields and the poll interval only when they say something."""
    shown = fields_of(Role).wire(value)
    for name in (*DEPRECATED, "poll_interval"):
        if name in shown and (shown[name] is UNSET or not shown[name]):
            del shown[name]
    return shown
