"""OpenPGP to holders: bad keys first, then what only the private key reads."""

from __future__ import annotations

import base64
import builtins
from collections.abc import Callable

import pytest
from pysequoia import Tsk

from vaultlike.errors import Invalid, NotBuilt
from vaultlike.seal.initialization import InitOrder
from vaultlike.seal.pgp import Recipient, parse_all

from .conftest import MakeNode, opened_by

NOW = 1_767_225_600.0


def public(key: Tsk) -> str:
    return base64.b64encode(str(key.extract_certificate()).encode()).decode()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("not a key", "error parsing PGP key: error decoding given PGP key: illegal base64 data at input byte 3"),
        ("QUJD*", "illegal base64 data at input byte 4"),
        ("QUJ", "illegal base64 data at input byte 3"),
        ("QUJD", "error parsing PGP key: "),
        ("", "error parsing PGP key: "),
        ("A" * 70_000, "error parsing PGP key: key too large"),
    ],
)
def test_what_is_no_key_is_refused(text: str, problem: str) -> None:
    with pytest.raises(Invalid) as caught:
        Recipient.parse(text, NOW)
    assert problem in caught.value.messages[0]
    assert "\n" not in caught.value.messages[0]


def test_a_private_key_is_refused() -> None:
    private = base64.b64encode(str(Tsk.generate(user_id="a")).encode()).decode()
    with pytest.raises(Invalid):
        Recipient.parse(private, NOW)


def test_a_revoked_key_is_refused() -> None:
    key = Tsk.generate(user_id="a")
    certificate = key.extract_certificate()
    revoked = bytes(certificate) + bytes(certificate.revoke(key.certifier()))
    with pytest.raises(Invalid, match="revoked or has expired"):
        Recipient.parse(base64.b64encode(revoked).decode(), NOW)
    encoded = base64.b64encode(bytes(certificate)).decode()
    Recipient.parse(f"{encoded[:64]}\r\n{encoded[64:]}\n", NOW)  # as it comes out of a file


def test_an_expired_key_is_refused() -> None:
    key = Tsk.generate(user_id="a", validity_seconds=1000)
    expires = key.extract_certificate().expiration
    assert expires is not None
    Recipient.parse(public(key), expires.timestamp() - 1)
    with pytest.raises(Invalid, match="revoked or has expired"):
        Recipient.parse(public(key), expires.timestamp())


def test_too_many_keys_are_refused() -> None:
    with pytest.raises(Invalid):
        parse_all(["QUJD"] * 256, NOW)


def test_without_the_library_the_answer_is_not_built(monkeypatch: pytest.MonkeyPatch) -> None:
    real: Callable[..., object] = builtins.__import__

    def without(name: str, *args: object, **kwargs: object) -> object:
        if name == "pysequoia":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(NotBuilt, match="pysequoia"):
        Recipient.parse("QUJD", NOW)


def test_only_the_private_key_reads_the_message() -> None:
    key, other = Tsk.generate(user_id="a"), Tsk.generate(user_id="b")
    recipient = Recipient.parse(public(key), NOW)
    message = recipient.encrypt(b"secret")
    assert b"secret" not in message
    assert recipient.fingerprint == key.extract_certificate().fingerprint
    assert opened_by(key, message) == "secret"
    with pytest.raises(RuntimeError):
        opened_by(other, message)


async def test_each_holder_gets_a_share_and_nobody_else_reads_it(node: MakeNode) -> None:
    holders = [Tsk.generate(user_id=name) for name in ("a", "b", "c")]
    keys = tuple(public(holder) for holder in holders)
    order = InitOrder(secret_shares=3, secret_threshold=2, pgp_keys=keys, root_token_pgp_key=keys[2])
    custodian = node()
    made = await custodian.initialize(order)
    made.close()
    assert [base64.b64decode(key).hex() for key in made.issued.keys_base64] == list(made.issued.keys)
    shares = [opened_by(holder, bytes.fromhex(key)) for key, holder in zip(made.issued.keys, holders, strict=True)]
    token = opened_by(holders[2], base64.b64decode(made.deliver("hvs.root")))
    assert token == "hvs.root"
    await custodian.submit(shares[2])
    await custodian.submit(shares[0])
    assert custodian.barrier is not None
