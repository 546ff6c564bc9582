"""Making a child token: who may ask for what (spec/vault-api.md 3.2). Pure decisions; minting is the store's."""

from __future__ import annotations

import re
from typing import Annotated

from msgspec import Meta, Struct

from vaultlike.durations import parse_signed_duration
from vaultlike.errors import Invalid
from vaultlike.sdk import Caller
from vaultlike.types import Pairs, Strings

INTERNAL = frozenset(("response-wrapping", "control-group"))
CUSTOM_ID = (
    "Supplying a custom ID for the token uses the weaker SHA1 hashing instead of the more secure SHA2-256 HMAC for "
    "token obfuscation. SHA1 hashed tokens on the wire leads to less secure lookups."
)


class CreateBody(Struct, kw_only=True):
    """The body of `auth/token/create*`."""

    id: Annotated[str, Meta(description="A text of your own for the token (root only).")] = ""
    policies: Annotated[Strings, Meta(description="Policies; none means the parent's.")] = ()
    meta: Annotated[Pairs | None, Meta(description="Metadata, shown in look-ups and audit.")] = None
    no_parent: Annotated[bool, Meta(description="Make an orphan (needs sudo).")] = False
    no_default_policy: Annotated[bool, Meta(description="Leave the policy 'default' out.")] = False
    renewable: Annotated[bool, Meta(description="Whether it can be renewed.")] = True
    ttl: Annotated[str, Meta(description="First life, e.g. 1h.")] = ""
    lease: Annotated[str, Meta(description="Deprecated: ttl.")] = ""
    type: Annotated[str, Meta(description="'service' or 'batch'.")] = ""
    explicit_max_ttl: Annotated[str, Meta(description="Hard cap of its life.")] = ""
    display_name: Annotated[str, Meta(description="Shown in look-ups and audit.")] = ""
    num_uses: Annotated[int, Meta(description="How often it can be used; 0 is unlimited.")] = 0
    period: Annotated[str, Meta(description="Renewal period of a periodic token (needs sudo).")] = ""
    entity_alias: Annotated[str, Meta(description="Alias to stand for (with a role that allows it).")] = ""


class Wish(Struct, kw_only=True, frozen=True):
    """The checked request. Spans in seconds; `ttl` 0 means the default."""

    ttl: int
    explicit_max_ttl: int
    period: int
    batch: bool
    orphan: bool
    display_name: str
    text: str
    warnings: tuple[str, ...]


def span(text: str, name: str) -> int:
    """The seconds of a duration text. Raises Invalid for a negative one or none."""
    seconds = parse_signed_duration(text)
    if seconds < 0:
        raise Invalid(f"{name} must be positive")
    return seconds


def wish(body: CreateBody, *, sudo: bool, orphan: bool, with_role: bool = False) -> Wish:
    """Checks everything about a request but its policies. `orphan`: decided by path or role. Raises Invalid."""
    if body.num_uses < 0:
        raise Invalid("number of uses cannot be negative")
    no_parent = body.no_parent and not with_role  # where there is a role, it decides
    if no_parent and not sudo:  # even where the path alone would make an orphan
        raise Invalid("root or sudo privileges required to create orphan token")
    warnings: tuple[str, ...] = ()
    if body.id:
        _check_custom_id(body.id, sudo)
        warnings = (CUSTOM_ID,)
    if body.type not in ("", "service", "batch"):
        raise Invalid("invalid 'token_type' value")
    period = span(body.period, "period") if body.period else 0
    explicit = span(body.explicit_max_ttl, "explicit_max_ttl") if body.explicit_max_ttl else 0
    batch = body.type == "batch"
    if batch:
        check_batch(explicit_max_ttl=explicit, num_uses=body.num_uses, period=period)
    if period and not sudo:
        raise Invalid("root or sudo privileges required to create periodic token")
    ttl = span(body.ttl, "ttl") if body.ttl else span(body.lease, "lease") if body.lease else 0
    name = re.sub(r"[^A-Za-z0-9-]", "-", f"token-{body.display_name}" if body.display_name else "token")
    return Wish(
        ttl=ttl, explicit_max_ttl=explicit, period=period, batch=batch, orphan=orphan or no_parent,
        display_name=name.removesuffix("-"), text=body.id, warnings=warnings,
    )  # fmt: skip


def _check_custom_id(text: str, sudo: bool) -> None:
    if not sudo:
        raise Invalid("root or sudo privileges required to specify token id")
    for prefix in ("hvs.", "s."):
        if text.startswith(prefix):
            raise Invalid(f"custom token ID cannot have the '{prefix}' prefix")
    if "." in text:
        raise Invalid("custom token ID cannot have a '.' in the value")
    if len(text) > 1024:
        raise Invalid("custom token ID is too long")


def check_batch(*, explicit_max_ttl: int, num_uses: int, period: int) -> None:
    """Refuses what a batch token cannot have. Raises Invalid."""
    for name, value in (("explicit_max_ttl", explicit_max_ttl), ("num_uses", num_uses), ("period", period)):
        if value:
            raise Invalid(f'batch tokens cannot have "{name}" set')


def clean(names: tuple[str, ...]) -> set[str]:
    """Policy names lower-cased and trimmed, without empty ones."""
    return {name.strip().lower() for name in names} - {""}


def policies(
    body: CreateBody, caller: Caller, *, sudo: bool, default: bool, of_role: tuple[str, ...] | None = None
) -> tuple[str, ...]:
    """The policies of a new token, sorted (spec 3.2, rules 2 to 6). Raises Invalid.

    `of_role` is what a role with policy lists came to; `default` says whether that policy may be added.
    """
    parent = set(caller.token_policies)
    if of_role is not None:
        names = set(of_role)
    elif not body.policies:
        names = set(parent)
    else:
        names = clean(body.policies)
        if default and (sudo or "default" in parent):
            names.add("default")
        if not sudo and not names <= parent:
            raise Invalid("child policies must be subset of parent")
    if body.no_default_policy:
        names.discard("default")
    if names & INTERNAL:
        raise Invalid(f'cannot assign policy "{min(names & INTERNAL)}"')
    return ("root",) if "root" in names else tuple(sorted(names))


def check_inner(names: tuple[str, ...], text: str) -> None:
    """Refuses what a token of a namespace below the root cannot have. Raises Invalid."""
    if "root" in names:
        raise Invalid("root tokens may not be created from a non-root namespace")
    if text:
        raise Invalid("token IDs can only be manually specified in the root namespace")


class RootRules(Struct, frozen=True):
    """What a token with policy root needs of its parent."""

    parent_is_root: bool
    parent_expires: bool

    def check(self, names: tuple[str, ...], *, ttl: int, batch: bool) -> None:
        """Raises Invalid when a root token is asked for by who may not make it."""
        if "root" not in names:
            return
        if not self.parent_is_root:
            raise Invalid("root tokens may not be created without parent token being root")
        if batch:
            raise Invalid("batch tokens cannot be root tokens")
        if self.parent_expires and ttl == 0:
            raise Invalid("expiring root tokens cannot create non-expiring root tokens")
