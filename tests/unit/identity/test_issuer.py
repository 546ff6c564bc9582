"""Signing keys: nothing private leaves, every token verifies while it lives, rotation is announced."""

from __future__ import annotations

import asyncio
import json

import pytest
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError
from joserfc.jwk import KeySet

from tests.unit.identity.conftest import Nodes
from vaultlike.clock import FakeClock
from vaultlike.errors import Invalid, Unavailable
from vaultlike.identity.issuer import OIDC, PLUGINS, Issuer

EC = {"algorithm": "ES256"}
PRIVATE = {"d", "p", "q", "dp", "dq", "qi", "k", "private"}


async def verify(issuer: Issuer, token: str) -> dict[str, object]:
    """The claims of a token, judged with nothing but the published keys, as a relying party does."""
    found, _ = await issuer.key_set()
    keys = KeySet.import_key_set({"keys": found})  # type: ignore[typeddict-item]
    return jwt.decode(token, keys, algorithms=["RS256", "ES256", "ES384", "ES512", "EdDSA"]).claims


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"rotation_period": 59}, "at least one minute"),
        ({"rotation_period": 60, "verification_ttl": 601}, "longer than 10x"),
        ({"algorithm": "HS256"}, 'unknown signing algorithm "HS256"'),
        ({"algorithm": "none"}, "unknown signing algorithm"),
    ],
)
async def test_bad_settings_change_nothing(nodes: Nodes, settings: dict[str, object], text: str) -> None:
    issuer = nodes.issuer()
    with pytest.raises(Invalid, match=text):
        await issuer.configure("k", settings)
    assert await issuer.find("k") is None
    await issuer.configure("k", EC)
    before = await issuer.find("k")
    with pytest.raises(Invalid, match=text):
        await issuer.configure("k", settings)
    assert await issuer.find("k") == before


async def test_unknown_keys_sign_nothing(nodes: Nodes) -> None:
    issuer = nodes.issuer()
    with pytest.raises(Invalid, match="no named key"):
        await issuer.sign("k", {}, 60)
    with pytest.raises(Invalid, match="no named key"):
        await issuer.rotate("k")
    with pytest.raises(Invalid, match="not allowed"):
        await issuer.remove("default")


async def test_an_issuer_without_an_address_says_so(nodes: Nodes) -> None:
    issuer = nodes.issuer("")
    with pytest.raises(Unavailable, match="api_addr"):
        await issuer.url(OIDC)
    await issuer.set_issuer("https://id.example.com")
    assert await issuer.url(PLUGINS) == "https://id.example.com/v1/identity/oidc/plugins"


@pytest.mark.parametrize(
    "issuer",
    ["https://h/", "https://h/p", "https://h?x", "https://h#x", "h", "ftp://h", "https://", "https://h\n", "//h"],
)
async def test_an_issuer_has_no_path(nodes: Nodes, issuer: str) -> None:
    with pytest.raises(Invalid, match="invalid issuer"):
        await nodes.issuer().set_issuer(issuer)


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "ES384", "ES512", "EdDSA"])
@pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")
async def test_published_keys_verify_and_hold_nothing_private(nodes: Nodes, clock: FakeClock, algorithm: str) -> None:
    issuer = nodes.issuer()
    key = await issuer.configure("k", {"algorithm": algorithm})
    token, ttl = await issuer.sign("k", {"sub": "me", "exp": 1}, 60)
    claims = await verify(issuer, token)
    assert (claims["sub"], claims["exp"], ttl) == ("me", int(clock.now()) + 60, 60)
    found, _ = await issuer.key_set()
    assert not any(PRIVATE & set(jwk) for jwk in found)
    assert key.current.private["d"] not in json.dumps(found) + repr(key)


async def test_the_ttl_is_cut_to_what_the_key_can_prove(nodes: Nodes) -> None:
    issuer = nodes.issuer()
    await issuer.configure("k", {**EC, "rotation_period": 600, "verification_ttl": 120})
    assert (await issuer.sign("k", {}, 3600))[1] == 120


async def test_rotation_is_announced_and_old_tokens_live_on(nodes: Nodes, clock: FakeClock) -> None:
    issuer = nodes.issuer()
    key = await issuer.configure("k", {**EC, "rotation_period": 3600, "verification_ttl": 7200})
    old, _ = await issuer.sign("k", {}, 7200)
    clock.advance(3599)
    await issuer.rotate_due()
    assert await issuer.find("k") == key
    clock.advance(1)
    await issuer.rotate_due()
    await issuer.rotate_due()  # twice is once
    rotated = await issuer.find("k")
    assert rotated is not None and rotated.current == key.next
    await verify(issuer, old)
    new, _ = await issuer.sign("k", {}, 60)
    await verify(issuer, new)
    clock.advance(7200)
    with pytest.raises(InvalidKeyIdError):
        await verify(issuer, old)


async def test_two_nodes_rotate_once(nodes: Nodes, clock: FakeClock) -> None:
    one, two = nodes.issuer(), nodes.issuer()
    key = await one.configure("k", EC)
    clock.advance(key.rotation_period)
    await asyncio.gather(one.rotate_due(), two.rotate_due())
    rotated = await nodes.issuer().find("k")
    assert rotated is not None and rotated.current == key.next and len(rotated.retired) == 1


async def test_racing_nodes_agree_on_the_default_key(nodes: Nodes) -> None:
    made = await asyncio.gather(nodes.issuer().ensure_default(), nodes.issuer().ensure_default())
    assert made[0].key == made[1].key
    assert made[0].key.allowed_client_ids == ("*",)


async def test_another_algorithm_retires_the_old_key(nodes: Nodes) -> None:
    issuer = nodes.issuer()
    await issuer.configure("k", EC)
    old, _ = await issuer.sign("k", {}, 60)
    changed = await issuer.configure("k", {"algorithm": "ES384", "allowed_client_ids": ("x",)})
    assert changed.algorithm == "ES384" and changed.current.private["crv"] == "P-384"
    await verify(issuer, old)
    await verify(issuer, (await issuer.sign("k", {}, 60))[0])


async def test_a_rotation_can_drop_the_old_key_at_once(nodes: Nodes, clock: FakeClock) -> None:
    issuer = nodes.issuer()
    await issuer.configure("k", EC)
    old, _ = await issuer.sign("k", {}, 60)
    await issuer.rotate("k", 0)
    with pytest.raises(InvalidKeyIdError):
        await verify(issuer, old)
