"""Roles whose bounds are patterns: what they admit, what each refusal is called, and the JWT-SVIDs of SPIFFE."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from tests.plugins.jwt.conftest import Stage
from tests.unit.sdk.issuer import PrivateKey, jwk, sealed

pytestmark = pytest.mark.asyncio(loop_scope="module")

PATTERNS, BASH = "picomatch", "picomatch-bash"
NO_MATCH = 'claim "x" does not match any associated bound claim values'
EMPTY = 'claim "x" is empty'

ROLES: list[tuple[dict[str, Any], str]] = [
    ({"bound_claims": {"a": ""}}, "bound_claims.a: a pattern must not be empty"),
    ({"bound_claims": {"a": ["x", ""]}}, "bound_claims.a: a pattern must not be empty"),
    ({"bound_claims": {"a": []}}, "bound_claims.a: at least one pattern is needed"),
    ({"bound_claims": {"a": 7}}, "bound_claims.a: a pattern must be a string: 7"),
    ({"bound_claims": {"a": ["x", True]}}, "bound_claims.a: a pattern must be a string: true"),
    ({"bound_claims": {"a": {"b": "c"}}}, "bound_claims.a: a pattern must be a string: map[b:c]"),
    ({"bound_subject": "x" * 1025}, "bound_subject: a pattern of 1025 characters, at most 1024 are allowed"),
    ({"bound_audiences": ["a", ""]}, "bound_audiences: a pattern must not be empty"),
    ({"bound_audiences": ""}, "must have at least one bound constraint when creating/updating a role"),
    ({"bound_claims_type": "Picomatch"}, "invalid 'bound_claims_type': Picomatch"),
]


@pytest.mark.parametrize(("changed", "text"), ROLES)
async def test_a_role_that_is_refused(stage: Stage, changed: dict[str, Any], text: str) -> None:
    body = {"role_type": "jwt", "user_claim": "sub", "bound_audiences": "vault", "bound_claims_type": PATTERNS}
    answer = await stage.server.post("auth/jwt/role/new", {**body, **changed})
    assert (answer.status, answer.errors) == (400, [text])
    assert (await stage.server.get("auth/jwt/role/new")).status == 404


async def test_a_role_cannot_become_one_of_patterns_that_are_none(stage: Stage) -> None:
    await stage.role(bound_claims={"a": 7})
    changed = await stage.server.post("auth/jwt/role/r", {"role_type": "jwt", "bound_claims_type": PATTERNS})
    assert changed.errors == ["bound_claims.a: a pattern must be a string: 7"]


async def test_a_pattern_that_says_something_odd_is_a_warning(stage: Stage) -> None:
    body = {"role_type": "jwt", "user_claim": "sub", "bound_audiences": ["vault", "!x"], "bound_subject": "{a"}
    odd = await stage.server.post("auth/jwt/role/odd", {**body, "bound_claims_type": PATTERNS})
    assert odd.body["warnings"] == [
        "bound_subject: the pattern '{a' can fit nothing but itself",
        "bound_audiences: the pattern '!x' begins with '!': it fits everything but what the rest of it fits",
    ]
    assert (await stage.server.post("auth/jwt/role/odd", {**body, "bound_claims_type": "glob"})).status == 204
    await stage.server.delete("auth/jwt/role/odd")


CLAIMS: list[tuple[object, object, str, str]] = [
    # bound, received (... is absent), type, what is wrong
    ("*", ..., PATTERNS, 'claim "x" is missing'),
    ("*", None, PATTERNS, 'claim "x" is missing'),
    ("*", "", PATTERNS, EMPTY),
    ("0", 0, PATTERNS, EMPTY),
    ("0", 0.0, PATTERNS, EMPTY),
    ("false", False, PATTERNS, EMPTY),
    ("*", [], PATTERNS, NO_MATCH),
    ("*", {"a": "b"}, PATTERNS, "received claim is not a string, bool, int or list: map[a:b]"),
    ("*", [{"a": "b"}, None, ["c"]], PATTERNS, NO_MATCH),
    ("*", True, PATTERNS, NO_MATCH),
    ("True", True, PATTERNS, NO_MATCH),
    ("other", [False], PATTERNS, NO_MATCH),  # upstream takes any word but "true" for false
    ("*", 7, PATTERNS, NO_MATCH),
    ("7x", 7, PATTERNS, NO_MATCH),
    ("7", 7.5, PATTERNS, NO_MATCH),
    ("7", "07", PATTERNS, NO_MATCH),
    ("prod", "Prod", PATTERNS, NO_MATCH),
    ("refs/heads/*", "refs/heads/a/b", PATTERNS, NO_MATCH),
    ("repo:org/app:*", "repo:org/app:ref:refs/heads/main", PATTERNS, NO_MATCH),
    ("a, b", "b", PATTERNS, NO_MATCH),  # lists are lists
    ("a)|(b", "xb", PATTERNS, NO_MATCH),
    ("prod", "prod", PATTERNS, ""),
    ("(a", "(a", PATTERNS, ""),
    ("true", True, PATTERNS, ""),
    ("false", [False], PATTERNS, ""),
    ("7", 7, PATTERNS, ""),
    ("7", [3, 7.0], PATTERNS, ""),
    ("-7", -7, PATTERNS, ""),
    (["c", "a*"], ["b", "ab"], PATTERNS, ""),
    ("*", [{"a": "b"}, "c"], PATTERNS, ""),
    ("refs/{heads,tags}/!(wip-*)", "refs/tags/v1", PATTERNS, ""),
    ("repo:org/app:*", "repo:org/app:ref:refs/heads/main", BASH, ""),
    ("refs/heads/*", "refs/heads/a/b", BASH, ""),
    # the reference's types know no patterns
    ("{a,b}", "a", "glob", NO_MATCH),
    ("{a,b}", "a", "string", NO_MATCH),
    ("true", True, "glob", NO_MATCH),
]


@pytest.mark.parametrize(("bound", "received", "kind", "problem"), CLAIMS)
async def test_a_bound_claim(stage: Stage, bound: object, received: object, kind: str, problem: str) -> None:
    await stage.role(bound_claims={"x": bound}, bound_claims_type=kind)
    answer = await stage.login(stage.token(x=received))
    if not problem:
        assert answer.status == 200, answer
        return
    assert (answer.status, answer.errors) == (400, [f"error validating claims: {problem}"])
    assert await stage.failed(answer) == ["bound_claims.x"]


async def test_each_bound_fails_under_its_own_name(stage: Stage) -> None:
    await stage.mount("jwt", jwt_validation_pubkeys=[stage.signer.pem], bound_issuer="https://*.test")
    await stage.role(
        bound_claims_type=PATTERNS,
        bound_subject="alice/{web,db}",
        bound_audiences=["https://vault.*", "vault-*"],
        bound_claims={"/org/unit": "u*", "env": "prod"},
        claim_mappings={"/org/unit": "unit"},
    )
    good: dict[str, Any] = {
        "iss": "https://*.test",
        "sub": "alice/web",
        "aud": ["x", "vault-1"],
        "org": {"unit": "u1"},
        "env": "prod",
    }
    assert (await stage.login(stage.token(**good))).status == 200
    for name, value, failed in (
        ("iss", "https://issuer.test", "bound_issuer"),  # never a pattern
        ("sub", "alice/web/2", "bound_subject"),
        ("sub", "alice", "bound_subject"),
        ("sub", ["alice/web"], "jwt.sub"),
        ("sub", ..., "bound_subject"),
        ("aud", ["vault", "xvault-1"], "bound_audiences"),
        ("aud", "https://vault/x", "bound_audiences"),
        ("aud", ..., "bound_audiences"),
        ("org", {"unit": "v1"}, "bound_claims./org/unit"),
        ("env", "PROD", "bound_claims.env"),
    ):
        answer = await stage.login(stage.token(**{**good, name: value}))
        assert answer.status == 400
        assert await stage.failed(answer) == [failed], (name, value)
    # bounds before the identity, as upstream of these patterns has it
    both = await stage.login(stage.token(**{**good, "sub": "alice/web", "env": "dev", "org": {}}))
    assert await stage.failed(both) == ["bound_claims./org/unit"]


async def test_patterns_of_one_type_are_plain_texts_of_the_others(stage: Stage) -> None:
    for kind, status in ((PATTERNS, 200), (BASH, 200), ("glob", 400), ("string", 400)):
        await stage.role(bound_subject="al*", bound_claims_type=kind)
        assert (await stage.login(stage.token())).status == status
        await stage.role(bound_audiences="va*", bound_claims_type=kind)
        assert (await stage.login(stage.token())).status == status


async def test_an_audience_needs_a_role_that_says_so(stage: Stage) -> None:
    await stage.role(bound_audiences="", bound_subject="alice", bound_claims_type=PATTERNS)
    refused = await stage.login(stage.token())
    assert await stage.failed(refused) == ["bound_audiences"]
    await stage.role(bound_audiences="!none", bound_claims_type=PATTERNS)
    assert (await stage.login(stage.token(aud="https://any/thing"))).status == 200


async def test_mapped_claims_are_required_and_become_texts(stage: Stage) -> None:
    mappings = {"email": "mail", "/org/unit": "unit", "n": "n", "b": "b", "l": "l"}
    await stage.role(bound_claims_type=PATTERNS, claim_mappings=mappings)
    facts: dict[str, Any] = {"email": "a@x.test", "org": {"unit": 3.0}, "n": 0, "b": False, "l": ["a", 1]}
    answer = await stage.login(stage.token(**facts))
    expected = {"mail": "a@x.test", "unit": "3", "n": "0", "b": "false", "l": '["a",1]', "role": "r"}
    assert answer.auth["metadata"] == expected
    for name, missing in (("email", ...), ("email", None), ("org", {}), ("l", ...)):
        refused = await stage.login(stage.token(**{**facts, name: missing}))
        source = "/org/unit" if name == "org" else name
        assert refused.errors == [f'claim "{source}" is missing']
        assert await stage.failed(refused) == [f"claim_mappings.{source}"]
    # not so with the reference's types
    await stage.role(claim_mappings={"gone": "gone"})
    assert (await stage.login(stage.token())).auth["metadata"] == {"role": "r"}


async def test_a_hostile_pattern_and_a_long_claim_are_a_refusal(stage: Stage) -> None:
    await stage.role(bound_claims={"x": ["*a" * 200 + "b"] * 20}, bound_claims_type=PATTERNS)
    answer = await stage.login(stage.token(x=["a" * 900] * 20))
    assert answer.errors == [f"error validating claims: {NO_MATCH}"]


SVIDS: dict[str, PrivateKey] = {
    "ES256": ec.generate_private_key(ec.SECP256R1()),
    "ES384": ec.generate_private_key(ec.SECP384R1()),
    "RS256": rsa.generate_private_key(65537, 2048),
    "EdDSA": ed25519.Ed25519PrivateKey.generate(),
}
SVIDS["PS256"] = SVIDS["RS256"]
ALLOWED = [family + size for family in ("RS", "ES", "PS") for size in ("256", "384", "512")]
OTHER = ec.generate_private_key(ec.SECP256R1())  # of X.509-SVIDs


@pytest_asyncio.fixture(loop_scope="module")
async def domain(stage: Stage) -> AsyncIterator[Stage]:
    """A mount that believes the bundle of the trust domain `e`, and its algorithms alone."""
    keys = [jwk(key, alg, use="jwt-svid") for alg, key in SVIDS.items()]
    bundle = {"keys": [*keys, jwk(OTHER, "x509", use="x509-svid")], "spiffe_sequence": 1, "spiffe_refresh_hint": 300}

    async def serve(request: web.Request) -> web.Response:
        return web.json_response(bundle)

    app = web.Application()
    app.add_routes([web.get("/bundle", serve)])
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/bundle"
    await stage.mount("jwt", jwks_url=url, jwt_supported_algs=ALLOWED)
    yield stage
    await runner.cleanup()


def svid(stage: Stage, name: str, alg: str = "ES256", *, key: PrivateKey | None = None, **header: object) -> str:
    claims = {"sub": name, "aud": ["vault"], "exp": stage.now + 300, "iat": stage.now}  # SPIRE's have no issuer
    return sealed(key or SVIDS[alg], {"alg": alg, "kid": alg, **header}, claims)


@pytest.mark.parametrize(
    ("pattern", "name", "fits"),
    [
        ("spiffe://e/*", "spiffe://e/ns/web", False),
        ("spiffe://e/*", "spiffe://e", False),
        ("spiffe://e/*", "spiffe://other/web", False),
        ("spiffe://e/*", "spiffe://e/.web", False),
        ("spiffe://e/**", "spiffe://e.evil/web", False),
        ("spiffe://e/**", "spiffe://E/web", False),
        ("spiffe://e/ns/*/sa/web", "spiffe://e/ns/a/b/sa/web", False),
        ("spiffe://e/web", "spiffe://e/web2", False),
        ("spiffe://e/web", "spiffe://e/web", True),
        ("spiffe://e/*", "spiffe://e/web", True),
        ("spiffe://e/**", "spiffe://e/ns/prod/sa/web", True),
        ("spiffe://e/**", "spiffe://e", True),
        ("spiffe://e/ns/*/sa/{web,db}", "spiffe://e/ns/prod/sa/db", True),
    ],
)
async def test_spiffe_ids(domain: Stage, pattern: str, name: str, fits: bool) -> None:
    await domain.role(bound_subject=pattern, bound_claims_type=PATTERNS)
    answer = await domain.login(svid(domain, name))
    assert answer.status == (200 if fits else 400), answer
    if not fits:
        assert await domain.failed(answer) == ["bound_subject"]


async def test_which_jwt_svids_are_taken(domain: Stage) -> None:
    await domain.role(bound_subject="spiffe://e/**", bound_claims_type=PATTERNS)
    name = "spiffe://e/web"
    for alg in ("ES256", "ES384", "RS256", "PS256"):
        assert (await domain.login(svid(domain, name, alg))).status == 200, alg
    for typ in ("JWT", "JOSE"):
        assert (await domain.login(svid(domain, name, typ=typ))).status == 200, typ
    assert await domain.failed(await domain.login(svid(domain, name, "EdDSA"))) == ["jwt.alg"]
    stranger = await domain.login(svid(domain, name, key=OTHER))
    assert await domain.failed(stranger) == ["jwt.signature"]
    assert (await domain.login(svid(domain, name, key=OTHER, kid="x509"))).status == 400
