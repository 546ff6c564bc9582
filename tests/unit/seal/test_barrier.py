"""The barrier and its keyring: moved, altered and foreign values do not open; nothing works or remains after close."""

from __future__ import annotations

import copy
import gc
import os
import pickle
import weakref
from collections.abc import Callable

import pytest

from vaultlike.errors import Invalid, Sealed, TooLarge
from vaultlike.seal import barrier as barrier_module
from vaultlike.seal import keyring as keyring_module
from vaultlike.seal.barrier import Barrier, UnknownTerm
from vaultlike.seal.envelope import NotOpened, unwrap, wrap
from vaultlike.seal.key import Key, new_key
from vaultlike.seal.keyring import Keyring

ROW = b"kv\0\0secret/a"


def make() -> Barrier:
    return Barrier(Keyring.create(os.urandom, 100.0))


def test_a_moved_value_does_not_open() -> None:
    barrier = make()
    sealed = barrier.seal(ROW, b"value")
    with pytest.raises(NotOpened):
        barrier.open(b"kv\0\0secret/b", sealed)


def test_no_byte_can_be_altered_and_none_taken_away() -> None:
    barrier = make()
    sealed = barrier.seal(ROW, b"value")
    for at in range(len(sealed)):
        with pytest.raises(NotOpened):
            barrier.open(ROW, sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :])
        with pytest.raises(NotOpened):
            barrier.open(ROW, sealed[:at])


def test_a_term_cannot_be_passed_off_as_another() -> None:
    barrier = make()
    old = barrier.seal(ROW, b"value")
    barrier.adopt(barrier.keyring().rotated(os.urandom, 200.0))
    new_header = barrier.seal(ROW, b"")[:5]
    with pytest.raises(NotOpened):
        barrier.open(ROW, new_header + old[5:])


def test_another_installation_opens_nothing() -> None:
    with pytest.raises(NotOpened):
        make().open(ROW, make().seal(ROW, b"value"))


def test_an_unknown_term_is_told_apart_so_that_the_keyring_can_be_refreshed() -> None:
    ahead = make()
    behind = Barrier(Keyring.opened(root := new_key(os.urandom), ahead.keyring().sealed(root, os.urandom)))
    ahead.adopt(ahead.keyring().rotated(os.urandom, 200.0))
    with pytest.raises(UnknownTerm):
        behind.open(ROW, ahead.seal(ROW, b"value"))


def test_a_value_that_is_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(barrier_module, "MAX_PLAINTEXT", 3)
    with pytest.raises(TooLarge):
        make().seal(ROW, b"1234")


def test_after_close_everything_is_refused() -> None:
    barrier = make()
    sealed = barrier.seal(ROW, b"value")
    barrier.close()
    barrier.close()
    calls: list[Callable[[], object]] = [
        lambda: barrier.seal(ROW, b""),
        lambda: barrier.open(ROW, sealed),
        lambda: barrier.open(ROW, b""),
        lambda: barrier.token_hmac("t"),
        lambda: barrier.hide(bytes(16)),
        lambda: barrier.unhide(bytes(16)),
        lambda: barrier.derive("purpose"),
        barrier.active,
        barrier.keyring,
        lambda: barrier.adopt(Keyring.create(os.urandom, 0.0)),
    ]
    for call in calls:
        with pytest.raises(Sealed):
            call()


def test_after_close_no_key_is_left() -> None:
    barrier = make()
    barrier.adopt(barrier.keyring().rotated(os.urandom, 200.0))
    keyring = barrier.keyring()
    keys = [term.key for term in keyring.terms.values()]
    keys += [keyring.token_key, keyring.accessor_key, keyring.derivation_key]
    buffers = [key.reveal() for key in keys]
    gone: list[Callable[[], object]] = [weakref.ref(keyring), *(weakref.ref(key) for key in keys)]
    del keyring, keys
    barrier.close()
    gc.collect()
    assert all(buffer == bytes(32) for buffer in buffers)
    assert [ref() for ref in gone] == [None] * 6


