"""Client assertions: whom the token endpoint believes, and what it fetches to decide (spec/azure.md 5.3, 7.1)."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from vaultlike.clock import FakeClock
from vaultlike.testing.azure import AzureEmulator, TokenOrder
from vaultlike.testing.azure import world as w
from vaultlike.testing.azure.entra import ASSERTION_TYPE
from vaultlike.testing.azure.keys import STRANGER
from vaultlike.testing.azure.model import FederatedCredential

from .conftest import Answer, Client

AUDIENCE = "api://AzureADTokenExchange"
SUBJECT = "plugin-identity:root:auth:accessor"


@pytest.fixture
async def issuer(emulator: AzureEmulator) -> AsyncIterator[str]:
    """A foreign issuer on plain http with the emulator's keys, as a development server would be."""
    base = ""

    async def discovery(request: web.Request) -> web.Response:
        named = f"{base}/other" if "broken" in request.path else f"{base}{request.path.split('/.well')[0]}"
        keys = f"{base}/missing" if "keyless" in request.path else f"{base}/keys"
        return web.json_response({"issuer": named, "jwks_uri": keys})

    async def keys(request: web.Request) -> web.Response:
        import msgspec

        return web.Response(body=msgspec.json.encode({"keys": emulator._live.state.keys.jwks()}))

    async def elsewhere(request: web.Request) -> web.Response:
        raise web.HTTPFound(f"{base}/good/.well-known/openid-configuration")

    app = web.Application()
    app.router.add_get("/moved/.well-known/openid-configuration", elsewhere)
    app.router.add_get("/{name}/.well-known/openid-configuration", discovery)
    app.router.add_get("/keys", keys)
    async with TestServer(app) as server:
        base = str(server.make_url("")).rstrip("/")
        yield base


async def exchange(client: Client, trusted: str, order: TokenOrder, **claims: object) -> Answer:
    """Trusts `trusted` and presents a token that claims to be from there, unless `claims` say otherwise."""
    control = client.emulator.control
    control.add_federated(w.SERVER_CLIENT_ID, FederatedCredential(issuer=trusted, subject=SUBJECT))
    order.claims = {"iss": trusted, "sub": SUBJECT, "aud": [AUDIENCE]} | claims
    return await client.login(
        "https://management.azure.com/.default",
        client_secret="",
        client_assertion=control.mint(order),
        client_assertion_type=ASSERTION_TYPE,
    )


@pytest.mark.parametrize(
    ("claims", "number"),
    [
        ({"iss": "https://other.example"}, 700211),
        ({"sub": SUBJECT.upper()}, 700213),
        ({"aud": [AUDIENCE + "/"]}, 700212),
        ({"aud": AUDIENCE.lower()}, 700212),
        ({"aud": []}, 700212),
        ({"exp": 1}, 700024),
        ({"nbf": 4_000_000_000}, 700024),
        ({"iss": w.SERVER_CLIENT_ID, "sub": w.SERVER_CLIENT_ID}, 700027),
        ({"aud": 7}, 50027),
    ],
)
async def test_claims_that_are_refused(client: Client, issuer: str, claims: dict[str, object], number: int) -> None:
    answer = await exchange(client, f"{issuer}/good", TokenOrder(), **claims)
    assert (answer.status, answer.json["error"], answer.json["error_codes"]) == (401, "invalid_client", [number])


@pytest.mark.parametrize(
    ("order", "number"),
    [
        (TokenOrder(key=STRANGER), 700027),
        (TokenOrder(kid="unknown"), 700027),
        (TokenOrder(alg="RS512"), 5002738),
        (TokenOrder(alg="HS256"), 5002738),
        (TokenOrder(alg="none"), 5002738),
    ],
)
async def test_signatures_that_are_refused(client: Client, issuer: str, order: TokenOrder, number: int) -> None:
    answer = await exchange(client, f"{issuer}/good", order)
    assert (answer.status, answer.json["error_codes"]) == (401, [number])


@pytest.mark.parametrize("name", ["broken", "keyless", "moved"])
async def test_issuers_whose_documents_are_no_good(client: Client, issuer: str, name: str) -> None:
    answer = await exchange(client, f"{issuer}/{name}", TokenOrder())
    assert (answer.status, answer.json["error_codes"]) == (401, [50166])


@pytest.mark.parametrize("where", ["http://issuer.example", "ftp://127.0.0.1", "http://127.0.0.1:1"])
async def test_issuers_that_cannot_be_dialled(client: Client, where: str) -> None:
    answer = await exchange(client, where, TokenOrder())
    assert answer.json["error_codes"] == [50166]


async def test_malformed_assertions(client: Client) -> None:
    for text in ("x", "a.b.c", "a" * 70_000):
        answer = await client.login(
            "x/.default", client_secret="", client_assertion=text, client_assertion_type=ASSERTION_TYPE
        )
        assert answer.json["error_codes"] == [50027]


async def test_a_withdrawn_key_is_refused_at_once(client: Client, issuer: str, clock: FakeClock) -> None:
    control = client.emulator.control
    assert (await exchange(client, f"{issuer}/good", TokenOrder())).status == 200
    control.withdraw_key(control.keys()[0].kid)
    assert (await exchange(client, f"{issuer}/good", TokenOrder())).json["error_codes"] == [700027]


async def test_a_trusted_assertion_is_good_and_each_one_fetches_anew(client: Client, issuer: str) -> None:
    for _ in range(2):
        answer = await exchange(client, f"{issuer}/good", TokenOrder())
        assert answer.status == 200, answer.text
    counters = client.emulator.control.counters()
    assert (counters["issuer_discovery"], counters["issuer_jwks"]) == (2, 2)
