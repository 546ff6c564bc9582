"""Token roles: what `auth/token/create/<role>` may make (spec/vault-api.md 3.6). Pure but for the stored declaration.

Owns the role's fields, their checks and the choice of policies; lifetimes are `creation`'s and `tokens.ttl`'s.
"""

from __future__ import annotations

import re
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from vaultlike.errors import Invalid
from vaultlike.sdk import Answer, Backend, Call, Collection, Context, Reply
from vaultlike.sdk.glob import fits_glob
from vaultlike.types import Cidrs, Duration, Names

FIELD_TEXT = 'error converting input for field "{field}": {problem}'
TYPES = ("service", "batch", "default-service", "default-batch")
SUFFIX = re.compile(r"\w[\w./-]+\w", re.ASCII)
PLAIN = re.compile(r"\w[\w.-]+\w", re.ASCII)
MAX_NAMES = 1000  # elements of one list
MAX_SUFFIX = 256  # characters


class TokenRole(Struct, kw_only=True, omit_defaults=True):
    """A token role. Spans in seconds; 0 and empty mean "not set". Deprecated spellings are kept only while used."""

    allowed_policies: Annotated[Names, Meta(description="Policies that may be asked for; used where none are.")] = ()
    disallowed_policies: Annotated[Names, Meta(description="Policies that may not be asked for.")] = ()
    allowed_policies_glob: Annotated[Names, Meta(description="As allowed_policies, with * for any text.")] = ()
    disallowed_policies_glob: Annotated[Names, Meta(description="As disallowed_policies, with * for any text.")] = ()
    allowed_entity_aliases: Annotated[
        Names | None, Meta(description="Entity aliases that a token may stand for, with * for any text.")
    ] = None
    orphan: Annotated[bool, Meta(description="Whether its tokens have no parent.")] = False
    renewable: Annotated[bool, Meta(description="Whether its tokens can be renewed.")] = True
    path_suffix: Annotated[str, Meta(description="Appended to the creation path, to revoke a generation at once.")] = ""
    token_period: Annotated[Duration, Meta(description="Renewal period of its tokens, in seconds.")] = 0
    token_explicit_max_ttl: Annotated[Duration, Meta(description="Hard cap of its tokens' life, in seconds.")] = 0
    token_bound_cidrs: Annotated[Cidrs, Meta(description="Addresses and networks its tokens may be used from.")] = ()
    token_type: Annotated[str, Meta(description="service, batch, default-service or default-batch.")] = (
        "default-service"
    )
    token_no_default_policy: Annotated[bool, Meta(description="Leave the policy 'default' out.")] = False
    token_num_uses: Annotated[int, Meta(description="How often its tokens can be used; 0 is unlimited.")] = 0
    period: Annotated[Duration, Meta(description="Deprecated: token_period.")] = 0
    explicit_max_ttl: Annotated[Duration, Meta(description="Deprecated: token_explicit_max_ttl.")] = 0
    bound_cidrs: Annotated[Cidrs | UnsetType, Meta(description="Deprecated: token_bound_cidrs.")] = UNSET


def sanitized(names: tuple[str, ...], *, default: bool = False) -> tuple[str, ...]:
    """Policy names in lower case, trimmed, each once, sorted; `root` stands alone. `default` adds that policy."""
    clean = {name.strip().lower() for name in names} - {""}
    if default:
        clean.add("default")
    return ("root",) if "root" in clean else tuple(sorted(clean))


def check_role(ctx: Context, call: Call, new: TokenRole, old: TokenRole | None) -> list[str]:
    """Refuses contradictions (Invalid), settles deprecated spellings and normalises names; returns warnings."""
    warnings = _settle_deprecated(call, new)
    if new.token_num_uses < 0:
        raise Invalid("error parsing role fields: 'token_num_uses' cannot be negative")
    if call.data.get("token_type", "") is None:
        raise Invalid("Invalid 'token_type' value: null")
    if new.token_type not in TYPES:
        raise Invalid(f"invalid 'token_type' value \"{new.token_type[:64]}\"")
    _check_suffix(new.path_suffix)
    for name in ("allowed_policies", "disallowed_policies", "allowed_policies_glob", "disallowed_policies_glob"):
        names: tuple[str, ...] = getattr(new, name)
        _check_length(name, names)
        setattr(new, name, sanitized(names))
    if new.allowed_entity_aliases is not None:
        _check_length("allowed_entity_aliases", new.allowed_entity_aliases)
        new.allowed_entity_aliases = tuple(sorted({name.lower() for name in new.allowed_entity_aliases} - {""}))
    if new.token_type == "batch":
        _check_batch(new)
    longest = ctx.system.max_ttl()
    if new.token_explicit_max_ttl > longest:
        warnings.append(
            f"Given explicit max TTL of {new.token_explicit_max_ttl} is greater than system/mount allowed value of "
            f"{longest} seconds; until this is fixed attempting to create tokens against this role will result in "
            "an error"
        )
    return warnings


