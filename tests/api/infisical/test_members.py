"""Identities in projects: nothing without a membership; several roles; what ends or is taken away is gone at once."""

from __future__ import annotations

import asyncio

import pytest

from tests.api.infisical.setting import Api, Organization, bootstrapped, temporary
from vaultlike.sdk import rfc3339
from vaultlike.testing.server import TestServer

UNKNOWN = "11111111-2222-4333-8444-555555555555"


async def secret(server: TestServer, project: str, path: str = "dev/KEY") -> str:
    """A secret that the root token wrote: its kv path."""
    whole = f"organization-secrets/data/{project}/{path}"
    assert (await server.post(whole, {"data": {"value": "s3cret"}})).status == 200
    return whole


async def reads(server: TestServer, api: Api, path: str) -> bool:
    """Whether a token reads a secret at /v1."""
    answer = await server.get(path, token=api.token)
    assert answer.status in (200, 403)
    return answer.status == 200


async def writes(server: TestServer, api: Api, path: str) -> bool:
    """Whether a token writes a secret at /v1."""
    answer = await server.post(path, {"data": {"value": "new"}}, token=api.token)
    assert answer.status in (200, 403)
    return answer.status == 200


async def test_an_identity_without_a_membership_reads_nothing(server: TestServer) -> None:
    organization = await bootstrapped(server)
    project = await organization.project()
    path = await secret(server, project)
    for role in ("no-access", "member", "admin"):
        identity, api = await organization.identity(role=role)
        assert not await reads(server, api, path)
        await api.refused(403, "GET", f"/v3/secrets/raw/KEY?workspaceId={project}&environment=dev&secretPath=/")
        await api.refused(403, "GET", f"/v2/workspace/{project}/identity-memberships")
        await api.refused(403, "POST", f"/v2/workspace/{project}/identity-memberships/{identity}", {"role": "viewer"})
        if role != "admin":
            await api.refused(403, "GET", f"/v1/workspace/{project}")


async def test_a_membership_without_access_reads_nothing(server: TestServer) -> None:
    organization = await bootstrapped(server)
    project = await organization.project()
    path = await secret(server, project)
    _, api = await organization.member(project, "no-access")
    assert not await reads(server, api, path)
    await api.refused(403, "GET", f"/v1/workspace/{project}")


async def test_unknown_ids_and_roles(server: TestServer) -> None:
    organization = await bootstrapped(server)
    project, (identity, _) = await organization.project(), await organization.identity()
    at, api = f"/v2/workspace/{project}/identity-memberships", organization.admin
    await api.refused(404, "GET", f"{at}/{identity}")
    await api.refused(404, "PATCH", f"{at}/{identity}", {"roles": [{"role": "viewer"}]})
    await api.refused(404, "DELETE", f"{at}/{identity}")
    await api.refused(404, "POST", f"{at}/{UNKNOWN}", {"role": "viewer"})
    await api.refused(404, "POST", f"{at}/{identity}", {"role": "nothing-such"})
    await api.refused(404, "GET", f"{at}/{identity}")  # nothing was left behind
    await Api(server, server.root_token).refused(
        404, "POST", f"/v2/workspace/{UNKNOWN}/identity-memberships/{identity}", {"role": "viewer"}
    )


@pytest.mark.parametrize(
    "body",
    [
        {"role": 7},
        {"role": ""},
        {"roles": []},
        {"roles": "viewer"},
        {"roles": [{}]},
        {"roles": [{"role": "viewer", "isTemporary": "perhaps"}]},
        {"roles": [{**temporary("viewer"), "temporaryMode": "absolute"}]},
    ],
)
async def test_bad_shapes(server: TestServer, body: dict[str, object]) -> None:
    organization = await bootstrapped(server)
    project, (identity, _) = await organization.project(), await organization.identity()
    path = f"/v2/workspace/{project}/identity-memberships/{identity}"
    await organization.admin.refused(422, "POST", path, body)


@pytest.mark.parametrize(
    "role",
    [
        temporary("viewer", ""),
        temporary("viewer", "0h"),
        temporary("viewer", "-1h"),
        temporary("viewer", "soon"),
        temporary("viewer", "9" * 20 + "h"),
        temporary("viewer", "1h", "yesterday"),
        temporary("viewer", "1h", "2126-01-01T00:00:00Z"),
    ],
)
async def test_spans_that_no_policy_can_say(server: TestServer, role: dict[str, object]) -> None:
    organization = await bootstrapped(server)
    project, (identity, _) = await organization.project(), await organization.identity()
    path = f"/v2/workspace/{project}/identity-memberships/{identity}"
    await organization.admin.refused(400, "POST", path, {"roles": [role]})


