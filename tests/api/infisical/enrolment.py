"""Identities for tests, and requests of the second API in their name."""

from __future__ import annotations

from typing import Any

from tests.plugins.jwt.provider import Signer
from vaultlike.testing.server import Answer, TestServer

ISSUER = "https://issuer.test"


class Enrolled:
    """An identity of a server, made by the administrator of the test."""

    def __init__(self, server: TestServer, identity: str, method: str) -> None:
        self.server, self.id, self.method = server, identity, method
        self.signer = Signer("k1")

    @property
    def place(self) -> str:
        """Where its method is managed."""
        return f"/api/v1/auth/{self.method}/identities/{self.id}"

    async def manage(self, verb: str, body: object = None, *, token: str | None = None) -> Answer:
        """POST, PATCH, GET or DELETE of the method."""
        bearer = {"Authorization": f"Bearer {self.server.root_token if token is None else token}"}
        return await self.server.call(verb, self.place, body, token="", headers=bearer)

    async def log_in(self, jwt: str, headers: dict[str, str] | None = None, **more: object) -> Answer:
        """A login by JSON."""
        body = {"identityId": self.id, "jwt": jwt, **more}
        return await self.server.post(f"/api/v1/auth/{self.method}/login", body, token="", headers=headers or {})

    async def access(self, jwt: str) -> str:
        """An access token."""
        answer = await self.log_in(jwt)
        assert answer.status == 200, answer
        text: str = answer.body["accessToken"]
        return text

    async def works(self, token: str) -> int:
        """The status of a request with an access token."""
        return (await self.server.get("auth/token/lookup-self", token=token)).status

    def proof(self, *, kid: bool = False, drop: str = "", signer: Signer | None = None, **claims: Any) -> str:
        """A JWT of its own issuer."""
        now = self.server.clock.now()
        said = {"iss": ISSUER, "sub": "alice", "aud": "us", "iat": now, "exp": now + 300, **claims}
        said.pop(drop, None)
        return (signer or self.signer).sign(said, kid=kid)

    def static(self, **more: object) -> dict[str, object]:
        """What attaches jwt-auth with its issuer's key."""
        known = {"configurationType": "static", "publicKeys": [self.signer.pem], "boundIssuer": ISSUER}
        return {**known, "boundAudiences": "us", "boundSubject": "alice", **more}


async def enrol(server: TestServer, method: str = "jwt-auth") -> Enrolled:
    """A new identity, with nothing attached."""
    entity = await server.post("identity/entity", {})
    return Enrolled(server, entity.data["id"], method)


async def explained(server: TestServer, answer: Answer) -> dict[str, Any]:
    """The explanation of a refused login, by the request id that it shows."""
    found = await server.get(f"sys/explain/{answer.body['reqId']}")
    assert found.status == 200, found
    data: dict[str, Any] = found.data
    return data


def failed(explanation: dict[str, Any]) -> list[str]:
    """The checks that did not pass."""
    return [check["name"] for check in explanation["checks"] if not check["ok"]]
