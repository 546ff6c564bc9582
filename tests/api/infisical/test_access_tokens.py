"""Signed access tokens: one row, several JWTs; ended at the next request; proved offline; no other JWT is one."""

from __future__ import annotations

import base64
import uuid
from typing import Any

import msgspec
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet

from tests.plugins.jwt.provider import Signer
from vaultlike.http.infisical.access_token import granted
from vaultlike.testing.server import Answer, TestServer

MOUNT = "auth/organization-jwt/"


class Machine:
    """An identity that logs in with a JWT of its own issuer, at an instance of its own."""

    def __init__(self, server: TestServer, **role: Any) -> None:
        self.server, self.role = server, role
        self.id = ""
        self.signer = Signer("k1")

    async def enrol(self) -> None:
        entity = await self.server.post("identity/entity", {"name": f"machine-{uuid.uuid4()}"})
        self.id = entity.data["id"]
        said = {
            "configurationType": "static", "publicKeys": [self.signer.pem], "boundIssuer": "https://issuer.test",
            "boundAudiences": "vault",
        }  # fmt: skip
        attached = await self.server.post(f"organization/identities/{self.id}/methods/jwt-auth", said)
        assert attached.status == 200, attached
        role = {"role_type": "jwt", "user_claim": "sub", "bound_audiences": "vault", **self.role}
        assert (await self.server.post(f"{MOUNT}{self.id}/role/{self.id}", role)).status in (200, 204)

    def proof(self, **more: Any) -> str:
        now = self.server.clock.now()
        facts = {"iss": "https://issuer.test", "sub": "alice", "aud": "vault", "iat": now, "exp": now + 300}
        return self.signer.sign({**facts, **more})

    async def log_in(self, proof: str = "", instance: str = "", role: str = "") -> Answer:
        body = {"role": role or self.id, "jwt": proof or self.proof()}
        return await self.server.post(f"{MOUNT}{instance or self.id}/login", body, token="")

    async def access(self) -> str:
        """A signed token: what a login of the second API answers, made from one of the first."""
        answer = await self.log_in()
        assert answer.status == 200, answer
        core = self.server.server.core
        assert core is not None
        token = await core.tokens.find(answer.auth["client_token"])
        assert token is not None
        return await core.signed(token, answer.auth["lease_duration"])


async def machine(server: TestServer, **role: Any) -> Machine:
    assert (await server.post("/api/v1/auth/token/renew", {"accessToken": "x"}, token="")).status == 400
    made = Machine(server, **role)
    await made.enrol()
    return made


