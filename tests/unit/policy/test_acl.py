"""Decisions: every rule of matching, joining, parameters, wrapping and listing, refusals first."""

from __future__ import annotations

import pytest

from vaultlike.errors import PermissionDenied
from vaultlike.policy.acl import ACL, NEEDS, Decision
from vaultlike.policy.builtin import DEFAULT_POLICY, RESPONSE_WRAPPING_POLICY, ROOT_POLICY
from vaultlike.policy.compiled import compile_policies
from vaultlike.policy.parse import parse
from vaultlike.policy.template import Facts


def acl(*texts: str, now: float = 0) -> ACL:
    return compile_policies([parse(f"p{number}", text) for number, text in enumerate(texts)], now=now)


def asked(decider: ACL, *requests: str) -> list[bool]:
    """Decisions for requests such as `read kv/a`."""
    pairs = [request.partition(" ") for request in requests]
    return [decider.check(operation, path).allowed for operation, _, path in pairs]


def test_nothing_is_allowed_by_default() -> None:
    for decider in (acl(), acl(""), acl('path "kv/a" { }'), acl('path "*" { capabilities = [] }')):
        for operation in NEEDS:
            decision = decider.check(operation, "kv/a")
            assert (decision.allowed, decision.sudo) == (False, False)
            assert decision.reason
        assert decider.capabilities("kv/a") == ["deny"]
        assert not decider.any_access_below("kv/")
        assert decider.check("help", "kv/a").allowed


@pytest.mark.parametrize("operation", ["", "sudo", "root", "deny", "READ", "connect"])
def test_an_unknown_operation_is_refused(operation: str) -> None:
    everything = '", "'.join(("create", "read", "update", "patch", "delete", "list", "scan", "sudo"))
    assert not acl(f'path "*" {{ capabilities = ["{everything}"] }}').check(operation, "kv/a").allowed


@pytest.mark.parametrize(("operation", "capability"), NEEDS.items())
def test_each_operation_needs_its_capability(operation: str, capability: str) -> None:
    others = {"create", "read", "update", "patch", "delete", "list", "scan", "sudo", "subscribe", "recover"}
    quoted = '", "'.join(sorted(others - {capability}))
    refused = acl(f'path "kv/*" {{ capabilities = ["{quoted}"] }}').check(operation, "kv/a")
    assert (refused.allowed, refused.sudo) == (False, True)
    assert refused.reason.endswith(f"{capability} is needed")
    granted = acl(f'path "kv/*" {{ capabilities = ["{capability}"] }}').check(operation, "kv/a")
    assert (granted.allowed, granted.sudo, granted.reason) == (True, False, "")
    denied = acl(f'path "kv/*" {{ capabilities = ["{capability}", "deny"] }}').check(operation, "kv/a")
    assert (denied.allowed, denied.sudo) == (False, False)


def test_root_may_do_all_but_only_alone() -> None:
    root = compile_policies([ROOT_POLICY], now=0)
    assert root.is_root
    assert root.check("delete", "sys/raw/core") == Decision(True, True)
    assert root.capabilities("x") == ["root"]
    assert root.any_access_below("x/")
    assert list(root.rules()) == []
    with pytest.raises(PermissionDenied):
        compile_policies([ROOT_POLICY, parse("default", DEFAULT_POLICY)], now=0)


def test_sudo_alone_grants_no_operation() -> None:
    decision = acl('path "sys/auth/*" { capabilities = ["sudo"] }').check("update", "sys/auth/x")
    assert (decision.allowed, decision.sudo) == (False, True)


def test_only_the_most_specific_rule_counts() -> None:
    decider = acl(
        'path "kv/*" { capabilities = ["deny"] } path "kv/b" { capabilities = ["read"] }',
        'path "kv/deep/*" { capabilities = ["update"] } path "*" { capabilities = ["delete"] }',
    )
    assert asked(decider, "read kv/b", "update kv/b", "read kv/a", "update kv/deep/x", "delete kv/deep/x") == [
        True,
        False,
        False,
        True,
        False,
    ]
    assert asked(decider, "delete x", "delete kv") == [True, True]


