"""Encrypting and decrypting: every refusal first, then round trips over versions, batches and data keys."""

from __future__ import annotations

import base64

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.engines.conftest import Door
from vaultlike.engines.transit.named_key import KEY, KeyVersion, NamedKey
from vaultlike.errors import Invalid

TEXT = base64.b64encode(b"attack at dawn").decode()


@pytest.fixture
async def key(transit: Door) -> Door:
    await transit("write", "keys/k")
    return transit


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({}, "missing plaintext to encrypt"),
        ({"plaintext": "not base64!"}, "failed to base64-decode plaintext"),
        ({"plaintext": "é"}, "failed to base64-decode plaintext"),
        ({"plaintext": TEXT, "associated_data": "!"}, "failed to base64-decode associated_data"),
        ({"plaintext": TEXT, "key_version": 2}, "higher than the latest key version"),
        ({"plaintext": TEXT, "key_version": -1}, "requested version for encryption is negative"),
        ({"plaintext": TEXT, "context": "YQ=="}, "derived and convergent keys"),
        ({"plaintext": TEXT, "nonce": "YQ=="}, "derived and convergent keys"),
        ({"plaintext": TEXT, "convergent_encryption": True}, "convergent_encryption is not supported"),
        ({"batch_input": "x"}, "failed to parse batch input"),
        ({"batch_input": [1]}, "failed to parse batch input"),
        ({"batch_input": []}, "missing batch input to process"),
        ({"batch_input": [{}] * 10_001}, "at most 10000 items"),
    ],
)
async def test_what_cannot_be_encrypted_is_refused(key: Door, body: dict[str, object], text: str) -> None:
    with pytest.raises(Invalid, match=text):
        await key("write", "encrypt/k", body)


@pytest.mark.parametrize(
    ("ciphertext", "text"),
    [
        ("", "missing ciphertext to decrypt"),
        ("AAAA", "invalid ciphertext: no prefix"),
        ("vault:v1", "invalid ciphertext: wrong number of fields"),
        ("vault:vx:AAAA", "version number could not be decoded"),
        ("vault:v:AAAA", "version number could not be decoded"),
        ("vault:v9999999999:AAAA", "version number could not be decoded"),
        ("vault:v2:AAAA", "version is too new"),
        ("vault:v0:AAAA", "too old"),
        ("vault:v1:!", "could not decode base64"),
        ("vault:v1:AAAA", "invalid ciphertext length"),
        ("vault:v1:" + "A" * 64, "message authentication failed"),
    ],
)
async def test_what_cannot_be_decrypted_is_refused(key: Door, ciphertext: str, text: str) -> None:
    for path in ("decrypt/k", "rewrap/k"):
        with pytest.raises(Invalid, match=text):
            await key("write", path, {"ciphertext": ciphertext})


async def test_another_key_other_associated_data_and_altered_bytes_do_not_open(key: Door) -> None:
    await key("write", "keys/other")
    sent = {"plaintext": TEXT, "associated_data": "YQ=="}
    ciphertext = (await key("write", "encrypt/k", sent))["ciphertext"]
    head, _, body = ciphertext.rpartition(":")
    raw = bytearray(base64.b64decode(body))
    raw[20] ^= 1
    altered = f"{head}:{base64.b64encode(raw).decode()}"
    for path, text, data in (
        ("decrypt/other", ciphertext, "YQ=="),
        ("decrypt/k", ciphertext, "Yg=="),
        ("decrypt/k", ciphertext, ""),
        ("decrypt/k", altered, "YQ=="),
    ):
        with pytest.raises(Invalid, match="message authentication failed"):
            await key("write", path, {"ciphertext": text, "associated_data": data})
    opened = await key("write", "decrypt/k", {"ciphertext": ciphertext, "associated_data": "YQ=="})
    assert opened == {"plaintext": TEXT}