def claims_of(token: str) -> dict[str, Any]:
    part = token.split(".")[1]
    found: dict[str, Any] = msgspec.json.decode(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return found


async def lookup(server: TestServer, token: str) -> Answer:
    return await server.get("auth/token/lookup-self", token=token)


@pytest.mark.parametrize("wrong", ["", "eyJ", "eyJ.eyJ.eyJ", "eyJ" + "a" * 7_000, "eyJhbGciOiJub25lIn0.e30."])
async def test_what_is_no_access_token_lets_nobody_in(server: TestServer, wrong: str) -> None:
    assert (await lookup(server, wrong)).status == 403
    answer = await server.post("/api/v1/auth/token/renew", {"accessToken": wrong}, token="")
    assert answer.status in (400, 403) and answer.body["statusCode"] == answer.status


async def test_a_token_of_another_key_or_type_is_refused(server: TestServer) -> None:
    good = await (await machine(server)).access()
    claims = claims_of(good)
    stranger = ECKey.generate_key("P-256")
    forged = jwt.encode({"alg": "ES256", "typ": "at+jwt", "kid": "x"}, claims, stranger)
    assert (await lookup(server, forged)).status == 403
    answer = await server.post("/api/v1/auth/token/renew", {"accessToken": forged}, token="")
    assert answer.status == 403 and answer.body["error"] == "TokenError"
    core = server.server.core
    assert core is not None
    # the same key, but an ordinary identity token: an operator who may write its claims gains nothing
    other, _ = await core.issuer.sign("organization", {**claims, "sub": "x"}, 600)
    assert (await lookup(server, other)).status == 403
    assert (await lookup(server, good)).status == 200


async def test_the_jti_alone_is_no_credential(server: TestServer) -> None:
    good = await (await machine(server)).access()
    assert (await lookup(server, claims_of(good)["jti"])).status == 403


async def test_a_login_is_the_identity_s_and_nobody_else_s(server: TestServer) -> None:
    one, two = await machine(server), await machine(server)
    assert (await one.log_in(role=two.id)).status == 400
    assert (await one.log_in(instance=two.id, role=two.id)).status in (400, 403)
    answer = await one.log_in()
    assert answer.auth["entity_id"] == one.id
    unknown = str(uuid.uuid4())
    assert (await one.log_in(instance=unknown, role=unknown)).status == 403


async def test_a_removed_identity_is_out_at_the_next_request_and_makes_no_new_entity(server: TestServer) -> None:
    one = await machine(server)
    token = await one.access()
    assert (await server.delete(f"identity/entity/id/{one.id}")).status == 204
    assert (await lookup(server, token)).status == 403
    before = (await server.list("identity/entity/id")).body
    assert (await one.log_in()).status == 403
    assert (await server.list("identity/entity/id")).body["data" if "data" in before else "errors"] == before.get(
        "data", []
    )


async def test_renewed_tokens_name_one_row_and_end_together(server: TestServer) -> None:
    one = await machine(server, token_ttl=600, token_max_ttl=1800)
    first = await one.access()
    server.clock.advance(300)
    answer = await server.post("/api/v1/auth/token/renew", {"accessToken": first}, token="stale")
    assert answer.status == 200, answer
    second = answer.body["accessToken"]
    assert answer.body == {
        "accessToken": second, "expiresIn": 600, "accessTokenMaxTTL": 1800, "tokenType": "Bearer",
    }  # fmt: skip
    assert claims_of(first)["jti"] == claims_of(second)["jti"] and first != second
    assert (await lookup(server, first)).status == (await lookup(server, second)).status == 200
    server.clock.advance(301)  # the first JWT's own end
    assert (await lookup(server, first)).status == 403
    stale = await server.post("/api/v1/auth/token/renew", {"accessToken": first}, token="")
    assert stale.status == 403 and stale.body["error"] == "TokenError"
    assert (await lookup(server, second)).status == 200
    ended = await server.post("/api/v1/auth/token/revoke", {"accessToken": second}, token="")
    assert ended.body == {"message": "Successfully revoked access token"}
    assert (await lookup(server, second)).status == 403
    again = await server.post("/api/v1/auth/token/renew", {"accessToken": second}, token="")
    assert again.status == 401 and again.body["error"] == "UnauthorizedError"


async def test_no_renewal_passes_the_maximum(server: TestServer) -> None:
    one = await machine(server, token_ttl=600, token_max_ttl=1000)
    token, start = await one.access(), server.clock.now()
    for _ in range(2):
        server.clock.advance(450)
        answer = await server.post("/api/v1/auth/token/renew", {"accessToken": token}, token="")
        if answer.status == 200:
            token = answer.body["accessToken"]
    assert claims_of(token)["exp"] <= start + 1000
    server.clock.advance(101)
    assert (await lookup(server, token)).status == 403


async def test_the_other_api_can_end_and_renew_it(server: TestServer) -> None:
    one = await machine(server)
    token = await one.access()
    accessor = (await lookup(server, token)).data["accessor"]
    assert (await server.post("auth/token/renew-accessor", {"accessor": accessor})).status == 200
    assert (await server.post("auth/token/revoke-accessor", {"accessor": accessor})).status == 204
    assert (await lookup(server, token)).status == 403


async def test_addresses_are_read_at_each_use(server: TestServer) -> None:
    one = await machine(server)
    token = await one.access()
    role = f"{MOUNT}{one.id}/role/{one.id}"
    assert (await server.post(role, {"role_type": "jwt", "token_bound_cidrs": "192.0.2.0/24"})).status in (200, 204)
    assert (await lookup(server, token)).status == 403
    assert (await server.post(role, {"role_type": "jwt", "token_bound_cidrs": "127.0.0.0/8"})).status in (200, 204)
    assert (await lookup(server, token)).status == 200
    assert (await server.delete(role)).status == 204
    assert (await lookup(server, token)).status == 403


async def test_a_batch_token_keeps_its_addresses_and_has_no_signed_form(server: TestServer) -> None:
    one = await machine(server, token_bound_cidrs="192.0.2.0/24")
    assert (await server.post(f"sys/{MOUNT}tune", {"token_type": "batch"})).status == 204
    answer = await one.log_in()
    assert answer.status == 200 and answer.auth["token_type"] == "batch"
    assert (await lookup(server, answer.auth["client_token"])).status == 403


async def test_a_token_of_one_s_own_choice_may_begin_like_a_jwt(server: TestServer) -> None:
    assert (await server.post("auth/token/create", {"id": "eyJchosen"})).status == 200
    assert (await lookup(server, "eyJchosen")).status == 200


async def test_uses_count_requests_but_no_renewals(server: TestServer) -> None:
    one = await machine(server, token_num_uses=2)
    token = await one.access()
    for _ in range(3):
        renewed = await server.post("/api/v1/auth/token/renew", {"accessToken": token}, token="")
        assert renewed.status == 200, renewed
    assert [(await lookup(server, token)).status for _ in range(3)] == [200, 200, 403]


async def test_anybody_can_check_the_signature(server: TestServer) -> None:
    token = await (await machine(server)).access()
    published = await server.get("/api/.well-known/jwks.json", token="")
    keys = KeySet.import_key_set(published.body)
    read = jwt.decode(token, keys, algorithms=["ES256"])
    assert read.header["typ"] == "at+jwt"
    assert read.claims["iss"] == "https://vaultlike.test/v1/identity/oidc"
    assert read.claims["authTokenType"] == "identityAccessToken"
    assert read.claims["identityAccessTokenId"] == read.claims["jti"]


async def test_a_server_started_anew_knows_them(server: TestServer) -> None:
    token = await (await machine(server)).access()
    await server.server.seal()
    assert (await server.get("/api/.well-known/jwks.json", token="")).status == 503
    await server.server.unseal(server.keys[0])
    assert (await lookup(server, token)).status == 200


def test_a_token_without_a_signed_form_is_told_so() -> None:
    from vaultlike.errors import NotBuilt

    with pytest.raises(NotBuilt):
        granted(None)
