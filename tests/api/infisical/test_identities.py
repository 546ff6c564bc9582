"""Machine identities: made, read, changed and deleted by either API; gone is gone at the next request."""

from __future__ import annotations

import pytest

from tests.api.infisical.setting import Api, Organization, bootstrapped, token_of
from vaultlike.testing.server import TestServer

UNKNOWN = "11111111-2222-4333-8444-555555555555"


async def test_nobody_gets_in_without_a_token_or_a_right(server: TestServer) -> None:
    organization = await bootstrapped(server)
    identity, api = await organization.identity()
    listing = f"/v1/identities?orgId={organization.id}"
    await Api(server).refused(401, "GET", listing)
    await Api(server, "hvs.nobody").refused(401, "GET", listing)
    for method, path, body in (
        ("GET", listing, None),
        ("POST", "/v1/identities", {"name": "x", "organizationId": organization.id}),
        ("POST", "/v1/identities/search", {}),
        ("GET", f"/v1/identities/{identity}", None),
        ("PATCH", f"/v1/identities/{identity}", {"name": "y"}),
        ("DELETE", f"/v1/identities/{identity}", None),
        ("GET", f"/v1/identities/{identity}/identity-memberships", None),
        ("GET", "/v1/organization", None),
        ("GET", "/v1/organization/roles", None),
        ("POST", "/v2/workspace", {"projectName": "x"}),
    ):
        assert (await api.refused(403, method, path, body))["error"] == "PermissionDenied"


async def test_another_organization_is_refused(server: TestServer) -> None:
    organization = await bootstrapped(server)
    refused = await organization.admin.refused(403, "GET", f"/v1/identities?orgId={UNKNOWN}")
    assert refused["error"] == "ForbiddenError"
    await organization.admin.refused(403, "POST", "/v1/identities", {"name": "x", "organizationId": UNKNOWN})
    await organization.admin.refused(403, "GET", f"/v1/organization/{UNKNOWN}")


async def test_unknown_ids(server: TestServer) -> None:
    organization = await bootstrapped(server)
    for method in ("GET", "PATCH", "DELETE"):
        body = {"name": "x"} if method == "PATCH" else None
        await organization.admin.refused(404, method, f"/v1/identities/{UNKNOWN}", body)
    await organization.admin.refused(404, "GET", f"/v1/identities/{UNKNOWN}/identity-memberships")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": "x"},
        {"name": 7, "organizationId": "x"},
        {"name": "", "organizationId": "x"},
        {"name": "x" * 256, "organizationId": "x"},
        {"name": "x", "organizationId": "x", "role": ""},
        {"name": "x", "organizationId": "x", "hasDeleteProtection": "maybe"},
        {"name": "x", "organizationId": "x", "metadata": {"a": "b"}},
        {"name": "x", "organizationId": "x", "metadata": [{"key": "a"}]},
        {"name": "x", "organizationId": "x", "metadata": [{"key": "", "value": "b"}]},
    ],
)
async def test_bad_shapes(server: TestServer, body: dict[str, object]) -> None:
    organization = await bootstrapped(server)
    refused = await organization.admin.refused(422, "POST", "/v1/identities", body)
    assert refused["error"] == "ValidationFailure" and refused["message"]


async def test_metadata_within_limits(server: TestServer) -> None:
    organization = await bootstrapped(server)
    for metadata in (
        [{"key": "a", "value": "b"}, {"key": "a", "value": "c"}],
        [{"key": "a", "value": "b" * 600}],
        [{"key": f"k{number}", "value": "b"} for number in range(65)],
    ):
        body = {"name": "x", "organizationId": organization.id, "metadata": metadata}
        await organization.admin.refused(400, "POST", "/v1/identities", body)


async def test_an_unknown_role_makes_nobody(server: TestServer) -> None:
    organization = await bootstrapped(server)
    body = {"name": "x", "organizationId": organization.id, "role": "nothing-such"}
    await organization.admin.refused(404, "POST", "/v1/identities", body)
    assert (await organization.admin.good("GET", f"/v1/identities?orgId={organization.id}"))["totalCount"] == 1


async def test_a_life(server: TestServer) -> None:
    organization = await bootstrapped(server)
    api = organization.admin
    body = {
        "name": " web ", "organizationId": organization.id, "role": "member",
        "metadata": [{"key": "team", "value": "shop"}],
    }  # fmt: skip
    made = (await api.good("POST", "/v1/identities", body))["identity"]
    assert made["name"] == "web" and made["authMethods"] == [] and made["createdAt"].endswith("Z")
    assert [(one["key"], one["value"]) for one in made["metadata"]] == [("team", "shop")]
    found = (await api.good("GET", f"/v1/identities/{made['id']}"))["identity"]
    assert (found["role"], found["orgId"], found["identityId"]) == ("member", organization.id, made["id"])
    assert found["identity"]["name"] == "web" and found["id"] != made["id"]
    change = {"name": "shop", "role": "no-access", "metadata": []}
    changed = (await api.good("PATCH", f"/v1/identities/{made['id']}", change))["identity"]
    assert changed["name"] == "shop" and changed["metadata"] == []
    assert (await api.good("GET", f"/v1/identities/{made['id']}"))["identity"]["role"] == "no-access"
    entity = (await server.get(f"identity/entity/id/{made['id']}")).data
    assert entity["policies"] == [] and entity["metadata"] == {}
    await api.good("DELETE", f"/v1/identities/{made['id']}")
    await api.refused(404, "GET", f"/v1/identities/{made['id']}")
    assert (await server.get(f"identity/entity/id/{made['id']}")).status == 404