async def test_decryption_makes_no_key_and_encryption_does(transit: Door) -> None:
    with pytest.raises(Invalid, match="encryption key not found"):
        await transit("write", "decrypt/k", {"ciphertext": "vault:v1:AAAA"})
    with pytest.raises(Invalid, match="encryption key not found"):
        await transit("write", "datakey/wrapped/k")
    with pytest.raises(Invalid, match="unknown key type"):
        await transit("write", "encrypt/k", {"plaintext": TEXT, "type": "wax"})
    await transit("write", "encrypt/k", {"plaintext": TEXT})
    assert transit.operation == "create"  # whose policy says only "update" is refused before
    assert await transit("list", "keys/") == {"keys": ["k"]}


async def test_versions_are_allowed_and_forbidden(key: Door) -> None:
    old = (await key("write", "encrypt/k", {"plaintext": TEXT}))["ciphertext"]
    await key("write", "keys/k/rotate")
    assert old.startswith("vault:v1:")
    assert (await key("write", "encrypt/k", {"plaintext": TEXT}))["key_version"] == 2
    assert (await key("write", "encrypt/k", {"plaintext": TEXT, "key_version": 1}))["key_version"] == 1
    fresh = await key("write", "rewrap/k", {"ciphertext": old})
    assert (fresh["key_version"], fresh["ciphertext"].startswith("vault:v2:")) == (2, True)
    assert "plaintext" not in fresh
    await key("write", "keys/k/config", {"min_encryption_version": 2})
    with pytest.raises(Invalid, match="less than the minimum encryption key version"):
        await key("write", "encrypt/k", {"plaintext": TEXT, "key_version": 1})
    await key("write", "keys/k/config", {"min_decryption_version": 2})
    with pytest.raises(Invalid, match="too old"):
        await key("write", "decrypt/k", {"ciphertext": old})
    assert await key("write", "decrypt/k", {"ciphertext": fresh["ciphertext"]}) == {"plaintext": TEXT}


async def test_a_batch_tells_each_failure_in_its_place(key: Door) -> None:
    items = [{"plaintext": TEXT, "reference": "a"}, {"plaintext": "!"}, {"plaintext": ""}]
    reply = await key.reply("write", "encrypt/k", {"batch_input": items})
    assert reply is not None
    assert reply.status == 400
    first, second, third = reply.data["batch_results"]  # type: ignore[index]
    assert (first["reference"], second) == ("a", {"error": "failed to base64-decode plaintext"})
    partial = await key.reply("write", "encrypt/k", {"batch_input": items, "partial_failure_response_code": 207})
    assert partial is not None
    assert partial.status == 207
    sent = [{"ciphertext": each["ciphertext"]} for each in (first, third)]
    opened = await key("write", "decrypt/k", {"batch_input": sent})
    assert opened == {"batch_results": [{"plaintext": TEXT}, {"plaintext": ""}]}


@pytest.mark.parametrize(
    ("path", "body", "text"),
    [
        ("datakey/naked/k", {}, "must be 'plaintext' or 'wrapped'"),
        ("datakey/wrapped/k", {"bits": 64}, "invalid bit length"),
        ("datakey/wrapped/k", {"context": "YQ=="}, "derived and convergent keys"),
    ],
)
async def test_a_data_key_that_cannot_be_made_is_refused(
    key: Door, path: str, body: dict[str, object], text: str
) -> None:
    with pytest.raises(Invalid, match=text):
        await key("write", path, body)


@pytest.mark.parametrize("bits", [128, 256, 512])
async def test_data_keys(key: Door, bits: int) -> None:
    made = await key("write", "datakey/plaintext/k", {"bits": bits})
    assert len(base64.b64decode(made["plaintext"])) == bits // 8
    opened = await key("write", "decrypt/k", {"ciphertext": made["ciphertext"]})
    assert opened["plaintext"] == made["plaintext"]
    assert set(await key("write", "datakey/wrapped/k", {"bits": bits})) == {"ciphertext", "key_version"}


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(plaintext=st.binary(max_size=200), associated=st.binary(max_size=20), nonce=st.binary(min_size=12, max_size=12))
def test_whatever_is_encrypted_comes_back(plaintext: bytes, associated: bytes, nonce: bytes) -> None:
    key = NamedKey(name="k", versions={1: KeyVersion(b"1" * KEY, 0.0)})
    ciphertext, version = key.encrypt(plaintext, 0, associated, lambda count: nonce[:count])
    assert (version, key.decrypt(ciphertext, associated)) == (1, plaintext)
