"""The same resources at `/v1/organization`, by Vault tokens: root, or one whose policy speaks of them."""

from __future__ import annotations

import pytest_asyncio

from tests.api.infisical.setting import Api, token_of
from vaultlike.testing.server import TestServer

MANAGING = """
path "organization/*" { capabilities = ["create", "read", "update", "patch", "delete", "list"] }
path "organization-secrets/*" { capabilities = ["create", "read", "update", "patch", "delete", "list"] }
path "auth/organization-*" { capabilities = ["read", "list"] }
"""
MERGE = {"Content-Type": "application/merge-patch+json"}


@pytest_asyncio.fixture
async def manager(server: TestServer) -> str:
    """A Vault token that may manage the organization, and nothing else."""
    await Api(server, server.root_token).good("GET", "/v1/identities/details")  # the first use makes the mounts
    await server.call("PUT", "sys/policies/acl/managing", {"policy": MANAGING})
    return await server.token("managing")


async def test_without_a_policy_nothing(server: TestServer, manager: str) -> None:
    token = await server.token("default")
    for path in ("organization/config", "organization/identities/x", "organization/projects/x", "organization/roles/x"):
        assert (await server.get(path, token=token)).status == 403
    for path in ("organization/identities", "organization/projects", "organization/roles"):
        assert (await server.list(path, token=token)).status == 403
        assert (await server.post(path, {"name": "x", "projectName": "x", "slug": "x"}, token=token)).status == 403
    assert (await server.get("organization/details", token=token)).status == 403
    assert (await server.get("organization/project-slugs/x", token=token)).status == 403


async def everything(server: TestServer, token: str) -> None:
    """Identity, role, project, environment and membership, from making to deleting."""
    made = await server.post("organization/identities", {"name": "web", "role": "member"}, token=token)
    assert made.status == 200, made.body
    identity = made.data["id"]
    assert (await server.get(f"identity/entity/id/{identity}")).data["policies"] == ["organization-role-member"]
    answer = await server.post(f"organization/identities/{identity}", {"role": "no-access"}, token=token)
    assert answer.data["name"] == "web"
    body = {"slug": "makers", "permissions": [{"subject": "workspace", "action": ["create"]}]}
    assert (await server.post("organization/roles", body, token=token)).data["slug"] == "makers"
    project = (await server.post("organization/projects", {"projectName": "Shop"}, token=token)).data["id"]
    at = f"organization/projects/{project}"
    assert (await server.post(f"{at}/environments", {"name": "QA", "slug": "qa"}, token=token)).data["position"] == 4
    reader = {"slug": "reader", "permissions": [{"subject": "secrets", "action": ["read"]}]}
    assert (await server.post(f"{at}/roles", reader, token=token)).status == 200
    assert (await server.post(f"{at}/members/{identity}", {"role": "reader"}, token=token)).status == 200
    secret = f"organization-secrets/data/{project}/qa/KEY"
    await server.post(secret, {"data": {"value": "x"}}, token=token)
    own = await token_of(server, identity)
    assert (await server.get(secret, token=own)).data["data"] == {"value": "x"}
    roles = {"roles": [{"role": "no-access"}]}
    assert (await server.call("PATCH", f"{at}/members/{identity}", roles, token=token, headers=MERGE)).status == 200
    assert (await server.get(secret, token=own)).status == 403
    assert (await server.list(f"{at}/members", token=token)).data["keys"] == [identity]
    assert (await server.list("organization/projects", token=token)).data["keys"] == [project]
    for path in (f"{at}/members/{identity}", f"{at}/roles/reader", f"{at}/environments/qa", at):
        assert (await server.delete(path, token=token)).status == 200, path
    assert (await server.get(at, token=token)).status == 404
    for path in ("organization/roles/makers", f"organization/identities/{identity}"):
        assert (await server.delete(path, token=token)).status == 200, path
    assert (await server.get("auth/token/lookup-self", token=own)).status == 403


async def test_root_manages_everything(server: TestServer, manager: str) -> None:
    await everything(server, server.root_token)


async def test_so_does_a_policy(server: TestServer, manager: str) -> None:
    await everything(server, manager)


async def test_what_is_sent_wrongly_is_told(server: TestServer, manager: str) -> None:
    for path, body in (
        ("organization/identities", {}),
        ("organization/identities", {"name": "x", "metadata": "a=b"}),
        ("organization/identities", {"name": "x", "organizationId": "another"}),
        ("organization/roles", {"slug": "x", "permissions": {"subject": "identity"}}),
        ("organization/projects", {"projectName": "x", "slug": "No Slug"}),
    ):
        assert (await server.post(path, body, token=manager)).status in (400, 403), (path, body)
    answer = await server.post("organization/identities", {"name": "x", "nothing": 1}, token=manager)
    assert "nothing" in answer.body["warnings"][0]


async def test_it_is_in_the_help_and_the_description(server: TestServer, manager: str) -> None:
    document = (await server.get("sys/internal/specs/openapi")).body
    assert "/organization/identities/{id}" in document["paths"]
    assert "hasDeleteProtection" in str(document["paths"]["/organization/identities"])
