"""jwt-auth: keys that are given, keys at an address, and patterns in which `*` crosses slashes."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.infisical.enrolment import ISSUER, Enrolled, enrol, explained, failed
from tests.plugins.jwt.provider import Provider, Signer
from vaultlike.testing.server import TestServer

MAIN = "repo:org/app:ref:refs/heads/main"


async def attached(server: TestServer, **more: object) -> Enrolled:
    one = await enrol(server)
    answer = await one.manage("POST", one.static(**more))
    assert answer.status == 200, answer
    return one


REFUSED: dict[str, tuple[dict[str, Any], str, int]] = {
    "a stranger's key": ({"signer": Signer("k1")}, "jwt.signature", 401),
    "expired": ({"exp": 1}, "jwt.exp", 401),
    "another issuer": ({"iss": ISSUER + "/"}, "bound_issuer", 403),
    "another subject": ({"sub": "eve"}, "bound_subject", 403),
    "another audience": ({"aud": "them"}, "bound_audiences", 401),
    "audiences of others": ({"aud": ["them", "they"]}, "bound_audiences", 401),
    "audiences that are no texts": ({"aud": ["we", 1, None, {}]}, "jwt.aud", 401),
    "no audience": ({"drop": "aud"}, "bound_audiences", 401),
    "a claim that is missing": ({"drop": "team"}, "bound_claims.team", 401),
    "a claim that differs": ({"team": "ops"}, "bound_claims.team", 401),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_refused(server: TestServer, name: str) -> None:
    one = await attached(server, boundClaims={"team": "dev"})
    order, check, status = REFUSED[name]
    token = one.proof(**{"team": "dev", **order})
    answer = await one.log_in(token)
    error = "ForbiddenError" if status == 403 else "UnauthorizedError"
    assert (answer.status, answer.body["error"]) == (status, error), answer
    explanation = await explained(server, answer)
    assert failed(explanation) == [check]
    assert token not in repr(explanation)
    assert (await one.log_in(one.proof(team="dev"))).status == 200


@pytest.mark.parametrize("audiences", ["us", ["us"], ["them", "us"]])
async def test_audiences_may_be_a_list(server: TestServer, audiences: object) -> None:
    one = await attached(server, boundAudiences="we, us")
    assert (await one.log_in(one.proof(aud=audiences))).status == 200


@pytest.mark.parametrize(
    ("pattern", "fits"),
    [
        ("repo:org/app:*", True),  # the newer API sets bash's rule
        ("repo:org/app:**", True),
        ("repo:*/app:ref:refs/heads/main", True),
        ("repo:org/other:*", False),
        ("*", True),
        (MAIN, True),
        (MAIN.upper(), False),
        ("!" + MAIN, False),
        ("!other", True),
    ],
)
async def test_subjects_are_patterns_that_cross_slashes(server: TestServer, pattern: str, fits: bool) -> None:
    one = await attached(server, boundSubject=pattern)
    assert (await one.log_in(one.proof(sub=MAIN))).status == (200 if fits else 403)


async def test_a_hostile_pattern_costs_no_time(server: TestServer) -> None:
    one = await attached(server, boundSubject="+(a|aa|aaa)" * 20 + "b")
    assert (await one.log_in(one.proof(sub="a" * 400))).status == 403


async def test_any_of_several_keys_proves(server: TestServer) -> None:
    other = Signer("k2", "EC")
    one = await enrol(server)
    assert (await one.manage("POST", one.static(publicKeys=[other.pem, one.signer.pem]))).status == 200
    assert (await one.log_in(one.proof())).status == (await one.log_in(one.proof(signer=other))).status == 200
    assert (await one.manage("PATCH", {"publicKeys": [other.pem]})).status == 200
    assert (await one.log_in(one.proof())).status == 401


async def test_a_token_without_an_audience_needs_none_bound(server: TestServer) -> None:
    one = await attached(server, boundAudiences="")
    assert (await one.log_in(one.proof(drop="aud"))).status == 200
    shown = await server.get(f"organization/identities/{one.id}/methods/jwt-auth")
    assert shown.body["warnings"] == ["boundAudiences is empty: tokens that the issuer made for others log in too"]


async def test_keys_at_an_address_and_back(server: TestServer) -> None:
    provider = Provider(server.clock.now)
    await provider.start()
    try:
        one = await attached(server)
        moved = await one.manage("PATCH", {"configurationType": "jwks", "jwksUrl": f"{provider.url}/jwks"})
        shown = moved.body["identityJwtAuth"]
        assert (shown["jwksUrl"], shown["publicKeys"]) == (f"{provider.url}/jwks", [])
        assert (await one.log_in(one.proof())).status == 401  # the old key is not one any more
        assert (await one.log_in(one.proof(signer=provider.keys[0], kid=True))).status == 200
        assert (await one.manage("PATCH", {"configurationType": "static"})).status == 400  # its keys are forgotten
        back = await one.manage("PATCH", {"configurationType": "static", "publicKeys": [one.signer.pem]})
        assert back.body["identityJwtAuth"]["jwksUrl"] == ""
        assert (await one.log_in(one.proof())).status == 200
    finally:
        await provider.stop()


async def test_monitoring_counts_instances_and_names_none(server: TestServer) -> None:
    provider = Provider(server.clock.now)
    await provider.start()
    try:
        for down in (False, True, False):
            one, provider.down = await enrol(server), False
            url = {"configurationType": "jwks", "jwksUrl": f"{provider.url}/jwks"}
            assert (await one.manage("POST", one.static(**url))).status == 200
            provider.down = down
            assert (await one.log_in(one.proof(signer=provider.keys[0], kid=True))).status == (401 if down else 200)
    finally:
        await provider.stop()
    gauges = (await server.get("sys/metrics")).body["Gauges"]
    found = {one["Name"].removeprefix("vault.mount."): one for one in gauges if "mount" in one["Labels"]}
    assert {name: one["Value"] for name, one in found.items()} == {
        "instances.open": 3,
        "key_source.failing": 1,  # the largest of all
        "key_source.failures": 1,
        "key_source.age_seconds": 0,
        "key_source.keys": 1,
    }
    for one in found.values():
        assert one["Labels"] == {"namespace": "root", "mount": "auth/organization-jwt/"}


@pytest.mark.parametrize("url", ["", "jwks", "ftp://x.test/jwks", "https://", "https://a@b.test/"])
async def test_addresses_that_are_none(server: TestServer, url: str) -> None:
    one = await enrol(server)
    answer = await one.manage("POST", one.static(configurationType="jwks", jwksUrl=url))
    assert answer.status == 400, answer