async def test_a_patch_leaves_alone_what_it_does_not_name(server: TestServer) -> None:
    organization = await bootstrapped(server)
    identity, _ = await organization.identity("web", "member", metadata=[{"key": "a", "value": "b"}])
    await organization.admin.good("PATCH", f"/v1/identities/{identity}", {"hasDeleteProtection": True})
    found = (await organization.admin.good("GET", f"/v1/identities/{identity}"))["identity"]
    assert found["role"] == "member" and found["metadata"][0]["key"] == "a" and found["identity"]["name"] == "web"


async def test_delete_protection(server: TestServer) -> None:
    organization = await bootstrapped(server)
    identity, api = await organization.identity(hasDeleteProtection=True)
    await organization.admin.refused(400, "DELETE", f"/v1/identities/{identity}")
    await api.good("GET", "/v1/identities/details")
    await organization.admin.good("PATCH", f"/v1/identities/{identity}", {"hasDeleteProtection": False})
    await organization.admin.good("DELETE", f"/v1/identities/{identity}")


async def test_tokens_end_with_their_identity_on_every_process(server: TestServer) -> None:
    organization = await bootstrapped(server)
    project = await organization.project()
    identity, api = await organization.member(project, "viewer")
    async with TestServer(clock=server.clock, path=server.path) as other:
        await other.server.unseal(server.keys[0])
        token = api.token
        assert (await other.get("auth/token/lookup-self", token=token)).status == 200
        await organization.admin.good("DELETE", f"/v1/identities/{identity}")
        assert (await other.get("auth/token/lookup-self", token=token)).status == 403
    await api.refused(401, "GET", "/v1/identities/details")
    listed = await organization.admin.good("GET", f"/v2/workspace/{project}/identity-memberships")
    assert [one["identityId"] for one in listed["identityMemberships"]] == [organization.admin_id]


async def test_details_tell_an_identity_where_it_is_and_a_stranger_nothing(server: TestServer) -> None:
    organization = await bootstrapped(server)
    _, api = await organization.identity()
    found = (await api.good("GET", "/v1/identities/details"))["identityDetails"]["organization"]
    assert found["id"] == organization.id and found["name"] == "Acme" and found["slug"]
    await Api(server, await server.token("default")).refused(403, "GET", "/v1/identities/details")


async def test_names_need_not_be_unique_and_choose_no_entity_name(server: TestServer) -> None:
    organization = await bootstrapped(server)
    await server.post("identity/entity", {"name": "web"})
    first, _ = await organization.identity("web")
    second, _ = await organization.identity("web")
    names = {(await server.get(f"identity/entity/id/{one}")).data["name"] for one in (first, second)}
    assert len(names) == 2 and "web" not in names and all(name.startswith("web-") for name in names)


async def test_what_an_operator_adds_to_the_entity_stays(server: TestServer) -> None:
    organization = await bootstrapped(server)
    identity, api = await organization.identity("web", "member")
    await server.call("PUT", "sys/policies/acl/extra", {"policy": 'path "secret/x" { capabilities = ["read"] }'})
    await server.post(f"identity/entity/id/{identity}", {"policies": ["extra", "organization-role-member"]})
    await Api(server, server.root_token).good("PATCH", f"/v1/identities/{identity}", {"role": "no-access"})
    assert (await server.get(f"identity/entity/id/{identity}")).data["policies"] == ["extra"]
    await api.refused(403, "GET", "/v1/organization")


async def test_a_disabled_entity_is_out_at_both_apis(server: TestServer) -> None:
    organization = await bootstrapped(server)
    identity, api = await organization.identity("web", "member")
    await server.post(f"identity/entity/id/{identity}", {"disabled": True})
    await api.refused(401, "GET", "/v1/identities/details")
    assert (await server.get("auth/token/lookup-self", token=api.token)).status == 403


async def test_an_entity_that_an_operator_deleted_can_be_deleted_here_too(server: TestServer) -> None:
    organization = await bootstrapped(server)
    identity, _ = await organization.identity()
    await server.delete(f"identity/entity/id/{identity}")
    await organization.admin.refused(404, "PATCH", f"/v1/identities/{identity}", {"role": "member"})
    await organization.admin.good("DELETE", f"/v1/identities/{identity}")


async def test_memberships_of_an_identity(server: TestServer) -> None:
    organization: Organization = await bootstrapped(server)
    first, second = await organization.project("One"), await organization.project("Two")
    identity, _ = await organization.member(first, "viewer")
    path = f"/v2/workspace/{second}/identity-memberships/{identity}"
    await organization.admin.good("POST", path, {"role": "member"})
    found = await organization.admin.good("GET", f"/v1/identities/{identity}/identity-memberships")
    shown = {one["project"]["name"]: one["roles"][0]["role"] for one in found["identityMemberships"]}
    assert shown == {"One": "viewer", "Two": "member"}


async def test_a_token_that_was_made_before_a_role_holds_it_at_once(server: TestServer) -> None:
    organization = await bootstrapped(server)
    identity, api = await organization.identity()
    await api.refused(403, "GET", "/v1/organization")
    await organization.admin.good("PATCH", f"/v1/identities/{identity}", {"role": "member"})
    await api.good("GET", "/v1/organization")
    assert await token_of(server, identity) != api.token
