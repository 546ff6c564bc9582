"""Changing key holders: refusals, then new shares, verification, backup, other nodes and recovery keys."""

from __future__ import annotations

import base64
import os
from collections.abc import Sequence

import pytest
from pysequoia import Tsk

from vaultlike.clock import FakeClock
from vaultlike.errors import Invalid, Sealed, Unavailable
from vaultlike.seal.backup import delete_backup, read_backup
from vaultlike.seal.barrier import Barrier
from vaultlike.seal.custodian import Custodian
from vaultlike.seal.initialization import InitOrder
from vaultlike.seal.rekey import Rekey, RekeyDone, RekeyOrder, RekeyStatus, VerificationDone, VerificationStatus
from vaultlike.seal.seals import Seals
from vaultlike.seal.static import Static, StaticKeys
from vaultlike.storage.engine import Op, PutDocument
from vaultlike.storage.sqlite import SqliteEngine

from .conftest import MakeNode, SealedMidway, opened_by

TWO_TWO = RekeyOrder(secret_shares=2, secret_threshold=2)
ROW = b"row"


async def opened(custodian: Custodian) -> tuple[str, ...]:
    made = await custodian.initialize(InitOrder(secret_shares=5, secret_threshold=3))
    made.close()
    await unseal(custodian, made.issued.keys[:3])
    return made.issued.keys


async def unseal(custodian: Custodian, keys: tuple[str, ...]) -> Barrier:
    for key in keys:
        answer = await custodian.submit(key)
    assert isinstance(answer, Barrier)
    return answer


async def approve(rekey: Rekey, keys: tuple[str, ...], order: RekeyOrder = TWO_TWO) -> RekeyDone:
    nonce = (await rekey.start(order)).nonce
    for key in keys:
        answer = await rekey.update(key, nonce)
    assert isinstance(answer, RekeyDone)
    return answer


async def test_nothing_works_while_sealed(node: MakeNode) -> None:
    custodian = node()
    rekey = Rekey(custodian, "unseal")
    for call in (
        rekey.status,
        lambda: rekey.start(TWO_TWO),
        lambda: rekey.update("ab" * 33, ""),
        lambda: rekey.verify("ab" * 33, ""),
        lambda: read_backup(custodian, "unseal"),
        lambda: delete_backup(custodian, "unseal"),
    ):
        with pytest.raises(Sealed):
            await call()


@pytest.mark.parametrize(
    ("order", "text"),
    [
        (RekeyOrder(), "shares must be at least one"),
        (RekeyOrder(secret_shares=3, secret_threshold=1), "threshold must be greater than one"),
        (RekeyOrder(secret_shares=2, secret_threshold=2, backup=True), "without providing PGP keys"),
        (RekeyOrder(secret_shares=1, secret_threshold=1, pgp_keys=("?",)), "error parsing PGP key"),
    ],
)
async def test_an_impossible_order_is_refused(node: MakeNode, order: RekeyOrder, text: str) -> None:
    custodian = node()
    await opened(custodian)
    rekey = Rekey(custodian, "unseal")
    with pytest.raises(Invalid, match=text):
        await rekey.start(order)
    assert not (await rekey.status()).started


async def test_bad_updates_are_refused_and_change_nothing(node: MakeNode) -> None:
    custodian = node()
    keys = await opened(custodian)
    rekey = Rekey(custodian, "unseal")
    with pytest.raises(Invalid, match="no rekey in progress"):
        await rekey.update(keys[0], "")
    with pytest.raises(Invalid, match="no rekey verification in progress"):
        rekey.verification()
    nonce = (await rekey.start(TWO_TWO)).nonce
    with pytest.raises(Invalid, match="already in progress"):
        await rekey.start(TWO_TWO)
    with pytest.raises(Invalid, match="valid hex or base64"):
        await rekey.update("x", nonce)
    with pytest.raises(Invalid, match="incorrect nonce"):
        await rekey.update(keys[0], "")
    await rekey.update(keys[0], nonce)
    with pytest.raises(Invalid, match="already been provided"):
        await rekey.update(keys[0], nonce)
    await rekey.update(keys[1], nonce)
    with pytest.raises(Invalid, match="invalid key"):
        await rekey.update("ab" * 33, nonce)
    assert (await rekey.status()).progress == 0
    rekey.cancel()
    custodian.seal()
    await unseal(custodian, keys[:3])


