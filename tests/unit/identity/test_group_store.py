"""Groups on several nodes at once: no write is lost, names stay unique, every node sees every change."""

from __future__ import annotations

import asyncio

import pytest

from tests.unit.identity.conftest import Nodes
from vaultlike.errors import Invalid
from vaultlike.identity.group import Group, GroupIndex, Membership
from vaultlike.identity.groups import Edit, GroupStore


async def make(store: GroupStore, name: str, *members: str) -> Group:
    def decide(index: GroupIndex) -> Edit:
        if index.named(name) is not None:
            raise Invalid("taken")
        return Edit([store.touched(store.new_group(name, "internal"), members=members)])

    return (await store.change(decide)).puts[0]


async def test_a_refused_change_changes_nothing(nodes: Nodes) -> None:
    store, _ = nodes.groups()
    await make(store, "a")
    with pytest.raises(Invalid, match="taken"):
        await make(store, "A")
    assert len((await store.index()).by_id) == 1 and (await store.index()).stamp == 1


async def test_racing_nodes_keep_names_unique_and_lose_nothing(nodes: Nodes) -> None:
    stores = [nodes.groups()[0] for _ in range(4)]
    results = await asyncio.gather(
        *(make(store, name) for store in stores for name in ("same", f"own-{id(store)}")), return_exceptions=True
    )
    assert sum(isinstance(result, Invalid) for result in results) == 3
    assert len((await nodes.groups()[0].index()).by_id) == 5


async def test_a_node_sees_anothers_change_when_the_generation_moves(nodes: Nodes) -> None:
    (one, _), (two, generation) = nodes.groups(), nodes.groups()
    assert (await two.index()).membership("eve") == Membership()
    group = await make(one, "a", "eve")
    generation.value += 1
    assert (await two.index()).membership("eve").direct == (group.id,)


async def test_deleted_entities_leave_their_groups(nodes: Nodes) -> None:
    store, _ = nodes.groups()
    group = await make(store, "a", "eve", "bob")
    await store.forget_entities(["eve", "nobody"])
    assert (await store.index()).by_id[group.id].members == ("bob",)
    await store.replace_entities(["bob"], "ann")
    assert (await store.index()).by_id[group.id].members == ("ann",)


async def test_noted_members(nodes: Nodes) -> None:
    store, _ = nodes.groups()
    await store.note_members("eve", ["g1", "g2"])
    await store.note_members("bob", ["g1"])
    assert await store.noted_members("g1") == ["bob", "eve"]
    await store.note_members("eve", (), ["g1"])
    await store.forget_members("g2")
    assert (await store.noted_members("g1"), await store.noted_members("g2")) == (["bob"], [])
