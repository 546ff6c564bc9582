"""The privilege boundary: nobody gives away, or acts on somebody who has, more than their own."""

from __future__ import annotations

from tests.api.infisical.setting import Api, Organization, bootstrapped
from vaultlike.testing.server import TestServer


async def beyond(api: Api, method: str, path: str, body: object = None) -> None:
    """A request that must be refused because of the boundary."""
    refused = await api.refused(403, method, path, body)
    assert refused["error"] == "PermissionBoundaryError", refused
    assert refused["details"]["missingPermissions"]


async def role(organization: Organization, slug: str, *permissions: object) -> None:
    """A custom role of the organization."""
    body = {"slug": slug, "name": slug, "permissions": permissions}
    await organization.admin.good("POST", "/v1/organization/roles", body)


EVERYTHING_OF_IDENTITIES = {"subject": "identity", "action": ["read", "create", "edit", "delete"]}


async def test_a_lesser_manager_cannot_touch_or_make_an_admin(server: TestServer) -> None:
    organization = await bootstrapped(server)
    await role(organization, "manager", EVERYTHING_OF_IDENTITIES)
    own, api = await organization.identity("manager", "manager")
    other, _ = await organization.identity("web")
    admin = f"/v1/identities/{organization.admin_id}"
    await beyond(api, "POST", "/v1/identities", {"name": "x", "organizationId": organization.id, "role": "admin"})
    await beyond(api, "PATCH", admin, {"name": "mine"})
    await beyond(api, "DELETE", admin)
    await beyond(api, "PATCH", f"/v1/identities/{own}", {"role": "admin"})
    await beyond(api, "PATCH", f"/v1/identities/{other}", {"role": "member"})  # may make projects: the manager may not
    await api.good("PATCH", f"/v1/identities/{other}", {"role": "manager"})
    await api.good("DELETE", f"/v1/identities/{other}")


async def test_what_an_operator_gave_to_an_entity_counts(server: TestServer) -> None:
    organization = await bootstrapped(server)
    identity, _ = await organization.identity("web")
    await server.call("PUT", "sys/policies/acl/extra", {"policy": 'path "secret/*" { capabilities = ["read"] }'})
    await server.post(f"identity/entity/id/{identity}", {"policies": ["extra"]})
    refused = await organization.admin.refused(403, "PATCH", f"/v1/identities/{identity}", {"name": "mine"})
    assert "secret/" not in str(refused)  # what an operator gave is not told to who may not read policies
    await beyond(organization.admin, "DELETE", f"/v1/identities/{identity}")


async def test_the_rights_of_a_group_count(server: TestServer) -> None:
    organization = await bootstrapped(server)
    identity, _ = await organization.identity("web")
    await server.call("PUT", "sys/policies/acl/extra", {"policy": 'path "secret/*" { capabilities = ["read"] }'})
    await server.post("identity/group", {"name": "g", "policies": ["extra"], "member_entity_ids": [identity]})
    await beyond(organization.admin, "DELETE", f"/v1/identities/{identity}")


async def test_an_org_admin_gives_no_rights_in_projects_that_are_not_theirs(server: TestServer) -> None:
    organization = await bootstrapped(server)
    project = await organization.project()
    member, _ = await organization.member(project, "viewer")
    _, other = await organization.identity("second admin", "admin")
    await other.refused(403, "POST", f"/v2/workspace/{project}/identity-memberships/{member}", {"role": "admin"})
    await other.good("DELETE", f"/v1/identities/{member}")  # ending one gives nobody a right