async def test_the_recovery_key_of_a_shamir_seal_does_not_exist(node: MakeNode) -> None:
    custodian = node()
    await opened(custodian)
    with pytest.raises(Invalid, match="recovery keys are not supported"):
        await Rekey(custodian, "recovery").start(TWO_TWO)


async def test_new_shares_unseal_and_old_ones_do_not(node: MakeNode) -> None:
    custodian = node()
    old = await opened(custodian)
    sealed = custodian.unsealed().seal(ROW, b"v")
    root = custodian.root_key()
    rekey = Rekey(custodian, "unseal")
    first = await rekey.start(TWO_TWO)
    assert (first.t, first.n, first.required, first.progress, first.started) == (2, 2, 3, 0, True)
    second = await rekey.update(old[0], first.nonce)
    assert isinstance(second, RekeyStatus)
    assert second.progress == 1
    await rekey.update(old[1], first.nonce)
    done = await rekey.update(old[2], first.nonce)
    assert isinstance(done, RekeyDone)
    assert done.complete
    assert done.keys[0] not in repr(done)
    assert not (await rekey.status()).started
    assert custodian.unsealed().open(ROW, sealed) == b"v"
    assert custodian.root_key() != root
    custodian.seal()
    with pytest.raises(Invalid, match="invalid key"):
        await unseal(custodian, old[:2])
    assert (await unseal(custodian, done.keys)).open(ROW, sealed) == b"v"
    assert (await custodian.status()).t == 2


async def test_the_other_node_takes_over_the_new_root_key(node: MakeNode, clock: FakeClock) -> None:
    first, second, late = node(), node(), node()
    old = await opened(first)
    barrier = await unseal(second, old[:3])
    await unseal(late, old[:3])
    await approve(Rekey(first, "unseal"), old[:3])
    await second.refresh()
    assert second.root_key() == first.root_key()
    await second.rotate()
    await first.refresh()
    assert first.unsealed().open(ROW, barrier.seal(ROW, b"v")) == b"v"
    clock.advance(3600)
    await first.rotate()  # removes the handover
    with pytest.raises(Sealed):
        await late.refresh()
    assert late.barrier is None


async def test_a_change_by_another_node_in_between_is_told(node: MakeNode, engine: SqliteEngine) -> None:
    custodian = node()
    old = await opened(custodian)
    stored = await engine.document("", "core/seal/config")
    assert stored is not None
    before = stored.value

    class Behind(SealedMidway):
        async def commit(self, ops: Sequence[Op]) -> list[object]:
            await engine.commit([PutDocument("", "core/seal/config", before)])
            return await engine.commit(ops)

    rekey = Rekey(custodian, "unseal")
    custodian.documents = Behind(engine, False)
    with pytest.raises(Unavailable):
        await approve(rekey, old[:3])
    custodian.seal()
    await unseal(custodian, old[:3])


async def test_new_shares_are_not_lost_when_somebody_seals_during_the_commit(
    engine: SqliteEngine, clock: FakeClock
) -> None:
    documents = SealedMidway(engine, before=False)
    custodian = Custodian(documents, Seals(), clock, storage_type="inmem")
    old = await opened(custodian)
    documents.victim = custodian
    done = await approve(Rekey(custodian, "unseal"), old[:3])
    documents.victim = None
    assert custodian.barrier is None
    await unseal(custodian, done.keys)


