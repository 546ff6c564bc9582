"""Templates in paths: what cannot be resolved drops out, and no value may widen a pattern."""

from __future__ import annotations

import pytest

from vaultlike.errors import Invalid
from vaultlike.policy.compiled import Compiled, compile_policies
from vaultlike.policy.parse import parse
from vaultlike.policy.template import AliasFacts, Facts, GroupFacts, check_template, is_template, render

BOB = Facts(
    id="e-1",
    name="bob",
    metadata={"team": "red", "a.b": "dotted", "empty": "", "slash": "a/b", "star": "*", "plus": "x+", "brace": "{{x}}"},
    aliases={
        "userpass_1": AliasFacts(id="a-1", name="bob@x", metadata={"k": "v"}, custom_metadata={"c": "w"}),
        "jwt_1": AliasFacts(id="a-2", name="evil/../*"),
    },
    groups=(GroupFacts(id="g-1", name="crew", metadata={"floor": "3"}), GroupFacts(id="g-2", name="dev.ops")),
)


@pytest.mark.parametrize("text", ["{{", "}}", "a{{b", "a}}b", "{{a}}}}", "{{a{{b}}", "{{a}}{{", "}}{{"])
def test_unbalanced_braces_are_refused(text: str) -> None:
    with pytest.raises(Invalid, match="unbalanced templating characters"):
        check_template(text)


@pytest.mark.parametrize("text", ["", "a", "{a}", "{{}}", "{{something.else}}", "{{a}}/{{ b }}"])
def test_balanced_braces_are_taken(text: str) -> None:
    check_template(text)


@pytest.mark.parametrize(
    "selector",
    [
        "", "something.else", "identity", "identity.entity", "identity.entity.", "identity.entity.ids",
        "identity.entity.metadata", "identity.entity.metadata.none", "identity.entity.metadata.empty",
        "identity.entity.metadata.slash", "identity.entity.metadata.star", "identity.entity.metadata.plus",
        "identity.entity.aliases", "identity.entity.aliases.userpass_1", "identity.entity.aliases.none.name",
        "identity.entity.aliases.userpass_1.metadata.none", "identity.entity.aliases.userpass_1.canonical_id",
        "identity.entity.aliases.jwt_1.name", "identity.groups.ids.g-9.name", "identity.groups.ids.g-1.id",
        "identity.groups.ids.g-1", "identity.groups.ids.crew.name", "identity.groups.names.crew.name",
        "identity.groups.names.crew.metadata.none", "identity.groups.names.g-1.id", "identity.groups.names.",
        "IDENTITY.entity.id", "identity.entity.id.x",
    ],
)  # fmt: skip
def test_what_has_no_value_or_a_dangerous_one_drops_the_stanza(selector: str) -> None:
    assert render(f"kv/{{{{{selector}}}}}/x", BOB) is None


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("kv/{{identity.entity.id}}/*", "kv/e-1/*"),
        ("{{identity.entity.name}}", "bob"),
        ("kv/{{ identity.entity.metadata.team }}-{{identity.entity.id}}", "kv/red-e-1"),
        ("{{identity.entity.metadata.a.b}}", "dotted"),
        ("{{identity.entity.metadata.brace}}", "{{x}}"),
        ("{{identity.entity.aliases.userpass_1.id}}", "a-1"),
        ("{{identity.entity.aliases.userpass_1.name}}", "bob@x"),
        ("{{identity.entity.aliases.userpass_1.metadata.k}}", "v"),
        ("{{identity.entity.aliases.userpass_1.custom_metadata.c}}", "w"),
        ("{{identity.groups.ids.g-1.name}}", "crew"),
        ("{{identity.groups.ids.g-1.metadata.floor}}", "3"),
        ("{{identity.groups.names.crew.id}}", "g-1"),
        ("{{identity.groups.names.crew.metadata.floor}}", "3"),
        ("{{identity.groups.names.crew.metadata.id}}", None),
        ("{{identity.groups.ids.g-2.name}}", "dev.ops"),
        ("{{identity.groups.names.dev.ops.id}}", "g-2"),
        ("plain", "plain"),
    ],
)
def test_values(text: str, path: str | None) -> None:
    assert render(text, BOB) == path
    if is_template(text):
        assert render(text, None) is None


def test_stanzas_of_a_caller() -> None:
    policy = parse("p", """
        path "kv/{{identity.entity.metadata.team}}/*" { capabilities = ["read", "create"] }
        path "kv/{{identity.entity.metadata.team}}-{{identity.entity.metadata.stage}}/x" { capabilities = ["read"] }
        path "kv/{{identity.entity.metadata.star}}" { capabilities = ["delete"] }
        path "kv/plain" { capabilities = ["read"] }""")  # fmt: skip
    assert Compiled([policy], now=0).templated
    assert not Compiled([parse("p", 'path "a" { }')], now=0).templated
    acl = compile_policies((policy,), BOB, now=0)
    assert [rule.pattern for rule in acl.rules()] == ["kv/plain", "kv/red/*"]
    assert acl.capabilities("kv/red/a") == ["create", "read"]
    for path in ("kv/blue/a", "kv//a", "kv/red-prod/x", "kv/anything"):
        assert acl.capabilities(path) == ["deny"]
    nobody = compile_policies((policy,), None, now=0)
    assert [rule.pattern for rule in nobody.rules()] == ["kv/plain"]
