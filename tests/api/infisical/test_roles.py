"""Roles of organizations and projects: the built-in ones are fixed, custom ones change for all who hold them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.infisical.setting import bootstrapped
from vaultlike.testing.server import TestServer

READ_DEV = {"subject": "secrets", "action": ["read"], "conditions": {"environment": {"$eq": "dev"}}}
READ_ALL = {"subject": "secrets", "action": ["read"]}


def role(slug: str, *permissions: object, **more: object) -> dict[str, object]:
    return {"slug": slug, "name": slug.title(), "permissions": permissions, **more}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"slug": "x"},
        {"slug": "Not A Slug", "name": "x", "permissions": []},
        {"slug": "x" * 65, "name": "x", "permissions": []},
        {"slug": "x", "name": "x", "permissions": "all"},
        {"slug": "x", "name": "x", "permissions": ["all"]},
    ],
)
async def test_bad_shapes(server: TestServer, body: dict[str, object]) -> None:
    organization = await bootstrapped(server)
    project = await organization.project()
    await organization.admin.refused(422, "POST", "/v1/organization/roles", body)
    await organization.admin.refused(422, "POST", f"/v2/workspace/{project}/roles", body)


async def test_built_in_roles_are_fixed(server: TestServer) -> None:
    organization = await bootstrapped(server)
    project = await organization.project()
    for at, slugs in (
        ("/v1/organization/roles", ["admin", "member", "no-access"]),
        (f"/v1/workspace/{project}/roles", ["admin", "member", "viewer", "no-access"]),
    ):
        assert [one["slug"] for one in (await organization.admin.good("GET", at))["roles"]] == slugs
        for slug in slugs:
            await organization.admin.refused(400, "POST", at, role(slug))
            await organization.admin.refused(400, "PATCH", f"{at}/{slug}", {"name": "mine"})
            await organization.admin.refused(400, "DELETE", f"{at}/{slug}")
            assert (await organization.admin.good("GET", f"{at}/slug/{slug}"))["role"]["slug"] == slug


async def test_what_no_policy_can_say_is_refused_with_the_reason(server: TestServer) -> None:
    organization = await bootstrapped(server)
    project = await organization.project()
    for permission, word in (
        ({**READ_ALL, "conditions": {"secretPath": {"$glob": "/a/*/c"}}}, "secretPath"),
        ({**READ_ALL, "conditions": {"secretTags": {"$in": ["x"]}}}, "secretTags"),
        ({"subject": "ssh-hosts", "action": ["read"]}, "ssh-hosts"),
    ):
        refused = await organization.admin.refused(400, "POST", f"/v1/workspace/{project}/roles", role("x", permission))
        assert word in refused["message"]
    assert len((await organization.admin.good("GET", f"/v1/workspace/{project}/roles"))["roles"]) == 4


@pytest.mark.parametrize("place", ["/v1/workspace", "/v2/workspace", "/v1/projects"])
async def test_the_life_of_a_project_role(server: TestServer, place: str) -> None:
    organization = await bootstrapped(server)
    project, api = await organization.project(), organization.admin
    at = f"{place}/{project}/roles"
    made = (await api.good("POST", at, role("reader", READ_DEV, description="reads")))["role"]
    assert made["permissions"] == [READ_DEV] and made["projectId"] == project and made["description"] == "reads"
    await api.refused(400, "POST", at, role("reader"))
    slug = (await api.good("GET", f"/v1/workspace/{project}"))["workspace"]["slug"]
    assert (await api.good("GET", f"{place}/{slug}/roles/slug/reader"))["role"] == made
    assert (await api.good("GET", f"{at}/slug/reader"))["role"] == made
    changed = (await api.good("PATCH", f"{at}/{made['id']}", {"name": "Reads", "permissions": [READ_ALL]}))["role"]
    assert changed["permissions"] == [READ_ALL] and changed["slug"] == "reader"
    await api.refused(400, "PATCH", f"{at}/{made['id']}", {"slug": "other"})
    await api.good("DELETE", f"{at}/{made['id']}")
    await api.refused(404, "GET", f"{at}/slug/reader")
    await api.refused(404, "DELETE", f"{at}/{made['id']}")


async def test_a_changed_role_changes_all_who_hold_it_at_the_next_request(server: TestServer) -> None:
    organization = await bootstrapped(server)
    project, api = await organization.project(), organization.admin
    made = (await api.good("POST", f"/v1/workspace/{project}/roles", role("reader", READ_DEV)))["role"]
    holders = [await organization.member(project, "reader"), await organization.member(project, "reader", "no-access")]
    path = f"organization-secrets/data/{project}/prod/KEY"
    await server.post(path, {"data": {"value": "x"}})

    async def statuses(at: TestServer) -> list[int]:
        return [(await at.get(path, token=one.token)).status for _, one in holders]

    async with TestServer(clock=server.clock, path=server.path) as other:
        await other.server.unseal(server.keys[0])
        assert await statuses(other) == [403, 403]
        await api.good("PATCH", f"/v1/workspace/{project}/roles/{made['id']}", {"permissions": [READ_ALL]})
        assert await statuses(other) == await statuses(server) == [200, 200]
        await api.good("PATCH", f"/v1/workspace/{project}/roles/{made['id']}", {"permissions": []})
        assert await statuses(other) == await statuses(server) == [403, 403]


async def test_a_role_that_somebody_holds_is_not_deleted(server: TestServer) -> None:
    organization = await bootstrapped(server)
    project, api = await organization.project(), organization.admin
    await api.good("POST", f"/v1/workspace/{project}/roles", role("reader", READ_DEV))
    identity, _ = await organization.member(project, "viewer", "reader")
    await api.refused(400, "DELETE", f"/v1/workspace/{project}/roles/reader")
    await api.good("DELETE", f"/v2/workspace/{project}/identity-memberships/{identity}")
    await api.good("DELETE", f"/v1/workspace/{project}/roles/reader")
    await api.good("POST", "/v1/organization/roles", role("makers", {"subject": "workspace", "action": ["create"]}))
    maker, _ = await organization.identity("maker", "makers")
    await api.refused(400, "DELETE", "/v1/organization/roles/makers")
    await api.good("PATCH", f"/v1/identities/{maker}", {"role": "no-access"})
    await api.good("DELETE", "/v1/organization/roles/makers")


async def test_the_life_of_an_organization_role(server: TestServer) -> None:
    organization = await bootstrapped(server)
    api, at = organization.admin, f"/v1/organization/{organization.id}/roles"
    permission = {"subject": "workspace", "action": ["create"]}
    made: Any = (await api.good("POST", at, role("makers", permission)))["role"]
    assert made["orgId"] == organization.id and made["permissions"] == [permission]
    identity, maker = await organization.identity("maker", "makers")
    found = (await api.good("GET", f"/v1/identities/{identity}"))["identity"]
    assert (found["role"], found["roleId"], found["customRole"]["slug"]) == ("custom", made["id"], "makers")
    await maker.good("POST", "/v2/workspace", {"projectName": "mine"})
    await maker.refused(403, "GET", "/v1/organization")
    change = {"permissions": [{"subject": "settings", "action": ["read"]}]}
    await api.good("PATCH", f"{at}/{made['id']}", change)
    await maker.refused(403, "POST", "/v2/workspace", {"projectName": "more"})
    await maker.good("GET", "/v1/organization")
    assert [one["slug"] for one in (await api.good("GET", at))["data"]["roles"]][-1] == "makers"
    assert (await api.good("GET", "/v1/organization/roles/slug/makers"))["role"]["id"] == made["id"]


async def test_the_organization_has_a_name(server: TestServer) -> None:
    organization = await bootstrapped(server)
    _, member = await organization.identity("member", "member")
    at = f"/v1/organization/{organization.id}"
    await member.refused(403, "PATCH", at, {"name": "Mine"})
    await organization.admin.refused(422, "PATCH", at, {"name": ""})
    await organization.admin.refused(400, "PATCH", at, {"slug": "Not A Slug"})
    changed = await organization.admin.good("PATCH", at, {"name": "Zenith", "slug": "zenith"})
    assert changed["organization"]["id"] == organization.id
    found = (await member.good("GET", at))["organization"]
    assert (found["name"], found["slug"]) == ("Zenith", "zenith")
    assert (await member.good("GET", "/v1/organization"))["organizations"] == [found]
