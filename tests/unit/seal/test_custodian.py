"""The life of the seal: every refusal of spec/vault-api.md 2.1, then initialise, unseal, seal, rotate on two nodes."""

from __future__ import annotations

import asyncio
import base64
import gc
import itertools
import os
import weakref
from collections.abc import Callable, Sequence

import pytest

from vaultlike.clock import FakeClock
from vaultlike.errors import Invalid, Sealed
from vaultlike.seal.barrier import Barrier
from vaultlike.seal.custodian import Custodian
from vaultlike.seal.envelope import NotOpened
from vaultlike.seal.initialization import Initialized, InitOrder
from vaultlike.seal.seals import Seals
from vaultlike.seal.status import Unsealing
from vaultlike.storage.engine import Op, PutDocument
from vaultlike.storage.sqlite import SqliteEngine

from .conftest import MakeNode, SealedMidway

FIVE_THREE = InitOrder(secret_shares=5, secret_threshold=3)
ROW = b"row"


async def initialize(custodian: Custodian, order: InitOrder = FIVE_THREE) -> Initialized:
    made = await custodian.initialize(order)
    made.close()
    return made


async def unseal(custodian: Custodian, keys: Sequence[str]) -> Barrier:
    for key in keys:
        answer = await custodian.submit(key)
    assert isinstance(answer, Barrier)
    return answer


# Initialise


@pytest.mark.parametrize(
    ("order", "text"),
    [
        (InitOrder(), "invalid seal configuration: shares must be at least one"),
        (InitOrder(secret_shares=-1, secret_threshold=-1), "shares must be at least one"),
        (InitOrder(secret_shares=1), "threshold must be at least one"),
        (InitOrder(secret_shares=256, secret_threshold=2), "shares must be less than 256"),
        (InitOrder(secret_shares=2, secret_threshold=3), "threshold cannot be larger than shares"),
        (InitOrder(secret_shares=2, secret_threshold=1), "threshold must be greater than one for multiple shares"),
        (InitOrder(secret_shares=2, secret_threshold=2, pgp_keys=("x",)), "count mismatch"),
        (InitOrder(secret_shares=1, secret_threshold=1, pgp_keys=("!",)), "error parsing PGP key"),
        (InitOrder(secret_shares=1, secret_threshold=1, root_token_pgp_key="not a key"), "illegal base64 data at"),
        (InitOrder(secret_shares=1, secret_threshold=1, stored_shares=2), "stored keys must not be more than one"),
        (
            InitOrder(secret_shares=1, secret_threshold=1, recovery_shares=1, recovery_threshold=1),
            "parameters recovery_shares,recovery_threshold not applicable to seal type shamir",
        ),
    ],
)
async def test_an_impossible_initialisation_is_refused_and_leaves_nothing(
    node: MakeNode, engine: SqliteEngine, order: InitOrder, text: str
) -> None:
    custodian = node()
    with pytest.raises(Invalid, match=text):
        await custodian.initialize(order)
    assert not await custodian.initialized()
    assert await engine.keys("", "") == []


async def test_a_second_initialisation_is_refused(node: MakeNode) -> None:
    await initialize(node())
    with pytest.raises(Invalid, match="Vault is already initialized"):
        await node().initialize(FIVE_THREE)


async def test_of_two_nodes_that_initialise_at_once_one_wins(node: MakeNode) -> None:
    results = await asyncio.gather(*(node().initialize(FIVE_THREE) for _ in range(4)), return_exceptions=True)
    winners = [result for result in results if isinstance(result, Initialized)]
    assert len(winners) == 1
    assert all(isinstance(result, Initialized | Invalid) for result in results)
    await unseal(node(), winners[0].issued.keys[:3])


async def test_initialisation_with_shamir_leaves_the_server_sealed(node: MakeNode) -> None:
    custodian = node()
    made = await custodian.initialize(FIVE_THREE)
    assert custodian.barrier is None
    assert len(made.issued.keys) == 5
    assert {len(key) for key in made.issued.keys} == {66}
    assert [base64.b64decode(key).hex() for key in made.issued.keys_base64] == list(made.issued.keys)
    assert made.deliver("hvs.x") == "hvs.x"
    sealed = made.barrier.seal(ROW, b"the first root token")
    made.close()
    with pytest.raises(Sealed):
        made.barrier.seal(ROW, b"")
    assert (await unseal(custodian, made.issued.keys[2:])).open(ROW, sealed) == b"the first root token"


async def test_first_writes_share_the_commit(node: MakeNode, engine: SqliteEngine) -> None:
    async def writes(barrier: Barrier) -> Sequence[Op]:
        return [PutDocument("", "core/mounts", barrier.seal(ROW, b"mounts"))]

    async def failing(barrier: Barrier) -> Sequence[Op]:
        raise Invalid("no mounts")

    with pytest.raises(Invalid, match="no mounts"):
        await node().initialize(FIVE_THREE, failing)
    custodian = node()
    assert not await custodian.initialized()
    made = await custodian.initialize(FIVE_THREE, writes)
    stored = await engine.document("", "core/mounts")
    assert stored is not None
    assert made.barrier.open(ROW, stored.value) == b"mounts"