def test_rules_for_one_pattern_join_and_a_deny_wins() -> None:
    grants = 'path "/kv/a" { capabilities = ["read"] } path "kv/a" { capabilities = ["update"] }'
    assert acl(grants).capabilities("kv/a") == ["read", "update"]
    joined = acl(grants, 'path "kv/a" { capabilities = ["delete"] }', "")
    assert joined.capabilities("kv/a") == ["delete", "read", "update"]
    (rule,) = joined.rules()
    assert (rule.pattern, rule.kind, rule.policies) == ("kv/a", "exact", ("p0", "p1"))
    for order in ((grants, 'path "kv/a" { policy = "deny" }'), ('path "kv/a" { policy = "deny" }', grants)):
        assert acl(*order).capabilities("kv/a") == ["deny"]


LISTING = """
    path "kv/plain" { capabilities = ["list", "scan"] }
    path "kv/slashed/" { capabilities = ["list", "scan"] }
    path "kv/under/*" { capabilities = ["list", "scan"] }
    path "kv/read/*" { capabilities = ["read"] }
    path "kv/s+/" { capabilities = ["read"] }"""


@pytest.mark.parametrize("operation", ["list", "scan"])
def test_listing_with_and_without_the_slash(operation: str) -> None:
    decider = acl(LISTING)
    for path in ("kv/plain", "kv/slashed", "kv/under", "kv/under/more"):
        assert decider.check(operation, path).allowed
        assert decider.check(operation, path + "/").allowed
    for path in ("kv/read", "kv/read/", "kv", "kv/", "kv/plain/x", ""):
        assert not decider.check(operation, path).allowed
    assert not decider.check("read", "kv/plain").allowed
    assert asked(decider, "read kv/read/x", "read kv/read", "read kv/s+/", "read kv/sx/") == [True, False, True, False]


@pytest.mark.parametrize(
    ("path", "capabilities"),
    [
        ("kv/plain", ["list", "scan"]),
        ("/kv/plain", ["list", "scan"]),
        ("kv/plain/", ["list", "scan"]),
        ("kv/slashed", ["deny"]),
        ("kv/slashed/", ["list", "scan"]),
        ("kv/under", ["deny"]),
        ("kv/under/", ["list", "scan"]),
        ("kv/under/x", ["list", "scan"]),
    ],
)
def test_capabilities_of_a_path(path: str, capabilities: list[str]) -> None:
    assert acl(LISTING).capabilities(path) == capabilities


def test_a_listing_takes_the_rule_of_the_bare_path_first() -> None:
    """As the reference does: a wildcard that matches without the slash decides before one that needs it."""
    decider = acl('path "kv/*" { policy = "deny" } path "kv/a/*" { capabilities = ["list"] }')
    assert asked(decider, "list kv/a", "list kv/a/", "list kv/a/b") == [False, False, True]


PARAMETERS = """
    path "kv/*" { capabilities = ["create", "update", "patch", "read", "delete"]
      allowed_parameters = { "any" = [] "size" = ["small", "large"] "name" = ["app-*", "*-db", "*mid*", "*"]
        "Camel" = [] "count" = [5, "7"] "on" = [true] "list" = [["a", "b"]] "none" = [[1], {a = 1}] } }
    path "all/*" { capabilities = ["create", "read"]  allowed_parameters = { "size" = ["small"]  "*" = [] } }
    path "free/*" { capabilities = ["create"]  allowed_parameters = { "*" = ["x"] } }
    path "no/*" { capabilities = ["create"]  denied_parameters = { "admin" = [] "role" = ["root", "adm*", true] } }
    path "none/*" { capabilities = ["create"]  denied_parameters = { "*" = [] } }
    path "both/*" { capabilities = ["create"]  allowed_parameters = { "*" = [] }  denied_parameters = { "bad" = [] } }
    path "must/*" { capabilities = ["create", "delete", "read"]  required_parameters = ["owner", "Team"] }"""


