"""Bounds on claims, names, metadata, groups, times and policies of good tokens."""

from __future__ import annotations

from typing import Any

import pytest

from tests.plugins.jwt.conftest import Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")

MISSING = 'error validating claims: claim "x" is missing'
MISMATCH = 'error validating claims: claim "x" does not match any associated bound claim values'
NOT_FOUND = "failed to fetch groups: "

BOUND: list[tuple[object, object, str, str]] = [
    # bound, received (... is absent), type, what is wrong
    ("1", 1, "string", MISMATCH),
    (1, "1", "string", MISMATCH),
    (1, True, "string", MISMATCH),
    (True, 1, "string", MISMATCH),
    (True, "true", "string", MISMATCH),
    (3, 3.5, "string", MISMATCH),
    (0, False, "string", MISMATCH),
    ("prod", "Prod", "string", MISMATCH),
    ("prod", ..., "string", MISSING),
    ("prod", None, "string", MISSING),
    (["a", "b"], ["c"], "string", MISMATCH),
    (["a", "b"], [], "string", MISMATCH),
    ([], "a", "string", MISMATCH),
    ("p*", "prod", "string", MISMATCH),
    ("prod", {"prod": 1}, "string", "received claim is not a string, bool, int or list: map[prod:1]"),
    ({"a": "b"}, "prod", "string", "bound claim is not a string, bool, int or list: map[a:b]"),
    ("refs/heads/*", "refs/tags/v1", "glob", MISMATCH),
    ("refs/heads/*", "xrefs/heads/main", "glob", MISMATCH),
    ("org/*", "ORG/app", "glob", MISMATCH),
    ("7", 7, "glob", MISMATCH),
    ("*", 7, "glob", MISMATCH),
    ("prod", "prod", "string", ""),
    (["a", "b"], ["c", "b"], "string", ""),
    (3, 3.0, "string", ""),
    ([1, 2], [2], "string", ""),
    (True, True, "string", ""),
    ("*", "", "glob", ""),
    ("a*b*c", "a-b-b-c", "glob", ""),
    ("refs/heads/*", ["refs/tags/x", "refs/heads/main"], "glob", ""),
]


@pytest.mark.parametrize(("bound", "received", "kind", "problem"), BOUND)
async def test_a_bound_claim(stage: Stage, bound: object, received: object, kind: str, problem: str) -> None:
    await stage.role(bound_claims={"x": bound}, bound_claims_type=kind)
    answer = await stage.login(stage.token(x=received))
    if not problem:
        assert answer.status == 200, answer
        return
    assert answer.status == 400
    assert answer.errors == [problem if problem.startswith("error") else f"error validating claims: {problem}"]
    assert await stage.failed(answer) == ["bound_claims.x"]


async def test_all_bound_claims_must_fit_and_pointers_reach_inside(stage: Stage) -> None:
    await stage.role(bound_claims={"/k8s/ns": "team-a", "/list/1": "b", "/we~1ird~0/": 1, "https://x.test/y": "z"})
    facts: dict[str, Any] = {"k8s": {"ns": "team-a"}, "list": ["a", "b"], "we/ird~": {"": 1}, "https://x.test/y": "z"}
    assert (await stage.login(stage.token(**facts))).status == 200
    for name, value in (("k8s", "team-a"), ("list", ["a"]), ("we/ird~", {}), ("https://x.test/y", "Z")):
        assert (await stage.login(stage.token(**{**facts, name: value}))).status == 400, name


@pytest.mark.parametrize(
    ("claim", "pointer", "token", "name"),
    [
        ("/a/b", False, {"a": {"b": "deep"}}, None),
        ("/a/b", False, {"/a/b": "flat"}, "flat"),
        ("/a/b", True, {"a": {"b": "deep"}}, "deep"),
        ("/a/b", True, {"a": {}}, None),
        ("/a/~x", True, {"a": {"~x": "n"}}, None),
        ("sub", True, {}, "alice"),
        ("https://x.test/name", False, {"https://x.test/name": "by url"}, "by url"),
    ],
)
async def test_the_user_claim(stage: Stage, claim: str, pointer: bool, token: dict[str, Any], name: str | None) -> None:
    await stage.role(user_claim=claim, user_claim_json_pointer=pointer)
    answer = await stage.login(stage.token(**token))
    if name is None:
        assert answer.errors == [f'claim "{claim}" not found in token']
        return
    entity = await stage.server.get(f"identity/entity/id/{answer.auth['entity_id']}")
    assert [alias["name"] for alias in entity.data["aliases"]] == [name]