async def test_keys_are_in_no_repr(node: MakeNode) -> None:
    made = await node().initialize(FIVE_THREE)
    shown = f"{made!r} {made.issued!r} {made.barrier!r}"
    assert not any(key in shown for key in (*made.issued.keys, *made.issued.keys_base64))


async def test_the_database_alone_opens_nothing(node: MakeNode, engine: SqliteEngine) -> None:
    """No window of any stored document is the unseal key, the root key or a key of the keyring, or wraps one openly."""
    custodian = node()
    made = await initialize(custodian)
    barrier = await unseal(custodian, made.issued.keys[:3])
    await custodian.rotate()
    keyring = barrier.keyring()
    secrets = [bytes(term.key.reveal()) for term in keyring.terms.values()] + [custodian.root_key()]
    secrets += [bytes(key.reveal()) for key in (keyring.token_key, keyring.accessor_key, keyring.derivation_key)]
    stored = b"".join(document.value for _, document in await engine.documents("", ""))
    for secret in secrets:
        for spelling in (secret, secret.hex().encode(), base64.b64encode(secret).rstrip(b"=")):
            assert spelling not in stored
    windows = {stored[at : at + 32] for at in range(len(stored) - 31)}
    for window in windows:
        with pytest.raises(NotOpened):
            await node().adopt(window)


# Unseal


@pytest.mark.parametrize("text", ["", "00", "zz", "neither hex nor base64!", "é" * 44, "A" * 257, "=" * 44, " " * 66])
async def test_an_unreadable_share_is_refused(node: MakeNode, text: str) -> None:
    with pytest.raises(Invalid, match="'key' must be a valid hex or base64 string"):
        await node().submit(text)


@pytest.mark.parametrize(("text", "problem"), [("QUJD", "shorter than minimum 16"), ("ab" * 34, "longer than maximum")])
async def test_a_share_of_an_impossible_size_is_refused(node: MakeNode, text: str, problem: str) -> None:
    with pytest.raises(Invalid, match=problem):
        await node().submit(text)


async def test_unsealing_before_initialisation_is_refused(node: MakeNode) -> None:
    with pytest.raises(Invalid, match="not initialized"):
        await node().submit("ab" * 33)


async def test_wrong_shares_are_refused_at_the_threshold_and_progress_starts_again(node: MakeNode) -> None:
    custodian = node()
    made = await initialize(custodian)
    right = made.issued.keys
    for wrong in ("ab" * 33, right[2][:-2] + right[0][-2:], "cd" * 32, "ef" * 16):
        first = await custodian.submit(right[0])
        assert isinstance(first, Unsealing)
        await custodian.submit(right[1])
        with pytest.raises(Invalid, match="Unseal failed, invalid key"):
            await custodian.submit(wrong)
        status = await custodian.status()
        assert (status.sealed, status.progress, status.nonce) == (True, 0, "")
    await unseal(custodian, right[:3])


async def test_the_same_share_twice_does_not_advance(node: MakeNode) -> None:
    custodian = node()
    made = await initialize(custodian)
    for key in (made.issued.keys[0], made.issued.keys_base64[0], made.issued.keys[0].upper(), made.issued.keys[0]):
        answer = await custodian.submit(key)
        assert isinstance(answer, Unsealing)
        assert (answer.progress, answer.threshold) == (1, 3)


async def test_concurrent_copies_of_two_shares_do_not_unseal(node: MakeNode) -> None:
    custodian = node()
    keys = (await initialize(custodian)).issued.keys
    await asyncio.gather(*(custodian.submit(key) for key in itertools.islice(itertools.cycle(keys[:2]), 40)))
    assert custodian.barrier is None
    assert (await custodian.status()).progress == 2


async def test_reset_forgets_the_shares_and_is_refused_while_unsealed(node: MakeNode) -> None:
    custodian = node()
    keys = (await initialize(custodian)).issued.keys
    await custodian.submit(keys[0])
    custodian.reset()
    assert (await custodian.status()).progress == 0
    await unseal(custodian, keys[:3])
    with pytest.raises(Invalid, match="vault is unsealed"):
        custodian.reset()


async def test_status_through_a_whole_life(node: MakeNode) -> None:
    custodian = node()
    before = await custodian.status()
    assert (before.type, before.initialized, before.sealed, before.t, before.n) == ("shamir", False, True, 0, 0)
    keys = (await initialize(custodian)).issued.keys_base64
    await custodian.submit(keys[4])
    await custodian.submit(keys[0])
    during = await custodian.status()
    assert (during.initialized, during.sealed, during.t, during.n, during.progress) == (True, True, 3, 5, 2)
    assert len(during.nonce) == 36
    barrier = await unseal(custodian, keys[2:3])
    after = await custodian.status()
    assert (after.sealed, after.progress, after.nonce, after.storage_type) == (False, 0, "", "inmem")
    assert await custodian.submit("ab" * 33) is barrier  # unsealing an unsealed server is no error
    custodian.seal()
    assert (await custodian.status()).sealed


