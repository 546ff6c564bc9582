"""What a login asserts, and the token parameters every role has. The core does the rest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType, field

from vaultlike.durations import go_duration
from vaultlike.errors import Invalid
from vaultlike.types import Cidrs, Duration, Names


class TokenParams(Struct, kw_only=True, omit_defaults=True):
    """The `token_*` fields that every auth role shares (spec/vault-api.md 4), with their deprecated twins.

    Durations in seconds; 0 means "not set". A deprecated field is UNSET unless a client used it.
    """

    token_bound_cidrs: Annotated[Cidrs, Meta(description="Addresses and networks the token may be used from.")] = ()
    token_explicit_max_ttl: Annotated[
        Duration, Meta(description="Hard cap of the token's life, in seconds; renewals cannot pass it.")
    ] = 0
    token_max_ttl: Annotated[Duration, Meta(description="Longest life of the token, in seconds.")] = 0
    token_no_default_policy: Annotated[bool, Meta(description="Leave the policy 'default' out.")] = False
    token_period: Annotated[Duration, Meta(description="Renewal period of a periodic token, in seconds.")] = 0
    token_policies: Annotated[Names, Meta(description="Policies of the token.")] = ()
    token_type: Annotated[str, Meta(description="'service', 'batch' or 'default' (as the mount says).")] = "default"
    token_ttl: Annotated[Duration, Meta(description="First life of the token, in seconds.")] = 0
    token_num_uses: Annotated[int, Meta(description="How often the token can be used; 0 is unlimited.")] = 0
    token_strictly_bind_ip: Annotated[bool, Meta(description="Bind the token to the address that logged in.")] = False
    policies: Annotated[Names | UnsetType, Meta(description="Deprecated: token_policies.")] = UNSET
    ttl: Annotated[Duration | UnsetType, Meta(description="Deprecated: token_ttl.")] = UNSET
    max_ttl: Annotated[Duration | UnsetType, Meta(description="Deprecated: token_max_ttl.")] = UNSET
    period: Annotated[Duration | UnsetType, Meta(description="Deprecated: token_period.")] = UNSET
    num_uses: Annotated[int | UnsetType, Meta(description="Deprecated: token_num_uses.")] = UNSET
    bound_cidrs: Annotated[Cidrs | UnsetType, Meta(description="Deprecated: token_bound_cidrs.")] = UNSET


DEPRECATED = {
    "policies": "token_policies",
    "ttl": "token_ttl",
    "max_ttl": "token_max_ttl",
    "period": "token_period",
    "num_uses": "token_num_uses",
    "bound_cidrs": "token_bound_cidrs",
}


def follow_deprecated(given: dict[str, object]) -> None:
    """Makes the deprecated and the new spelling agree in the given (converted) fields of a role write (spec 4).

    Only the old: it sets the new too. Both: the new wins and the old mirrors it. Only the new: the old is forgotten.
    """
    for old, new in DEPRECATED.items():
        if new in given:
            given[old] = given[new] if old in given else UNSET
        elif old in given:
            if old == "policies":
                names = given[old]
                given[old] = tuple(sorted({str(n).lower() for n in names if n})) if isinstance(names, tuple) else names
            given[new] = given[old]


TOKEN_TYPES = {"": "default", "default": "default", "service": "service", "batch": "batch"}


def check_token_params(params: TokenParams, mount_max_ttl: int) -> list[str]:
    """Refuses token parameters that contradict each other (spec 4); returns warnings. Normalises `token_type`.

    `mount_max_ttl` in seconds, 0 for none. Raises Invalid.
    """
    if params.token_num_uses < 0:
        raise Invalid("'token_num_uses' cannot be negative")
    if params.token_ttl and params.token_max_ttl and params.token_ttl > params.token_max_ttl:
        raise Invalid("'token_ttl' cannot be greater than 'token_max_ttl'")
    if params.token_type not in TOKEN_TYPES:
        raise Invalid(f"invalid 'token_type' value \"{params.token_type[:64]}\"")
    params.token_type = TOKEN_TYPES[params.token_type]
    if params.token_type == "batch":
        if params.token_num_uses:
            raise Invalid(
                "'token_type' cannot be 'batch' or 'default_batch' when set to generate tokens with limited use count"
            )
        if params.token_period:
            raise Invalid("'token_type' cannot be 'batch' or 'default_batch' when set to generate periodic tokens")
    if mount_max_ttl and params.token_ttl > mount_max_ttl:
        return [
            "token_ttl is greater than the backend mount's maximum TTL value; "
            "issued tokens' TTL value will be truncated"
        ]
    if mount_max_ttl and params.token_max_ttl > mount_max_ttl:
        return [
            "token_max_ttl is greater than the backend mount's maximum TTL value; "
            "issued tokens' max TTL value will be truncated"
        ]
    return []


PERIOD_TEXT = 'token period of "{period}" is greater than the backend\'s maximum lease TTL of "{limit}"'


def check_period(params: TokenParams, mount_max_ttl: int, text: str = PERIOD_TEXT) -> None:
    """Refuses a period longer than the mount allows, as azure, jwt and kubernetes roles do. Raises Invalid.

    `text` is how the reference words it on this path.
    """
    if mount_max_ttl and params.token_period > mount_max_ttl:
        raise Invalid(text.format(period=go_duration(params.token_period), limit=go_duration(mount_max_ttl)))


class Alias(Struct, frozen=True):
    """A name at the mount that stands for the one who logged in; metadata goes to the entity alias."""

    name: str
    metadata: Mapping[str, str] = field(default_factory=dict)


class Login(Struct, frozen=True, kw_only=True):
    """What a login handler proved. Never a token: lifetime, policies, addresses, identity and minting are the core's.

    `memo` comes back at renewal; `groups` feed external identity groups; `role` names the role for quotas and audit.
    """

    alias: Alias
    token: TokenParams
    role: str = ""
    display_name: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    groups: tuple[str, ...] = ()
    memo: Mapping[str, str] = field(default_factory=dict)
    renewable: bool = True
    bound_at_use: bool = False  # the token's addresses are those of its use alone, not of the login too
    spent: bool = False  # the proof was a single use that is gone now: a lockout that came meanwhile must not waste it


class Renewal(Struct, frozen=True, kw_only=True):
    """What the core knows of a token that asks for more time; `issued_at` in Unix seconds, spans in seconds.

    `period` is the token's own (0: none), `granted` what it was given last, `role` the role it was made with.
    """

    alias: str
    memo: Mapping[str, str]
    token_policies: tuple[str, ...]
    issued_at: float
    role: str = ""
    period: int = 0
    granted: int = 0