async def test_unverified_shares_do_not_count(node: MakeNode) -> None:
    custodian = node()
    old = await opened(custodian)
    rekey = Rekey(custodian, "unseal")
    order = RekeyOrder(secret_shares=3, secret_threshold=2, require_verification=True)
    done = await approve(rekey, old[:3], order)
    nonce = done.verification_nonce
    assert isinstance(nonce, str)
    assert (await rekey.status()).verification_nonce == nonce
    with pytest.raises(Invalid, match="verification must be performed"):
        await rekey.update(old[3], done.nonce)
    with pytest.raises(Invalid, match="incorrect nonce"):
        await rekey.verify(done.keys[0], done.nonce)
    await rekey.verify(done.keys[0], nonce)
    with pytest.raises(Invalid, match="already been provided"):
        await rekey.verify(done.keys[0], nonce)
    with pytest.raises(Invalid, match="verification failed"):
        await rekey.verify(old[0], nonce)
    restarted = rekey.restart_verification()
    assert (restarted.progress, restarted.started, restarted.t, restarted.n) == (0, True, 2, 3)
    assert restarted.nonce != nonce
    rekey.cancel()
    custodian.seal()
    await unseal(custodian, old[:3])


async def test_verified_shares_count(node: MakeNode) -> None:
    custodian = node()
    old = await opened(custodian)
    rekey = Rekey(custodian, "unseal")
    done = await approve(rekey, old[:3], RekeyOrder(secret_shares=3, secret_threshold=2, require_verification=True))
    nonce = done.verification_nonce
    assert isinstance(nonce, str)
    assert isinstance(await rekey.verify(done.keys[2], nonce), VerificationStatus)
    assert await rekey.verify(done.keys[0], nonce) == VerificationDone(nonce)
    custodian.seal()
    await unseal(custodian, done.keys[:2])


async def test_encrypted_shares_are_backed_up_on_request(node: MakeNode) -> None:
    custodian = node()
    old = await opened(custodian)
    with pytest.raises(Invalid, match="no backed-up keys found"):
        await read_backup(custodian, "unseal")
    holder = Tsk.generate(user_id="a")
    key = base64.b64encode(str(holder.extract_certificate()).encode()).decode()
    order = RekeyOrder(secret_shares=2, secret_threshold=2, pgp_keys=(key, key), backup=True)
    done = await approve(Rekey(custodian, "unseal"), old[:3], order)
    backup = await read_backup(custodian, "unseal")
    assert backup.nonce == done.nonce
    assert backup.keys == {holder.extract_certificate().fingerprint: done.keys}
    plain = tuple(opened_by(holder, bytes.fromhex(each)) for each in done.keys)
    await delete_backup(custodian, "unseal")
    await delete_backup(custodian, "unseal")
    with pytest.raises(Invalid, match="no backed-up keys found"):
        await read_backup(custodian, "unseal")
    custodian.seal()
    await unseal(custodian, plain)


async def test_recovery_shares_are_changed_by_recovery_shares(node: MakeNode) -> None:
    keys = StaticKeys({"current_key_id": "k", "current_key": "11" * 32})
    seal = Seals([Static("static", keys, os.urandom)])
    custodian = node(seal)
    made = await custodian.initialize(InitOrder(recovery_shares=3, recovery_threshold=2))
    with pytest.raises(Invalid, match="no unseal keys"):
        await Rekey(custodian, "unseal").start(TWO_TWO)
    rekey = Rekey(custodian, "recovery")
    nonce = (await rekey.start(TWO_TWO)).nonce
    await rekey.update(made.issued.keys[0], nonce)
    with pytest.raises(Invalid, match="invalid key"):
        await rekey.update("ab" * 33, nonce)
    rekey.cancel()
    done = await approve(rekey, made.issued.keys[:2])
    with pytest.raises(Invalid, match="invalid key"):
        await approve(rekey, made.issued.keys[:2])
    rekey.cancel()
    await approve(rekey, done.keys)
    assert await node(seal).auto_unseal() is not None
