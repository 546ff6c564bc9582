"""Tokens that must not get in, each with the text that clients know and the check that the operator is shown."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from tests.plugins.jwt.conftest import Stage
from tests.plugins.jwt.provider import b64

pytestmark = pytest.mark.asyncio(loop_scope="module")

UNSIGNED = "error validating token: error verifying token signature: "
NO_KEY = UNSIGNED + "no known key successfully validated the token signature"
EXPIRED = "error validating token: invalid expiration time (exp) claim: token is expired"
EARLY = "error validating token: invalid not before (nbf) claim: token not yet valid"
FUTURE = "error validating token: invalid issued at (iat) claim: token issued in the future"
NO_TIMES = "error validating token: no issued at (iat), not before (nbf), or expiration time (exp) claims in token"
NO_AUDIENCE = "error validating token: go-jose/go-jose/jwt: expected string or array value to unmarshal to Audience"
AUDIENCE = "error validating token: invalid audience (aud) claim: audience claim does not match any expected audience"
NUMBER = "error validating token: go-jose/go-jose/jwt: expected number value to unmarshal NumericDate"

Forge = Callable[[Stage], Any]


def unsigned(stage: Stage, alg: str, proof: str = "") -> str:
    return f"{b64(msgspec.json.encode({'alg': alg}))}.{b64(msgspec.json.encode(stage.claims()))}.{proof}"


def hmac_of_public_key(stage: Stage) -> str:
    import hashlib
    import hmac

    signed = unsigned(stage, "HS256").rstrip(".")
    proof = hmac.new(stage.signer.pem.encode(), signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{b64(proof)}"


def swapped(stage: Stage) -> str:
    head, claims, _ = stage.token(sub="mallory").split(".")
    return f"{head}.{claims}.{stage.token().split('.')[2]}"


ATTACKS: dict[str, tuple[Forge, str, str]] = {
    "alg none": (lambda s: unsigned(s, "none"), NO_KEY, "jwt.form"),
    "alg None": (lambda s: unsigned(s, "None"), NO_KEY, "jwt.form"),
    "alg none with a signature": (lambda s: unsigned(s, "none", "AAAA"), NO_KEY, "jwt.form"),
    "public key as a secret": (hmac_of_public_key, NO_KEY, "jwt.form"),
    "a stranger's key": (lambda s: s.stranger.sign(s.claims()), NO_KEY, "jwt.signature"),
    "a stranger's key under a known id": (lambda s: s.stranger.sign(s.claims(), kid=True), NO_KEY, "jwt.signature"),
    "the key in the header": (
        lambda s: s.stranger.sign(s.claims(), header={"jwk": s.stranger.jwk(), "jku": s.provider.url}),
        NO_KEY,
        "jwt.signature",
    ),
    "another type than the key": (
        lambda s: s.signer.sign(s.claims(), header={"alg": "ES256"}),
        NO_KEY,
        "jwt.signature",
    ),
    "claims of one, signature of another": (swapped, NO_KEY, "jwt.signature"),
    "critical extension": (
        lambda s: s.signer.sign(s.claims(), header={"crit": ["exp"]}),
        f"{UNSIGNED}crit",
        "jwt.form",
    ),
    "unencoded payload": (lambda s: s.signer.sign(s.claims(), header={"b64": False}), f"{UNSIGNED}b64", "jwt.form"),
    "a claim twice": (
        lambda s: s.signer.sign(b'{"sub":"a","aud":"vault","exp":9000000000,"sub":"b"}'),
        f"{UNSIGNED}duplicate member",
        "jwt.form",
    ),
    "expired": (lambda s: s.token(iat=s.now - 400, exp=s.now - 61), EXPIRED, "jwt.exp"),
    "not yet valid": (lambda s: s.token(nbf=s.now + 61), EARLY, "jwt.nbf"),
    "issued in the future": (lambda s: s.token(iat=s.now + 61, nbf=s.now), FUTURE, "jwt.iat"),
    "no times": (lambda s: s.token(iat=..., exp=...), NO_TIMES, "jwt.times"),
    "times of zero": (lambda s: s.token(iat=0, exp=0), NO_TIMES, "jwt.times"),
    "only an end": (lambda s: s.token(iat=...), EARLY, "jwt.nbf"),
    "no end, long ago": (lambda s: s.token(iat=s.now - 211, exp=...), EXPIRED, "jwt.exp"),
    "end as text": (lambda s: s.token(exp="4102444800"), NUMBER, "jwt.exp"),
    "end as a truth": (lambda s: s.token(exp=True), NUMBER, "jwt.exp"),
    "negative end": (lambda s: s.token(exp=-1), NUMBER, "jwt.exp"),
    "end beyond reckoning": (lambda s: s.token(exp=10**30), NUMBER, "jwt.exp"),
    "another audience": (lambda s: s.token(aud="other"), AUDIENCE, "bound_audiences"),
    "audience by case": (lambda s: s.token(aud=["Vault"]), AUDIENCE, "bound_audiences"),
    "audience nested": (lambda s: s.token(aud=[["vault"]]), NO_AUDIENCE, "jwt.aud"),
    "audience as an object": (lambda s: s.token(aud={"vault": "vault"}), NO_AUDIENCE, "jwt.aud"),
    "no audience": (lambda s: s.token(aud=...), AUDIENCE, "bound_audiences"),
    "no user": (lambda s: s.token(sub=...), 'claim "sub" not found in token', "user_claim.sub"),
    "user null": (lambda s: s.token(sub=None), 'claim "sub" not found in token', "user_claim.sub"),
    "user a number": (
        lambda s: s.token(sub=7),
        "error validating token: json: cannot unmarshal number into Go struct field Claims.sub of type string",
        "jwt.sub",
    ),
    "user empty": (lambda s: s.token(sub=""), "missing name in alias", "user_claim.sub"),
    "three words": (lambda s: "not.a.jwt", f"{UNSIGNED}illegal base64 data at input byte 0", "jwt.form"),
    "one word": (
        lambda s: "nonsense",
        f"{UNSIGNED}go-jose/go-jose: compact JWS format must have three parts",
        "jwt.form",
    ),
    "four parts": (
        lambda s: s.token() + ".AAAA",
        f"{UNSIGNED}go-jose/go-jose: compact JWS format must have three parts",
        "jwt.form",
    ),
}


@pytest.mark.parametrize("name", ATTACKS)
async def test_a_bad_token_is_refused(stage: Stage, name: str) -> None:
    forge, text, check = ATTACKS[name]
    answer = await stage.login(forge(stage))
    assert (answer.status, answer.errors) == (400, [text])
    assert await stage.failed(answer) == [check]


async def test_a_refusal_leaves_nothing_behind(stage: Stage) -> None:
    before = await stage.server.list("identity/entity/id")
    await stage.login(stage.stranger.sign(stage.claims(sub="nobody")))
    after = await stage.server.list("identity/entity/id")
    assert after.status == before.status
    assert after.status == 404 or after.data["keys"] == before.data["keys"]


@pytest.mark.parametrize(
    "sent", [None, 5, True, "", "   ", "A" * 200_000, "ü.ü.ü", "a\x00.b.c", "....", ".", "..", "\u202e.a.b"]
)
async def test_junk_is_no_server_error(stage: Stage, sent: object) -> None:
    answer = await stage.login(sent)
    assert answer.status == 400
    assert not any("A" * 100 in text for text in answer.errors)


async def test_an_address_outside_comes_before_everything(stage: Stage) -> None:
    await stage.role(token_bound_cidrs="10.0.0.0/8")
    for jwt in (stage.token(), "junk"):
        answer = await stage.login(jwt)
        assert (answer.status, answer.errors) == (403, ["permission denied"])
        assert await stage.failed(answer) == ["token_bound_cidrs"]


async def test_an_audience_needs_a_role_that_says_so(stage: Stage) -> None:
    await stage.role(bound_audiences="", bound_subject="alice")
    answer = await stage.login(stage.token())
    assert answer.errors == ["audience claim found in JWT but no audiences bound to the role"]
    assert (await stage.login(stage.token(aud=[]))).status == 200
    assert (await stage.login(stage.token(aud=...))).status == 200


async def test_an_algorithm_that_is_not_listed(stage: Stage) -> None:
    await stage.mount("jwt", jwt_validation_pubkeys=[stage.signer.pem, stage.second.pem], jwt_supported_algs="ES256")
    await stage.role()
    answer = await stage.login(stage.token())
    text = "invalid algorithm (alg) header parameter: token signed with unexpected algorithm"
    assert answer.errors == [f"error validating token: {text}"]
    assert await stage.failed(answer) == ["jwt.alg"]
    assert (await stage.login(stage.second.sign(stage.claims()))).status == 200


@pytest.mark.parametrize("issuer", ["https://issuer.test/", "https://ISSUER.test", "", None])
async def test_another_issuer(stage: Stage, issuer: object) -> None:
    await stage.mount("jwt", jwt_validation_pubkeys=stage.signer.pem, bound_issuer="https://issuer.test")
    await stage.role()
    answer = await stage.login(stage.token(iss=issuer))
    assert answer.errors == ["error validating token: invalid issuer (iss) claim"]
    assert (await stage.login(stage.token())).status == 200


async def test_another_subject(stage: Stage) -> None:
    await stage.role(bound_subject="alice")
    assert (await stage.login(stage.token(sub="Alice"))).errors == [
        "error validating token: invalid subject (sub) claim"
    ]