@pytest.mark.parametrize(
    ("path", "data", "allowed"),
    [
        ("kv/x", {"any": "t", "other": "t"}, False),
        ("kv/x", {"size": "medium"}, False),
        ("kv/x", {"size": None}, False),
        ("kv/x", {"size": ["small"]}, False),
        ("kv/x", {"name": "one"}, False),
        ("kv/x", {"name": 5}, False),
        ("kv/x", {"count": 5}, False),
        ("kv/x", {"count": 5.0}, False),
        ("kv/x", {"count": 7}, False),
        ("kv/x", {"on": 1}, False),
        ("kv/x", {"on": "true"}, False),
        ("kv/x", {"list": ["a"]}, False),
        ("kv/x", {"list": ["b", "a"]}, False),
        ("kv/x", {"list": "a"}, False),
        ("kv/x", {"none": [1]}, False),
        ("kv/x", {"none": {"a": 1}}, False),
        ("kv/x", {"any": 1, "ANY": 2, "size": "huge"}, False),
        ("kv/x", {"any": {"deep": [1, 2]}}, True),
        ("kv/x", {"any": None}, True),
        ("kv/x", {"SIZE": "large"}, True),
        ("kv/x", {"name": "app-one"}, True),
        ("kv/x", {"name": "one-db"}, True),
        ("kv/x", {"name": "a mid b"}, True),
        ("kv/x", {"name": "*"}, True),
        ("kv/x", {"camel": "1", "CAMEL": "2"}, True),
        ("kv/x", {"count": "7"}, True),
        ("kv/x", {"on": True}, True),
        ("kv/x", {"list": ["a", "b"]}, True),
        ("kv/x", {}, True),
        ("kv/x", None, True),
        ("all/x", {"size": "large", "free": "v"}, False),
        ("all/x", {"size": "small", "free": "v"}, True),
        ("all/x", {"free": "v"}, True),
        ("free/x", {"a": "b"}, True),
        ("no/x", {"user": "bob", "admin": "no"}, False),
        ("no/x", {"user": "bob", "Admin": ""}, False),
        ("no/x", {"role": "root"}, False),
        ("no/x", {"role": "administrator"}, False),
        ("no/x", {"role": True}, False),
        ("no/x", {"role": "guest"}, True),
        ("no/x", {"role": 1}, True),
        ("no/x", {"user": "bob"}, True),
        ("none/x", {"anything": "1"}, False),
        ("none/x", {}, True),
        ("both/x", {"good": "1", "bad": "2"}, False),
        ("both/x", {"good": "1"}, True),
        ("must/x", {"owner": "bob"}, False),
        ("must/x", {"owner": "bob", "Team": "red"}, False),
        ("must/x", {}, False),
        ("must/x", None, False),
        ("must/x", {"owner": "", "team": None}, True),
    ],
)
def test_parameters(path: str, data: dict[str, object] | None, allowed: bool) -> None:
    decision = acl(PARAMETERS).check("create", path, data)
    assert decision.allowed is allowed
    assert bool(decision.reason) is not allowed
    for value in (data or {}).values():
        if isinstance(value, str) and len(value) > 3:
            assert value not in decision.reason  # it may be a secret


def test_which_operations_look_at_parameters() -> None:
    decider = acl(PARAMETERS)
    for operation in ("update", "patch", "read"):
        assert not decider.check(operation, "kv/x", {"other": "1"}).allowed
    assert decider.check("read", "must/x").allowed
    assert not decider.check("read", "must/x", {"version": "1"}).allowed
    assert decider.check("delete", "must/x", {"other": "1"}).allowed


