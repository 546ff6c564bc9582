"""Whom a token's claims stand for: alias, metadata and groups (spec/auth-methods.md 2b, 8-10)."""

from __future__ import annotations

from msgspec import Struct

from vaultlike.errors import Invalid
from vaultlike.sdk import Call
from vaultlike.sdk.conversion import go_text
from vaultlike.sdk.jwks import Claims
from vaultlike_jwt.bound_claims import MAX_SHOWN, as_list, find_claim, shorten
from vaultlike_jwt.patterns import KINDS, as_text
from vaultlike_jwt.role import RESERVED, Role

MAX_GROUPS = 2048


class Person(Struct, frozen=True):
    """The user (or machine) that the claims name."""

    name: str
    metadata: dict[str, str]
    groups: tuple[str, ...]


def person_of(call: Call, role_name: str, role: Role, claims: Claims) -> Person:
    """The person of verified claims. Raises Invalid with the reference's texts; records what decided."""
    name = _name(call, role, claims)
    metadata = _metadata(call, role, claims)
    metadata[RESERVED] = role_name
    return Person(name, metadata, _groups(call, role, claims) if role.groups_claim else ())


def _name(call: Call, role: Role, claims: Claims) -> str:
    claim = role.user_claim
    raw = find_claim(claims, claim) if role.user_claim_json_pointer else claims.get(claim)
    check = f"user_claim.{claim[:128]}"
    call.require(check, "present", shorten(raw), raw is not None, Invalid(f'claim "{claim}" not found in token'))
    is_text = isinstance(raw, str)
    call.require(check, "a text", shorten(raw), is_text, Invalid(f'claim "{claim}" could not be converted to string'))
    # An empty name would be everybody's entity.
    call.require(check, "not empty", shorten(raw), bool(raw), Invalid("missing name in alias"))
    assert isinstance(raw, str)
    return raw


def _metadata(call: Call, role: Role, claims: Claims) -> dict[str, str]:
    metadata: dict[str, str] = {}
    for source, target in (role.claim_mappings or {}).items():
        value = find_claim(claims, source)
        if role.bound_claims_type in KINDS:
            # who maps a claim there relies on it: policies may be templated with it
            missing = Invalid(f'claim "{source}" is missing')
            call.require(f"claim_mappings.{source[:128]}", "present", shorten(value), value is not None, missing)
            value = as_text(value)
        if value is None:
            continue
        if not isinstance(value, str):
            refusal = Invalid(f"error converting claim '{source}' to string")
            call.require(f"claim_mappings.{source[:128]}", "a text", shorten(value), False, refusal)
        metadata[target] = str(value)
    return metadata


def _groups(call: Call, role: Role, claims: Claims) -> tuple[str, ...]:
    claim = role.groups_claim
    raw = find_claim(claims, claim)
    check = f"groups_claim.{claim[:128]}"
    missing = Invalid(f'failed to fetch groups: "{claim}" claim not found in token')
    call.require(check, "present", shorten(raw), raw is not None, missing)
    items = as_list(raw)
    refusal = Invalid(f'"{claim}" claim could not be converted to string list')
    call.require(check, "a text or a list of texts", shorten(raw), items is not None, refusal)
    groups: list[str] = []
    for item in items or []:
        if not isinstance(item, str):
            text = f"value {go_text(item)[:MAX_SHOWN]} in groups claim could not be parsed as string"
            call.require(check, "texts only", shorten(item), False, Invalid(text))
        groups.append(str(item))
    if len(groups) > MAX_GROUPS:
        call.require(check, f"at most {MAX_GROUPS}", len(groups), False, Invalid("too many groups in token"))
    return tuple(dict.fromkeys(group for group in groups if group))