def _settle_deprecated(call: Call, new: TokenRole) -> list[str]:
    """The new spelling wins and clears the old one; the old one alone sets both."""
    warnings = []
    for key in ("period", "bound_cidrs", "explicit_max_ttl"):
        is_list = key == "bound_cidrs"
        old_sent = key in call.data and (is_list or call.data[key] is not None)
        new_sent = f"token_{key}" in call.data and (is_list or call.data[f"token_{key}"] is not None)
        if new_sent:
            if old_sent:
                warnings.append(
                    f"Both 'token_{key}' and deprecated '{key}' value supplied, ignoring the deprecated value"
                )
            setattr(new, key, UNSET if is_list else 0)
        elif old_sent:
            setattr(new, f"token_{key}", getattr(new, key))
    return warnings


def _check_suffix(suffix: str) -> None:
    if not suffix:
        return
    if ".." in suffix and PLAIN.search(suffix):
        raise Invalid("error registering path suffix: path cannot contain parent references")
    if len(suffix) > MAX_SUFFIX or not SUFFIX.fullmatch(suffix) or "//" in suffix or ".." in suffix:
        raise Invalid("given role path suffix contains invalid characters; must match \\w[\\w-.]+\\w")


def _check_length(name: str, names: tuple[str, ...]) -> None:
    if len(names) > MAX_NAMES:
        raise Invalid(f"'{name}' has more than {MAX_NAMES} elements")


def _check_batch(role: TokenRole) -> None:
    for wrong, what in (
        (not role.orphan, "non-orphan tokens"),
        (role.renewable, "renewable tokens"),
        (role.token_period, "periodic tokens"),
        (role.token_explicit_max_ttl, "tokens with an explicit max TTL"),
        (role.token_num_uses, "tokens with limited use count"),
    ):
        if wrong:
            raise Invalid(f"'token_type' cannot be 'batch' when role is set to generate {what}")


class TokenRoles(Collection[TokenRole]):
    """The stored roles; a read shows the name too."""

    async def _read(self, backend: Backend, call: Call) -> Answer:
        role = await self.find(backend.ctx, call.name)
        return None if role is None else Reply(data=shown(call.name, role))


def shown(name: str, role: TokenRole) -> dict[str, object]:
    """What a read shows: everything but the addresses and uses that are not set."""
    data: dict[str, object] = {"name": name}
    for key in TokenRole.__struct_fields__:
        value = getattr(role, key)
        if value or key not in ("token_bound_cidrs", "bound_cidrs", "token_num_uses"):
            data[key] = value
    return {key: value for key, value in data.items() if value is not UNSET}


def role_policies(
    role: TokenRole, asked: tuple[str, ...], parent: tuple[str, ...], *, no_default: bool
) -> tuple[str, ...] | None:
    """The policies of a token made with a role that has policy lists (spec 3.2, rule 1); None for one without.

    `asked` and `parent` are the request's and the caller's policies. Raises Invalid for what the role does not allow.
    """
    allows = bool(role.allowed_policies or role.allowed_policies_glob)
    denies = bool(role.disallowed_policies or role.disallowed_policies_glob)
    if not allows and not denies:
        return None
    default = not no_default and not role.token_no_default_policy and not _disallowed(role, "default")
    names = sanitized(asked, default=default) if asked else ()
    if allows:
        allowed = sanitized(role.allowed_policies, default=default)
        if not names:
            names = allowed
        elif not all(name in allowed or _fits(role.allowed_policies_glob, name) for name in names):
            raise Invalid(
                f"token policies ({_quoted(names)}) must be subset of the role's allowed policies "
                f"({_quoted(allowed)}) or glob policies ({_quoted(role.allowed_policies_glob)})"
            )
    elif not names:
        names = sanitized(parent, default=default)
    for name in names:
        if _disallowed(role, name):
            raise Invalid(f'token policy "{name}" is disallowed by this role')
    return names


def _fits(patterns: tuple[str, ...], name: str) -> bool:
    return any(fits_glob(pattern, name) for pattern in patterns)


def _disallowed(role: TokenRole, name: str) -> bool:
    return name in role.disallowed_policies or _fits(role.disallowed_policies_glob, name)


def _quoted(names: tuple[str, ...]) -> str:
    return "[" + " ".join(f'"{name}"' for name in names) + "]"


def admits_alias(role: TokenRole, alias: str) -> bool:
    """Whether the role lets a token stand for this entity alias; case does not count."""
    return _fits(role.allowed_entity_aliases or (), alias.lower())


def least(asked: int, of_role: int) -> int:
    """The lesser of two limits of which 0 is none."""
    return min(asked, of_role) if asked and of_role else asked or of_role
