"""What the tests of this folder begin with: an organization with its admin, identities with tokens, projects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vaultlike.testing.server import Answer, TestServer
from vaultlike.tokens.store import NewToken


class Api:
    """The second API with one token."""

    def __init__(self, server: TestServer, token: str = "") -> None:
        self.server, self.token = server, token

    async def __call__(self, method: str, path: str, body: object = None, **facts: Any) -> Answer:
        headers: dict[str, str] = {"Content-Type": "application/json", **facts.pop("headers", {})}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        return await self.server.call(method, f"/api{path}", body, token="", headers=headers, **facts)

    async def good(self, method: str, path: str, body: object = None) -> Any:
        """The body of an answer that must be a 200."""
        answer = await self(method, path, body)
        assert answer.status == 200, (method, path, answer.status, answer.body)
        return answer.body

    async def refused(self, status: int, method: str, path: str, body: object = None) -> Mapping[str, Any]:
        """The body of an answer that must be a refusal with this status."""
        answer = await self(method, path, body)
        assert answer.status == status, (method, path, answer.status, answer.body)
        assert answer.body["statusCode"] == status and answer.body["reqId"].startswith("req-")
        found: Mapping[str, Any] = answer.body
        return found


class Organization:
    """An organization with its admin; every identity is an Api with a token of its own and an `id`."""

    def __init__(self, server: TestServer, made: Mapping[str, Any]) -> None:
        self.server = server
        self.id: str = made["organization"]["id"]
        self.admin = Api(server, made["identity"]["credentials"]["token"])
        self.admin_id: str = made["identity"]["id"]

    async def identity(self, name: str = "web", role: str = "no-access", **facts: object) -> tuple[str, Api]:
        """A new identity: its id, and the API with a token of it."""
        body = {"name": name, "organizationId": self.id, "role": role, **facts}
        made = (await self.admin.good("POST", "/v1/identities", body))["identity"]
        return made["id"], Api(self.server, await token_of(self.server, made["id"]))

    async def project(self, name: str = "Shop") -> str:
        """A new project of the admin's: its id."""
        made = await self.admin.good("POST", "/v2/workspace", {"projectName": name})
        found: str = made["project"]["id"]
        return found

    async def member(self, project: str, *roles: object, name: str = "web", **facts: object) -> tuple[str, Api]:
        """A new identity in a project."""
        identity, api = await self.identity(name, **facts)  # type: ignore[arg-type]
        given = [{"role": one} if isinstance(one, str) else one for one in roles]
        await self.admin.good("POST", f"/v2/workspace/{project}/identity-memberships/{identity}", {"roles": given})
        return identity, api


async def bootstrapped(server: TestServer, name: str = "Acme") -> Organization:
    """An organization as the first call makes it."""
    body = {"email": "ops@acme.test", "password": "not kept", "organization": name}
    return Organization(server, await Api(server).good("POST", "/v1/admin/bootstrap", body))


async def token_of(server: TestServer, identity: str) -> str:
    """A token that stands for an identity, as a login would make it."""
    core = server.server.core
    assert core is not None
    mount = core.router.at("auth/token/")
    assert mount is not None
    new = NewToken(
        path="auth/token/create", policies=("default",), display_name="test", ttl=86_400, mount=mount.entry.accessor,
        entity=identity, renewable=True,
    )  # fmt: skip
    return (await core.tokens.mint(new)).text


def temporary(role: str, span: str = "1h", start: str | None = None) -> dict[str, object]:
    """A role that ends, as it is given."""
    found: dict[str, object] = {
        "role": role, "isTemporary": True, "temporaryMode": "relative", "temporaryRange": span,
    }  # fmt: skip
    return found if start is None else {**found, "temporaryAccessStartTime": start}