async def test_twice_is_refused(server: TestServer) -> None:
    organization = await bootstrapped(server)
    project = await organization.project()
    identity, _ = await organization.member(project, "viewer")
    path = f"/v2/workspace/{project}/identity-memberships/{identity}"
    await organization.admin.refused(400, "POST", path, {"role": "admin"})
    found = await organization.admin.good("GET", path)
    assert [one["role"] for one in found["identityMembership"]["roles"]] == ["viewer"]


async def test_roles_hold_at_the_next_request_on_every_process(server: TestServer) -> None:
    organization = await bootstrapped(server)
    project = await organization.project()
    path = await secret(server, project)
    identity, api = await organization.member(project, "viewer")
    at = f"/v2/workspace/{project}/identity-memberships/{identity}"
    async with TestServer(clock=server.clock, path=server.path) as other:
        await other.server.unseal(server.keys[0])
        assert await reads(other, api, path) and not await writes(other, api, path)
        await organization.admin.good("PATCH", at, {"roles": [{"role": "member"}]})
        assert await writes(other, api, path) and await writes(server, api, path)
        await organization.admin.good("PATCH", at, {"roles": [{"role": "no-access"}]})
        assert not await reads(other, api, path) and not await reads(server, api, path)
        await organization.admin.good("PATCH", at, {"roles": [{"role": "viewer"}]})
        assert await reads(other, api, path)
        await organization.admin.good("DELETE", at)
        assert not await reads(other, api, path) and not await reads(server, api, path)
    await organization.admin.refused(404, "GET", at)
    assert (await server.get(f"identity/entity/id/{identity}")).data["policies"] == []


async def test_roles_of_one_project_are_none_in_another(server: TestServer) -> None:
    organization = await bootstrapped(server)
    first, second = await organization.project("One"), await organization.project("Two")
    path = await secret(server, second)
    _, api = await organization.member(first, "admin")
    assert not await reads(server, api, path)
    await api.refused(403, "GET", f"/v1/workspace/{second}")


async def test_a_temporary_role_ends_by_itself(server: TestServer) -> None:
    organization = await bootstrapped(server)
    project = await organization.project()
    path = await secret(server, project)
    start = rfc3339(server.clock.now())
    identity, api = await organization.member(project, "viewer", temporary("member", "30m", start))
    assert await writes(server, api, path)
    server.clock.advance(29 * 60)
    assert await writes(server, api, path)
    server.clock.advance(61)
    assert await reads(server, api, path) and not await writes(server, api, path)
    found = await organization.admin.good("GET", f"/v2/workspace/{project}/identity-memberships/{identity}")
    held = {one["role"]: one for one in found["identityMembership"]["roles"]}
    assert not held["viewer"]["isTemporary"] and held["viewer"]["temporaryAccessEndTime"] is None
    assert held["member"]["isTemporary"] and held["member"]["temporaryRange"] == "30m"
    assert held["member"]["temporaryMode"] == "relative" and held["member"]["temporaryAccessEndTime"].endswith("Z")


async def test_an_only_role_that_ends_leaves_nothing(server: TestServer) -> None:
    organization = await bootstrapped(server)
    project = await organization.project()
    path = await secret(server, project)
    _, api = await organization.member(project, temporary("admin", "1h"))
    assert await writes(server, api, path)
    server.clock.advance(3600)
    assert not await reads(server, api, path)
    await api.refused(403, "GET", f"/v1/workspace/{project}")


async def test_a_start_that_is_past_counts(server: TestServer) -> None:
    organization = await bootstrapped(server)
    project = await organization.project()
    path = await secret(server, project)
    start = rfc3339(server.clock.now() - 7200)
    _, api = await organization.member(project, temporary("admin", "1h", start))
    assert not await reads(server, api, path)


async def custom(organization: Organization, project: str, slug: str, *permissions: object) -> None:
    """A custom role of a project."""
    body = {"slug": slug, "name": slug, "permissions": permissions}
    await organization.admin.good("POST", f"/v1/workspace/{project}/roles", body)


