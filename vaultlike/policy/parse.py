"""Policy text (HCL or JSON) -> `Policy`. Every refusal of spec/vault-api.md 5.1 is here; matching is not.

Keys that only narrow what a rule grants, and that this server cannot enforce, are accepted but make the rule grant less
instead of more; `Policy.warnings` says so.
"""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Iterator
from datetime import datetime

from vaultlike.durations import SECOND, parse_nanoseconds
from vaultlike.errors import Invalid
from vaultlike.hcl import Body, Entry, HclInvalid, Value, labelled, quote
from vaultlike.hcl import parse as parse_hcl
from vaultlike.policy.model import CAPABILITIES, DENY, NO_PARAMETERS, Parameters, PathRule, Policy
from vaultlike.policy.parameters import merge_parameters
from vaultlike.policy.template import check_template

__all__ = ["MAX_TEXT", "Policy", "PolicyInvalid", "decode_text", "parse"]

MAX_TEXT = 256 * 1024  # characters of a policy
MAX_PROBLEMS = 10  # wrong keys named in one answer

_READ = ("read", "list")
_WRITE = ("create", "read", "update", "delete", "list")
_SHORTHANDS = {"deny": (DENY,), "read": _READ, "write": _WRITE, "sudo": (*_WRITE, "sudo")}

_APPROVALS = ("control_group", "mfa_methods")
_LIST_LIMITS = ("pagination_limit", "list_scan_response_keys_filter_path")
_ONCE = ("policy", "capabilities", "required_parameters", "min_wrapping_ttl", "max_wrapping_ttl", "expiration")
_PARAMETERS = ("allowed_parameters", "denied_parameters")
_KEYS = frozenset((*_ONCE, *_PARAMETERS, *_APPROVALS, *_LIST_LIMITS, "comment", "subscribe_event_types"))
_ROOT_KEYS = frozenset(("name", "path"))


class PolicyInvalid(Invalid):
    """The text is no policy (400)."""

    def __init__(self, problem: str) -> None:
        super().__init__(f"failed to parse policy: {problem}")


def decode_text(raw: str) -> str:
    """The policy text of a request: `raw` itself, or what it decodes to when all of it is base64."""
    try:
        return base64.b64decode(raw.replace("\r", "").replace("\n", ""), validate=True).decode() or raw
    except (binascii.Error, ValueError):
        return raw


def parse(name: str, text: str) -> Policy:
    """The policy called `name`. Raises PolicyInvalid; an empty text is a policy without rules."""
    try:
        body = parse_hcl(text, limit=MAX_TEXT)
        _check_keys(body, _ROOT_KEYS)
        blocks = [block for entry in body.entries if entry.key == "path" for block in labelled(entry)]
        warnings: list[str] = []
        rules = tuple(_rule(block, warnings) for block in blocks)
    except PolicyInvalid:
        raise
    except Invalid as problem:
        raise PolicyInvalid(problem.messages[0]) from None
    return Policy(name=name, text=text, rules=rules, warnings=tuple(warnings))


def _check_keys(body: Body, known: frozenset[str], prefix: str = "") -> None:
    wrong = [entry for entry in body.entries if entry.key not in known]
    if wrong:
        listed = [f"{prefix}invalid key {quote(entry.key)} on line {entry.line}" for entry in wrong[:MAX_PROBLEMS]]
        count = "1 error" if len(listed) == 1 else f"{len(listed)} errors"
        raise Invalid(f"{count} occurred:\n" + "".join(f"\t* {one}\n" for one in listed) + "\n")


def _rule(block: Entry, warnings: list[str]) -> PathRule:
    shown = quote(block.labels[0])
    if len(block.labels) > 1 or not isinstance(block.value, Body):
        raise Invalid(f"path {shown}: a path block has one name, on line {block.line}")
    body = block.value
    _check_keys(body, _KEYS, f"path {shown}: ")
    try:
        found = _once(body)
        path = block.labels[0].removeprefix("/")
        if "+*" in path:
            raise Invalid("invalid use of wildcards ('+*' is forbidden)")
        capabilities = _capabilities(found)
        required = _names(found["required_parameters"]) if "required_parameters" in found else ()
        allowed, denied = (_parameters(body, key) for key in _PARAMETERS)
        expires_at = _expiration(found["expiration"]) if "expiration" in found else None
    except Invalid as problem:
        raise Invalid(f"path {shown}: {problem.messages[0]}") from None
    try:
        check_template(path)
    except Invalid as problem:
        raise Invalid(f"failed to validate policy templating: {problem.messages[0]}") from None
    low, high = (_ttl(found, key) for key in ("min_wrapping_ttl", "max_wrapping_ttl"))
    if low and high and high < low:
        raise Invalid("max_wrapping_ttl cannot be less than min_wrapping_ttl")
    return PathRule(
        path=path,
        capabilities=_without_unenforceable(capabilities, body, shown, warnings),
        allowed=allowed,
        denied=denied,
        required=required,
        min_wrapping_ttl=low,
        max_wrapping_ttl=high,
        expires_at=expires_at,
    )


