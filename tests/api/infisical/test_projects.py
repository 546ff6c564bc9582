"""Projects and environments: found by id and slug, changed, and deleted with everything in them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.infisical.setting import Api, bootstrapped
from vaultlike.testing.server import TestServer

UNKNOWN = "11111111-2222-4333-8444-555555555555"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"projectName": ""},
        {"projectName": 7},
        {"projectName": "x", "slug": "Not A Slug"},
        {"projectName": "x", "slug": "-x"},
        {"projectName": "x", "slug": "x" * 65},
        {"projectName": "x", "shouldCreateDefaultEnvs": 7},
    ],
)
async def test_bad_shapes(server: TestServer, body: dict[str, object]) -> None:
    organization = await bootstrapped(server)
    await organization.admin.refused(422, "POST", "/v2/workspace", body)


async def test_other_kinds_of_projects_are_refused(server: TestServer) -> None:
    organization = await bootstrapped(server)
    body = {"projectName": "x", "type": "cert-manager"}
    assert "secret-manager" in (await organization.admin.refused(400, "POST", "/v1/projects", body))["message"]


async def test_what_is_not_there_is_not_found_by_an_admin_and_forbidden_to_others(server: TestServer) -> None:
    organization = await bootstrapped(server)
    _, api = await organization.identity(role="member")
    for path in (
        f"/v1/workspace/{UNKNOWN}",
        f"/v1/projects/{UNKNOWN}",
        "/v1/projects/slug/nothing",
        "/v2/workspace/no",
    ):
        await organization.admin.refused(404, "GET", path)
        await api.refused(403, "GET", path)
    for part in ("environments/dev", "roles/slug/viewer", f"identity-memberships/{UNKNOWN}"):
        await organization.admin.refused(404, "GET", f"/v1/projects/{UNKNOWN}/{part}")
        await api.refused(403, "GET", f"/v1/projects/{UNKNOWN}/{part}")


async def test_a_life(server: TestServer) -> None:
    organization = await bootstrapped(server)
    api = organization.admin
    made = (await api.good("POST", "/v2/workspace", {"projectName": " Web Shop ", "projectDescription": "sells"}))[
        "project"
    ]
    assert made["name"] == "Web Shop" and made["slug"].startswith("web-shop-") and made["id"] == made["_id"]
    assert [one["slug"] for one in made["environments"]] == ["dev", "staging", "prod"]
    assert made["orgId"] == organization.id and made["description"] == "sells"
    assert (await api.good("GET", f"/v1/workspace/{made['id']}"))["workspace"] == made
    assert (await api.good("GET", f"/v1/projects/{made['id']}"))["project"] == made
    assert await api.good("GET", f"/v1/projects/slug/{made['slug']}") == made
    assert await api.good("GET", f"/v2/workspace/{made['slug']}") == made
    assert (await api.good("GET", "/v1/workspace"))["workspaces"] == [made]
    assert (await api.good("GET", "/v1/projects"))["projects"] == [made]
    assert (await api.good("GET", f"/v2/organizations/{organization.id}/workspaces"))["workspaces"] == [made]
    changed = await api.good("PATCH", f"/v2/workspace/{made['slug']}", {"name": "Shop", "slug": "shop"})
    assert changed["name"] == "Shop" and changed["description"] == "sells"
    await api.refused(404, "GET", f"/v2/workspace/{made['slug']}")
    assert (await api.good("GET", "/v2/workspace/shop"))["id"] == made["id"]
    await api.good("DELETE", f"/v1/workspace/{made['id']}")
    await api.refused(404, "GET", "/v2/workspace/shop")
    await api.good("POST", "/v1/projects", {"projectName": "again", "slug": "shop"})


async def test_slugs_are_unique(server: TestServer) -> None:
    organization = await bootstrapped(server)
    body = {"projectName": "One", "slug": "shop"}
    await organization.admin.good("POST", "/v2/workspace", body)
    await organization.admin.refused(400, "POST", "/v2/workspace", body)
    other = await organization.project("Two")
    await organization.admin.refused(400, "PATCH", f"/v1/workspace/{other}", {"slug": "shop"})
    await organization.admin.good("PATCH", f"/v1/workspace/{other}", {"slug": "shop-two"})


async def test_delete_protection(server: TestServer) -> None:
    organization = await bootstrapped(server)
    project = await organization.project()
    await organization.admin.good("PATCH", f"/v1/projects/{project}", {"hasDeleteProtection": True})
    await organization.admin.refused(400, "DELETE", f"/v1/workspace/{project}")
    await organization.admin.good("PATCH", f"/v1/projects/{project}", {"hasDeleteProtection": False})
    await organization.admin.good("DELETE", f"/v1/workspace/{project}")


async def test_who_may_read_what_is_listed(server: TestServer) -> None:
    organization = await bootstrapped(server)
    first, second = await organization.project("One"), await organization.project("Two")
    _, api = await organization.member(first, "viewer")
    assert [one["id"] for one in (await api.good("GET", "/v1/workspace"))["workspaces"]] == [first]
    _, nobody = await organization.identity()
    await nobody.refused(403, "GET", "/v1/workspace")
    whole = (await Api(server, server.root_token).good("GET", "/v1/workspace"))["workspaces"]
    assert {one["id"] for one in whole} == {first, second}


async def test_viewers_and_members_change_no_project(server: TestServer) -> None:
    organization = await bootstrapped(server)
    project = await organization.project()
    for role in ("viewer", "member"):
        _, api = await organization.member(project, role)
        await api.good("GET", f"/v1/workspace/{project}")
        await api.good("GET", f"/v1/workspace/{project}/environments")
        await api.refused(403, "PATCH", f"/v1/workspace/{project}", {"name": "mine"})
        await api.refused(403, "DELETE", f"/v1/workspace/{project}")
        await api.refused(403, "POST", f"/v1/workspace/{project}/environments", {"name": "x", "slug": "x"})


async def test_a_deleted_project_leaves_nothing(server: TestServer) -> None:
    organization = await bootstrapped(server)
    project, api = await organization.project(), organization.admin
    identity, viewer = await organization.member(project, "viewer", "member")
    for path in ("dev/KEY", "dev/a/b/KEY", "prod/KEY"):
        for value in ("one", "two"):
            await server.post(f"organization-secrets/data/{project}/{path}", {"data": {"value": value}})
    await api.good("DELETE", f"/v1/workspace/{project}")
    assert (await server.list(f"organization-secrets/metadata/{project}")).status == 404
    assert (await server.get(f"organization-secrets/data/{project}/dev/KEY")).status == 404
    assert (await server.get(f"identity/entity/id/{identity}")).data["policies"] == []
    await viewer.refused(403, "GET", f"/v1/workspace/{project}")
    names = (await server.list("sys/policies/acl")).data["keys"]
    assert not [name for name in names if project in name]
    assert (await api.good("GET", f"/v1/identities/{identity}/identity-memberships"))["identityMemberships"] == []


# Environments


async def environments(api: Api, project: str) -> list[Any]:
    found: list[Any] = (await api.good("GET", f"/v1/workspace/{project}/environments"))["environments"]
    return found


async def test_environments_in_their_order(server: TestServer) -> None:
    organization = await bootstrapped(server)
    project, api = await organization.project(), organization.admin
    at = f"/v1/projects/{project}/environments"
    made = await api.good("POST", at, {"name": "Tests", "slug": "test", "position": 2})
    assert made["environment"]["position"] == 2 and made["workspace"] == made["projectId"] == project
    assert [one["slug"] for one in await environments(api, project)] == ["dev", "test", "staging", "prod"]
    moved = await api.good("PATCH", f"{at}/{made['environment']['id']}", {"position": 9, "name": "Testing"})
    assert moved["environment"]["position"] == 4 and moved["environment"]["name"] == "Testing"
    assert (await api.good("GET", f"{at}/test"))["environment"] == moved["environment"]
    alone = f"/v1/workspace/environments/{made['environment']['id']}"
    assert (await api.good("GET", alone))["environment"] == moved["environment"]
    _, stranger = await organization.member(await organization.project("Other"), "admin")
    await stranger.refused(404, "GET", alone)
    await api.good("DELETE", f"{at}/{made['environment']['id']}")
    assert [one["slug"] for one in await environments(api, project)] == ["dev", "staging", "prod"]


async def test_environments_that_are_refused(server: TestServer) -> None:
    organization = await bootstrapped(server)
    project, api = await organization.project(), organization.admin
    at = f"/v1/workspace/{project}/environments"
    await api.refused(400, "POST", at, {"name": "Again", "slug": "dev"})
    await api.refused(422, "POST", at, {"name": "x", "slug": "../x"})
    await api.refused(422, "POST", at, {"slug": "x"})
    await api.refused(404, "GET", f"{at}/nothing")
    await api.refused(404, "PATCH", f"{at}/nothing", {"name": "x"})
    await api.refused(404, "DELETE", f"{at}/nothing")
    assert "slug" in (await api.refused(400, "PATCH", f"{at}/dev", {"slug": "devel"}))["message"]


async def test_a_deleted_environment_takes_its_secrets_along(server: TestServer) -> None:
    organization = await bootstrapped(server)
    project, api = await organization.project(), organization.admin
    for path in ("dev/KEY", "staging/KEY"):
        await server.post(f"organization-secrets/data/{project}/{path}", {"data": {"value": "x"}})
    await api.good("DELETE", f"/v1/workspace/{project}/environments/dev")
    await api.good("POST", f"/v1/workspace/{project}/environments", {"name": "Dev", "slug": "dev"})
    assert (await server.get(f"organization-secrets/data/{project}/dev/KEY")).status == 404
    assert (await server.get(f"organization-secrets/data/{project}/staging/KEY")).status == 200


async def test_a_new_environment_counts_for_roles_that_name_patterns(server: TestServer) -> None:
    organization = await bootstrapped(server)
    project, api = await organization.project(), organization.admin
    permission = {"subject": "secrets", "action": ["read"], "conditions": {"environment": {"$glob": "team-*"}}}
    body = {"slug": "team", "name": "Team", "permissions": [permission]}
    await api.good("POST", f"/v1/workspace/{project}/roles", body)
    _, alone = await organization.member(project, "team")
    _, beside = await organization.member(project, "team", "no-access")
    path = f"organization-secrets/data/{project}/team-a/KEY"
    await server.post(path, {"data": {"value": "x"}})
    assert (await server.get(path, token=alone.token)).status == 403
    await api.good("POST", f"/v1/workspace/{project}/environments", {"name": "A", "slug": "team-a"})
    assert (await server.get(path, token=alone.token)).status == 200
    assert (await server.get(path, token=beside.token)).status == 200
