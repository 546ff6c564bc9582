"""Roles joined into one policy: what is given adds up, what is taken away wins, what ends ends by itself."""

from __future__ import annotations

import pytest

from vaultlike.builtin.organization.grants import DELETE, LOOK, READ, WRITE, Grant, Share, covers, policy_text
from vaultlike.errors import Invalid
from vaultlike.policy.acl import ACL
from vaultlike.policy.compiled import compile_policies
from vaultlike.policy.parse import parse

NOW = 1_767_225_600.0


def judged(*shares: Share, now: float = NOW) -> ACL:
    return compile_policies([parse("test", policy_text(shares))], now=now)


@pytest.mark.parametrize(
    ("outer", "inner", "expected"),
    [
        ("a/*", "a/b", True),
        ("a/*", "a/b/c/*", True),
        ("a/*", "a/+", True),
        ("a/*", "a", False),
        ("a/+", "a/b", True),
        ("a/+", "a/b/c", False),
        ("a/+", "a/*", False),
        ("a/b", "a/+", False),
        ("a/b*", "a/bc/d", True),
        ("a/b*", "a/c", False),
        ("+/b/*", "a/b/c", True),
        ("a", "a", True),
    ],
)
def test_covers(outer: str, inner: str, expected: bool) -> None:
    assert covers(outer, inner) is expected


def test_a_temporary_role_that_takes_away_cannot_stand_beside_others() -> None:
    taking = Share((Grant("a/*", READ), Grant("a/b", READ, inverted=True)), NOW + 60)
    with pytest.raises(Invalid, match="temporary"):
        policy_text((taking, Share((Grant("a/*", READ),))))


def test_what_one_role_takes_away_no_other_gives() -> None:
    acl = judged(Share((Grant("a/*", LOOK),)), Share((Grant("a/x/*", LOOK, inverted=True),)))
    assert not acl.check("read", "a/x/y").allowed
    assert acl.check("read", "a/y").allowed


def test_taking_a_part_away_leaves_the_rest() -> None:
    acl = judged(Share((Grant("a/*", LOOK | WRITE), Grant("a/x/*", WRITE, inverted=True))))
    assert acl.check("read", "a/x/y").allowed
    assert not acl.check("update", "a/x/y").allowed


def test_a_narrow_right_does_not_hide_a_wide_one_of_another_role() -> None:
    acl = judged(Share((Grant("a/*", READ),)), Share((Grant("a/x/*", DELETE), Grant("a/x/+", WRITE))))
    assert acl.check("read", "a/x/y/z").allowed
    assert acl.check("delete", "a/x/y").allowed
    assert acl.check("read", "a/x/y").allowed
    assert not acl.check("delete", "a/y").allowed


def test_a_temporary_role_ends_and_leaves_the_lasting_one() -> None:
    shares = (Share((Grant("a/*", READ),)), Share((Grant("a/*", WRITE), Grant("a/x", DELETE)), NOW + 60))
    before, after = judged(*shares), judged(*shares, now=NOW + 60)
    assert before.expires_at == NOW + 60
    assert before.check("update", "a/x").allowed and before.check("delete", "a/x").allowed
    assert after.check("read", "a/x").allowed
    assert not after.check("update", "a/x").allowed and not after.check("delete", "a/x").allowed


def test_too_many_rules_are_refused() -> None:
    with pytest.raises(Invalid, match="more than"):
        policy_text([Share(tuple(Grant(f"a/{number}", READ) for number in range(2001)))])


def test_no_role_is_no_right() -> None:
    assert not judged().check("read", "a").allowed
