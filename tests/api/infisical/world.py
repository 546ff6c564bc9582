"""A project with a folder, and callers with different rights in it, for the tests of secrets."""

from __future__ import annotations

from typing import Any

from vaultlike.testing.server import Answer, TestServer


class World:
    """A server with one project; `say` is a call of the second API."""

    def __init__(self, server: TestServer) -> None:
        self.server, self.project, self.organization = server, "", ""

    async def make(self) -> World:
        """The project `demo`."""
        made = await self.say("POST", "v2/workspace", {"projectName": "Demo", "slug": "demo"})
        assert made.status == 200, made.body
        self.project, self.organization = made.body["project"]["id"], made.body["project"]["orgId"]
        return self

    async def say(
        self, method: str, path: str, body: object = None, *, token: str | None = None, **headers: str
    ) -> Answer:
        """One request of `/api/<path>`, as root or with a token."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.server.call(method, f"/api/{path}", body, token=token, headers=named)

    def at(self, path: str = "/", environment: str = "dev", **more: object) -> dict[str, object]:
        """A body that names the project and a folder."""
        return {"workspaceId": self.project, "environment": environment, "secretPath": path, **more}

    def query(self, path: str = "/", environment: str = "dev", **more: object) -> str:
        """The same as a query."""
        return "?" + "&".join(f"{name}={value}" for name, value in self.at(path, environment, **more).items())

    async def folder(self, name: str, path: str = "/", environment: str = "dev") -> dict[str, Any]:
        """A folder, made by root."""
        body = {"workspaceId": self.project, "environment": environment, "name": name, "path": path}
        made = await self.say("POST", "v1/folders", body)
        assert made.status == 200, made.body
        found: dict[str, Any] = made.body["folder"]
        return found

    async def secret(
        self, name: str, value: str, path: str = "/", environment: str = "dev", **more: object
    ) -> dict[str, Any]:
        """A secret, made by root."""
        made = await self.say(
            "POST", f"v3/secrets/raw/{name}", self.at(path, environment, secretValue=value, **more)
        )  # fmt: skip
        assert made.status == 200, made.body
        found: dict[str, Any] = made.body["secret"]
        return found

    async def read(
        self, name: str, path: str = "/", environment: str = "dev", token: str | None = None, **more: object
    ):  # type: ignore[no-untyped-def]
        """A secret by name."""
        return await self.say("GET", f"v3/secrets/raw/{name}{self.query(path, environment, **more)}", token=token)

    async def values(
        self, path: str = "/", environment: str = "dev", token: str | None = None, **more: object
    ) -> dict[str, str]:
        """Names and values of a list."""
        listed = await self.say("GET", f"v3/secrets/raw{self.query(path, environment, **more)}", token=token)
        assert listed.status == 200, listed.body
        return {one["secretKey"]: one["secretValue"] for one in listed.body["secrets"]}

    async def vault_token(self, policy: str) -> str:
        """A plain token of `/v1` with a policy; `$` in it is the project's id."""
        name = f"p{abs(hash(policy))}"
        written = await self.server.post(
            f"sys/policies/acl/{name}", {"policy": policy.replace("$", self.project)}
        )  # fmt: skip
        assert written.status == 204, written.body
        return await self.server.token(name)

    async def member(self, role: str | None) -> str:
        """An access token of an identity that logged in, with a role in the project or (None) none."""
        made = await self.say(
            "POST", "v1/identities", {"name": role or "stranger", "organizationId": self.organization}
        )  # fmt: skip
        identity = made.body["identity"]["id"]
        method = f"v1/auth/universal-auth/identities/{identity}"
        attached = await self.say("POST", method, {})
        secret = await self.say("POST", f"{method}/client-secrets", {})
        if role is not None:
            joined = await self.say(
                "POST", f"v2/workspace/{self.project}/identity-memberships/{identity}", {"role": role}
            )  # fmt: skip
            assert joined.status == 200, joined.body
        body = {
            "clientId": attached.body["identityUniversalAuth"]["clientId"],
            "clientSecret": secret.body["clientSecret"],
        }
        granted = await self.say("POST", "v1/auth/universal-auth/login", body, token="")
        assert granted.status == 200, granted.body
        token: str = granted.body["accessToken"]
        return token