def test_parameter_maps_of_policies_join() -> None:
    first = 'path "a" { capabilities = ["create"] allowed_parameters = { "x" = ["1"] "y" = ["1"] } }'
    second = 'path "a" { allowed_parameters = { "X" = ["2"] "y" = [] } required_parameters = ["x"] }'
    third = 'path "a" { denied_parameters = { "x" = ["2"] } }'
    for texts in ((first, second, third), (third, second, first)):
        decider = acl(*texts)
        found = [
            decider.check("create", "a", data).allowed for data in ({"x": "1"}, {"x": "2"}, {"x": "3"}, {"y": "5"})
        ]
        assert found == [True, False, False, False]
        assert decider.check("create", "a", {"x": "1", "y": "5"}).allowed
    assert not acl(first, 'path "a" { capabilities = ["update"] }').check("create", "a", {"z": "1"}).allowed


WRAPPING = """
    path "both" { capabilities = ["read"]  min_wrapping_ttl = "30s"  max_wrapping_ttl = "5m" }
    path "max" { capabilities = ["read"]  max_wrapping_ttl = 90 }
    path "min" { capabilities = ["read"]  min_wrapping_ttl = "1m" }
    path "short" { capabilities = ["read"]  max_wrapping_ttl = "500ms" }"""


@pytest.mark.parametrize(
    ("path", "wrap_ttl", "allowed"),
    [
        ("both", None, False), ("both", 0, False), ("both", 29, False), ("both", 301, False), ("both", -1, False),
        ("both", 30, True), ("both", 300, True),
        ("max", None, False), ("max", 91, False), ("max", 10, True), ("max", 90, True),
        ("min", None, False), ("min", 59, False), ("min", 60, True), ("min", 10**9, True),
        ("short", None, False), ("short", 1, False),
    ],
)  # fmt: skip
def test_wrapping(path: str, wrap_ttl: float | None, allowed: bool) -> None:
    assert acl(WRAPPING).check("read", path, None, wrap_ttl).allowed is allowed


def test_the_smaller_wrapping_limits_of_policies_count() -> None:
    texts = (
        'path "a" { capabilities = ["read"] }',
        'path "a" { min_wrapping_ttl = 60 max_wrapping_ttl = 120 }',
        'path "a" { min_wrapping_ttl = 30 max_wrapping_ttl = 300 }',
    )
    for order in (texts, texts[::-1]):
        decider = acl(*order)
        assert [decider.check("read", "a", None, ttl).allowed for ttl in (29, 30, 120, 121)] == [
            False,
            True,
            True,
            False,
        ]
    crossed = acl('path "a" { capabilities = ["read"] min_wrapping_ttl = 60 }', 'path "a" { max_wrapping_ttl = 10 }')
    assert not any(crossed.check("read", "a", None, ttl).allowed for ttl in (None, 5, 10, 30, 60, 90))


def test_a_stanza_expires() -> None:
    text = (
        'path "a" { capabilities = ["read"] expiration = 100 } path "a" { capabilities = ["list"] }'
        'path "b" { capabilities = ["read"] expiration = "1970-01-01T00:05:00Z" }'
    )
    assert acl(text, now=99).expires_at == 100
    assert acl(text, now=99).capabilities("a") == ["list", "read"]
    assert acl(text, now=100).expires_at == 300
    assert acl(text, now=100).capabilities("a") == ["list"]
    assert acl(text, now=300).expires_at is None
    assert acl(text, now=300).capabilities("b") == ["deny"]


