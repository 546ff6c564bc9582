"""Key sources against an issuer that is down, slow, hostile or rotating: how often it is asked, what still works."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.unit.sdk.issuer import Issuer, jwk, sealed
from vaultlike.clock import FakeClock
from vaultlike.errors import Upstream
from vaultlike.sdk.discovery import Discovery
from vaultlike.sdk.egress import EgressClient, EgressError
from vaultlike.sdk.jwks import Claims, Freshness, JwksSource, JwtRefused, KeySource, verify

RsaKeys = tuple[rsa.RSAPrivateKey, ...]
RULES: dict[str, Any] = {"issuers": None, "audiences": None, "algorithms": ("RS256",)}


async def login(source: KeySource, key: rsa.RSAPrivateKey, kid: str | None, clock: FakeClock) -> Claims:
    header: dict[str, object] = {"alg": "RS256"} if kid is None else {"alg": "RS256", "kid": kid}
    token = sealed(key, header, {"exp": clock.now() + 60, "sub": "s"})
    return await verify(token, keys=source, now=clock.now(), **RULES)


@pytest.fixture
def source(issuer: Issuer, client: EgressClient, clock: FakeClock, rsa_keys: RsaKeys) -> JwksSource:
    issuer.published = [jwk(rsa_keys[0], "a")]
    return JwksSource(issuer.url + "/jwks", client, clock, limit=1_000_000)


@pytest.mark.parametrize("mode", ["down", "html", "huge", "redirect", "garbage", "empty", "many", "coded"])
async def test_a_bad_issuer_is_a_502_and_is_not_asked_again_at_once(
    issuer: Issuer, source: JwksSource, clock: FakeClock, rsa_keys: RsaKeys, mode: str
) -> None:
    issuer.mode = mode
    for _ in range(5):
        with pytest.raises(Upstream, match=r"127\.0\.0\.1"):
            await login(source, rsa_keys[0], "a", clock)
    assert issuer.fetches == 1
    assert source.health().failing
    assert source.health().last_error
    issuer.mode = "good"
    clock.advance(10)
    assert await login(source, rsa_keys[0], "a", clock)
    health = source.health()
    assert (health.failing, health.keys, health.fetches) == (False, 1, 2)


async def test_an_issuer_that_hangs_times_out(issuer: Issuer, client: EgressClient, clock: FakeClock) -> None:
    issuer.mode = "slow"
    source = JwksSource(issuer.url + "/jwks", client, clock, timeout=0.05)
    with pytest.raises(EgressError, match="no complete answer"):
        await source.keys()


async def test_keys_survive_an_outage_up_to_the_cap(
    issuer: Issuer, source: JwksSource, clock: FakeClock, rsa_keys: RsaKeys
) -> None:
    assert await login(source, rsa_keys[0], "a", clock)
    for mode in ("down", "html", "empty"):
        issuer.mode = mode
        clock.advance(3600)
        assert await login(source, rsa_keys[0], "a", clock)
    fetches = issuer.fetches
    assert fetches == 4
    assert await login(source, rsa_keys[0], "a", clock)
    assert issuer.fetches == fetches
    with pytest.raises(JwtRefused):
        await login(source, rsa_keys[1], "a", clock)
    clock.advance(86_400)
    with pytest.raises(Upstream):
        await login(source, rsa_keys[0], "a", clock)
    assert source.health().failing


async def test_a_hanging_issuer_does_not_hold_up_logins(
    issuer: Issuer, client: EgressClient, clock: FakeClock, rsa_keys: RsaKeys
) -> None:
    issuer.published = [jwk(rsa_keys[0], "a")]
    source = JwksSource(issuer.url + "/jwks", client, clock, times=Freshness(patience=0.02))
    await login(source, rsa_keys[0], "a", clock)
    issuer.mode = "slow"
    clock.advance(3600)
    assert await asyncio.wait_for(login(source, rsa_keys[0], "a", clock), 2)
    assert await asyncio.wait_for(login(source, rsa_keys[0], "a", clock), 2)
    assert issuer.fetches == 2
    await source.close()


async def test_many_first_logins_make_one_fetch_and_a_cancelled_one_does_not_spoil_it(
    issuer: Issuer, source: JwksSource, clock: FakeClock, rsa_keys: RsaKeys
) -> None:
    issuer.mode = "slow"
    logins = [asyncio.create_task(login(source, rsa_keys[0], "a", clock)) for _ in range(20)]
    await issuer.waiting.wait()
    logins[0].cancel()
    issuer.gate.set()
    outcomes = await asyncio.gather(*logins, return_exceptions=True)
    assert isinstance(outcomes[0], asyncio.CancelledError)
    assert all(isinstance(outcome, Claims) for outcome in outcomes[1:])
    assert issuer.fetches == 1


async def test_a_storm_of_unknown_key_ids_is_bounded(
    issuer: Issuer, source: JwksSource, clock: FakeClock, rsa_keys: RsaKeys
) -> None:
    await login(source, rsa_keys[0], "a", clock)
    for second in range(60):
        clock.advance(1)
        for number in range(3):
            with pytest.raises(JwtRefused) as caught:
                await login(source, rsa_keys[1], f"made-up-{second}-{number}", clock)
            assert caught.value.code == "unknown_key"
    assert issuer.fetches <= 3
    assert await login(source, rsa_keys[0], "a", clock)


async def test_one_absent_key_id_is_remembered(
    issuer: Issuer, source: JwksSource, clock: FakeClock, rsa_keys: RsaKeys
) -> None:
    await login(source, rsa_keys[0], "a", clock)
    clock.advance(31)
    for wait in (0, 31, 28):
        clock.advance(wait)
        with pytest.raises(JwtRefused):
            await login(source, rsa_keys[1], "old", clock)
    assert issuer.fetches == 2
    clock.advance(2)
    issuer.published.append(jwk(rsa_keys[1], "old"))
    assert await login(source, rsa_keys[1], "old", clock)


async def test_bad_signatures_do_not_make_a_storm_either(
    issuer: Issuer, source: JwksSource, clock: FakeClock, rsa_keys: RsaKeys
) -> None:
    for _ in range(50):
        with pytest.raises(JwtRefused) as caught:
            await login(source, rsa_keys[1], "a", clock)
        assert caught.value.code == "signature"
        with pytest.raises(JwtRefused):
            await login(source, rsa_keys[1], None, clock)
    assert issuer.fetches == 1


async def test_rotation_is_noticed_early_and_withdrawn_keys_end(
    issuer: Issuer, source: JwksSource, clock: FakeClock, rsa_keys: RsaKeys
) -> None:
    await login(source, rsa_keys[0], "a", clock)
    clock.advance(30)
    issuer.published = [jwk(rsa_keys[1], "b")]
    assert await login(source, rsa_keys[1], "b", clock)
    with pytest.raises(JwtRefused):
        await login(source, rsa_keys[0], "a", clock)
    # another key under the same id, and a token without id
    clock.advance(61)
    issuer.published = [jwk(rsa_keys[2], "b")]
    assert await login(source, rsa_keys[2], None, clock)
    assert await login(source, rsa_keys[2], "b", clock)
    with pytest.raises(JwtRefused):
        await login(source, rsa_keys[1], "b", clock)


async def test_an_unknown_key_id_while_the_issuer_is_down_is_no_refusal(
    issuer: Issuer, source: JwksSource, clock: FakeClock, rsa_keys: RsaKeys
) -> None:
    await login(source, rsa_keys[0], "a", clock)
    issuer.mode = "down"
    clock.advance(31)
    for _ in range(3):
        with pytest.raises(Upstream):
            await login(source, rsa_keys[1], "b", clock)
    with pytest.raises(JwtRefused):  # this key is known: a forgery stays one
        await login(source, rsa_keys[1], "a", clock)
    assert issuer.fetches == 2
    assert await login(source, rsa_keys[0], "a", clock)


async def test_discovery_refuses_another_issuer_and_garbage(
    issuer: Issuer, client: EgressClient, clock: FakeClock, rsa_keys: RsaKeys
) -> None:
    for metadata in (
        {"issuer": issuer.url + "/", "jwks_uri": issuer.url + "/jwks"},
        {"issuer": "https://evil.example", "jwks_uri": issuer.url + "/jwks"},
        {"issuer": issuer.url, "jwks_uri": ""},
        {"issuer": issuer.url},
        {"issuer": 1, "jwks_uri": issuer.url + "/jwks"},
        {"issuer": issuer.url, "jwks_uri": "http://127.0.0.1/jwks"},
        {"issuer": issuer.url, "jwks_uri": "file:///etc/passwd"},
    ):
        issuer.metadata = dict(metadata)
        with pytest.raises(Upstream):
            await login(Discovery(issuer.url, client, clock), rsa_keys[0], "a", clock)
    assert issuer.fetches == 0


async def test_discovery_gives_keys_and_follows_a_moved_key_set(
    issuer: Issuer, client: EgressClient, clock: FakeClock, rsa_keys: RsaKeys
) -> None:
    issuer.published = [jwk(rsa_keys[0], "a")]
    issuer.metadata = {"issuer": "https://sts.example/t/", "jwks_uri": issuer.url + "/jwks"}
    source = Discovery(issuer.url, client, clock, issuer=None)
    assert (await source.metadata()).issuer == "https://sts.example/t/"
    for _ in range(3):
        assert await login(source, rsa_keys[0], "a", clock)
    assert (issuer.discoveries, issuer.fetches, len(source.health())) == (1, 1, 2)
    issuer.metadata["jwks_uri"] = issuer.url + "/jwks?moved"
    clock.advance(3600)
    assert await login(source, rsa_keys[0], "a", clock)
    assert (issuer.discoveries, issuer.fetches) == (2, 2)
    await source.close()


async def test_discovery_url_forms(issuer: Issuer, client: EgressClient, clock: FakeClock) -> None:
    for base in (issuer.url, issuer.url + "/", issuer.url + "/.well-known/openid-configuration"):
        assert Discovery(base, client, clock).url == issuer.url + "/.well-known/openid-configuration"
