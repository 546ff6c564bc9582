"""Named keys: what cannot be made, limited or deleted, then their life."""

from __future__ import annotations

import pytest

from tests.unit.engines.conftest import Door
from vaultlike.clock import FakeClock
from vaultlike.errors import Invalid, NotBuilt


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"type": "rsa-4096"}, "key type rsa-4096 is not supported by this server: use aes256-gcm96"),
        ({"type": "wax"}, "unknown key type wax"),
        ({"derived": True}, "derived is not supported by this server"),
        ({"convergent_encryption": True}, "convergent_encryption is not supported by this server"),
        ({"exportable": True}, "exportable is not supported by this server"),
        ({"allow_plaintext_backup": True}, "allow_plaintext_backup is not supported by this server"),
        ({"auto_rotate_period": "1h"}, "auto_rotate_period is not supported by this server"),
        ({"key_size": 32}, "key_size is not supported by this server"),
    ],
)
async def test_a_key_that_cannot_be_made_is_refused(transit: Door, body: dict[str, object], text: str) -> None:
    with pytest.raises(Invalid) as caught:
        await transit("write", "keys/k", body)
    assert caught.value.messages == (text,)
    assert (await transit("list", "keys/")) == {"keys": []}


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"min_decryption_version": 4}, "cannot set min decryption version of 4, latest key version is 3"),
        ({"min_decryption_version": -1}, "min decryption version cannot be negative"),
        ({"min_encryption_version": 4}, "cannot set min encryption version of 4, latest key version is 3"),
        ({"min_encryption_version": -1}, "min encryption version cannot be negative"),
        ({"min_encryption_version": 1, "min_decryption_version": 2}, "must be greater than or equal to"),
        ({"exportable": True}, "exportable is not supported by this server"),
    ],
)
async def test_impossible_limits_change_nothing(transit: Door, body: dict[str, object], text: str) -> None:
    for path in ("keys/k", "keys/k/rotate", "keys/k/rotate"):
        await transit("write", path)
    before = await transit("read", "keys/k")
    with pytest.raises(Invalid, match=text):
        await transit("write", "keys/k/config", body)
    assert await transit("read", "keys/k") == before


@pytest.mark.parametrize(
    ("verb", "path"), [("write", "keys/none/rotate"), ("write", "keys/none/config"), ("delete", "keys/none")]
)
async def test_what_needs_a_key_is_refused_without_one(transit: Door, verb: str, path: str) -> None:
    with pytest.raises(Invalid, match=r"not found|could be found"):
        await transit(verb, path)
    assert await transit("read", "keys/none") is None


@pytest.mark.parametrize(
    ("verb", "path"),
    [
        ("write", "sign/k"), ("write", "verify/k/sha2-256"), ("write", "hmac/k"), ("write", "hash/sha2-256"),
        ("write", "random/32"), ("write", "restore"), ("write", "cache-config"), ("write", "keys/k/trim"),
        ("write", "keys/k/import"), ("read", "export/encryption-key/k"), ("read", "backup/k"), ("read", "wrapping_key"),
    ],
)  # fmt: skip
async def test_what_is_not_built_says_so(transit: Door, verb: str, path: str) -> None:
    with pytest.raises(NotBuilt):
        await transit(verb, path)


async def test_a_key_is_deleted_only_when_its_config_allows_that(transit: Door) -> None:
    await transit("write", "keys/k")
    with pytest.raises(Invalid, match="deletion is not allowed"):
        await transit("delete", "keys/k")
    await transit("write", "keys/k/config", {"deletion_allowed": True})
    await transit("delete", "keys/k")
    assert await transit("read", "keys/k") is None


async def test_the_life_of_a_key(transit: Door, clock: FakeClock) -> None:
    made = await transit("write", "keys/k", {"type": "aes256-gcm96"})
    assert transit.operation == "create"
    clock.advance(60)
    await transit("write", "keys/k/rotate")
    shown = await transit("read", "keys/k")
    assert shown == {
        **made,
        "latest_version": 2,
        "keys": {"1": int(clock.now()) - 60, "2": int(clock.now())},
    }
    assert (shown["type"], shown["min_decryption_version"], shown["min_encryption_version"]) == ("aes256-gcm96", 1, 0)
    limited = await transit("write", "keys/k/config", {"min_decryption_version": 2, "min_encryption_version": 2})
    assert limited["keys"] == {"2": int(clock.now())}
    assert await transit("write", "keys/k") == limited  # making it again changes nothing
    assert transit.operation == "update"
    assert await transit("list", "keys/") == {"keys": ["k"]}


async def test_no_key_is_shown(transit: Door) -> None:
    await transit("write", "keys/k")
    key = await transit.backend._parts[0].keys.find("k")  # type: ignore[attr-defined]
    assert len(key.versions[1].key) == 32
    shown = f"{key!r} {await transit('read', 'keys/k')}"
    assert repr(key.versions[1].key) not in shown
    assert key.versions[1].key.hex() not in shown
