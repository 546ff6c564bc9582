"""What both flows share once there are claims: the bounds, whom they stand for, and the assertion for the core."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from vaultlike.errors import Invalid
from vaultlike.sdk import Alias, Call, Login
from vaultlike.sdk.jwks import Claims
from vaultlike.types import NO_SECRET, LowerText, Secret
from vaultlike_jwt.bound_claims import check_bound_claims
from vaultlike_jwt.config import Config
from vaultlike_jwt.identity import Person, person_of
from vaultlike_jwt.patterns import KINDS
from vaultlike_jwt.policies import fill_templates
from vaultlike_jwt.role import Role


class LoginBody(Struct, kw_only=True):
    """What a machine sends."""

    role: Annotated[LowerText, Meta(description="Name of the role; empty is the mount's default role.")] = ""
    jwt: Annotated[Secret, Meta(description="The signed token.")] = NO_SECRET


def role_name(asked: str, config: Config) -> str:
    """The role to log in with. Raises Invalid when there is none."""
    name = asked or config.default_role
    if not name:
        raise Invalid("missing role")
    return name


def assertion(call: Call, name: str, role: Role, claims: Claims) -> tuple[Person, Role]:
    """The role comes back with its policies filled in. Raises Invalid.

    Identity first, bounds after, as the reference does; with patterns the bounds first, as upstream of those does.
    """
    patterns = role.bound_claims_type in KINDS
    if patterns:
        check_bound_claims(call, role.bound_claims or {}, role.bound_claims_type, claims)
    person = person_of(call, name, role, claims)
    if not patterns:
        check_bound_claims(call, role.bound_claims or {}, role.bound_claims_type, claims)
    if role.token_policies_template_claims:
        role = msgspec.structs.replace(role, token_policies=fill_templates(role.token_policies, claims))
    return person, role


def as_login(name: str, role: Role, person: Person, more: dict[str, str] | None = None) -> Login:
    """What the core makes a token from. `more` is metadata of the token alone."""
    return Login(
        alias=Alias(person.name, person.metadata),
        token=role,
        role=name.lower(),
        display_name=person.name,
        metadata={**person.metadata, **(more or {})},
        groups=person.groups,
        memo={"role": name},
    )