def _once(body: Body) -> dict[str, Entry]:
    """The entries that may stand only once: which of two counts would be a guess."""
    found: dict[str, Entry] = {}
    for entry in body.entries:
        if entry.key in _ONCE:
            if entry.key in found:
                raise Invalid(f"{quote(entry.key)} is set twice, on lines {found[entry.key].line} and {entry.line}")
            if entry.labels or isinstance(entry.value, Body):
                raise HclInvalid(f"{quote(entry.key)} cannot be a block", *entry.value_at)
            found[entry.key] = entry
    return found


def _capabilities(found: dict[str, Entry]) -> frozenset[str]:
    granted: set[str] = set()
    if "policy" in found:
        shorthand = found["policy"].value
        if not isinstance(shorthand, str) or shorthand not in _SHORTHANDS:
            raise Invalid(f"invalid policy {_shown(shorthand)}")
        granted.update(_SHORTHANDS[shorthand])
    if "capabilities" in found:
        for one in _list(found["capabilities"]):
            if not isinstance(one, str) or one not in CAPABILITIES:
                raise Invalid(f"invalid capability {_shown(one)}")
            granted.add(one)
    return frozenset((DENY,)) if DENY in granted else frozenset(granted)


def _list(entry: Entry) -> tuple[Value, ...]:
    if not isinstance(entry.value, tuple):
        raise HclInvalid(f"{quote(entry.key)} must be a list", *entry.value_at)
    return entry.value


def _names(entry: Entry) -> tuple[str, ...]:
    names = _list(entry)
    for one in names:
        if not isinstance(one, str):
            raise HclInvalid(f"{quote(entry.key)} must be a list of names", *entry.value_at)
    return tuple(dict.fromkeys(str(one).lower() for one in names))


def _shown(value: Value) -> str:
    return quote(value) if isinstance(value, str) else quote(str(value)) if isinstance(value, int | float) else '""'


def _parameters(body: Body, key: str) -> Parameters:
    maps = [{one.key.lower(): _list(one)} for entry in body.entries if entry.key == key for one in _fields(entry)]
    return merge_parameters(maps) if maps else NO_PARAMETERS


def _fields(entry: Entry) -> Iterator[Entry]:
    """The fields of `key = { ... }`, `key { ... }` or the JSON list of such objects."""
    values = entry.value if isinstance(entry.value, tuple) else (entry.value,)
    for value in values:
        if entry.labels or not isinstance(value, Body):
            raise HclInvalid(f"{quote(entry.key)} must map names to lists", *entry.value_at)
        for one in value.entries:
            if one.labels:
                raise HclInvalid(f"{quote(one.key)} must be a list", *one.value_at)
            yield one


def _ttl(found: dict[str, Entry], key: str) -> float:
    """Seconds, with their fraction: a limit below a second must not become none."""
    if key not in found:
        return 0
    try:
        return parse_nanoseconds(found[key].value) / SECOND
    except Invalid as problem:
        raise Invalid(f"error parsing {key}: {problem.messages[0]}") from None


def _expiration(entry: Entry) -> float:
    """When the stanza ends: Unix seconds, or RFC 3339 with its time zone."""
    if isinstance(entry.value, int) and not isinstance(entry.value, bool):
        return entry.value
    try:
        at = datetime.fromisoformat(entry.value) if isinstance(entry.value, str) else None
        seconds = at.timestamp() if at is not None and at.tzinfo is not None else math.nan
    except (ValueError, OverflowError):
        seconds = math.nan
    if math.isnan(seconds):
        raise HclInvalid('"expiration" must be an RFC 3339 time or Unix seconds', *entry.value_at)
    return seconds


def _without_unenforceable(capabilities: frozenset[str], body: Body, shown: str, warnings: list[str]) -> frozenset[str]:
    """Less than asked for where a condition cannot be checked here: ignoring it would grant more than was written."""
    keys = {entry.key for entry in body.entries if entry.value not in (0, "", (), None, False)}
    for key in _APPROVALS:
        if key in keys:
            warnings.append(f"path {shown}: {key} is not supported by this server, the rule denies")
            capabilities = frozenset((DENY,))
    for key in _LIST_LIMITS:
        if key in keys and capabilities & {"list", "scan"}:
            warnings.append(
                f"path {shown}: {key} is not supported by this server, the rule does not grant list or scan"
            )
            capabilities -= {"list", "scan"}
    return capabilities
