"""Counting uses of a key and rotating it: bad policies, then count, age and several nodes."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from vaultlike.clock import FakeClock
from vaultlike.errors import Invalid, Sealed
from vaultlike.seal.envelope import NotOpened
from vaultlike.seal.rotation import Rotation, RotationPolicy
from vaultlike.storage.engine import PutDocument
from vaultlike.storage.sqlite import SqliteEngine

from .conftest import MakeNode, opened


@pytest.mark.parametrize(
    "policy",
    [
        RotationPolicy(max_operations=5),
        RotationPolicy(max_operations=3_865_470_567),
        RotationPolicy(max_operations=-1),
        RotationPolicy(interval=3600),
        RotationPolicy(interval=-1),
    ],
)
async def test_a_bad_policy_is_refused_and_not_kept(node: MakeNode, policy: RotationPolicy) -> None:
    custodian = node()
    await opened(custodian)
    rotation = Rotation(custodian)
    with pytest.raises(Invalid):
        await rotation.set_policy(policy)
    assert await rotation.policy() == RotationPolicy()


async def test_nothing_works_while_sealed(node: MakeNode) -> None:
    rotation = Rotation(node())
    for call in (rotation.status, rotation.rotate, rotation.tick, lambda: rotation.set_policy(RotationPolicy())):
        with pytest.raises(Sealed):
            await call()


async def test_a_count_that_cannot_be_read_is_an_error(node: MakeNode, engine: SqliteEngine) -> None:
    custodian = node()
    await opened(custodian)
    await engine.commit([PutDocument("", "core/seal/usage", b"{")])
    with pytest.raises(NotOpened):
        await Rotation(custodian).status()


async def test_uses_are_counted_across_nodes_and_start_again_with_a_new_term(node: MakeNode) -> None:
    first, second = node(), node()
    key = await opened(first)
    await second.submit(key)
    rotations = [Rotation(first), Rotation(second)]
    for custodian in (first, second):
        for _ in range(10):
            custodian.unsealed().seal(b"row", b"value")
    assert (await rotations[0].status()).encryptions == 10
    await asyncio.gather(*(rotation.tick() for rotation in rotations))
    assert (await rotations[0].status()).encryptions == (await rotations[1].status()).encryptions == 20
    assert await rotations[0].rotate() == 2
    status = await rotations[0].status()
    assert (status.term, status.encryptions) == (2, 0)


async def test_a_key_is_rotated_after_its_number_of_uses_by_one_node_only(node: MakeNode, engine: SqliteEngine) -> None:
    first, second = node(), node()
    key = await opened(first)
    await second.submit(key)
    rotations = [Rotation(first), Rotation(second)]
    await rotations[0].set_policy(RotationPolicy(max_operations=1_000_000))
    assert not await rotations[0].tick()
    usage = msgspec.json.encode({"term": 1, "encryptions": 1_000_000})
    await engine.commit([PutDocument("", "core/seal/usage", usage)])
    await asyncio.gather(*(rotation.tick() for rotation in rotations))
    await first.refresh()
    assert first.unsealed().active().number == second.unsealed().active().number == 2


async def test_a_key_is_rotated_by_age_unless_that_is_switched_off(node: MakeNode, clock: FakeClock) -> None:
    custodian = node()
    await opened(custodian)
    rotation = Rotation(custodian)
    await rotation.set_policy(RotationPolicy(interval=72 * 3600, enabled=False))
    clock.advance(72 * 3600)
    assert not await rotation.tick()
    await rotation.set_policy(RotationPolicy(interval=72 * 3600))
    assert await rotation.tick()
    assert not await rotation.tick()
    clock.advance(72 * 3600 - 1)
    assert not await rotation.tick()
