"""The browser flow against a provider over sockets; the "browser" follows redirects and posts forms, as a real one."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import aiohttp
import pytest
import pytest_asyncio

from tests.plugins.jwt.conftest import Stage
from tests.plugins.jwt.provider import CLIENT, Signer
from vaultlike.testing.server import Answer

pytestmark = pytest.mark.asyncio(loop_scope="module")

LOCAL = "http://localhost:8250/oidc/callback"
FAILED = "OpenBao login failed."
NO_STATE = "OpenBao login failed. Expired or missing OAuth state."
REFUSED = "Token verification failed. "


class Browser:
    """A person at a browser, beside the client that began the login."""

    def __init__(self, stage: Stage) -> None:
        self.stage, self.server, self.provider = stage, stage.server, stage.provider
        self.session: aiohttp.ClientSession

    async def role(self, **fields: Any) -> None:
        facts = {"role_type": "oidc", "allowed_redirect_uris": LOCAL, "bound_audiences": "", **fields}
        await self.stage.role("web", "oidc", **facts)

    async def start(self, redirect: str = LOCAL, **more: Any) -> Answer:
        body = {"role": "web", "redirect_uri": redirect, **more}
        return await self.server.post("auth/oidc/oidc/auth_url", body, token="")

    async def visit(self, url: str) -> dict[str, str]:
        """Signs in at the provider; what it sends to the redirect address."""
        async with self.session.get(url, allow_redirects=False) as response:
            assert response.status == 302, await response.text()
            query = parse_qs(urlsplit(response.headers["Location"]).query)
            return {name: values[0] for name, values in query.items()}

    async def callback(self, answer: dict[str, str], **more: str) -> Answer:
        query = urlencode({**answer, **more})
        return await self.server.call("GET", f"auth/oidc/oidc/callback?{query}", token="")

    async def poll(self, state: str, nonce: str = "n") -> Answer:
        return await self.server.post("auth/oidc/oidc/poll", {"state": state, "client_nonce": nonce}, token="")

    async def login(self, **more: Any) -> Answer:
        started = await self.start(**more)
        answer = await self.visit(started.data["auth_url"])
        nonce = {"client_nonce": more["client_nonce"]} if "client_nonce" in more else {}
        return await self.callback(answer, **nonce)


@pytest_asyncio.fixture(loop_scope="module")
async def browser(stage: Stage) -> AsyncIterator[Browser]:
    provider = stage.provider
    kept = dict(vars(provider))
    found = Browser(stage)
    if (await stage.server.post("auth/oidc/config", provider.config())).status != 204:
        await stage.mount("oidc", "oidc", **provider.config())
    await found.role()
    async with aiohttp.ClientSession() as found.session:
        yield found
    for name in (
        "claims",
        "user_info",
        "spoil",
        "signer",
        "methods",
        "refusal",
        "approved",
        "down",
        "issuer_shown",
        "unnamed",
    ):
        setattr(provider, name, kept[name])


def spoiled(**more: Any) -> Callable[[dict[str, Any]], None]:
    def spoil(claims: dict[str, Any]) -> None:
        claims.update(more)
        for name in [name for name, value in claims.items() if value is ...]:
            del claims[name]

    return spoil


SPOILED: dict[str, tuple[dict[str, Any], str]] = {
    "another nonce": ({"nonce": "x"}, "invalid nonce"),
    "no nonce": ({"nonce": ...}, "invalid nonce"),
    "another audience": ({"aud": "other"}, "invalid audience"),
    "two audiences, no party": ({"aud": [CLIENT, "other"]}, "invalid authorized party"),
    "two audiences, another party": ({"aud": [CLIENT, "other"], "azp": "other"}, "invalid authorized party"),
    "another issuer": ({"iss": "https://evil.test"}, "issuer"),
    "expired": ({"exp": 1}, "expired"),
    "no end": ({"exp": ...}, "claim missing"),
    "no subject": ({"sub": ...}, "claim missing"),
    "subject a number": ({"sub": 5}, "no subject"),
    "audience nested": ({"aud": [[CLIENT]]}, "invalid audience"),
    "another access token": ({"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"}, "invalid at_hash"),
    "another code": ({"c_hash": "AAAAAAAAAAAAAAAAAAAAAA"}, "invalid c_hash"),
    "issued in the future": ({"iat": 9_000_000_000}, "issued later"),
}


@pytest.mark.parametrize("name", SPOILED)
async def test_a_bad_id_token_is_refused(browser: Browser, name: str) -> None:
    changed, text = SPOILED[name]
    browser.provider.spoil = spoiled(**changed)
    answer = await browser.login()
    assert (answer.status, answer.errors) == (400, [REFUSED + text])
    assert len(await browser.stage.failed(answer)) == 1


async def test_a_strangers_id_token_is_refused(browser: Browser) -> None:
    browser.provider.signer = Signer(browser.provider.keys[0].kid)
    assert (await browser.login()).errors == [REFUSED + "signature"]


async def test_a_login_with_a_code(browser: Browser) -> None:
    await browser.role(claim_mappings={"email": "mail", "phone": "phone"}, groups_claim="groups", oidc_scopes="email")
    started = await browser.start(client_nonce="n")
    url = started.data["auth_url"]
    assert f"?client_id={CLIENT}&" in url
    query = parse_qs(urlsplit(url).query)
    assert (query["scope"], query["response_type"], query["redirect_uri"]) == (["openid email"], ["code"], [LOCAL])
    answer = await browser.callback(await browser.visit(url), client_nonce="n")
    assert answer.status == 200, answer
    assert answer.auth["metadata"] == {"role": "web", "mail": "alice@x.test", "phone": "123"}
    looked = await browser.server.get("auth/token/lookup-self", token=answer.auth["client_token"])
    assert (looked.data["display_name"], looked.data["path"]) == ("oidc-alice", "auth/oidc/oidc/callback")
    assert (await browser.server.post("auth/token/renew-self", {}, token=answer.auth["client_token"])).status == 200


async def test_a_state_counts_once_even_when_it_fails(browser: Browser) -> None:
    started = await browser.start(client_nonce="n")
    answer = await browser.visit(started.data["auth_url"])
    assert (await browser.callback(answer, client_nonce="another")).errors == ["invalid client_nonce"]
    assert (await browser.callback(answer, client_nonce="n")).errors == [NO_STATE]


async def test_of_many_who_bring_an_answer_one_gets_in(browser: Browser) -> None:
    started = await browser.start()
    answer = await browser.visit(started.data["auth_url"])
    answers = await asyncio.gather(*(browser.callback(answer) for _ in range(20)))
    assert sorted(one.status for one in answers) == [200] + [400] * 19
    assert browser.provider.seen["grant_type"] == "authorization_code"


async def test_a_state_lasts_ten_minutes(browser: Browser) -> None:
    started = await browser.start()
    answer = await browser.visit(started.data["auth_url"])
    browser.server.clock.advance(600)
    assert (await browser.callback(answer)).errors == [NO_STATE]


@pytest.mark.parametrize("state", ["", "unknown", "st_0_" + "A" * 32, "../config", "A" * 5000])
async def test_a_state_that_is_none(browser: Browser, state: str) -> None:
    assert (await browser.callback({"state": state, "code": "x"})).errors == [NO_STATE]
    assert (await browser.poll(state)).errors == [NO_STATE]


async def test_a_state_of_another_mount(browser: Browser) -> None:
    answer = await browser.visit((await browser.start()).data["auth_url"])
    await browser.stage.mount("oidc2", "oidc", **browser.provider.config())
    moved = await browser.server.get(
        f"auth/oidc2/oidc/callback?state={answer['state']}&code={answer['code']}", token=""
    )
    assert moved.errors == [NO_STATE]


async def test_codes_that_the_provider_does_not_redeem(browser: Browser) -> None:
    answer = await browser.visit((await browser.start()).data["auth_url"])
    stolen = await browser.visit((await browser.start()).data["auth_url"])
    refused = await browser.callback({"state": answer["state"], "code": stolen["code"]})  # PKCE ties it to its state
    assert refused.errors == ['OpenBao login failed. Error exchanging oidc code: "invalid_grant".']
    answer = await browser.visit((await browser.start()).data["auth_url"])
    refused = await browser.callback({"state": answer["state"]})
    assert refused.errors == ["OpenBao login failed. No code or id_token received."]


async def test_a_provider_that_refuses_or_is_down(browser: Browser) -> None:
    browser.provider.refusal = "access_denied"
    assert (await browser.login()).errors == ["OpenBao login failed. access_denied"]
    browser.provider.refusal = "<b>custom</b>"
    text = "An unknown error occurred during OIDC authentication. Check server logs for details"
    assert (await browser.login()).errors == [f"OpenBao login failed. {text}"]
    browser.provider.refusal = ""
    answer = await browser.visit((await browser.start()).data["auth_url"])
    browser.provider.down = True
    refused = await browser.callback(answer)
    assert (refused.status, "cannot be asked" in refused.errors[0]) == (400, True) or "status 503" in refused.errors[0]


async def test_a_client_secret_in_the_form_where_the_provider_wants_it_there(browser: Browser) -> None:
    browser.provider.methods = ["client_secret_post"]
    await browser.stage.mount("oidc", "oidc", **browser.provider.config())
    await browser.role()
    assert (await browser.login()).status == 200


async def test_user_info_of_somebody_else_is_left_out(browser: Browser) -> None:
    browser.provider.user_info = {"sub": "mallory", "email": "evil@x.test"}
    await browser.role(claim_mappings={"email": "mail"})
    assert (await browser.login()).auth["metadata"]["mail"] == "alice@x.test"
    browser.provider.user_info = None
    assert (await browser.login()).status == 200


async def test_bounds_of_the_role_hold(browser: Browser) -> None:
    await browser.role(bound_subject="bob")
    assert (await browser.login()).errors == ["OpenBao login failed. sub claim does not match bound subject"]
    await browser.role(bound_claims={"email": "bob@x.test"})
    text = 'error validating claims: claim "email" does not match any associated bound claim values'
    assert (await browser.login()).errors == [f"OpenBao login failed. {text}"]
    await browser.role(token_bound_cidrs="10.0.0.0/8")
    assert (await browser.login()).status == 403
    await browser.role(bound_audiences="other")
    assert (await browser.login()).errors == [REFUSED + "invalid audience"]
    browser.provider.spoil = spoiled(aud=["other", "more"])
    assert (await browser.login()).status == 200


async def test_bounds_can_be_patterns(browser: Browser) -> None:
    kind = {"bound_claims_type": "picomatch"}
    await browser.role(**kind, bound_subject="b*")
    assert (await browser.login()).errors == ["OpenBao login failed. sub claim does not match bound subject"]
    await browser.role(**kind, bound_audiences="other-*")
    assert (await browser.login()).errors == [REFUSED + "invalid audience"]
    await browser.role(**kind, bound_subject="a*", bound_audiences="vaultlike-*", bound_claims={"email": "*@x.test"})
    assert (await browser.login()).status == 200


async def test_the_user_must_have_signed_in_lately(browser: Browser) -> None:
    await browser.role(max_age=300)
    assert (await browser.login()).errors == [REFUSED + "the user must sign in again"]
    browser.provider.spoil = spoiled(auth_time=browser.stage.now - 361)
    assert (await browser.login()).errors == [REFUSED + "the user must sign in again"]
    browser.provider.spoil = spoiled(auth_time=browser.stage.now - 300)
    assert (await browser.login()).status == 200
    assert browser.provider.count("/authorize")


async def test_raw_tokens_only_where_the_role_asks_for_them(browser: Browser) -> None:
    await browser.role(oauth2_metadata=["refresh_token"])
    assert (await browser.login()).auth["metadata"] == {"role": "web", "oauth2_refresh_token": "refresh"}


async def test_auth_url_says_little(browser: Browser) -> None:
    assert (await browser.start("https://evil.test/cb")).data == {"auth_url": ""}
    await browser.stage.role("web", "oidc", role_type="jwt")
    assert (await browser.start()).data == {"auth_url": ""}
    assert (await browser.start(role="none")).errors == ['role "none" could not be found']
    await browser.role()
    assert (await browser.start("")).errors == ["missing redirect_uri"]
    assert (await browser.start(client_nonce="n" * 513)).errors == ["client_nonce is too long"]
    assert (await browser.start(role="")).errors == ["missing role"]
    answer = await browser.server.post("auth/jwt/oidc/auth_url", {"role": "r"}, token="")
    assert answer.errors == ["OIDC login is not configured for this mount"]


async def test_a_provider_without_an_authorization_endpoint_gives_the_query_alone(browser: Browser) -> None:
    browser.provider.unnamed = frozenset(["authorization_endpoint"])
    await browser.stage.mount("oidc", "oidc", **browser.provider.config())
    await browser.role()
    address = (await browser.start()).data["auth_url"]
    assert address.startswith(f"?client_id={CLIENT}&")
    browser.provider.unnamed = frozenset()
    await browser.stage.server.delete("sys/auth/oidc")  # it remembers what the provider said


async def test_the_namespace_travels_in_the_state(browser: Browser) -> None:
    started = await browser.start(LOCAL + "?namespace=team")
    answer = await browser.visit(started.data["auth_url"])
    assert answer["state"].endswith(",ns=team")
    assert (await browser.callback(answer)).status == 200


async def post_form(browser: Browser, url: str) -> tuple[dict[str, str], Answer]:
    async with browser.session.get(url) as response:
        page = await response.json()
    answer = await browser.server.call(
        "POST",
        "auth/oidc/oidc/callback",
        raw=urlencode(page["form"]).encode(),
        headers={"Content-Type": "application/x-www-form-urlencoded"},
        token="",
    )
    return page["form"], answer


@pytest.mark.parametrize("kind", ["code", "id_token"])
async def test_a_posted_form(browser: Browser, kind: str) -> None:
    config = browser.provider.config(oidc_response_mode="form_post", oidc_response_types=kind)
    await browser.stage.mount("oidc", "oidc", **config)
    await browser.role()
    started = await browser.start()
    form, page = await post_form(browser, started.data["auth_url"])
    assert (page.status, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    answer = await browser.callback({"state": form["state"], "code": "no_code"})
    assert answer.status == 200, answer
    assert (await browser.callback({"state": form["state"], "code": "no_code"})).errors == [NO_STATE]


async def test_forms_that_are_not_asked_for(browser: Browser) -> None:
    answer = await browser.server.post("auth/oidc/oidc/callback", {"state": "x", "code": "y"}, token="")
    assert (answer.status, answer.errors) == (405, ["unsupported operation"])
    await browser.stage.mount("oidc", "oidc", **browser.provider.config(oidc_response_mode="form_post"))
    await browser.role()
    unknown = await browser.server.post("auth/oidc/oidc/callback", {"state": "x", "code": "y"}, token="")
    assert unknown.status == 400
    assert b"Expired or missing OAuth state" in unknown.body
    shown = (await browser.server.get(f"sys/explain/{unknown.headers['X-Request-Id']}")).data
    assert (shown["outcome"], shown["reason"]) == ("refused", NO_STATE)


async def test_the_direct_mode_asks_first_and_polls(browser: Browser) -> None:
    await browser.role(callback_mode="direct", poll_interval=3)
    assert (await browser.start()).errors == ["missing client_nonce"]
    started = await browser.start(client_nonce="n")
    state = started.data["state"]
    assert started.data["poll_interval"] == "3"
    assert (await browser.poll(state)).errors == ["authorization_pending"]
    answer = await browser.visit(started.data["auth_url"])
    page = (await browser.callback(answer)).body.decode()
    assert "127.0.0.1" in page
    assert "web" in page
    assert (await browser.poll(state)).errors == ["authorization_pending"]
    assert (await browser.callback(answer, confirmation="guessed")).status == 400
    fields = {name: unescape(value) for name, value in re.findall(r'name="(\w+)" value="([^"]*)"', page)}
    done = await browser.callback(fields)
    assert (done.status, b"Signed in" in done.body) == (200, True)
    assert (await browser.callback(fields)).status == 400
    polled = await browser.poll(state)
    assert (polled.status, polled.auth["metadata"]) == (200, {"role": "web"})
    assert (await browser.poll(state)).errors == [NO_STATE]


async def test_a_poll_with_another_nonce_ends_the_login(browser: Browser) -> None:
    await browser.role(callback_mode="direct", oidc_disable_confirmation=True)
    started = await browser.start(client_nonce="n")
    assert (await browser.callback(await browser.visit(started.data["auth_url"]))).status == 200
    assert (await browser.poll(started.data["state"], "guess")).errors == ["invalid client_nonce"]
    assert (await browser.poll(started.data["state"])).errors == [NO_STATE]


async def test_the_direct_mode_escapes_what_it_shows(browser: Browser) -> None:
    await browser.role(callback_mode="direct", oidc_disable_confirmation=True)
    browser.provider.refusal = "<script>"
    started = await browser.start(client_nonce="n")
    page = await browser.callback(await browser.visit(started.data["auth_url"]))
    assert (page.status, b"<script" in page.body) == (400, False)
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert (await browser.poll(started.data["state"])).errors == [NO_STATE]


async def test_a_refusal_that_is_a_page_is_explained_as_one(browser: Browser) -> None:
    await browser.role(callback_mode="direct", oidc_disable_confirmation=True, bound_subject="somebody else")
    started = await browser.start(client_nonce="n")
    page = await browser.callback(await browser.visit(started.data["auth_url"]))
    assert (page.status, b"does not match bound subject" in page.body) == (400, True)
    shown = (await browser.server.get(f"sys/explain/{page.headers['X-Request-Id']}")).data
    assert (shown["outcome"], shown["reason"]) == ("refused", f"{FAILED} sub claim does not match bound subject")
    assert [check["name"] for check in shown["checks"] if not check["ok"]] == ["bound_subject"]


async def test_the_device_mode(browser: Browser) -> None:
    await browser.role(callback_mode="device")
    started = await browser.start("", client_nonce="n")
    assert started.data["user_code"] == "WDJB-MJHT"
    assert started.data["poll_interval"] == "7"
    state = started.data["state"]
    assert (await browser.poll(state)).errors == ["authorization_pending"]
    assert (await browser.callback({"state": state, "code": "x"})).errors == [NO_STATE]
    browser.provider.approved = True
    browser.provider.signer = Signer(browser.provider.keys[0].kid)
    assert (await browser.poll(state)).errors == [REFUSED + "signature"]
    browser.provider.signer = None
    started = await browser.start("", client_nonce="n")
    assert (await browser.poll(started.data["state"])).auth["metadata"] == {"role": "web"}
    assert (await browser.poll(started.data["state"])).errors == [NO_STATE]


async def test_logins_that_nobody_ends_are_swept_up(browser: Browser) -> None:
    for _ in range(3):
        await browser.start()
    mount = browser.server.server.core.router.at("auth/oidc/")  # type: ignore[union-attr]
    store = mount.backend.ctx.storage.below("oidc/flow/")  # type: ignore[union-attr]
    assert len(await store.keys()) == 3
    await mount.backend.tick()  # type: ignore[union-attr]
    assert len(await store.keys()) == 3
    browser.server.clock.advance(800)
    await mount.backend.tick()  # type: ignore[union-attr]
    assert await store.keys() == []