async def test_several_roles_add_up(server: TestServer) -> None:
    organization = await bootstrapped(server)
    project = await organization.project()
    narrow = {"subject": "secrets", "action": ["edit"], "conditions": {"environment": "dev", "secretPath": "/app"}}
    await custom(organization, project, "editor", narrow)
    inner, outer = await secret(server, project, "dev/app/KEY"), await secret(server, project)
    identity, api = await organization.member(project, "viewer", "editor")
    assert await reads(server, api, inner) and await reads(server, api, outer)
    assert await writes(server, api, inner) and not await writes(server, api, outer)
    policies = (await server.get(f"identity/entity/id/{identity}")).data["policies"]
    assert policies == [f"organization-member-{project}-{identity}"]
    path = f"/v2/workspace/{project}/identity-memberships/{identity}"
    await organization.admin.good("PATCH", path, {"roles": [{"role": "editor"}]})
    assert not await reads(server, api, inner) and await writes(server, api, inner)
    policies = (await server.get(f"identity/entity/id/{identity}")).data["policies"]
    assert policies == [f"organization-project-{project}-editor"]
    assert (await server.get(f"sys/policies/acl/organization-member-{project}-{identity}")).status == 404


async def test_members_are_listed_in_pages(server: TestServer) -> None:
    organization = await bootstrapped(server)
    project = await organization.project()
    for number in range(3):
        await organization.member(project, "viewer", name=f"web {number}")
    at = f"/v1/projects/{project}/memberships/identities"
    whole = await organization.admin.good("GET", at)
    assert whole["totalCount"] == 4 and len(whole["identityMemberships"]) == 4
    pages = [await organization.admin.good("GET", f"{at}?limit=2&offset={offset}") for offset in (0, 2, 4)]
    ids = [one["id"] for page in pages for one in page["identityMemberships"]]
    assert ids == [one["id"] for one in whole["identityMemberships"]]
    assert {page["totalCount"] for page in pages} == {4}
    await organization.admin.refused(422, "GET", f"{at}?limit=0")


async def test_the_three_spellings_are_one(server: TestServer) -> None:
    organization = await bootstrapped(server)
    project, (identity, _) = await organization.project(), await organization.identity()
    paths = [
        f"/v2/workspace/{project}/identity-memberships/{identity}",
        f"/v1/projects/{project}/memberships/identities/{identity}",
        f"/v1/projects/{project}/identity-memberships/{identity}",
    ]
    for path in paths:
        await organization.admin.good("POST", path, {"role": "viewer"})
        found = [await organization.admin.good("GET", one) for one in paths]
        assert found[0] == found[1] == found[2]
        await organization.admin.good("DELETE", path)


async def test_identities_of_one_project_alone_are_not_built_and_it_says_so(server: TestServer) -> None:
    organization = await bootstrapped(server)
    at = f"/v1/projects/{await organization.project()}/identities"
    assert "/api/v1/identities" in (await organization.admin.refused(501, "POST", at, {"name": "x"}))["message"]
    await organization.admin.refused(501, "GET", at)


async def test_of_changes_that_meet_the_one_that_is_shown_is_the_one_that_holds(server: TestServer) -> None:
    organization = await bootstrapped(server)
    project = await organization.project()
    path = await secret(server, project)
    identity, api = await organization.member(project, "no-access")
    at = f"/v2/workspace/{project}/identity-memberships/{identity}"
    async with TestServer(clock=server.clock, path=server.path, settings=server.server.settings) as other:
        await other.server.unseal(server.keys[0])
        elsewhere = Api(other, organization.admin.token)
        for _ in range(3):
            changes = [
                (organization.admin if number % 2 else elsewhere)("PATCH", at, {"roles": roles})
                for number, roles in enumerate(
                    ([{"role": "viewer"}], [{"role": "no-access"}], [{"role": "viewer"}, {"role": "member"}]) * 2
                )
            ]
            answers = await asyncio.gather(*changes)
            assert {answer.status for answer in answers} == {200}
            shown = (await organization.admin.good("GET", at))["identityMembership"]["roles"]
            held = {one["role"] for one in shown}
            for one in (server, other):
                assert await reads(one, api, path) is bool(held & {"viewer", "member"})
                assert await writes(one, api, path) is ("member" in held)
