"""Keys that come over the network: rotation, outages, floods of strange key ids, several issuers, SPIFFE bundles."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web

from tests.plugins.jwt.conftest import Stage
from tests.plugins.jwt.provider import Provider, Signer

pytestmark = pytest.mark.asyncio(loop_scope="module")

NO_KEY = "error validating token: error verifying token signature: failed to verify id token signature"
DOWN = "error validating token: error verifying token signature: fetching keys failed"


@pytest_asyncio.fixture(loop_scope="module")
async def issuer(stage: Stage) -> AsyncIterator[Provider]:
    """An issuer of its own, whose key set the mount uses."""
    provider = Provider(stage.server.clock.now)
    await provider.start()
    await stage.mount("jwt", jwks_url=f"{provider.url}/jwks")
    await stage.role()
    yield provider
    await provider.stop()


def signed(stage: Stage, signer: Signer, **more: Any) -> str:
    return signer.sign(stage.claims(**more), kid=True)


async def test_a_rotated_key_costs_one_fetch_and_strange_ids_none(stage: Stage, issuer: Provider) -> None:
    assert (await stage.login(signed(stage, issuer.keys[0]))).status == 200
    fetched = issuer.count("/jwks")
    new = Signer("two")
    issuer.keys.append(new)
    stage.server.clock.advance(31)
    assert (await stage.login(signed(stage, new))).status == 200
    assert issuer.count("/jwks") == fetched + 1
    for number in range(100):
        answer = await stage.login(signed(stage, renamed(new, f"strange-{number}")))
        assert answer.errors == [NO_KEY]
    assert issuer.count("/jwks") == fetched + 1
    assert await stage.failed(answer) == ["jwt.kid"]


def renamed(signer: Signer, kid: str) -> Signer:
    """The same key under another id: making keys is slow."""
    other = Signer.__new__(Signer)
    other.kid, other.alg, other.key = kid, signer.alg, signer.key
    return other


async def test_one_fetch_for_all_who_wait(stage: Stage, issuer: Provider) -> None:
    before = issuer.count("/jwks")
    answers = await asyncio.gather(*(stage.login(signed(stage, issuer.keys[0])) for _ in range(20)))
    assert {answer.status for answer in answers} == {200}
    assert issuer.count("/jwks") == before + 1


async def test_an_outage_is_survived_for_a_day_and_no_longer(stage: Stage, issuer: Provider) -> None:
    assert (await stage.login(signed(stage, issuer.keys[0]))).status == 200
    issuer.down = True
    stage.server.clock.advance(3601)
    assert (await stage.login(signed(stage, issuer.keys[0]))).status == 200
    shown = (await stage.server.get("auth/jwt/config")).data["key_sources"][0]
    assert (shown["failing"], shown["keys"]) == (True, 1)
    assert "503" in shown["last_error"]
    stage.server.clock.advance(86_400)
    answer = await stage.login(signed(stage, issuer.keys[0]))
    assert (answer.status, answer.errors) == (502, [DOWN])
    fetched = issuer.count("/jwks")
    assert (await stage.login(signed(stage, issuer.keys[0]))).status == 502
    assert issuer.count("/jwks") == fetched, "a failure is remembered for seconds"
    issuer.down = False
    stage.server.clock.advance(11)
    assert (await stage.login(signed(stage, issuer.keys[0]))).status == 200


async def numbers(stage: Stage) -> dict[str, tuple[float, dict[str, str]]]:
    """What monitoring is shown of the mount; the label `source` must be one."""
    found = {}
    for one in (await stage.server.get("sys/metrics")).body["Gauges"]:
        if one["Labels"].get("mount") == "auth/jwt/":
            found[one["Name"].removeprefix("vault.mount.key_source.")] = one["Value"], one["Labels"]
    return found


async def test_monitoring_sees_an_outage(stage: Stage, issuer: Provider) -> None:
    assert await numbers(stage) == {}  # nobody asked for a key yet
    for wait in (0, 60):
        stage.server.clock.advance(wait)
        assert (await stage.login(signed(stage, issuer.keys[0]))).status == 200
    labels = {"namespace": "root", "mount": "auth/jwt/", "source": f"{issuer.url}/jwks"}
    fine = {"failing": (0, labels), "failures": (0, labels), "age_seconds": (60, labels), "keys": (1, labels)}
    assert await numbers(stage) == fine
    issuer.down = True
    for _ in range(2):
        stage.server.clock.advance(3601)
        assert (await stage.login(signed(stage, issuer.keys[0]))).status == 200
    failing = {"failing": (1, {**labels, "error": "BadStatus"}), "failures": (2, labels)}
    assert await numbers(stage) == {**fine, **failing, "age_seconds": (60 + 7202, labels)}
    issuer.down = False
    stage.server.clock.advance(11)
    assert (await stage.login(signed(stage, issuer.keys[0]))).status == 200
    assert await numbers(stage) == {**fine, "age_seconds": (0, labels)}


async def test_a_forged_token_is_refused_while_the_issuer_is_down(stage: Stage, issuer: Provider) -> None:
    assert (await stage.login(signed(stage, issuer.keys[0]))).status == 200
    issuer.down = True
    stage.server.clock.advance(60)
    answer = await stage.login(signed(stage, Signer(issuer.keys[0].kid)))
    assert (answer.status, answer.errors) == (400, [NO_KEY])


async def test_a_token_without_kid_is_tried_on_all_keys(stage: Stage, issuer: Provider) -> None:
    issuer.keys.append(Signer("two"))
    await stage.server.post("auth/jwt/config", {"jwks_url": f"{issuer.url}/jwks"})
    assert (await stage.login(issuer.keys[1].sign(stage.claims()))).status == 200


async def test_discovery_must_name_itself_to_the_letter(stage: Stage) -> None:
    provider = stage.provider
    for shown in (provider.url + "/", "https://evil.test"):
        provider.issuer_shown = shown
        answer = await stage.server.post("auth/jwt/config", {"oidc_discovery_url": provider.url})
        assert answer.errors == ["error checking oidc discovery URL"]
    provider.issuer_shown = ""
    await stage.mount("jwt", oidc_discovery_url=provider.url)
    await stage.role()
    assert (await stage.login(signed(stage, provider.keys[0], iss=provider.url))).status == 200


async def test_several_issuers_vouch_for_their_own_tokens_alone(stage: Stage, issuer: Provider) -> None:
    other = Provider(stage.server.clock.now)
    other.keys = [Signer("other")]
    await other.start()
    pairs = [{"jwks_url": f"{p.url}/jwks", "issuer": p.url} for p in (issuer, other)]
    await stage.mount("jwt", jwks_pairs=pairs)
    await stage.role()
    assert (await stage.server.get("auth/jwt/config")).data["jwks_pairs"] == pairs
    assert (await stage.login(signed(stage, issuer.keys[0], iss=issuer.url))).status == 200
    assert (await stage.login(signed(stage, other.keys[0], iss=other.url))).status == 200
    assert (await stage.login(signed(stage, other.keys[0], iss=issuer.url))).errors == [NO_KEY]
    for iss in ("https://third.test", None, ...):
        refused = await stage.login(signed(stage, other.keys[0], iss=iss))
        assert refused.errors == ["error validating token: invalid issuer (iss) claim"]
    other.down = True
    assert (await stage.login(signed(stage, issuer.keys[0], iss=issuer.url))).status == 200
    await other.stop()


async def test_several_key_sets_without_issuers_go_by_key_id(stage: Stage, issuer: Provider) -> None:
    other = Provider(stage.server.clock.now)
    other.keys = [Signer("other")]
    await other.start()
    await stage.mount("jwt", jwks_pairs=[{"jwks_url": f"{p.url}/jwks"} for p in (issuer, other)])
    await stage.role()
    prefix = "error validating token: error verifying token signature: "
    assert (await stage.login(signed(stage, other.keys[0]))).status == 200
    assert (await stage.login(signed(stage, renamed(other.keys[0], issuer.keys[0].kid)))).errors == [NO_KEY]
    nameless = await stage.login(other.keys[0].sign(stage.claims()))
    assert nameless.errors == [f"{prefix}token missing kid header parameter"]
    strange = await stage.login(signed(stage, renamed(other.keys[0], "strange")))
    assert strange.errors == [f"{prefix}no key set found with kid strange"]
    await other.stop()


async def test_jwt_svids_of_spiffe(stage: Stage) -> None:
    svid, x509 = Signer("svid", "EC"), Signer("x509", "EC")
    bundle = {"keys": [svid.jwk(use="jwt-svid"), x509.jwk(use="x509-svid")], "spiffe_refresh_hint": 300}

    async def serve(request: web.Request) -> web.Response:
        return web.json_response(bundle)

    app = web.Application()
    app.add_routes([web.get("/bundle", serve)])
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    await stage.mount("jwt", jwks_url=f"http://127.0.0.1:{runner.addresses[0][1]}/bundle")
    await stage.role(bound_claims={"sub": "spiffe://example.org/ns/*"}, bound_claims_type="glob")
    claims = {"iss": ..., "sub": "spiffe://example.org/ns/web"}
    assert (await stage.login(signed(stage, svid, **claims))).status == 200
    assert (await stage.login(signed(stage, x509, **claims))).errors == [NO_KEY]
    assert (await stage.login(signed(stage, svid, iss=..., sub="spiffe://other.org/ns/web"))).status == 400
    await runner.cleanup()


async def test_a_key_set_that_is_no_key_set(stage: Stage) -> None:
    async def serve(request: web.Request) -> web.Response:
        if request.path == "/redirect":
            raise web.HTTPFound("/empty")
        body = {"/huge": b" " * 600_000, "/html": b"<html>", "/empty": b'{"keys":[]}'}[request.path]
        return web.Response(body=body, content_type="application/json")

    app = web.Application()
    app.add_routes([web.get("/{any}", serve)])
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    for path in ("/huge", "/html", "/redirect"):
        answer = await stage.server.post("auth/jwt/config", {"jwks_url": url + path})
        assert answer.errors == ["error checking jwks URL"]
    # an issuer may make its first key later
    assert (await stage.server.post("auth/jwt/config", {"jwks_url": f"{url}/empty"})).status == 204
    stage.fresh = False
    await runner.cleanup()
