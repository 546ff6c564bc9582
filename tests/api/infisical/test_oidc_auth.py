"""oidc-auth beside an imaginary SPIRE and a provider of another kind: each field of the form does what guides say."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.api.infisical.enrolment import Enrolled, enrol, explained, failed
from tests.api.infisical.test_access_tokens import claims_of
from tests.plugins.jwt.provider import Provider, Signer
from vaultlike.testing.server import Answer, TestServer
from vaultlike.testing.spire import Authority, DiscoveryProvider

SPIRE = "https://spire.example.org"
WEB = "spiffe://example.org/ns/prod/web"


class Issuer:
    """A provider, and an identity that is to log in by it."""

    def __init__(self, server: TestServer, provider: Provider) -> None:
        self.server, self.provider = server, provider

    def mint(self, *, signer: Signer | None = None, kid: bool = True, drop: str = "", **claims: Any) -> str:
        now = self.server.clock.now()
        said = {"iss": self.provider.url, "sub": "alice", "aud": "us", "iat": now, "exp": now + 300, **claims}
        said.pop(drop, None)
        return (signer or self.provider.keys[0]).sign(said, kid=kid)

    async def attach(self, **fields: object) -> tuple[Enrolled, Answer]:
        one = await enrol(self.server, "oidc-auth")
        said = {
            "oidcDiscoveryUrl": self.provider.url, "boundIssuer": self.provider.url, "boundAudiences": "us",
            "boundSubject": "alice", "boundClaims": {}, **fields,
        }  # fmt: skip
        return one, await one.manage("POST", said)

    async def enrol(self, **fields: object) -> Enrolled:
        one, answer = await self.attach(**fields)
        assert answer.status == 200, answer
        return one


@pytest_asyncio.fixture
async def issuer(server: TestServer) -> AsyncIterator[Issuer]:
    provider = Provider(server.clock.now)
    await provider.start()
    yield Issuer(server, provider)
    await provider.stop()


REFUSED: dict[str, tuple[dict[str, Any], str, int]] = {
    "a stranger's key": ({"signer": Signer("one")}, "jwt.signature", 401),
    "a key nobody knows": ({"signer": Signer("other")}, "jwt.kid", 401),
    "expired": ({"exp": 1}, "jwt.exp", 401),
    "not yet valid": ({"nbf": 1_795_000_600}, "jwt.nbf", 401),
    "another issuer": ({"iss": "https://evil.test"}, "bound_issuer", 401),
    "no issuer": ({"drop": "iss"}, "bound_issuer", 401),
    "another subject": ({"sub": "alice2"}, "bound_subject", 403),
    "a subject that is no text": ({"sub": 1}, "jwt.sub", 401),
    "another audience": ({"aud": "them"}, "bound_audiences", 401),
    "other audiences": ({"aud": ["them", "they"]}, "bound_audiences", 401),
    "audiences that are no texts": ({"aud": [1, {"x": 2}, None]}, "jwt.aud", 401),
    "no audience": ({"drop": "aud"}, "bound_audiences", 401),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_refused(issuer: Issuer, name: str) -> None:
    one = await issuer.enrol()
    order, check, status = REFUSED[name]
    token = issuer.mint(**order)
    answer = await one.log_in(token)
    error = "ForbiddenError" if status == 403 else "UnauthorizedError"
    assert (answer.status, answer.body["error"]) == (status, error), answer
    explanation = await explained(issuer.server, answer)
    assert failed(explanation) == [check]
    assert token not in repr(explanation)


async def test_symmetric_and_unsigned_tokens_are_none(issuer: Issuer) -> None:
    one = await issuer.enrol()
    for alg in ("none", "HS256", "RS1", "ES256"):
        answer = await one.log_in(issuer.provider.keys[0].sign({"iss": "x"}, header={"alg": alg}, kid=True))
        assert (answer.status, answer.body["error"]) == (401, "UnauthorizedError"), alg


async def test_a_provider_that_is_down_or_no_provider(issuer: Issuer) -> None:
    issuer.provider.down = True
    one = await issuer.enrol()  # it can be attached: it may be up again when somebody logs in
    answer = await one.log_in(issuer.mint())
    assert (answer.status, answer.body["error"]) == (401, "UnauthorizedError")
    assert failed(await explained(issuer.server, answer)) == ["jwt.keys"]
    issuer.provider.down = False
    issuer.server.clock.advance(60)
    assert (await one.log_in(issuer.mint())).status == 200


BAD: dict[str, tuple[dict[str, object], int]] = {
    "no address": ({"oidcDiscoveryUrl": ""}, 400),
    "no URL": ({"oidcDiscoveryUrl": "spire"}, 400),
    "a file": ({"oidcDiscoveryUrl": "file:///etc/passwd"}, 400),
    "a password in it": ({"oidcDiscoveryUrl": "https://a:b@c.test"}, 400),
    "no issuer": ({"boundIssuer": " "}, 400),
    "no certificate": ({"caCert": "x"}, 400),
    "half a certificate": ({"caCert": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"}, 400),
    "claims that are a list": ({"boundClaims": ["a"]}, 422),
    "a mapping to nothing": ({"claimMetadataMapping": {"team": ""}}, 400),
    "one claim for two keys": ({"claimMetadataMapping": {"a": "team", "b": "team"}}, 400),
    "the key that is ours": ({"claimMetadataMapping": {"role": "team"}}, 400),
}


@pytest.mark.parametrize("name", BAD)
async def test_bad_fields(issuer: Issuer, name: str) -> None:
    fields, status = BAD[name]
    one, answer = await issuer.attach(**fields)
    assert answer.status == status, answer
    assert (await one.log_in(issuer.mint())).status == 404


@pytest.mark.parametrize(
    "spelling",
    [
        "",
        "/",
        "/.well-known/openid-configuration",
        "/.well-known/openid_configuration",
        "/.well-known/openid-configuration/",
    ],
)
async def test_addresses_as_people_write_them(issuer: Issuer, spelling: str) -> None:
    one, answer = await issuer.attach(oidcDiscoveryUrl=f" {issuer.provider.url}{spelling}")
    assert answer.body["identityOidcAuth"]["oidcDiscoveryUrl"] == issuer.provider.url
    assert (await one.log_in(issuer.mint())).status == 200


async def test_the_issuer_is_what_is_bound_wherever_the_provider_is(issuer: Issuer) -> None:
    issuer.provider.issuer_shown = "https://issuer.example.org"
    one = await issuer.enrol(boundIssuer="https://issuer.example.org")
    assert (await one.log_in(issuer.mint(iss="https://issuer.example.org"))).status == 200
    assert (await one.log_in(issuer.mint())).status == 401
    assert (await one.log_in(issuer.mint(iss="https://issuer.example.org/"))).status == 401


SUBJECTS = [
    ("repo:org/app:*", "repo:org/app:ref:refs/heads/main", False),  # `*` ends at a slash
    ("repo:org/app:*/*/*", "repo:org/app:ref:refs/heads/main", True),
    ("repo:org/app:ref:refs/heads/*", "repo:org/app:ref:refs/heads/main", True),
    ("alice, bob", "bob", False),  # one pattern, no list
    ("{alice,bob}", "bob", True),
    ("Alice", "alice", False),
    ("", "whoever", True),
]


@pytest.mark.parametrize(("pattern", "subject", "fits"), SUBJECTS)
async def test_subjects_are_patterns(issuer: Issuer, pattern: str, subject: str, fits: bool) -> None:
    one = await issuer.enrol(boundSubject=pattern)
    answer = await one.log_in(issuer.mint(sub=subject))
    assert answer.status == (200 if fits else 403)


AUDIENCES: list[tuple[str, object, int]] = [
    ("us, them", "them", 200),
    ("us,them", ["x", "them"], 200),
    ("https://*.test", "https://a.test", 200),
    ("https://*.test", "https://a.test/b", 401),
    ("", "anybody", 200),
    ("", ["https://a.test/b", ".c"], 200),
    ("", None, 200),
]


@pytest.mark.parametrize(("bound", "named", "status"), AUDIENCES)
async def test_audiences_are_any_of_a_list(issuer: Issuer, bound: str, named: object, status: int) -> None:
    one = await issuer.enrol(boundAudiences=bound)
    token = issuer.mint(drop="aud") if named is None else issuer.mint(aud=named)
    assert (await one.log_in(token)).status == status


CLAIMS: list[tuple[dict[str, str], dict[str, Any], bool]] = [
    ({"team": "dev, ops"}, {"team": "ops"}, True),
    ({"team": "dev"}, {"team": ["ops", "dev"]}, True),
    ({"team": "dev"}, {"team": []}, False),
    ({"team": "dev"}, {}, False),
    ({"team": "d*"}, {"team": "dev"}, True),
    ({"org.unit.name": "core"}, {"org": {"unit": {"name": "core"}}}, True),
    ({"org.unit.name": "core"}, {"org": {"unit": "core"}}, False),
    ({"org.unit.name": "core"}, {"org.unit.name": "core"}, False),
    ({"ok": "true"}, {"ok": True}, True),
    ({"ok": "false"}, {"ok": False}, False),  # a claim must be there and say something
    ({"n": "12"}, {"n": 12}, True),
    ({"n": "12"}, {"n": 13}, False),
    ({"team": "dev", "n": "1"}, {"team": "dev", "n": 2}, False),  # all of them
]


@pytest.mark.parametrize(("bound", "said", "fits"), CLAIMS)
async def test_claims_that_are_bound(issuer: Issuer, bound: dict[str, str], said: dict[str, Any], fits: bool) -> None:
    one = await issuer.enrol(boundClaims=bound)
    answer = await one.log_in(issuer.mint(**said))
    assert answer.status == (200 if fits else 401), answer


async def test_nothing_bound_is_everybody_and_says_so(issuer: Issuer) -> None:
    one = await issuer.enrol(boundAudiences="", boundSubject="")
    shown = await issuer.server.get(f"organization/identities/{one.id}/methods/oidc-auth")
    assert shown.body["warnings"] == ["no subject, audience or claim is bound: every token of the issuer logs in"]
    assert (await one.log_in(issuer.mint(sub="eve", aud="others"))).status == 200
    narrowed = await one.manage("PATCH", {"boundSubject": "alice"})
    assert narrowed.status == 200
    assert (await one.log_in(issuer.mint(sub="eve", aud="others"))).status == 403


async def test_claims_become_metadata_of_the_access_token(issuer: Issuer) -> None:
    one = await issuer.enrol(claimMetadataMapping={"team": "org.team", "level": "level"})
    missing = await one.log_in(issuer.mint(org={"team": "dev"}))
    assert (missing.status, missing.body["error"]) == (401, "UnauthorizedError")
    token = await one.access(issuer.mint(org={"team": "dev"}, level=3))
    assert await one.works(token) == 200
    assert claims_of(token)["identityAuth"] == {"oidc": {"claims": {"team": "dev", "level": "3"}}}
    renewed = await issuer.server.post("/api/v1/auth/token/renew", {"accessToken": token}, token="")
    assert claims_of(renewed.body["accessToken"])["identityAuth"] == claims_of(token)["identityAuth"]


async def test_tokens_that_name_no_key_try_those_that_there_are(issuer: Issuer) -> None:
    issuer.provider.keys = [Signer("a"), Signer("b")]
    one = await issuer.enrol()
    assert (await one.log_in(issuer.mint(signer=issuer.provider.keys[1], kid=False))).status == 200
    assert (await one.log_in(issuer.mint(signer=Signer("c"), kid=False))).status == 401


async def test_new_keys_are_found_and_old_ones_forgotten(issuer: Issuer) -> None:
    one = await issuer.enrol()
    old = issuer.mint()
    assert (await one.log_in(old)).status == 200
    issuer.provider.keys = [Signer("two")]
    issuer.server.clock.advance(120)
    assert (await one.log_in(issuer.mint())).status == 200
    assert (await one.log_in(old)).status == 401


async def test_the_guide_for_spire(server: TestServer) -> None:
    """Its form: discovery URL with an underscore, issuer, SPIFFE ID as subject, audience."""
    authority = Authority("example.org", server.clock, issuer=SPIRE)
    async with DiscoveryProvider(authority) as provider:
        one = await enrol(server, "oidc-auth")
        form = {
            "oidcDiscoveryUrl": f"{provider.url}/.well-known/openid_configuration", "boundIssuer": SPIRE, "caCert": "",
            "boundSubject": "spiffe://example.org/ns/prod/*", "boundAudiences": "infisical", "boundClaims": {},
        }  # fmt: skip
        assert (await one.manage("POST", form)).status == 200
        assert (await one.log_in(authority.mint(WEB, ["infisical"]))).status == 200
        assert (await one.log_in(authority.mint(WEB, ["x", "infisical"]))).status == 200
        for subject, audience, status in (
            ("spiffe://example.org/ns/test/web", "infisical", 403),
            ("spiffe://example.org/ns/prod/web/inner", "infisical", 403),
            (WEB, "others", 401),
        ):
            assert (await one.log_in(authority.mint(subject, [audience]))).status == status
        nameless = Authority("example.org", server.clock)  # without `jwt_issuer` its tokens say of nobody
        assert (await one.log_in(nameless.mint(WEB, ["infisical"]))).status == 401
        authority.rotate()
        server.clock.advance(120)
        assert (await one.log_in(authority.mint(WEB, ["infisical"]))).status == 200
