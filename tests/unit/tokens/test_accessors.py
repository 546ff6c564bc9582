"""Accessors: found again, and nothing else is taken for one."""

from __future__ import annotations

import os

import pytest

from vaultlike.seal.barrier import Barrier
from vaultlike.seal.keyring import Keyring
from vaultlike.tokens.accessors import accessor_of, prefix_of


@pytest.fixture
def barrier() -> Barrier:
    return Barrier(Keyring.create(os.urandom, 0.0))


@pytest.mark.parametrize(
    "text", ["", "x", "a" * 23, "a" * 25, "-" * 24, "é" * 24, "١" * 24, "z" * 24, " " * 24], ids=repr
)
def test_other_texts_are_no_accessors(barrier: Barrier, text: str) -> None:
    assert prefix_of(barrier, text) is None


def test_an_accessor_leads_to_its_id_alone(barrier: Barrier) -> None:
    other = Barrier(Keyring.create(os.urandom, 0.0))
    for _ in range(200):
        identity = os.urandom(32)
        accessor = accessor_of(barrier, identity)
        assert len(accessor) == 24
        assert accessor.isalnum()
        assert prefix_of(barrier, accessor) == identity[:16]
        assert prefix_of(other, accessor) != identity[:16]
        assert accessor != accessor_of(other, identity)
