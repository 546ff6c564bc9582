"""Bounds: empty means refuse, one forgotten mark is a declaration error, every check is told."""

from __future__ import annotations

from typing import Annotated

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vaultlike.errors import Denied
from vaultlike.sdk import Bound, Call, TokenParams, bounds_of, enforce, narrows
from vaultlike.types import Names


class Role(TokenParams, kw_only=True):
    """A role with three bounds."""

    bound_ids: Annotated[Names, Bound("id")] = ()
    bound_groups: Annotated[Names, Bound("groups", fold=True)] = ()
    bound_paths: Annotated[Names, Bound("path", admits=lambda allowed, value: value.startswith(allowed))] = ()
    bound_late: Annotated[Names, Bound("late", later=True)] = ()


def call() -> Call:
    return Call(id="1", operation="update", path="login", mount="auth/x/", data={})


@pytest.mark.parametrize(
    ("role", "facts"),
    [
        (Role(), {}),
        (Role(), {"id": "a", "groups": ("g",), "path": "/p"}),
        (Role(bound_ids=("a",)), {}),
        (Role(bound_ids=("a",)), {"id": ""}),
        (Role(bound_ids=("a",)), {"id": "A"}),
        (Role(bound_ids=("a",)), {"id": ()}),
        (Role(bound_ids=("a",)), {"groups": ("a",)}),
        (Role(bound_ids=("a",), bound_groups=("g",)), {"id": "a"}),
        (Role(bound_ids=("a",), bound_groups=("g",)), {"id": "a", "groups": ("h",)}),
        (Role(bound_ids=("a",), bound_groups=("g",)), {"id": "b", "groups": ("g",)}),
        (Role(bound_paths=("/a",)), {"path": "/b/a"}),
    ],
)
def test_refused(role: Role, facts: dict[str, str | tuple[str, ...]]) -> None:
    asked = call()
    with pytest.raises(Denied) as refused:
        enforce(asked, role, facts)
    assert refused.value.messages == ("permission denied",)
    assert not asked.checks[-1].ok
    assert all(check.ok for check in asked.checks[:-1])


@pytest.mark.parametrize(
    ("role", "facts", "checks"),
    [
        (Role(bound_ids=("a", "b")), {"id": "b"}, ["bound_ids"]),
        (Role(bound_groups=("Ops",)), {"groups": ("dev", "oPS")}, ["bound_groups"]),
        (Role(bound_paths=("/a",)), {"path": "/a/b"}, ["bound_paths"]),
        (Role(bound_late=("x",)), {}, []),
        (Role(bound_ids=("a",), bound_groups=("g",)), {"id": "a", "groups": "g"}, ["bound_ids", "bound_groups"]),
    ],
)
def test_admitted(role: Role, facts: dict[str, str | tuple[str, ...]], checks: list[str]) -> None:
    asked = call()
    enforce(asked, role, facts)
    assert [check.name for check in asked.checks] == checks


def test_an_empty_role_narrows_nothing() -> None:
    assert not narrows(Role())
    assert not narrows(Role(token_bound_cidrs=("10.0.0.0/8",)))
    assert narrows(Role(bound_late=("x",)))


def test_a_bound_without_a_mark_is_a_declaration_error() -> None:
    class Forgotten(TokenParams, kw_only=True):
        bound_ids: Names = ()

    with pytest.raises(TypeError, match="bound_ids needs exactly one Bound"):
        bounds_of(Forgotten)


names = st.lists(st.sampled_from("abc"), max_size=3).map(tuple)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(names, names, st.sampled_from(["", "a", "b", "d"]), names)
def test_passes_only_if_every_bound_that_is_set_is_met(
    ids: tuple[str, ...], groups: tuple[str, ...], identity: str, received: tuple[str, ...]
) -> None:
    expected = bool(ids or groups) and (not ids or identity in ids) and (not groups or bool({*groups} & {*received}))
    try:
        enforce(call(), Role(bound_ids=ids, bound_groups=groups), {"id": identity, "groups": received})
    except Denied:
        assert not expected
    else:
        assert expected
