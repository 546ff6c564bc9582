"""Templates of token roles: nothing an entity holds can add or change a claim."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaultlike.builtin.identity.claims import RESERVED, check, fill
from vaultlike.errors import Invalid
from vaultlike.policy.template import AliasFacts, Facts, GroupFacts

EVE = Facts(
    id="id-1",
    name='eve", "admin": "true',
    metadata={"team": "blue"},
    aliases={"auth_x": AliasFacts(id="a", name="eve@x", metadata={"k": "v"}, custom_metadata={"c": "d"})},
    groups=(GroupFacts(id="g1", name="ops"),),
)


@pytest.mark.parametrize("key", RESERVED)
def test_reserved_claims_are_refused(key: str) -> None:
    with pytest.raises(Invalid, match=f'top level key "{key}" not allowed'):
        check(f'{{"{key}": 1}}')


@pytest.mark.parametrize(
    "template",
    ["{not json", "[1]", '"text"', "{", '{"a": {{nonsense}}}', '{"a": {{identity.entity.secret}}}', "x" * 40_000],
)
def test_broken_templates_are_refused(template: str) -> None:
    with pytest.raises(Invalid):
        check(template)


def test_values_are_json() -> None:
    template = """{"who": {{identity.entity.name}}, "all": {{ identity.entity.metadata }},
        "team": {{identity.entity.metadata.team}}, "none": {{identity.entity.metadata.none}},
        "groups": {{identity.entity.groups.names}}, "at": {{identity.entity.aliases.auth_x.name}},
        "c": {{identity.entity.aliases.auth_x.custom_metadata.c}}, "nowhere": {{identity.entity.aliases.y.metadata}},
        "now": {{time.now}}, "later": {{time.now.plus.1m}}}"""
    check(template)
    assert fill(template, EVE, 1000.5) == {
        "who": 'eve", "admin": "true', "all": {"team": "blue"}, "team": "blue", "none": "", "groups": ["ops"],
        "at": "eve@x", "c": "d", "nowhere": {}, "now": 1000, "later": 1060,
    }  # fmt: skip


@given(st.text())
def test_no_name_escapes_from_its_claim(name: str) -> None:
    try:
        msgspec.json.encode(name)
    except UnicodeEncodeError:
        return  # no name can hold what UTF-8 cannot
    assert fill('{"who": {{identity.entity.name}}}', Facts(id="i", name=name), 0) == {"who": name}