async def test_identity_is_judged_before_bound_claims(stage: Stage) -> None:
    await stage.role(bound_claims={"x": "y"}, groups_claim="groups")
    assert (await stage.login(stage.token(sub=...))).errors == ['claim "sub" not found in token']
    assert (await stage.login(stage.token())).errors == [f'{NOT_FOUND}"groups" claim not found in token']
    assert (await stage.login(stage.token(groups=[]))).errors == [MISSING]


async def test_metadata_of_token_and_alias(stage: Stage) -> None:
    await stage.role(claim_mappings={"email": "mail", "/org/unit": "unit", "gone": "none"})
    answer = await stage.login(stage.token(email="a@x.test", org={"unit": "u1"}))
    expected = {"mail": "a@x.test", "unit": "u1", "role": "r"}
    assert answer.auth["metadata"] == expected
    entity = await stage.server.get(f"identity/entity/id/{answer.auth['entity_id']}")
    assert entity.data["aliases"][0]["metadata"] == expected
    for wrong in (5, ["a"], {"a": "b"}, True):
        refused = await stage.login(stage.token(email=wrong))
        assert refused.errors == ["error converting claim 'email' to string"]


@pytest.mark.parametrize(
    ("groups", "text"),
    [
        (["dev", 5], "value 5 in groups claim could not be parsed as string"),
        ({"a": "dev"}, '"groups" claim could not be converted to string list'),
        (7, "value 7 in groups claim could not be parsed as string"),
        ([f"g{i}" for i in range(2049)], "too many groups in token"),
        (..., f'{NOT_FOUND}"groups" claim not found in token'),
    ],
)
async def test_groups_that_are_none(stage: Stage, groups: object, text: str) -> None:
    await stage.role(groups_claim="groups")
    assert (await stage.login(stage.token(groups=groups))).errors == [text]


async def test_groups_give_policies_and_take_them_away(stage: Stage) -> None:
    await stage.role(groups_claim="groups")
    accessor = (await stage.server.get("sys/auth/jwt")).data["accessor"]
    group = await stage.server.post("identity/group", {"name": "ops", "type": "external", "policies": ["ops"]})
    alias = {"name": "operators", "mount_accessor": accessor, "canonical_id": group.data["id"]}
    assert (await stage.server.post("identity/group-alias", alias)).status == 200
    assert "ops" in (await stage.login(stage.token(groups=["Operators", "", "other"]))).auth["policies"]
    assert "ops" in (await stage.login(stage.token(groups="operators"))).auth["policies"]
    assert "ops" not in (await stage.login(stage.token(groups=[]))).auth["policies"]


@pytest.mark.parametrize(
    ("leeways", "times", "good"),
    [
        # relative to now: iat, nbf, exp (None is absent)
        ({}, (-500, None, -60), True),
        ({}, (-500, None, -61), False),
        ({"clock_skew_leeway": -1}, (-500, None, 0), True),
        ({"clock_skew_leeway": -1}, (-500, None, -1), False),
        ({"clock_skew_leeway": 300}, (-500, None, -299), True),
        ({"expiration_leeway": 3600}, (-500, None, -100), False),
        ({}, (-209, None, None), True),
        ({"expiration_leeway": -1}, (-60, None, None), True),
        ({"expiration_leeway": -1}, (-61, None, None), False),
        ({"expiration_leeway": 600}, (-650, None, None), True),
        ({}, (-900, -209, None), True),
        ({}, (None, None, 150), True),
        ({}, (None, None, 210), True),
        ({}, (None, None, 211), False),
        ({"not_before_leeway": 3600}, (None, None, 3600), True),
        ({"not_before_leeway": -1}, (None, None, 60), True),
        ({"not_before_leeway": -1}, (None, None, 61), False),
        ({}, (None, 60, 500), True),
        ({}, (60, None, 500), True),
    ],
)
async def test_leeways(stage: Stage, leeways: dict[str, Any], times: tuple[int | None, ...], good: bool) -> None:
    await stage.role(**leeways)
    facts = {
        name: ... if offset is None else stage.now + offset
        for name, offset in zip(("iat", "nbf", "exp"), times, strict=True)
    }
    answer = await stage.login(stage.token(**facts))
    assert answer.status == (200 if good else 400), answer