async def test_an_altered_keyring_does_not_unseal(node: MakeNode, engine: SqliteEngine) -> None:
    custodian = node()
    keys = (await initialize(custodian)).issued.keys
    stored = await engine.document("", "core/seal/keyring")
    assert stored is not None
    await engine.commit([PutDocument("", "core/seal/keyring", stored.value[:-1] + b"\0")])
    with pytest.raises(NotOpened):
        await unseal(custodian, keys[:3])
    assert custodian.barrier is None


async def test_after_sealing_no_key_is_reachable(node: MakeNode) -> None:
    custodian = node()
    keys = (await initialize(custodian)).issued.keys
    barrier = await unseal(custodian, keys[:3])
    called: list[str] = []
    custodian.when_sealed(lambda: called.append("sealed"))
    buffers = [barrier.active().key.reveal(), barrier.keyring().token_key.reveal()]
    gone: list[Callable[[], object]] = [
        weakref.ref(barrier),
        weakref.ref(barrier.keyring()),
        weakref.ref(barrier.keyring().derivation_key),
    ]
    custodian.seal()
    with pytest.raises(Sealed):
        barrier.seal(ROW, b"")
    with pytest.raises(Sealed):
        custodian.root_key()
    del barrier
    gc.collect()
    assert buffers == [bytes(32), bytes(32)]
    assert [ref() for ref in gone] == [None, None, None]
    assert called == ["sealed"]
    with pytest.raises(Sealed):
        await custodian.refresh()
    with pytest.raises(Sealed):
        await custodian.rotate()


# Several processes and nodes


async def test_a_root_key_that_is_not_the_right_one_is_not_adopted(node: MakeNode) -> None:
    await initialize(node())
    for wrong in (b"", b"x" * 32, b"x" * 33):
        with pytest.raises(NotOpened):
            await node().adopt(wrong)


async def test_a_worker_adopts_the_root_key_of_another(node: MakeNode) -> None:
    first, second = node(), node()
    keys = (await initialize(first)).issued.keys
    barrier = await unseal(first, keys[:3])
    assert (await second.adopt(first.root_key())).open(ROW, barrier.seal(ROW, b"v")) == b"v"


async def test_a_rotation_holds_on_the_other_node_after_its_refresh(
    node: MakeNode, engine: SqliteEngine, clock: FakeClock
) -> None:
    first, second = node(), node()
    keys = (await initialize(first)).issued.keys
    one, two = await unseal(first, keys[:3]), await unseal(second, keys[2:])
    generation = await engine.generation()
    clock.advance(10)
    assert await first.rotate() == 2
    assert await engine.generation() > generation
    sealed = one.seal(ROW, b"v")
    await second.refresh()
    assert two.open(ROW, sealed) == b"v"
    assert (two.active().number, two.active().installed_at) == (2, clock.now())
    assert await second.rotate(only_from=1) == 2


async def test_rotations_at_once_on_two_nodes_are_all_kept(node: MakeNode) -> None:
    nodes = [node(), node()]
    keys = (await initialize(nodes[0])).issued.keys
    barriers = [await unseal(each, keys[:3]) for each in nodes]
    terms = await asyncio.gather(*(nodes[at % 2].rotate() for at in range(6)))
    assert sorted(terms) == [2, 3, 4, 5, 6, 7]
    for each in nodes:
        await each.refresh()
    assert barriers[0].open(ROW, barriers[1].seal(ROW, b"v")) == b"v"


@pytest.mark.parametrize("before", [True, False])
async def test_sealing_during_a_rotation_ends_in_sealed(engine: SqliteEngine, clock: FakeClock, before: bool) -> None:
    documents = SealedMidway(engine, before)
    custodian = Custodian(documents, Seals(), clock, storage_type="inmem")
    keys = (await initialize(custodian)).issued.keys
    await unseal(custodian, keys[:3])
    documents.victim = custodian
    with pytest.raises(Sealed):
        await custodian.rotate()
    assert custodian.barrier is None
    documents.victim = None
    assert (await unseal(custodian, keys[:3])).active().number == 2


async def test_a_node_whose_keyring_is_replaced_by_a_foreign_one_seals_itself(
    node: MakeNode, engine: SqliteEngine
) -> None:
    custodian = node()
    keys = (await initialize(custodian)).issued.keys
    await unseal(custodian, keys[:3])
    await engine.commit([PutDocument("", "core/seal/keyring", b"\x02" + os.urandom(80))])
    with pytest.raises(Sealed):
        await custodian.refresh()
    assert custodian.barrier is None
