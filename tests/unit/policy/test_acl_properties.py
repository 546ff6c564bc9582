"""The compiled decision against a slow, obvious reading of spec/vault-api.md 5.2."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cmp_to_key

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from vaultlike.policy.acl import NEEDS
from vaultlike.policy.compiled import compile_policies
from vaultlike.policy.model import PathRule, Policy
from vaultlike.policy.template import Facts

SEGMENTS = st.sampled_from(["a", "b", "ab", "+", "", "a+", "*"])
PATTERNS = st.builds(
    lambda segments, star: "/".join(segments) + star,
    st.lists(SEGMENTS, min_size=1, max_size=4),
    st.sampled_from(["", "*"]),
).filter(lambda text: "+*" not in text and not text.startswith("/"))
PATHS = st.lists(st.sampled_from(["a", "b", "ab", "abc", "", "a+", "+", "*"]), min_size=1, max_size=5).map("/".join)
NAMES = st.sampled_from(["create", "read", "update", "patch", "delete", "list", "scan", "sudo", "deny"])
TTLS = st.sampled_from([0, 0, 10, 20, 30])
VALUES = st.sampled_from(["x", "y", "x*", "*y", True, 1])
MAPS = st.dictionaries(st.sampled_from(["k", "l", "*"]), st.lists(VALUES, max_size=2).map(tuple), max_size=2)
RULES = st.builds(
    lambda **fields: PathRule(**fields),  # without a look at its annotations
    path=PATTERNS,
    capabilities=st.frozensets(NAMES, max_size=3),
    allowed=st.one_of(st.just({}), MAPS),
    denied=st.one_of(st.just({}), MAPS),
    required=st.one_of(st.just(()), st.just(("k",))),
    min_wrapping_ttl=TTLS,
    max_wrapping_ttl=TTLS,
)
POLICIES = st.lists(st.lists(RULES, max_size=5), max_size=3)
DATA = st.dictionaries(
    st.sampled_from(["k", "K", "l", "m"]), st.sampled_from(["x", "y", "xz", "zy", True, 1]), max_size=2
)


def matches(pattern: str, path: str) -> bool:
    prefix = pattern.endswith("*")
    wanted, given_ = (pattern[:-1] if prefix else pattern).split("/"), path.split("/")
    if len(given_) < len(wanted) or (not prefix and len(given_) != len(wanted)):
        return False
    for number, segment in enumerate(wanted):
        last = number == len(wanted) - 1
        if segment == "+" or segment == given_[number] or (prefix and last and given_[number].startswith(segment)):
            continue
        return False
    return True


def is_wild(pattern: str) -> bool:
    return pattern.endswith("*") or "+" in pattern.split("/")


def first_wildcard(pattern: str) -> int:
    at = 0
    for segment in (pattern[:-1] if pattern.endswith("*") else pattern).split("/"):
        if segment == "+":
            return at
        at += len(segment) + 1
    return at - 1


def compare(one: str, other: str) -> int:
    """Spec 5.2 rule 2, line by line; positive when `one` is the better."""
    for better in (
        first_wildcard(one) - first_wildcard(other),
        other.endswith("*") - one.endswith("*"),
        other.split("/").count("+") - one.split("/").count("+"),
        len(one) - len(other),
    ):
        if better:
            return better
    return (one > other) - (one < other)


def winner(patterns: Iterable[str], path: str, listing: bool) -> str | None:
    exact = {pattern for pattern in patterns if not is_wild(pattern)}
    bare = path.removesuffix("/")
    for candidate in (path, bare) if listing else (path,):
        if candidate in exact:
            return candidate
    for candidate in (bare, path) if listing else (path,):
        found = [pattern for pattern in patterns if is_wild(pattern) and matches(pattern, candidate)]
        if found:
            return max(found, key=cmp_to_key(compare))
    return None


def same(value: object, wanted: object) -> bool:
    if isinstance(wanted, str) and isinstance(value, str):
        if wanted.startswith("*"):
            return value.endswith(wanted[1:])
        return value.startswith(wanted[:-1]) if wanted.endswith("*") else value == wanted
    return isinstance(wanted, bool) and value is wanted


def joined(rules: list[PathRule], kind: str) -> dict[str, list[object] | None]:
    """Name -> values, None for any."""
    found: dict[str, list[object] | None] = {}
    for rule in rules:
        for name, values in (rule.allowed if kind == "allowed" else rule.denied).items():
            before = found.get(name, [])
            found[name] = None if not values or before is None else [*before, *values]
    return found


def data_allowed(rules: list[PathRule], data: dict[str, object]) -> bool:
    if any(name not in data for rule in rules for name in rule.required):
        return False
    denied, allowed = joined(rules, "denied"), joined(rules, "allowed")
    for key, value in data.items():
        name = key.lower()
        if "*" in denied:
            return False
        if name in denied:
            values = denied[name]
            if values is None or any(same(value, one) for one in values):
                return False
        if allowed and name not in allowed and "*" not in allowed:
            return False
        if name in allowed:
            values = allowed[name]
            if values is not None and not any(same(value, one) for one in values):
                return False
    return True


def slow_check(
    policies: list[list[PathRule]], operation: str, path: str, data: dict[str, object], wrap_ttl: int
) -> tuple[bool, bool]:
    listing = operation in ("list", "scan")
    if listing and path and not path.endswith("/"):
        path += "/"
    pattern = winner({rule.path for rules in policies for rule in rules}, path, listing)
    if pattern is None:
        return False, False
    rules = [rule for rules in policies for rule in rules if rule.path == pattern]
    capabilities = {name for rule in rules for name in rule.capabilities}
    if "deny" in capabilities:
        return False, False
    sudo = "sudo" in capabilities
    if NEEDS[operation] not in capabilities:
        return False, sudo
    low = min([rule.min_wrapping_ttl for rule in rules if rule.min_wrapping_ttl] or [0])
    high = min([rule.max_wrapping_ttl for rule in rules if rule.max_wrapping_ttl] or [0])
    if (low or high) and (not wrap_ttl or wrap_ttl < low or (high and wrap_ttl > high)):
        return False, sudo
    if operation in ("create", "update", "patch") or (operation == "read" and data):
        return data_allowed(rules, data), sudo
    return True, sudo


@settings(max_examples=400, deadline=None)
@given(POLICIES, st.sampled_from(sorted(NEEDS)), PATHS, DATA, st.sampled_from([0, 0, 5, 10, 15, 20, 25, 30, 35]))
def test_decisions(
    policies: list[list[PathRule]], operation: str, path: str, data: dict[str, object], wrap_ttl: int
) -> None:
    named = [Policy(name=f"p{number}", text="", rules=tuple(rules)) for number, rules in enumerate(policies)]
    expected = slow_check(policies, operation, path, data, wrap_ttl)
    for order in (named, named[::-1]):
        decision = compile_policies(order, now=0).check(operation, path, data, wrap_ttl)
        assert (decision.allowed, decision.sudo) == expected


@settings(max_examples=300, deadline=None)
@given(st.lists(PATTERNS, min_size=1, max_size=12, unique=True), PATHS, st.booleans())
def test_the_winning_pattern(patterns: list[str], path: str, listing: bool) -> None:
    policy = Policy(name="p", text="", rules=tuple(
        PathRule(path=pattern, capabilities=frozenset(("read", "list"))) for pattern in patterns
    ))  # fmt: skip
    wanted = path + "/" if listing and path and not path.endswith("/") else path
    decision = compile_policies([policy], now=0).check("list" if listing else "read", path)
    found = decision.rule.pattern if decision.rule is not None else None
    assert found == winner(patterns, wanted, listing)


@settings(max_examples=200, deadline=None)
@given(POLICIES, st.sampled_from(["a/", "a/b/", "b/", "ab/a/"]), PATHS)
def test_what_is_granted_below_a_mount_makes_it_visible(policies: list[list[PathRule]], mount: str, below: str) -> None:
    named = [Policy(name=f"p{number}", text="", rules=tuple(rules)) for number, rules in enumerate(policies)]
    acl = compile_policies(named, now=0)
    pattern = winner({rule.path for rules in policies for rule in rules}, mount + below, False)
    rules = [rule for rules in policies for rule in rules if rule.path == pattern]
    capabilities = {name for rule in rules for name in rule.capabilities}
    if capabilities and "deny" not in capabilities:
        assert acl.any_access_below(mount)


def templated(pattern: str) -> str:
    """The same pattern, with the name of the caller ("a") where a segment is that name."""
    return "/".join("{{identity.entity.name}}" if segment == "a" else segment for segment in pattern.split("/"))


@settings(max_examples=400, deadline=None)
@given(POLICIES, st.sampled_from(sorted(NEEDS)), PATHS, st.sampled_from(["a/", "a/b/", "b/"]))
def test_what_names_the_caller_is_as_if_it_were_written_out(
    policies: list[list[PathRule]], operation: str, path: str, mount: str
) -> None:
    named = [Policy(name=f"p{number}", text="", rules=tuple(rules)) for number, rules in enumerate(policies)]
    whole = compile_policies(named, now=0)
    for every in (1, 2):
        some = [
            replace(
                policy,
                rules=tuple(
                    rule if number % every else replace(rule, path=templated(rule.path))
                    for number, rule in enumerate(policy.rules)
                ),
            )
            for policy in named
        ]
        acl = compile_policies(some, Facts(id="e", name="a"), now=0)
        assert acl.check(operation, path) == whole.check(operation, path)
        assert acl.capabilities(path) == whole.capabilities(path)
        assert acl.any_access_below(mount) == whole.any_access_below(mount)
        assert list(acl.rules()) == list(whole.rules())
