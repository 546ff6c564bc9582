"""Policy texts: what is refused with which words, and what the accepted ones mean."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vaultlike.policy.builtin import DEFAULT_POLICY, RESPONSE_WRAPPING_POLICY, ROOT_POLICY
from vaultlike.policy.model import PathRule
from vaultlike.policy.parse import MAX_TEXT, PolicyInvalid, decode_text, parse


def rule(text: str) -> PathRule:
    (found,) = parse("p", text).rules
    return found


def stanza(inside: str, path: str = "a") -> str:
    return f'path "{path}" {{ {inside} }}'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("this is not HCL {", "At 1:19: object expected closing RBRACE got: EOF"),
        (stanza('capabilities = ["read"'), "At 1:35: error parsing list, expected comma or list end, got: RBRACE"),
        (stanza('capabilities = ["reed"]'), 'path "a": invalid capability "reed"'),
        (stanza('capabilities = ["READ"]'), 'path "a": invalid capability "READ"'),
        (stanza('capabilities = ["root"]'), 'path "a": invalid capability "root"'),
        (stanza("capabilities = [5]"), 'path "a": invalid capability "5"'),
        (stanza("capabilities = [true]"), 'path "a": invalid capability "True"'),
        (stanza("capabilities = [[]]"), 'path "a": invalid capability ""'),
        (stanza('capabilites = ["read"]'), '1 error occurred:\n\t* path "a": invalid key "capabilites" on line 1\n\n'),
        (
            'paths "a" { }\n\nrule = 1',
            '2 errors occurred:\n\t* invalid key "paths" on line 1\n\t* invalid key "rule" on line 3\n\n',
        ),
        (stanza('capabilities = "read"'), 'path "a": At 1:27: "capabilities" must be a list'),
        (stanza("capabilities { }"), 'path "a": At 1:25: "capabilities" cannot be a block'),
        (stanza('policy = "admin"'), 'path "a": invalid policy "admin"'),
        (stanza('policy = ["read"]'), 'path "a": invalid policy ""'),
        (stanza('policy = "read" policy = "deny"'), 'path "a": "policy" is set twice, on lines 1 and 1'),
        (
            stanza('capabilities = ["read"]\ncapabilities = ["deny"]'),
            'path "a": "capabilities" is set twice, on lines 1 and 2',
        ),
        (stanza("", "a/+*"), "path \"a/+*\": invalid use of wildcards ('+*' is forbidden)"),
        (stanza("", "a/b+*"), "path \"a/b+*\": invalid use of wildcards ('+*' is forbidden)"),
        (stanza('required_parameters = "ttl"'), 'path "a": At 1:34: "required_parameters" must be a list'),
        (stanza("required_parameters = [1]"), 'path "a": At 1:34: "required_parameters" must be a list of names'),
        (stanza('allowed_parameters = ["x"]'), 'path "a": At 1:33: "allowed_parameters" must map names to lists'),
        (stanza('denied_parameters = { "x" = "y" }'), 'path "a": At 1:40: "x" must be a list'),
        (stanza("denied_parameters = 1"), 'path "a": At 1:32: "denied_parameters" must map names to lists'),
        (stanza('denied_parameters "x" { }'), 'path "a": At 1:34: "denied_parameters" must map names to lists'),
        (stanza('allowed_parameters { x "y" { } }'), 'path "a": At 1:39: "x" must be a list'),
        (
            stanza('min_wrapping_ttl = "10m"  max_wrapping_ttl = "5m"'),
            "max_wrapping_ttl cannot be less than min_wrapping_ttl",
        ),
        (stanza('min_wrapping_ttl = "soon"'), 'error parsing min_wrapping_ttl: time: invalid duration "soon"'),
        (stanza("max_wrapping_ttl = 1.5"), 'error parsing max_wrapping_ttl: time: missing unit in duration "1.5"'),
        (stanza("max_wrapping_ttl = -1"), "error parsing max_wrapping_ttl: cannot provide negative value"),
        (stanza("max_wrapping_ttl = []"), "error parsing max_wrapping_ttl: could not parse duration from input"),
        (stanza('expiration = "soon"'), 'path "a": At 1:25: "expiration" must be an RFC 3339 time or Unix seconds'),
        (
            stanza('expiration = "2030-01-01T00:00:00"'),
            'path "a": At 1:25: "expiration" must be an RFC 3339 time or Unix seconds',
        ),
        (stanza("", "a/{{x"), "failed to validate policy templating: unbalanced templating characters"),
        (stanza("", "a/x}}"), "failed to validate policy templating: unbalanced templating characters"),
        (stanza("", "{{x}}}}"), "failed to validate policy templating: unbalanced templating characters"),
        (stanza("", "{{x{{y}}"), "failed to validate policy templating: unbalanced templating characters"),
        ('path "a" "b" { }', 'path "a": a path block has one name, on line 1'),
        ('path = "a"', 'At 1:8: "path" must be a block'),
        ('{"path": {"x": ', "At 1:17: expected a value, got: EOF"),
        ('{"path": ["x"]}', 'At 1:10: "path" must be a block'),
        ('{"path": {"x": {"capabilities": "read"}}}', 'path "x": At 1:33: "capabilities" must be a list'),
        ('{"paths": {}}', '1 error occurred:\n\t* invalid key "paths" on line 1\n\n'),
    ],
)
def test_refused(text: str, message: str) -> None:
    with pytest.raises(PolicyInvalid) as refused:
        parse("p", text)
    assert refused.value.messages == (f"failed to parse policy: {message}",)
    assert refused.value.status == 400


def test_an_answer_about_a_bad_text_is_short() -> None:
    for text in ("x = 1\n" * 5000, stanza("x = 1\n" * 5000), stanza(f'capabilities = ["{"x" * 90_000}"]')):
        with pytest.raises(PolicyInvalid) as refused:
            parse("p", text)
        assert len(refused.value.messages[0]) < 1000
    with pytest.raises(PolicyInvalid, match="longer than"):
        parse("p", "#" * (MAX_TEXT + 1))


@pytest.mark.parametrize("text", ["", "# only a comment\n", "  \n", "{}", '{"path": {}}', 'name = "other"', "path { }"])
def test_a_text_without_rules_is_a_policy(text: str) -> None:
    policy = parse("p", text)
    assert (policy.name, policy.text, policy.rules) == ("p", text, ())


@pytest.mark.parametrize(
    ("inside", "capabilities"),
    [
        ("", ""),
        ("capabilities = []", ""),
        ('capabilities = ["read", "list", "read"]', "list read"),
        ('capabilities = ["create","read","update","patch","delete","list","scan","sudo","subscribe","recover",]',
         "create delete list patch read recover scan subscribe sudo update"),
        ('capabilities = ["read", "deny", "update"]', "deny"),
        ('policy = "deny"', "deny"),
        ('policy = "read"', "list read"),
        ('policy = "write"', "create delete list read update"),
        ('policy = "sudo"', "create delete list read sudo update"),
        ('policy = "read" capabilities = ["delete"]', "delete list read"),
        ('policy = "write" capabilities = ["deny"]', "deny"),
        ('comment = "c" subscribe_event_types = ["*"] capabilities = ["read"]', "read"),
        ('capabilities = ["list", "read"] pagination_limit = 0', "list read"),
    ],
)  # fmt: skip
def test_capabilities(inside: str, capabilities: str) -> None:
    found = parse("p", stanza(inside))
    assert found.rules[0].capabilities == frozenset(capabilities.split())
    assert found.warnings == ()


@pytest.mark.parametrize(
    ("inside", "capabilities", "warning"),
    [
        ('capabilities = ["read"] control_group = { factor "x" { } }', "deny", 'path "a": control_group is not supp'),
        ('capabilities = ["read"] control_group { }', "deny", 'path "a": control_group is not supp'),
        ('capabilities = ["read"] mfa_methods = ["m"]', "deny", 'path "a": mfa_methods is not supp'),
        ('capabilities = ["read", "list", "scan"] pagination_limit = 5', "read", 'path "a": pagination_limit is not'),
        (
            'capabilities = ["read", "list"] list_scan_response_keys_filter_path = "x"',
            "read",
            'path "a": list_scan_response_keys_filter_path is not',
        ),
    ],
)
def test_a_condition_that_cannot_be_enforced_grants_less(inside: str, capabilities: str, warning: str) -> None:
    found = parse("p", stanza(inside))
    assert found.rules[0].capabilities == frozenset(capabilities.split())
    assert len(found.warnings) == 1
    assert found.warnings[0].startswith(warning)


def test_a_whole_stanza() -> None:
    found = rule("""
        path "/secret/data/+/team-*" {          # comments
          capabilities = ["create","read"] // yes
          allowed_parameters  = { "ttl" = ["1h","2h"]  "*" = [] "Camel" = [5, true, ["a"]] }
          denied_parameters   = { "admin" = [] }
          required_parameters = ["ttl", "Owner", "ttl"]
          min_wrapping_ttl = "1s"  max_wrapping_ttl = 90
          expiration = "2030-01-01T00:00:00Z"
        }""")
    assert found == PathRule(
        path="secret/data/+/team-*",
        capabilities=frozenset(("create", "read")),
        allowed={"ttl": ("1h", "2h"), "*": (), "camel": (("a",), 5, True)},
        denied={"admin": ()},
        required=("ttl", "owner"),
        min_wrapping_ttl=1,
        max_wrapping_ttl=90,
        expires_at=1_893_456_000,
    )


def test_a_limit_below_a_second_stays_a_limit() -> None:
    assert rule(stanza('max_wrapping_ttl = "500ms"')).max_wrapping_ttl == 0.5


def test_parameter_maps_of_one_stanza_join() -> None:
    found = rule(stanza('allowed_parameters = { "x" = ["a"] "y" = ["b"] } allowed_parameters { X = ["c"] y = [] }'))
    assert found.allowed == {"x": ("a", "c"), "y": ()}


@pytest.mark.parametrize(
    "text",
    [
        'path "x/*" { capabilities = ["read"] denied_parameters = { "a" = ["b"] } } path "y" { policy = "deny" }',
        '{"path": {"x/*": {"capabilities": ["read"], "denied_parameters": {"a": ["b"]}}, "y": {"policy": "deny"}}}',
        '{"path": [{"x/*": {"capabilities": ["read"], "denied_parameters": [{"a": ["b"]}]}},'
        ' {"y": {"policy": "deny"}}]}',
        '\n {"name": "n", "path": [{"x/*": [{"capabilities": ["read"], "denied_parameters": {"A": ["b"]}}]}],'
        ' "path": {"/y": {"policy": "deny"}}}',
    ],
)  # fmt: skip
def test_every_form_reads_the_same(text: str) -> None:
    assert parse("p", text).rules == (
        PathRule(path="x/*", capabilities=frozenset(("read",)), denied={"a": ("b",)}),
        PathRule(path="y", capabilities=frozenset(("deny",))),
    )


def test_the_same_path_twice_is_two_stanzas() -> None:
    assert [one.path for one in parse("p", stanza("") + stanza("")).rules] == ["a", "a"]
    assert len(parse("p", '{"path": {"a": {"policy": "read"}, "a": {"policy": "deny"}}}').rules) == 2


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("cGF0aCAiYSIgeyB9Cg==", 'path "a" { }\n'),
        ("cGF0aCAi\r\nYSIgeyB9Cg==\n", 'path "a" { }\n'),
        ("cGF0aCAiYSIgeyB9Cg=", "cGF0aCAiYSIgeyB9Cg="),
        ('path "a" { }', 'path "a" { }'),
        ("/////w==", "/////w=="),  # decodes to what is no text
        ("", ""),
        ("\n", "\n"),
        ("é", "é"),
    ],
)
def test_base64(raw: str, text: str) -> None:
    assert decode_text(raw) == text


def test_built_in_policies_can_be_read() -> None:
    assert ROOT_POLICY.rules == ()
    assert len(parse("default", DEFAULT_POLICY).rules) == 18
    assert len(parse("response-wrapping", RESPONSE_WRAPPING_POLICY).rules) == 2


WORDS = st.lists(
    st.sampled_from(
        [
            "path",
            '"a/*"',
            '"{{x}}"',
            "{",
            "}",
            "[",
            "]",
            "=",
            ",",
            "capabilities",
            "policy",
            '"read"',
            '"deny"',
            "1",
            "allowed_parameters",
            "min_wrapping_ttl",
            '"1h"',
            "control_group",
            "true",
            "null",
            ":",
            "\n",
            "expiration",
        ]
    ),
    max_size=40,
).map(" ".join)


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(max_size=60), WORDS, WORDS.map(lambda text: 'path "a" { ' + text + " }")))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        policy = parse("p", text)
    except PolicyInvalid as refused:
        assert refused.messages[0].startswith("failed to parse policy: ")
    else:
        assert policy.text == text


SCALARS = st.none() | st.booleans() | st.integers(-5, 5) | st.floats(allow_nan=False) | st.text("ab{}+*/.", max_size=6)
KEYS = st.sampled_from(["path", "name", "capabilities", "policy", "allowed_parameters", "min_wrapping_ttl", "a/+", "x"])
DOCUMENTS = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=8
)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(KEYS, DOCUMENTS, max_size=3))
def test_any_json_is_read_or_refused(document: dict[str, object]) -> None:
    try:
        parse("p", json.dumps({"path": {"a": document}}))
        parse("p", json.dumps(document))
    except PolicyInvalid as refused:
        assert refused.status == 400