async def test_blanks_and_padding_are_taken_and_fractions_of_seconds(stage: Stage) -> None:
    jwt = stage.token(exp=stage.now + 300.5)
    assert (await stage.login(f" {jwt}\r\n")).status == 200
    assert (await stage.login("=.".join(jwt.split(".")) + "==")).status == 200


async def test_policies_that_name_claims(stage: Stage) -> None:
    await stage.role(token_policies=["team-{{.team}}", "plain", "{{ .org.unit }}"], token_policies_template_claims=True)
    answer = await stage.login(stage.token(team="blue", org={"unit": "u1"}))
    assert answer.auth["policies"] == ["default", "plain", "team-blue", "u1"]
    refused = await stage.login(stage.token(team="blue"))
    assert refused.errors == ["failed to template policy [2]: no text in claim org.unit"]
    root = await stage.login(stage.token(team="blue", org={"unit": "ROOT"}))
    assert root.errors == ["auth methods cannot create root tokens"]
    body = {"role_type": "jwt", "token_policies": "{{range .x}}y{{end}}"}
    assert (await stage.server.post("auth/jwt/role/r", body)).status == 400


async def test_renewal_reads_the_role_anew(stage: Stage) -> None:
    await stage.role(token_ttl=600, token_max_ttl=3600)
    token = (await stage.login(stage.token())).auth["client_token"]
    await stage.server.post("auth/jwt/role/r", {"role_type": "jwt", "token_ttl": 900, "token_policies": "changed"})
    renewed = await stage.server.post("auth/token/renew-self", {}, token=token)
    assert (renewed.auth["lease_duration"], renewed.auth["policies"]) == (900, ["default"])
    await stage.server.delete("auth/jwt/role/r")
    refused = await stage.server.post("auth/token/renew-self", {}, token=token)
    assert (refused.status, refused.errors) == (400, ["role r does not exist during renewal"])


async def test_every_check_is_explained(stage: Stage) -> None:
    answer = await stage.login(stage.token())
    names = [check["name"] for check in await stage.checks(answer)]
    assert names == [
        "role_type", "role narrows", "jwt.kid", "jwt.signature", "jwt.alg", "bound_audiences", "jwt.times", "jwt.nbf",
        "jwt.exp", "jwt.iat", "user_claim.sub", "user_claim.sub", "user_claim.sub", "entity enabled",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("claim", "value", "what"),
    [
        ("aud", None, "Audience"),
        ("aud", 5, "Audience"),
        ("aud", ["vault", 5], "Audience"),
        ("aud", {"vault": 1}, "Audience"),
        ("iss", 5, "unmarshal number into Go struct field Claims.iss"),
        ("iss", ["x"], "unmarshal array into Go struct field Claims.iss"),
        ("sub", True, "unmarshal bool into Go struct field Claims.sub"),
        ("jti", {}, "unmarshal object into Go struct field Claims.jti"),
    ],
)
async def test_registered_claims_have_their_shape_whatever_is_bound(
    stage: Stage, claim: str, value: object, what: str
) -> None:
    await stage.role(user_claim="email", bound_audiences=["vault", "other"], bound_subject="", bound_claims={"a": "b"})
    good = {"email": "e@x", "a": "b", "aud": "vault"}
    assert (await stage.login(stage.token(**good))).status == 200
    answer = await stage.login(stage.token(**{**good, claim: value}))
    assert answer.status == 400
    (text,) = answer.errors
    assert text.startswith("error validating token: ") and what in text
    assert await stage.failed(answer) == [f"jwt.{claim}"]
