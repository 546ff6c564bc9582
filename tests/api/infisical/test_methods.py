"""Methods of identities, whatever the method: attached once, changed in part, judged live, gone with their tokens."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

import pytest

from tests.api.infisical.enrolment import Enrolled, enrol, explained, failed
from vaultlike.testing.server import TestServer

INSTANCES = "auth/organization-jwt"


async def attached(server: TestServer, **more: object) -> Enrolled:
    one = await enrol(server)
    answer = await one.manage("POST", one.static(**more))
    assert answer.status == 200, answer
    return one


BAD_FIELDS: dict[str, tuple[dict[str, object], int]] = {
    "ttl below 0": ({"accessTokenTTL": -1}, 422),
    "ttl above the most": ({"accessTokenTTL": 315_360_001, "accessTokenMaxTTL": 315_360_001}, 422),
    "ttl as text": ({"accessTokenTTL": "60"}, 422),
    "ttl above its maximum": ({"accessTokenTTL": 61, "accessTokenMaxTTL": 60}, 400),
    "ttl with a maximum of 0": ({"accessTokenTTL": 1, "accessTokenMaxTTL": 0}, 400),
    "uses below 0": ({"accessTokenNumUsesLimit": -1}, 422),
    "no address": ({"accessTokenTrustedIps": []}, 422),
    "no such address": ({"accessTokenTrustedIps": [{"ipAddress": "10.0.0.300"}]}, 400),
    "no such prefix": ({"accessTokenTrustedIps": [{"ipAddress": "10.0.0.0/33"}]}, 400),
    "addresses as texts": ({"accessTokenTrustedIps": ["10.0.0.0"]}, 422),
    "no keys": ({"publicKeys": []}, 400),
    "no key": ({"publicKeys": ["nothing of the kind"]}, 400),
    "another type": ({"configurationType": "both"}, 422),
    "audiences of nobody": ({"boundAudiences": " , "}, 400),
    "claims of nobody": ({"boundClaims": {"role": ","}}, 400),
    "a claim without values": ({"boundClaims": {"role": ""}}, 400),
    "claims that are no texts": ({"boundClaims": {"role": ["a"]}}, 422),
}


@pytest.mark.parametrize("name", BAD_FIELDS)
async def test_bad_fields_attach_nothing(server: TestServer, name: str) -> None:
    one = await enrol(server)
    fields, status = BAD_FIELDS[name]
    answer = await one.manage("POST", one.static(**fields))
    assert answer.status == status, answer
    assert answer.body["error"] == ("ValidationFailure" if status == 422 else "BadRequest")
    assert (await one.manage("GET")).status == 400
    assert (await server.get(f"{INSTANCES}/{one.id}/config")).status == 404
    assert (await one.log_in(one.proof())).status == 404


async def test_nothing_is_managed_without_rights(server: TestServer) -> None:
    one = await attached(server)
    other = await enrol(server)
    weak = await server.token("default")
    for verb, target, body in (
        ("POST", other, other.static()), ("PATCH", one, {"boundSubject": ""}), ("GET", one, None), ("DELETE", one, None)
    ):  # fmt: skip
        assert (await target.manage(verb, body, token="")).status == 401
        answer = await target.manage(verb, body, token=weak)
        assert (answer.status, answer.body["error"]) == (403, "PermissionDenied")
    assert (await one.manage("GET")).body["identityJwtAuth"]["boundSubject"] == "alice"


async def test_nobody_gives_a_way_in_to_somebody_with_more_rights(server: TestServer) -> None:
    powers = 'path "organization/identities/*" { capabilities = ["create", "update", "read", "patch", "delete"] }'
    await server.post("sys/policies/acl/helper", {"policy": powers})
    await server.post("sys/policies/acl/strong", {"policy": 'path "secret/*" { capabilities = ["read"] }'})
    entity = await server.post("identity/entity", {"policies": ["strong"]})
    strong = Enrolled(server, entity.data["id"], "jwt-auth")
    helper = await server.token("helper")
    answer = await strong.manage("POST", strong.static(), token=helper)
    assert (answer.status, answer.body["error"]) == (403, "PermissionBoundaryError")
    assert (await strong.manage("POST", strong.static())).status == 200
    for verb, body in (("PATCH", {"publicKeys": [strong.signer.pem]}), ("DELETE", None)):
        assert (await strong.manage(verb, body, token=helper)).status == 403


async def test_absent_identities_and_methods(server: TestServer) -> None:
    nobody = Enrolled(server, str(uuid.uuid4()), "jwt-auth")
    for verb, body in (("POST", nobody.static()), ("PATCH", {}), ("GET", None), ("DELETE", None)):
        answer = await nobody.manage(verb, body)
        assert (answer.status, answer.body["error"]) == (404, "NotFound")
    one = await enrol(server)
    for verb in ("PATCH", "GET", "DELETE"):
        answer = await one.manage(verb, {} if verb == "PATCH" else None)
        assert (answer.status, answer.body["error"]) == (400, "BadRequest")
    assert (await one.manage("POST", one.static())).status == 200
    assert (await one.manage("POST", one.static())).status == 400


async def test_of_two_that_attach_at_once_one_is_told(server: TestServer) -> None:
    one = await enrol(server)
    answers = await asyncio.gather(*(one.manage("POST", one.static(boundSubject=f"s{n}")) for n in range(4)))
    assert sorted(answer.status == 200 for answer in answers) == [False, False, False, True]
    (good,) = (answer.body["identityJwtAuth"]["boundSubject"] for answer in answers if answer.status == 200)
    assert (await server.get(f"{INSTANCES}/{one.id}/role/{one.id}")).data["bound_subject"] == good


async def test_what_is_attached_is_shown_with_its_defaults(server: TestServer) -> None:
    one = await enrol(server)
    answer = await one.manage("POST", one.static())
    shown = answer.body["identityJwtAuth"]
    assert list(answer.body) == ["identityJwtAuth"]
    assert shown | {"id": "", "createdAt": "", "updatedAt": "", "publicKeys": []} == {
        "id": "", "identityId": one.id, "createdAt": "", "updatedAt": "",
        "accessTokenTTL": 2592000, "accessTokenMaxTTL": 2592000, "accessTokenNumUsesLimit": 0,
        "accessTokenTrustedIps": [
            {"ipAddress": "0.0.0.0", "type": "ipv4", "prefix": 0}, {"ipAddress": "::", "type": "ipv6", "prefix": 0}
        ],
        "configurationType": "static", "jwksUrl": "", "jwksCaCert": "", "publicKeys": [],
        "boundIssuer": "https://issuer.test", "boundAudiences": "us", "boundClaims": {}, "boundSubject": "alice",
    }  # fmt: skip
    assert uuid.UUID(shown["id"]) and shown["createdAt"].endswith("Z")
    assert (await one.manage("GET")).body == answer.body
    of_vault = await server.get(f"organization/identities/{one.id}/methods/jwt-auth")
    assert of_vault.data == shown
    entity = await server.get(f"identity/entity/id/{one.id}")
    assert [(alias["name"], alias["mount_path"]) for alias in entity.data["aliases"]] == [(one.id, f"{INSTANCES}/")]


async def test_the_other_api_attaches_as_well(server: TestServer) -> None:
    one = await enrol(server)
    path = f"organization/identities/{one.id}/methods/jwt-auth"
    assert (await one.manage("GET")).status == 400  # its mounts are made when the second API is first used
    assert (await server.post(path, {**one.static(), "accessTokenTTL": "10m", "accessTokenMaxTTL": 60})).status == 400
    made = await server.post(path, one.static(boundSubject="", accessTokenTTL=60, accessTokenMaxTTL=60))
    assert made.body["warnings"] == ["no subject or claim is bound: everybody with a token for the audience logs in"]
    headers = {"Content-Type": "application/merge-patch+json"}
    changed = await server.call("PATCH", path, {"boundSubject": "bob"}, headers=headers)
    assert (changed.status, changed.data["boundSubject"], changed.body["warnings"]) == (200, "bob", None)
    assert (await one.log_in(one.proof())).status == 403
    assert (await one.log_in(one.proof(sub="bob"))).body["expiresIn"] == 60
    assert (await server.delete(path)).status == 200
    assert (await one.log_in(one.proof(sub="bob"))).status == 404


async def test_a_change_that_is_refused_changes_nothing(server: TestServer) -> None:
    one = await attached(server)
    before = (await one.manage("GET")).body
    role = (await server.get(f"{INSTANCES}/{one.id}/role/{one.id}")).data
    for bad in ({"publicKeys": ["no key"], "boundSubject": ""}, {"accessTokenMaxTTL": 1}, {"boundAudiences": ","}):
        assert (await one.manage("PATCH", bad)).status == 400
    assert (await one.manage("GET")).body == before
    assert (await server.get(f"{INSTANCES}/{one.id}/role/{one.id}")).data == role
    assert (await one.log_in(one.proof(sub="eve"))).status == 403


async def test_a_change_keeps_what_was_not_sent(server: TestServer) -> None:
    one = await attached(server, boundClaims={"role": "a, b"}, accessTokenTTL=600)
    server.clock.advance(5)
    before = (await one.manage("GET")).body["identityJwtAuth"]
    answer = await one.manage("PATCH", {"boundSubject": "bob", "accessTokenMaxTTL": 1200})
    after = answer.body["identityJwtAuth"]
    assert after.pop("updatedAt") > before.pop("updatedAt")
    assert after == {**before, "boundSubject": "bob", "accessTokenMaxTTL": 1200}
    granted = await one.log_in(one.proof(sub="bob", role="b"))
    assert (granted.body["expiresIn"], granted.body["accessTokenMaxTTL"]) == (600, 1200)


async def test_addresses_hold_for_tokens_that_are_there(server: TestServer) -> None:
    one = await attached(server, accessTokenTrustedIps=[{"ipAddress": "192.0.2.0/24"}])
    token = await one.access(one.proof())  # a token may be fetched from elsewhere, but not used there
    assert await one.works(token) == 403
    refused = await server.get("/api/v1/identities/details", token="", headers={"Authorization": f"Bearer {token}"})
    assert (refused.status, refused.body["error"]) == (403, "ForbiddenError")
    for networks, status in (
        ([{"ipAddress": "127.0.0.1"}], 200),
        ([{"ipAddress": "::/0"}], 403),  # everywhere, by the other family
        ([{"ipAddress": "::1"}, {"ipAddress": "127.0.0.0", "type": "ipv4", "prefix": 8}], 200),
        ([{"ipAddress": "127.0.0.0"}], 403),
    ):
        answer = await one.manage("PATCH", {"accessTokenTrustedIps": networks})
        assert answer.status == 200, answer
        assert await one.works(token) == status, networks


async def test_an_address_in_a_header_is_nobody_s(server: TestServer) -> None:
    one = await attached(server, accessTokenTrustedIps=[{"ipAddress": "192.0.2.7"}])
    token = await one.access(one.proof())
    for name in ("X-Forwarded-For", "X-Real-Ip", "Cf-Connecting-Ip", "True-Client-Ip", "X-Client-Ip", "Forwarded"):
        headers = {name: "192.0.2.7", "Authorization": f"Bearer {token}"}
        answer = await server.get("/api/v1/identities/details", token="", headers=headers)
        assert answer.status == 403, name


async def test_a_revoked_method_is_out_at_once_on_both_apis(server: TestServer) -> None:
    one = await attached(server)
    token, other = await one.access(one.proof()), await one.access(one.proof())
    accessor = (await server.get("auth/token/lookup-self", token=token)).data["accessor"]
    ended = await one.manage("DELETE")
    assert (ended.status, ended.body["identityJwtAuth"]["identityId"]) == (200, one.id)
    assert [await one.works(each) for each in (token, other)] == [403, 403]
    assert (await server.post("auth/token/lookup-accessor", {"accessor": accessor})).status in (400, 403, 404)
    renewal = await server.post("/api/v1/auth/token/renew", {"accessToken": token}, token="")
    assert renewal.status == 401
    assert (await one.log_in(one.proof())).status == 404
    assert (await server.get(f"{INSTANCES}/{one.id}/config")).status == 404
    assert (await server.get(f"identity/entity/id/{one.id}")).data["aliases"] in (None, [])
    assert (await one.manage("POST", one.static())).status == 200
    assert [await one.works(each) for each in (token, other)] == [403, 403]  # not even then
    assert await one.works(await one.access(one.proof())) == 200


async def test_one_identity_s_methods_are_apart_from_another_s(server: TestServer) -> None:
    one, two = await attached(server), await attached(server)
    first, second = await one.access(one.proof()), await two.access(two.proof())
    assert (await one.log_in(two.proof())).status == 401
    assert (await one.manage("DELETE")).status == 200
    assert (await one.works(first), await two.works(second)) == (403, 200)
    assert (await two.log_in(two.proof())).status == 200


async def test_an_identity_that_is_gone_logs_nobody_in(server: TestServer) -> None:
    one = await attached(server)
    token = await one.access(one.proof())
    assert (await server.delete(f"identity/entity/id/{one.id}")).status == 204
    answer = await one.log_in(one.proof())
    assert (answer.status, answer.body["error"]) == (401, "UnauthorizedError")
    assert failed(await explained(server, answer)) == ["identity"]
    assert await one.works(token) == 403


@pytest.mark.parametrize("name", ["", "x", "../sys", "a/b", "0b5e5b1c-0b8f-4e7e-9d8e-0e1f2a3b4c5d", "a" * 200, "ä"])
async def test_logins_of_nobody(server: TestServer, name: str) -> None:
    answer = await Enrolled(server, name, "jwt-auth").log_in("x.y.z")
    assert (answer.status, answer.body["error"]) == (401, "UnauthorizedError")


async def test_logins_that_are_no_logins(server: TestServer) -> None:
    path = "/api/v1/auth/jwt-auth/login"
    answer = await server.post(path, {"identityId": "x"}, token="")
    assert (answer.status, [issue["path"] for issue in answer.body["message"]]) == (422, [["jwt"]])
    assert (await server.post(path, {"identityId": "x", "jwt": 1}, token="")).status == 422
    assert (await server.post(path, {"identityId": "x", "jwt": "y" * 70_000}, token="")).status == 413
    assert (await server.call("POST", path, raw=b"{", token="")).status == 400


async def test_organizations_by_their_slug(server: TestServer) -> None:
    one = await attached(server)
    slug = (await server.get("organization/config")).data["slug"]
    for name in ("organizationSlug", "subOrganizationName"):
        answer = await one.log_in(one.proof(), None, **{name: "another"})
        assert (answer.status, answer.body["error"]) == (404, "NotFound")
    assert (await one.log_in(one.proof(), organizationSlug=slug)).status == 200


async def test_forms_slashes_and_stale_headers_log_in(server: TestServer) -> None:
    one = await attached(server)
    form = f"identityId=%20{one.id}&jwt={one.proof()}".encode()
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    for stale in ({}, {"Authorization": ""}, {"Authorization": "Bearer stale"}, {"X-Api-Key": "x"}):
        answer = await server.call(
            "POST", "/api/v1/auth/jwt-auth/login/", raw=form, token="", headers={**kind, **stale}
        )  # fmt: skip
        assert answer.status == 200, answer
        assert sorted(answer.body) == ["accessToken", "accessTokenMaxTTL", "expiresIn", "tokenType"]


async def test_uses_are_counted_and_lives_are_capped(server: TestServer) -> None:
    one = await attached(
        server, accessTokenNumUsesLimit=2, accessTokenTTL=315_360_000, accessTokenMaxTTL=315_360_000
    )  # fmt: skip
    granted = await one.log_in(one.proof())
    assert granted.body["expiresIn"] == 7_776_000
    token = granted.body["accessToken"]
    found = await asyncio.gather(*(one.works(token) for _ in range(6)))
    assert sorted(found) == [200, 200, 403, 403, 403, 403]
    assert (await one.manage("PATCH", {"accessTokenTTL": 0, "accessTokenMaxTTL": 0})).status == 200
    endless = await one.log_in(one.proof())
    assert (endless.body["expiresIn"], endless.body["accessTokenMaxTTL"]) == (7_776_000, 1_000_000_000)


async def test_both_faces_are_explained_and_audited_alike(server: TestServer, tmp_path: Any) -> None:
    import msgspec

    log = tmp_path / "audit.log"
    await server.call("PUT", "sys/audit/file", {"type": "file", "options": {"file_path": str(log)}})
    await attached(server, boundSubject="")
    one = await attached(server)
    proof = one.proof(sub="eve")
    here = await one.log_in(proof)
    there = await server.post(f"{INSTANCES}/{one.id}/login", {"role": one.id, "jwt": proof}, token="")
    first = await explained(server, here)
    assert (here.status, there.status, failed(first)) == (403, 400, ["bound_subject"])
    assert (await one.log_in(one.proof())).status == 200
    lines = [msgspec.json.decode(line) for line in log.read_bytes().splitlines()]
    logins = [line for line in lines if line["request"]["path"] == f"{INSTANCES}/{one.id}/login"]
    assert [line["type"] for line in logins] == ["request", "response"] * 3
    assert {frozenset(line["request"]) for line in logins[:2]} == {frozenset(line["request"]) for line in logins[2:4]}
    assert logins[0]["request"]["id"] == here.body["reqId"]
    (warned,) = (line["response"]["warnings"] for line in lines if line.get("response", {}).get("warnings"))
    assert warned == ["no subject or claim is bound: everybody with a token for the audience logs in"]
    assert proof not in log.read_text() and one.proof() not in log.read_text()
