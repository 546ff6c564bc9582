"""The static seal: which stanzas are refused, what initialising answers, which key opens, how the key is changed."""

from __future__ import annotations

import os

import pytest

from vaultlike.errors import Invalid, NotBuilt
from vaultlike.seal.configured import Stanza, check_stanza
from vaultlike.seal.envelope import NotOpened
from vaultlike.seal.initialization import InitOrder
from vaultlike.seal.seals import Seals
from vaultlike.seal.static import Static, StaticKeys

from .conftest import MakeNode


def static(key_id: str = "k1", key: bytes = b"1" * 32, **more: str) -> Seals:
    settings = StaticKeys({"current_key_id": key_id, "current_key": key.hex(), **more})
    return Seals([Static("static", settings, os.urandom)])


@pytest.mark.parametrize(
    ("kind", "settings", "problem"),
    [
        ("static", {}, Invalid),
        ("static", {"current_key_id": "a"}, Invalid),
        ("static", {"current_key": "00" * 32}, Invalid),
        ("static", {"current_key_id": "a", "current_key": "00" * 31}, Invalid),
        ("static", {"current_key_id": "a", "current_key": "00" * 32, "key": "x"}, Invalid),
        ("static", {"current_key_id": "a", "current_key": "00" * 32, "previous_key_id": "b"}, Invalid),
        (
            "static",
            {"current_key_id": "a", "current_key": "00" * 32, "previous_key_id": "a", "previous_key": "11" * 32},
            Invalid,
        ),
        ("shamir", {}, Invalid),
        ("wax", {}, Invalid),
        ("awskms", {"region": "eu"}, NotBuilt),
        ("azurekeyvault", {}, NotBuilt),
    ],
)
def test_a_seal_stanza_that_cannot_work_is_refused(kind: str, settings: dict[str, str], problem: type) -> None:
    with pytest.raises(problem) as caught:
        check_stanza(Stanza(kind, kind, settings))
    assert "00000000" not in str(caught.value)


@pytest.mark.parametrize(
    "order", [InitOrder(), InitOrder(secret_shares=5, secret_threshold=3), InitOrder(recovery_shares=2)]
)
async def test_a_static_seal_needs_recovery_numbers_alone(node: MakeNode, order: InitOrder) -> None:
    with pytest.raises(Invalid):
        await node(static()).initialize(order)


async def test_a_static_seal_opens_by_itself_and_only_with_its_key(node: MakeNode) -> None:
    first = node(static())
    assert await first.auto_unseal() is None
    made = await first.initialize(InitOrder(recovery_shares=3, recovery_threshold=2))
    made.close()
    sealed = first.unsealed().seal(b"row", b"v")
    for other in (static(key=b"2" * 32), static("k2")):
        with pytest.raises(NotOpened):
            await node(other).auto_unseal()
    second = node(static())
    with pytest.raises(Invalid, match="takes no keys"):
        await second.submit(made.issued.keys[0])
    opened = await second.auto_unseal()
    assert opened is not None
    assert opened.open(b"row", sealed) == b"v"
    status = await second.status()
    assert (status.type, status.sealed, status.t, status.n, status.recovery_seal) == ("static", False, 2, 3, True)


async def test_a_static_key_is_changed_by_naming_the_previous_one(node: MakeNode) -> None:
    await node(static()).initialize(InitOrder(recovery_shares=1, recovery_threshold=1))
    both = static("k2", b"2" * 32, previous_key_id="k1", previous_key=(b"1" * 32).hex())
    changing = node(both)
    assert await changing.auto_unseal() is not None
    assert await changing.rewrap() == ()
    assert await node(static("k2", b"2" * 32)).auto_unseal() is not None
    with pytest.raises(NotOpened):
        await node(static()).auto_unseal()
