"""The attack table for tokens: each row is refused with its code, and what costs nothing is judged before any key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.unit.sdk.issuer import b64, hs256, jwk, sealed
from vaultlike.errors import Invalid, Upstream
from vaultlike.sdk.jwks import (
    ALGORITHMS,
    Claims,
    JwtMalformed,
    JwtProblem,
    JwtRefused,
    KeySet,
    Leeway,
    StaticKeys,
    TokenDate,
    decode_unverified,
    verify,
)

NOW = 1_767_225_600.0
ISSUER, AUDIENCE = "https://issuer.example/", "vault"
PAYLOAD: dict[str, object] = {
    "iss": ISSUER,
    "aud": AUDIENCE,
    "exp": NOW + 60,
    "nbf": NOW - 60,
    "iat": NOW - 60,
    "sub": "s",
}
RULES: dict[str, Any] = {"issuers": (ISSUER,), "audiences": (AUDIENCE,), "algorithms": ("RS256",), "now": NOW}
HEADER = {"alg": "RS256", "kid": "a"}
RsaKeys = tuple[rsa.RSAPrivateKey, ...]


class Untouched:
    """A key source that must not be asked."""

    async def keys(self) -> KeySet:
        raise AssertionError("keys were fetched for a token that is refused anyway")

    async def newer(self, than: KeySet, kid: str | None) -> KeySet | None:
        raise AssertionError("keys were fetched for a token that is refused anyway")


def key_set(*entries: Mapping[str, object]) -> KeySet:
    return KeySet.parse(msgspec.json.encode({"keys": entries}))


@pytest.fixture
def source(rsa_keys: RsaKeys) -> StaticKeys:
    return StaticKeys(key_set(jwk(rsa_keys[0], "a", use="sig"), jwk(rsa_keys[1], "b")))


def raw_token(header: bytes, payload: bytes = b"{}", signature: bytes = b"sig") -> str:
    return f"{b64(header)}.{b64(payload)}.{b64(signature)}"


GOOD_HEADER = b'{"alg":"RS256"}'


@pytest.mark.parametrize(
    ("token", "code"),
    [
        ("", "bad_form"),
        ("a.b", "bad_form"),
        ("a.b.c.d", "bad_form"),
        ("a.b.c.d.e", "bad_form"),
        ("..", "bad_form"),
        (f"{b64(GOOD_HEADER)}.{b64(b'{}')}.", "bad_form"),
        ("x" * 40_000, "too_large"),
        (raw_token(GOOD_HEADER) + "=", "bad_form"),
        (raw_token(GOOD_HEADER) + "\n", "bad_form"),
        (" " + raw_token(GOOD_HEADER), "bad_form"),
        (raw_token(GOOD_HEADER).replace("eyJ", "eyJ+", 1), "bad_form"),
        (raw_token(GOOD_HEADER) + "\u00e9", "bad_encoding"),
        (raw_token(GOOD_HEADER) + "A", "bad_base64"),
        (f"{b64(GOOD_HEADER)}.{b64(b'{}')}.AB", "bad_base64"),
        (f"{b64(GOOD_HEADER)}.{b64(b'{}')}.AAB", "bad_base64"),
        (raw_token(b"[]"), "bad_json"),
        (raw_token(b'"x"'), "bad_json"),
        (raw_token(b"{"), "bad_json"),
        (raw_token(GOOD_HEADER, b"[]"), "bad_json"),
        (raw_token(GOOD_HEADER, b"null"), "bad_json"),
        (raw_token(GOOD_HEADER, b"\xff"), "bad_json"),
        (raw_token(GOOD_HEADER, b'{"a":"\xff"}'), "bad_json"),
        (raw_token(GOOD_HEADER, b'{"exp":NaN}'), "bad_json"),
        (raw_token(GOOD_HEADER, b'{"exp":1e999}'), "bad_json"),
        (raw_token(GOOD_HEADER, b'{"a":1}{}'), "bad_json"),
        (raw_token(GOOD_HEADER, b'{"a":1,"a":1}'), "duplicate_member"),
        (raw_token(GOOD_HEADER, b'{"a":1,"\\u0061":1}'), "duplicate_member"),
        (raw_token(GOOD_HEADER, b'{"a":"\\u003a","b":1,"b":2}'), "duplicate_member"),
        (raw_token(GOOD_HEADER, b'{"a":"\\"::","b":1,"b":"\\\\"}'), "duplicate_member"),
        (raw_token(GOOD_HEADER, b'{"x":[{"b":"::","b":2}]}'), "duplicate_member"),
        (raw_token(b'{"alg":"RS256","alg":"none"}'), "duplicate_member"),
        (raw_token(GOOD_HEADER, b'{"a":' + b"[" * 20 + b"]" * 20 + b"}"), "too_deep"),
        (raw_token(GOOD_HEADER, b'{"a":' * 20 + b"1" + b"}" * 20), "too_deep"),
        (raw_token(GOOD_HEADER, b'{"a":' + b"[" * 8000 + b"]" * 8000 + b"}"), "bad_json"),
        (raw_token(b"{}"), "bad_header"),
        (raw_token(b'{"alg":1}'), "bad_header"),
        (raw_token(b'{"alg":null}'), "bad_header"),
        (raw_token(b'{"alg":"RS256","kid":7}'), "bad_header"),
        (raw_token(b'{"alg":"RS256","kid":""}'), "bad_header"),
        (raw_token(b'{"alg":"RS256","kid":"' + b"k" * 2000 + b'"}'), "bad_header"),
        (raw_token(b'{"alg":"none"}'), "alg_refused"),
        (raw_token(b'{"alg":"None"}'), "alg_refused"),
        (raw_token(b'{"alg":"rs256"}'), "alg_refused"),
        (raw_token(b'{"alg":"HS256"}'), "alg_refused"),
        (raw_token(b'{"alg":"ES256K"}'), "alg_refused"),
        (raw_token(b'{"alg":"RS256","crit":["exp"],"exp":1}'), "crit"),
        (raw_token(b'{"alg":"RS256","crit":[]}'), "crit"),
        (raw_token(b'{"alg":"RS256","b64":false}'), "b64"),
        (raw_token(b'{"alg":"RS256","b64":"true"}'), "b64"),
    ],
)
async def test_malformed(token: str, code: str) -> None:
    heard: list[tuple[str, object, object, bool]] = []
    with pytest.raises(JwtProblem) as caught:
        await verify(token, keys=Untouched(), check=lambda *row: heard.append(row), **RULES)
    assert caught.value.code == code
    assert caught.value.status == (403 if isinstance(caught.value, JwtRefused) else 400)
    assert heard == [("jwt.form", "a compact signed JWT", code, False)]


def test_colons_and_escapes_are_no_duplicates() -> None:
    payload = {"a:b": ":::", 'q"': '"x":"y"', "n": {"a:b": [":", {"z": "\\:"}]}, "e": "\u00e9\n:"}
    token = raw_token(GOOD_HEADER, msgspec.json.encode(payload))
    assert decode_unverified(token).claims == payload
    assert "x" not in repr(decode_unverified(token))


def change(**more: object) -> dict[str, object]:
    return {name: value for name, value in {**PAYLOAD, **more}.items() if value != "absent"}


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (change(iss="https://issuer.example"), "issuer"),
        (change(iss="absent"), "issuer"),
        (change(iss=[ISSUER]), "issuer"),
        (change(aud="other"), "audience"),
        (change(aud="vault/"), "audience"),
        (change(aud="absent"), "audience"),
        (change(aud=[]), "audience"),
        (change(aud=["vault", 1]), "audience"),
        (change(aud={"vault": 1}), "audience"),
        (change(exp=NOW), "expired"),
        (change(exp=NOW - 1), "expired"),
        (change(exp=NOW - 0.5), "expired"),
        (change(exp=0), "expired"),
        (change(exp="absent"), "claim_missing"),
        (change(exp=None), "claim_type"),
        (change(exp=str(NOW + 60)), "claim_type"),
        (change(exp=True), "claim_type"),
        (change(exp=[NOW + 60]), "claim_type"),
        (change(exp=-1), "claim_type"),
        (change(exp=10**30), "claim_type"),
        (change(exp=1e300), "claim_type"),
        (change(nbf=NOW + 1), "not_yet_valid"),
        (change(nbf="0"), "claim_type"),
        (change(nbf=False), "claim_type"),
        (change(iat=NOW + 61), "issued_later"),
        (change(iat="now"), "claim_type"),
        (change(sub="absent"), "claim_missing"),
        (change(sub=None), "claim_missing"),
    ],
)
async def test_claims_are_refused_without_asking_for_keys(rsa_keys: RsaKeys, payload: object, code: str) -> None:
    heard: list[tuple[str, object, object, bool]] = []
    with pytest.raises(JwtRefused) as caught:
        await verify(
            sealed(rsa_keys[0], HEADER, payload),
            keys=Untouched(),
            required=("sub",),
            check=lambda *row: heard.append(row),
            **RULES,
        )
    assert caught.value.code == code
    assert caught.value.messages == ("permission denied",)
    assert [row[3] for row in heard] == [True] * (len(heard) - 1) + [False]


@pytest.mark.parametrize("rule", ["issuers", "audiences", "algorithms"])
async def test_an_empty_rule_refuses(rsa_keys: RsaKeys, rule: str) -> None:
    with pytest.raises(JwtRefused):
        await verify(sealed(rsa_keys[0], HEADER, PAYLOAD), keys=Untouched(), **(RULES | {rule: ()}))


async def test_forged_signatures(rsa_keys: RsaKeys, source: StaticKeys) -> None:
    good = sealed(rsa_keys[0], HEADER, PAYLOAD)
    head, body, sig = good.split(".")
    stranger = sealed(rsa_keys[2], HEADER, PAYLOAD)
    rows = [
        (stranger, "signature"),
        (sealed(rsa_keys[1], HEADER, PAYLOAD), "signature"),  # the issuer's other key under this id
        (f"{head}.{b64(msgspec.json.encode(change(sub='admin')))}.{sig}", "signature"),
        (f"{head}.{body}.{b64(b'x')}", "signature"),
        (f"{head}.{body}.{b64(bytes(256))}", "signature"),
        (f"{head}.{body}.{b64(bytes(100_00))}", "signature"),
        (sealed(rsa_keys[0], {"alg": "RS256", "kid": "c"}, PAYLOAD), "unknown_key"),
        (sealed(rsa_keys[0], {"alg": "RS512", "kid": "a"}, PAYLOAD), "alg_refused"),
        (hs256(rsa_keys[0].public_key(), "a", PAYLOAD), "alg_refused"),
        (sealed(rsa_keys[2], {"alg": "RS256"}, PAYLOAD), "signature"),  # no id: every key is tried, none fits
    ]
    for token, code in rows:
        with pytest.raises(JwtRefused) as caught:
            await verify(token, keys=source, **RULES)
        assert caught.value.code == code
    assert (await verify(good, keys=source, **RULES)).text("sub") == "s"


async def test_a_key_serves_only_its_own_algorithm(rsa_keys: RsaKeys) -> None:
    curve = ec.generate_private_key(ec.SECP256R1())
    wide = ec.generate_private_key(ec.SECP384R1())
    keys = StaticKeys(key_set(jwk(rsa_keys[0], "r", alg="RS256"), jwk(curve, "e"), jwk(wide, "w")))
    everything = RULES | {"algorithms": tuple(ALGORITHMS)}
    rows: list[tuple[Any, dict[str, object]]] = [
        (rsa_keys[0], {"alg": "PS256", "kid": "r"}),  # the issuer says RS256
        (rsa_keys[0], {"alg": "RS256", "kid": "e"}),
        (curve, {"alg": "ES256", "kid": "r"}),
        (wide, {"alg": "ES256", "kid": "w"}),  # RFC 7518 3.4: ES256 is P-256
        (curve, {"alg": "ES384", "kid": "e"}),
    ]
    for key, header in rows:
        with pytest.raises(JwtRefused) as caught:
            await verify(sealed(key, header, PAYLOAD), keys=keys, **everything)
        assert caught.value.code == "unknown_key"


@pytest.mark.parametrize("alg", sorted(ALGORITHMS))
async def test_every_algorithm(rsa_keys: RsaKeys, alg: str) -> None:
    curves = {"ES256": ec.SECP256R1(), "ES384": ec.SECP384R1(), "ES512": ec.SECP521R1()}
    key: Any = rsa_keys[0]
    if alg in curves:
        key = ec.generate_private_key(curves[alg])
    elif alg == "EdDSA":
        key = ed25519.Ed25519PrivateKey.generate()
    rules = RULES | {"algorithms": (alg,)}
    token = sealed(key, {"alg": alg, "kid": "k"}, PAYLOAD)
    keys = StaticKeys(key_set(jwk(key, "k")))
    assert (await verify(token, keys=keys, **rules))["sub"] == "s"
    first = "B" if token.rpartition(".")[2][0] != "B" else "C"
    broken = token.rpartition(".")[0] + "." + first + token.rpartition(".")[2][1:]
    with pytest.raises(JwtRefused) as caught:
        await verify(broken, keys=keys, **rules)
    assert caught.value.code == "signature"


def test_keys_that_are_not_taken(rsa_keys: RsaKeys) -> None:
    good = jwk(rsa_keys[0], "g")
    weak = rsa.generate_private_key(65537, 1024)
    entries: list[dict[str, object]] = [
        {"kty": "oct", "k": "c2VjcmV0", "kid": "o"},
        {"kty": "XXX", "kid": "x"},
        {"kid": "no type"},
        jwk(weak, "w"),
        jwk(ec.generate_private_key(ec.SECP256K1()), "k1"),
        {**good, "use": "enc"},
        {**good, "use": "jwt-svid"},
        {**good, "key_ops": ["encrypt"]},
        {**good, "key_ops": "verify"},
        {**good, "d": "AQAB"},
        {**good, "kid": 7},
        {**good, "n": "!"},
        {**good, "n": 5},
        {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"},
        {"kty": "RSA"},
    ]
    keys = key_set(*entries)
    assert (len(keys), keys.skipped) == (0, len(entries))
    taken = key_set(good, {**good, "use": "sig"}, {**good, "key_ops": ["verify"], "x5c": 7, "issuer": "x"})
    assert len(taken) == 3
    assert len(KeySet.parse(msgspec.json.encode({"keys": [{**good, "use": "jwt-svid"}]}), uses=("jwt-svid",))) == 1
    with pytest.raises(Invalid):
        StaticKeys(keys)
    for document in (b"", b"{}", b"[]", b'{"keys":{}}', b'{"keys":[1]}', b'{"keys":' + b"[" * 9999):
        with pytest.raises(Invalid):
            KeySet.parse(document)


async def test_pem_keys_have_no_id(rsa_keys: RsaKeys) -> None:
    pem = rsa_keys[0].public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    keys = StaticKeys(KeySet.from_pems([pem]))
    assert await verify(sealed(rsa_keys[0], HEADER, PAYLOAD), keys=keys, **RULES)
    with pytest.raises(JwtRefused):
        await verify(sealed(rsa_keys[1], HEADER, PAYLOAD), keys=keys, **RULES)
    with pytest.raises(Invalid, match="public key 2"):
        KeySet.from_pems([pem, "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----"])


async def test_a_token_without_key_id_costs_a_bounded_number_of_checks(rsa_keys: RsaKeys) -> None:
    keys = key_set(*[jwk(rsa_keys[0], f"k{i}") for i in range(9)], jwk(rsa_keys[1], "last"))
    assert len(keys.candidates(None, "RS256")) == 8
    few = StaticKeys(key_set(jwk(rsa_keys[0], "a"), jwk(rsa_keys[1], "b")))
    assert await verify(sealed(rsa_keys[1], {"alg": "RS256"}, PAYLOAD), keys=few, **RULES)


async def test_leeway_dates_and_optional_rules(rsa_keys: RsaKeys, source: StaticKeys) -> None:
    def token(payload: object) -> str:
        return sealed(rsa_keys[0], HEADER, payload)

    late = token(change(exp=NOW - 10, nbf=NOW + 10.5, iat=NOW + 90, aud=["x", AUDIENCE]))
    assert await verify(late, keys=source, leeway=Leeway(exp=11, nbf=11, iat=None), **RULES)
    with pytest.raises(JwtRefused):
        await verify(late, keys=source, leeway=Leeway(exp=10, nbf=11, iat=None), **RULES)
    assert await verify(token(change(exp="absent")), keys=source, require_exp=False, **RULES)
    free = RULES | {"issuers": None, "audiences": None}
    assert await verify(token({"exp": int(NOW + 1)}), keys=source, **free)
    chosen = RULES | {"issuers": lambda issuer: issuer.startswith("https://issuer.")}
    assert await verify(token(PAYLOAD), keys=source, **chosen)
    with pytest.raises(JwtRefused):
        await verify(token(change(iss="http://issuer.example/")), keys=source, **chosen)


async def test_the_recorder_hears_every_check_in_order(rsa_keys: RsaKeys, source: StaticKeys) -> None:
    heard: list[tuple[str, object, object, bool]] = []
    token = sealed(rsa_keys[0], HEADER, PAYLOAD)
    await verify(token, keys=source, required=("sub",), check=lambda *row: heard.append(row), **RULES)
    names = ["jwt.iss", "jwt.aud", "jwt.exp", "jwt.nbf", "jwt.iat", "jwt.sub", "jwt.alg", "jwt.kid", "jwt.signature"]
    assert [row[0] for row in heard] == names
    assert all(row[3] for row in heard)
    assert not any(part in str(heard) for part in token.split("."))


async def test_times_are_shown_as_dates(rsa_keys: RsaKeys, source: StaticKeys) -> None:
    heard: dict[str, tuple[object, object]] = {}
    token = sealed(rsa_keys[0], HEADER, change(exp=NOW - 2.5))
    with pytest.raises(JwtRefused):
        await verify(token, keys=source, check=lambda name, *values: heard.update({name: values[:2]}), **RULES)
    assert heard["jwt.exp"] == ("after 2026-01-01T00:00:00Z", "2025-12-31T23:59:57Z")


@pytest.mark.parametrize(("at", "shown"), [(-1e30, "1970-01-01T00:00:00Z"), (1e30, "9999-12-31T23:59:59Z")])
def test_dates_beyond_the_calendar_can_be_shown(at: float, shown: str) -> None:
    assert str(TokenDate(at)) == shown
    assert str(TokenDate(at, "after")) == f"after {shown}"


async def test_an_upstream_failure_is_no_refusal(rsa_keys: RsaKeys) -> None:
    class Down:
        async def keys(self) -> KeySet:
            raise Upstream(reason="down")

        async def newer(self, than: KeySet, kid: str | None) -> KeySet | None:
            raise Upstream(reason="down")

    with pytest.raises(Upstream):
        await verify(sealed(rsa_keys[0], HEADER, PAYLOAD), keys=Down(), **RULES)


def test_claims_access() -> None:
    claims = Claims(
        {"t": "x", "l": ["a", "b"], "n": 3, "f": 1.5, "b": True, "z": None, "m": {"a/b": {"~": [1, {"c": 2}]}}}
    )
    assert (claims.text("t"), claims.text("none"), claims.text("z"), claims.text("none", "d")) == ("x", "", "", "d")
    assert (claims.texts("l"), claims.texts("none"), claims.texts("t", single=True)) == (("a", "b"), (), ("x",))
    assert (claims.number("n"), claims.number("f"), claims.number("none")) == (3, 1.5, None)
    for wrong in (
        lambda: claims.text("n"),
        lambda: claims.texts("t"),
        lambda: claims.texts("m"),
        lambda: claims.number("b"),
        lambda: claims.number("t"),
        lambda: Claims({"l": ["a", 1]}).texts("l"),
    ):
        with pytest.raises(JwtRefused) as caught:
            wrong()
        assert caught.value.code == "claim_type"
    assert claims.at("/m/a~1b/~0/1/c") == 2
    assert claims.at("/l/0") == "a"
    for missing in ("/l/2", "/l/-1", "/l/00", "/l/-", "/l/\u0661", "/l/" + "9" * 5000, "/t/x", "/none", "/m/", "/"):
        assert claims.at(missing, "missing") == "missing"
    for bad in ("t", "/m/~2", "/m/~"):
        with pytest.raises(Invalid):
            claims.at(bad)
    assert "x" not in repr(Claims({"t": "x"}))
    with pytest.raises(TypeError):
        claims["t"] = "y"  # type: ignore[index]


def test_malformed_and_refused_are_told_apart() -> None:
    with pytest.raises(JwtMalformed) as malformed:
        decode_unverified("x")
    with pytest.raises(JwtRefused) as refused:
        decode_unverified(raw_token(b'{"alg":"none"}'))
    assert (malformed.value.status, refused.value.status) == (400, 403)
    assert "alg" not in " ".join(refused.value.messages)