@pytest.mark.parametrize(
    ("text", "visible"),
    [
        ('path "n/*" { capabilities = ["read"] }', False),
        ('path "m/a" { capabilities = ["deny"] }', False),
        ('path "m/a" { }', False),
        ('path "mm/a" { capabilities = ["read"] }', False),
        ('path "*" { capabilities = ["read"] } path "m/*" { capabilities = ["deny"] }', False),
        ('path "+/a" { capabilities = ["read"] } path "m/*" { capabilities = ["deny"] }', False),
        ('path "+/+" { capabilities = ["deny"] }', False),
        ('path "m/+/+" { capabilities = ["deny"] } path "m/*" { capabilities = ["deny"] } path "+" { policy = "deny" }',
         False),
        ('path "*" { capabilities = ["read"] }', True),
        ('path "m*" { capabilities = ["read"] }', True),
        ('path "m/*" { capabilities = ["sudo"] }', True),
        ('path "m/a/b" { capabilities = ["read"] }', True),
        ('path "m/a/b*" { capabilities = ["read"] }', True),
        ('path "m" { capabilities = ["list"] }', True),
        ('path "m/" { capabilities = ["list"] }', True),
        ('path "+/a" { capabilities = ["read"] }', True),
        ('path "+/+/b*" { capabilities = ["read"] }', True),
        ('path "*" { capabilities = ["read"] } path "m/+" { capabilities = ["deny"] }', True),
        ('path "m/*" { capabilities = ["deny"] } path "m/a/x" { capabilities = ["read"] }', True),
        ('path "m/*" { capabilities = ["deny"] } path "m/a/+" { capabilities = ["read"] }', True),
    ],
)  # fmt: skip
def test_what_of_a_mount_is_visible(text: str, visible: bool) -> None:
    assert acl(text).any_access_below("m/") is visible


def test_rules_tell_their_kinds_for_the_user_interface() -> None:
    default = compile_policies([parse("default", DEFAULT_POLICY)], now=0)
    shown = {rule.pattern: rule.granted for rule in default.rules() if rule.kind == "prefix"}
    assert shown == {"cubbyhole/*": ["create", "delete", "list", "read", "update"], "sys/tools/hash/*": ["update"]}
    assert [rule.pattern for rule in default.rules() if rule.kind == "segments"] == [
        "identity/oidc/provider/+/authorize"
    ]


DEFAULT_ALLOWS = [
    "read auth/token/lookup-self", "update auth/token/renew-self", "update auth/token/revoke-self",
    "update sys/capabilities-self", "create cubbyhole/mine", "update cubbyhole/mine", "read cubbyhole/mine",
    "delete cubbyhole/mine", "list cubbyhole", "list cubbyhole/", "update sys/wrapping/wrap",
    "update sys/wrapping/lookup", "update sys/wrapping/unwrap", "update sys/tools/hash",
    "update sys/tools/hash/sha2-256", "read sys/internal/ui/resultant-acl", "update sys/leases/lookup",
    "update sys/leases/renew", "update sys/renew", "update sys/control-group/request",
    "read identity/entity/id/e-1", "read identity/entity/name/bob", "read identity/oidc/provider/x/authorize",
    "update identity/oidc/provider/x/authorize",
]  # fmt: skip
DEFAULT_REFUSES = [
    "update auth/token/create", "update auth/token/lookup", "update auth/token/lookup-self", "read sys/mounts",
    "list sys/mounts", "read sys/policies/acl/default", "list auth/token/accessors", "read secret/data/x",
    "update sys/tools/random", "patch cubbyhole/mine", "read identity/entity/id/e-2", "read identity/entity/name/eve",
    "update identity/entity/id/e-1", "read sys/capabilities-self", "update sys/leases/revoke",
]  # fmt: skip


def test_the_default_policy() -> None:
    decider = compile_policies([parse("default", DEFAULT_POLICY)], Facts(id="e-1", name="bob"), now=0)
    assert [request for request in DEFAULT_REFUSES if asked(decider, request) != [False]] == []
    assert [request for request in DEFAULT_ALLOWS if asked(decider, request) != [True]] == []


def test_the_response_wrapping_policy() -> None:
    decider = compile_policies([parse("response-wrapping", RESPONSE_WRAPPING_POLICY)], now=0)
    assert (
        asked(decider, "read cubbyhole/response", "create cubbyhole/response", "update sys/wrapping/unwrap")
        == [True] * 3
    )
    assert not any(asked(decider, "read cubbyhole/x", "read auth/token/lookup-self", "update sys/wrapping/lookup"))
