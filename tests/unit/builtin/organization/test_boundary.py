"""Whether one set of policies allows all that another does: the comparison behind the privilege boundary."""

from __future__ import annotations

import pytest

from vaultlike.builtin.organization.boundary import within
from vaultlike.policy.acl import ACL
from vaultlike.policy.compiled import compile_policies
from vaultlike.policy.parse import parse


def judged(*rules: tuple[str, str], more: str = "") -> ACL:
    stanzas = []
    for path, names in rules:
        granted = ", ".join(f'"{name}"' for name in names.split())
        stanzas.append(f'path "{path}" {{\n capabilities = [{granted}]\n {more}\n}}\n')
    text = "".join(stanzas)
    return compile_policies([parse("test", text)], now=0)


@pytest.mark.parametrize(
    ("own", "other"),
    [
        ([], [("a", "read")]),
        ([("a", "read")], [("a", "read update")]),
        ([("a", "read")], [("a/*", "read")]),
        ([("a/b/*", "read")], [("a/*", "read")]),
        ([("a/+", "read")], [("a/*", "read")]),
        ([("a/*", "read"), ("a/+/b", "list")], [("a/*", "read")]),
        ([("a/+/*", "read"), ("a/+", "read")], [("a/*", "read"), ("a/b/c/*", "list")]),
        ([("a/+/c/*", "read")], [("a/b/*", "read")]),
        ([("a/*", "read"), ("a/b/*", "list")], [("a/*", "read")]),  # narrower and less
        ([("a/*", "read"), ("a/b", "deny")], [("a/*", "read")]),
        ([("a/*", "read"), ("a/+/c", "deny")], [("a/*", "read")]),
        ([("a/*", "read"), ("+/b", "deny"), ("a/b", "deny")], [("a/+", "read")]),
        ([("+/b", "read")], [("a/+", "read")]),
        ([("a/*", "read")], [("a/*", "read sudo")]),
        ([("a/x*", "read")], [("a/+", "read")]),
    ],
)
def test_more_is_noticed(own: list[tuple[str, str]], other: list[tuple[str, str]]) -> None:
    assert not within(judged(*own), judged(*other))


def test_a_right_on_conditions_is_less_than_one_without() -> None:
    assert not within(judged(("a", "update"), more='allowed_parameters = { "x" = [] }'), judged(("a", "update")))
    assert not within(judged(("a", "read"), more='required_parameters = ["x"]'), judged(("a", "read")))
    assert not within(judged(("a", "read"), more='min_wrapping_ttl = "1m"'), judged(("a", "read")))


@pytest.mark.parametrize(
    ("own", "other"),
    [
        ([], []),
        ([("a", "read update")], [("a", "read")]),
        ([("a/*", "read")], [("a/b/*", "read"), ("a/+", "read"), ("a/b", "read")]),
        ([("*", "read")], [("a/+/c", "read")]),
        ([("a/*", "read"), ("a/b/*", "read list")], [("a/*", "read")]),
        ([("a/*", "read"), ("a/b", "deny")], [("a/*", "read"), ("a/b", "deny")]),
        ([("a/*", "read"), ("b/c", "deny")], [("a/*", "read")]),
        ([("a/+", "read")], [("a/+", "read"), ("a/b", "read")]),
    ],
)
def test_less_or_equal_passes(own: list[tuple[str, str]], other: list[tuple[str, str]]) -> None:
    assert within(judged(*own), judged(*other))


def test_root_is_beyond_everybody_and_nothing_beyond_root() -> None:
    root = ACL((), is_root=True)
    assert within(root, judged(("a/*", "read sudo")))
    assert not within(judged(("*", "create read update patch delete list sudo")), root)