async def test_members_give_no_more_than_their_own_role(server: TestServer) -> None:
    organization = await bootstrapped(server)
    project = await organization.project()
    permissions = [
        {"subject": "identity", "action": ["read", "create", "edit", "delete"]},
        {"subject": "role", "action": ["read", "create", "edit", "delete"]},
        {"subject": "secrets", "action": ["read"], "conditions": {"environment": "dev"}},
    ]
    body = {"slug": "lead", "name": "Lead", "permissions": permissions}
    await organization.admin.good("POST", f"/v1/workspace/{project}/roles", body)
    _, api = await organization.member(project, "lead", name="lead")
    admin_of_it, _ = await organization.member(project, "admin", name="boss")
    identity, _ = await organization.identity("web")
    at = f"/v2/workspace/{project}/identity-memberships"
    await beyond(api, "POST", f"{at}/{identity}", {"role": "viewer"})
    await beyond(api, "POST", f"{at}/{identity}", {"role": "admin"})
    await beyond(api, "PATCH", f"{at}/{admin_of_it}", {"roles": [{"role": "no-access"}]})
    await beyond(api, "DELETE", f"{at}/{admin_of_it}")
    wide = {"slug": "wide", "name": "Wide", "permissions": [{"subject": "secrets", "action": ["read"]}]}
    await beyond(api, "POST", f"/v1/workspace/{project}/roles", wide)
    await beyond(api, "PATCH", f"/v1/workspace/{project}/roles/lead", {"permissions": wide["permissions"]})
    await api.good("POST", f"{at}/{identity}", {"role": "lead"})
    narrow = [{"subject": "secrets", "action": ["read"], "conditions": {"environment": "dev", "secretPath": "/a"}}]
    made = await api.good("POST", f"/v1/workspace/{project}/roles", {"slug": "n", "name": "N", "permissions": narrow})
    assert made["role"]["slug"] == "n"


async def test_a_time_limit_is_no_way_around(server: TestServer) -> None:
    organization = await bootstrapped(server)
    project = await organization.project()
    body = {"slug": "lead", "name": "L", "permissions": [{"subject": "identity", "action": ["create"]}]}
    await organization.admin.good("POST", f"/v1/workspace/{project}/roles", body)
    _, api = await organization.member(project, "lead", name="lead")
    identity, _ = await organization.identity("web")
    given = {"role": "admin", "isTemporary": True, "temporaryMode": "relative", "temporaryRange": "1h"}
    past = {**given, "temporaryAccessStartTime": "2020-01-01T00:00:00Z"}
    for one in (given, past):
        await beyond(api, "POST", f"/v2/workspace/{project}/identity-memberships/{identity}", {"roles": [one]})


async def test_custom_org_roles_are_within_their_makers_rights(server: TestServer) -> None:
    organization = await bootstrapped(server)
    await role(organization, "roles", {"subject": "role", "action": ["read", "create", "edit", "delete"]})
    await role(organization, "strong", EVERYTHING_OF_IDENTITIES)
    _, api = await organization.identity("roles", "roles")
    body = {"slug": "mine", "name": "Mine", "permissions": [EVERYTHING_OF_IDENTITIES]}
    await beyond(api, "POST", "/v1/organization/roles", body)
    await beyond(api, "PATCH", "/v1/organization/roles/strong", {"permissions": []})
    await beyond(api, "DELETE", "/v1/organization/roles/strong")
    await beyond(api, "PATCH", "/v1/organization/roles/roles", {"permissions": [EVERYTHING_OF_IDENTITIES]})


async def test_only_sudo_goes_beyond(server: TestServer) -> None:
    organization = await bootstrapped(server)
    project, (identity, _) = await organization.project(), await organization.identity()
    for name, capabilities in (("managing", '"create", "update"'), ("almighty", '"create", "update", "sudo"')):
        text = f'path "organization/*" {{ capabilities = [{capabilities}] }}'
        await server.call("PUT", f"sys/policies/acl/{name}", {"policy": text})
    path, body = f"organization/projects/{project}/members/{identity}", {"role": "admin"}
    answer = await server.post(path, body, token=await server.token("managing"))
    assert answer.status == 403
    assert (await server.post(path, body, token=await server.token("almighty"))).status == 200