def test_adopting_a_keyring_wipes_the_old_one() -> None:
    barrier = make()
    buffer = barrier.active().key.reveal()
    barrier.adopt(barrier.keyring().rotated(os.urandom, 200.0))
    assert buffer == bytes(32)


def test_old_values_open_after_a_rotation_and_new_ones_carry_the_new_term() -> None:
    barrier = make()
    old = barrier.seal(ROW, b"old")
    token, hidden, derived = barrier.token_hmac("t"), barrier.hide(bytes(16)), barrier.derive("jwt")
    barrier.adopt(barrier.keyring().rotated(os.urandom, 200.0))
    assert barrier.open(ROW, old) == b"old"
    assert barrier.open(ROW, barrier.seal(ROW, b"new")) == b"new"
    assert barrier.seal(ROW, b"new")[:5] == b"\x01\x00\x00\x00\x02"
    assert (barrier.active().number, barrier.active().installed_at) == (2, 200.0)
    assert (barrier.token_hmac("t"), barrier.hide(bytes(16)), barrier.derive("jwt")) == (token, hidden, derived)
    assert barrier.unhide(hidden) == bytes(16)


def test_hashes_differ_by_use_and_by_installation() -> None:
    barrier, other = make(), make()
    assert (len(barrier.token_hmac("t")), len(barrier.hide(b"t" * 16)), len(barrier.derive("p"))) == (32, 16, 32)
    assert barrier.hide(b"t" * 16) not in (b"t" * 16, other.hide(b"t" * 16))
    assert barrier.token_hmac("t") != other.token_hmac("t")
    assert barrier.derive("p") != barrier.derive("q")
    assert len(barrier.token_hmac("\ud800")) == 32  # a text that UTF-8 does not know is just another unknown token


def test_each_sealing_has_its_own_nonce_and_is_counted() -> None:
    barrier = make()
    assert len({barrier.seal(ROW, b"same") for _ in range(100)}) == 100
    assert barrier.take_encryptions() == 100
    assert barrier.encryptions == 0


def test_keys_are_not_printed_pickled_or_copied() -> None:
    key = Key(b"k" * 32)
    assert "k" * 32 not in f"{key!r} {key} {Keyring.create(os.urandom, 0.0)!r} {make()!r}"
    for spread in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError):
            spread(key)
    key.wipe()
    with pytest.raises(Sealed):
        key.reveal()


def test_a_keyring_opens_only_with_its_root_key_and_unaltered() -> None:
    root, ring = new_key(os.urandom), Keyring.create(os.urandom, 5.0)
    sealed = ring.sealed(root, os.urandom)
    for key, value in ((new_key(os.urandom), sealed), (root, sealed[:-1] + b"\0"), (root, b""), (root, b"\x03" * 60)):
        with pytest.raises(NotOpened):
            Keyring.opened(key, value)
    again = Keyring.opened(root, sealed)
    assert again.active.key.matches(ring.active.key)
    assert again.active.installed_at == 5.0


def test_a_keyring_of_another_layout_is_refused() -> None:
    root = new_key(os.urandom)
    empty = b'{"terms":[],"token_key":"","accessor_key":"","derivation_key":""}'
    for plaintext in (b"{}", b"not json", empty):
        with pytest.raises(NotOpened):
            Keyring.opened(root, wrap(root, b"vaultlike/seal/keyring", plaintext, os.urandom))


def test_a_full_keyring_takes_no_more_terms(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyring_module, "MAX_TERMS", 1)
    with pytest.raises(Invalid):
        Keyring.create(os.urandom, 0.0).rotated(os.urandom, 1.0)


def test_an_envelope_opens_only_in_its_context() -> None:
    key = new_key(os.urandom)
    sealed = wrap(key, b"here", b"value", os.urandom)
    with pytest.raises(NotOpened):
        unwrap(key, b"there", sealed)
    assert unwrap(key, b"here", sealed) == b"value"
