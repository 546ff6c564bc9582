"""The index of groups: membership through any depth, and staying right while groups change."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from vaultlike.identity.group import EXTERNAL, Group, GroupAlias, GroupIndex, Membership


def group(identity: str, *members: str, inner: tuple[str, ...] = (), alias: tuple[str, str] | None = None) -> Group:
    known = alias and GroupAlias(id=f"alias-{identity}", mount=alias[0], name=alias[1], created_at=0, updated_at=0)
    kind = EXTERNAL if alias else "internal"
    return Group(
        id=identity, name=identity.upper(), kind=kind, created_at=0, updated_at=0, members=members, groups=inner,
        alias=known or None,
    )  # fmt: skip


def test_a_stranger_is_in_no_group() -> None:
    index = GroupIndex([group("a", "eve")])
    assert index.membership("bob") == Membership()
    assert index.matching("auth_x", ["a"]) == set()


def test_membership_goes_up_and_never_down() -> None:
    index = GroupIndex(
        [group("a", "eve"), group("b", inner=("a",)), group("c", inner=("b",)), group("d", inner=("c",))]
    )
    assert index.membership("eve") == Membership(("a",), ("b", "c", "d"))
    assert index.membership("eve").all == ("a", "b", "c", "d")
    assert index.parents("a") == ("b",)


def test_a_stored_circle_ends() -> None:
    index = GroupIndex([group("a", "eve", inner=("b",)), group("b", inner=("a",))])
    assert index.membership("eve") == Membership(("a",), ("b",))


def test_contains_is_what_forbids_circles() -> None:
    index = GroupIndex([group("a"), group("b", inner=("a",)), group("c", inner=("b",))])
    assert index.contains("c", "a") and index.contains("a", "a")
    assert not index.contains("a", "c")


def test_names_and_aliases_ignore_case() -> None:
    index = GroupIndex([group("a", alias=("auth_x", "Staff"))])
    assert index.named("A") is index.named("a") is index.by_id["a"]
    assert index.matching("auth_x", ["STAFF", "other"]) == {"a"}
    assert index.matching("auth_y", ["staff"]) == set()
    assert index.admits("a", "auth_x") and not index.admits("a", "auth_y") and not index.admits("b", "auth_x")


def test_a_rename_frees_the_old_name_and_a_removal_everything() -> None:
    index = GroupIndex([group("a", "eve", alias=("m", "old"))])
    index.apply([replace(index.by_id["a"], name="new", members=(), alias=None)], (), 2)
    assert index.named("A") is None and index.aliased("m", "old") is None and index.with_alias("alias-a") is None
    assert index.membership("eve") == Membership() and index.stamp == 2
    index.apply((), ["a"], 3)
    assert index.named("new") is None and not index.by_id


identities = st.sampled_from("abcdef")
shapes = st.builds(
    lambda identity, members, inner: group(identity, *members, inner=tuple(inner)),
    identities, st.sets(st.sampled_from(["e1", "e2", "e3"])), st.sets(identities),
)  # fmt: skip


@given(st.lists(st.one_of(shapes, identities), max_size=30))
def test_applied_changes_equal_a_fresh_index(changes: list[Group | str]) -> None:
    index, state = GroupIndex(), dict[str, Group]()
    for stamp, change in enumerate(changes):
        if isinstance(change, Group):
            state[change.id] = change
            index.apply([change], (), stamp)
        else:
            state.pop(change, None)
            index.apply((), [change], stamp)
        index.membership("e1")  # fills the memo that the next change must drop
    fresh = GroupIndex(state.values())
    for entity in ("e1", "e2", "e3"):
        assert index.membership(entity) == fresh.membership(entity)
    for identity in "abcdef":
        assert index.parents(identity) == fresh.parents(identity)
        assert index.named(identity) == fresh.named(identity)
