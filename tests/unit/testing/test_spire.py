"""The imaginary SPIRE is as strict and as odd as the real one where clients would notice."""

from __future__ import annotations

import aiohttp
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from vaultlike.clock import FakeClock
from vaultlike.testing.spire import Authority, DiscoveryProvider

DOMAIN = "example.org"


@pytest.mark.parametrize(
    "identity",
    ["", "spiffe://other/x", "spiffe://example.org/", "spiffe://example.org//x", "spiffe://example.org.evil/x", "x"],
)
def test_only_ids_of_the_trust_domain_are_minted(identity: str) -> None:
    with pytest.raises(ValueError, match="no SPIFFE ID"):
        Authority(DOMAIN, FakeClock()).mint(identity, ["a"])


def test_an_audience_and_a_key_are_needed() -> None:
    authority = Authority(DOMAIN, FakeClock())
    with pytest.raises(ValueError, match="audience"):
        authority.mint(f"spiffe://{DOMAIN}/x", [])
    authority.forget()
    with pytest.raises(ValueError, match="key"):
        authority.mint(f"spiffe://{DOMAIN}/x", ["a"])


@pytest.mark.parametrize("name", ["", "Upper", "a b", "a/b", "a" * 256])
def test_trust_domains_have_a_shape(name: str) -> None:
    with pytest.raises(ValueError, match="trust domain"):
        Authority(name, FakeClock())


async def test_what_it_publishes_proves_what_it_minted() -> None:
    clock = FakeClock()
    authority = Authority(DOMAIN, clock, issuer="https://oidc.example.org")
    token = authority.mint(f"spiffe://{DOMAIN}/web", ["api"])
    authority.rotate()
    async with DiscoveryProvider(authority) as provider, aiohttp.ClientSession() as client:
        async with client.get(f"{provider.url}/.well-known/openid-configuration") as answer:
            found = await answer.json()
        assert found["issuer"] == "https://oidc.example.org" and found["jwks_uri"] == f"{provider.url}/keys"
        async with client.get(found["jwks_uri"]) as answer:
            keys = KeySet.import_key_set(await answer.json())
        claims = jwt.decode(token, keys, algorithms=["ES256"]).claims
        assert claims["sub"] == f"spiffe://{DOMAIN}/web" and claims["aud"] == ["api"]
        assert claims["exp"] - claims["iat"] == 300 and claims["iss"] == "https://oidc.example.org"
        async with client.get(f"{provider.url}/bundle") as answer:
            bundle = await answer.json()
        assert {key["use"] for key in bundle["keys"]} == {"jwt-svid"} and bundle["spiffe_sequence"] == 2
        authority.forget()
        async with client.get(f"{provider.url}/keys") as answer:
            assert answer.status == 501


async def test_other_hosts_are_refused() -> None:
    authority = Authority(DOMAIN, FakeClock())
    strict = DiscoveryProvider(authority, domains=("oidc.example.org",))
    async with strict as provider, aiohttp.ClientSession() as client:
        async with client.get(f"{provider.url}/keys") as answer:
            assert answer.status == 400
        async with client.get(f"{provider.url}/keys", headers={"Host": "oidc.example.org:443"}) as answer:
            assert answer.status == 200
        provider.down = True
        async with client.get(f"{provider.url}/keys", headers={"Host": "oidc.example.org:443"}) as answer:
            assert answer.status == 503


async def test_it_mints_over_http() -> None:
    authority = Authority(DOMAIN, FakeClock())
    async with DiscoveryProvider(authority) as provider, aiohttp.ClientSession() as client:
        for query, status in (("spiffeID=x&audience=a", 400), ("spiffeID=spiffe://example.org/x", 400)):
            async with client.get(f"{provider.url}/_emu/mint?{query}") as answer:
                assert answer.status == status
        async with client.get(f"{provider.url}/_emu/mint?spiffeID=spiffe://example.org/x&audience=a") as answer:
            assert answer.status == 200 and (await answer.text()).count(".") == 2
