"""What a hostile tenant tries: to learn what exists, to keep what ends, to become more than they are, to use a token
more often than it may be used."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
import structlog.testing

from tests.api.infisical.conftest import ON
from tests.api.infisical.setting import Api, Organization, bootstrapped, temporary, token_of
from vaultlike.settings import Settings
from vaultlike.testing.server import TestServer

NOBODY = "11111111-2222-4333-8444-555555555555"


async def told(api: Api, method: str, path: str, body: object = None) -> tuple[int, str, str]:
    """What an answer tells: its status, the name of the error and the text."""
    answer = await api(method, path, body)
    return answer.status, answer.body["error"], str(answer.body["message"])


def asked(where: str, name: str) -> list[tuple[str, str, object]]:
    """Calls about a project (by `workspaceSlug=...` or `projectSlug`), each wrong in a way that is told to members."""
    place = {"workspaceSlug": where, "environment": "dev", "secretPath": "/"}
    folder = {"workspaceSlug": where, "environment": "dev", "path": "/"}
    query = f"workspaceSlug={where}&environment=dev"
    return [
        ("GET", f"/v3/secrets/raw/{'n' * 300}?{query}&secretPath=/", None),
        ("GET", f"/v3/secrets/raw/{name}?{query}&secretPath=/", None),
        ("POST", "/v3/secrets/raw/a:b", {**place, "secretValue": "x"}),
        ("POST", f"/v3/secrets/raw/{name}", {**place, "secretValue": "x", "tagIds": [NOBODY]}),
        ("PATCH", f"/v3/secrets/raw/{name}", {**place, "secretValue": "x", "newSecretName": "a:b"}),
        ("PATCH", f"/v3/secrets/raw/{name}", {**place, "tagIds": [NOBODY]}),
        ("DELETE", f"/v3/secrets/raw/{name}", place),
        ("POST", "/v3/secrets/batch/raw", {**place, "secrets": [{"secretKey": "a:b", "secretValue": "x"}]}),
        (
            "POST",
            "/v3/secrets/batch/raw",
            {**place, "secrets": [{"secretKey": "A", "tagIds": ["x"], "secretValue": ""}]},
        ),
        ("PATCH", "/v3/secrets/batch/raw", {**place, "secrets": [{"secretKey": "A", "tagIds": ["x"]}]}),
        ("PATCH", "/v3/secrets/batch/raw", {**place, "secrets": [{"secretKey": "A", "newSecretName": "B"}]}),
        ("PATCH", "/v3/secrets/batch/raw", {**place, "secrets": [{"secretKey": "A", "secretPath": "/../"}]}),
        ("DELETE", "/v3/secrets/batch/raw", {**place, "secrets": [{"secretKey": "n" * 300}]}),
        ("POST", "/v1/folders", {**folder, "name": "a b"}),
        ("POST", "/v1/folders", {**folder, "name": "there"}),
        ("PATCH", "/v1/folders/there", {**folder, "name": "other"}),
        ("PATCH", "/v1/folders/nowhere", {**folder, "name": "other"}),
        ("DELETE", "/v1/folders/there", folder),
        ("DELETE", "/v1/folders/nowhere", folder),
        ("GET", f"/v1/secret-imports?{query}&path=/nowhere", None),
        ("POST", "/v1/secret-imports", {**folder, "import": {"environment": "none", "path": "/"}}),
        ("GET", f"/v1/folders?{query}&path=/nowhere", None),
    ]


async def test_who_may_nothing_learns_nothing(server: TestServer) -> None:
    """A project that is there answers as one that is not, whatever else is wrong with the request."""
    organization = await bootstrapped(server)
    made = await organization.admin.good("POST", "/v2/workspace", {"projectName": "S", "slug": "hidden"})
    at = {"workspaceId": made["project"]["id"], "environment": "dev"}
    await organization.admin.good("POST", "/v1/folders", {**at, "path": "/", "name": "there"})
    await organization.admin.good("POST", "/v3/secrets/raw/KEY", {**at, "secretPath": "/", "secretValue": "x"})
    _, api = await organization.identity()
    for there, absent in zip(asked("hidden", "KEY"), asked("absent", "KEY"), strict=True):
        known, unknown = await told(api, *there), await told(api, *absent)
        assert known == unknown, there
        assert known[0] in (400, 403), there


async def test_a_folder_that_may_not_be_seen_is_as_one_that_is_not_there(server: TestServer) -> None:
    """Members with rights in one folder cannot try out the names of others."""
    organization = await bootstrapped(server)
    project = await organization.project()
    at = {"workspaceId": project, "environment": "dev", "path": "/"}
    secret = await organization.admin.good("POST", "/v1/folders", {**at, "name": "hidden"})
    _, api = await organization.member(project, "no-access")
    for method, body in (("PATCH", {**at, "name": "x"}), ("DELETE", at), ("PATCH", {**at, "description": "mine"})):
        answers = [
            await told(api, method, f"/v2/folders/{name}", body)
            for name in ("hidden", "absent", secret["folder"]["id"], NOBODY)
        ]
        assert answers[0][0] == 403 and len(set(answers)) == 1, answers


async def test_a_folder_goes_only_with_the_folders_in_it(server: TestServer) -> None:
    organization = await bootstrapped(server)
    project = await organization.project()
    permissions = [
        {"subject": "secret-folders", "action": ["read", "create", "edit", "delete"]},
        {
            "subject": "secret-folders", "action": ["edit", "delete"], "inverted": True,
            "conditions": {"environment": "dev", "secretPath": {"$glob": "/outer/**"}},
        },
    ]  # fmt: skip
    body = {"slug": "tidy", "name": "T", "permissions": permissions}
    await organization.admin.good("POST", f"/v1/workspace/{project}/roles", body)
    _, api = await organization.member(project, "tidy")
    at = {"workspaceId": project, "environment": "dev"}
    await organization.admin.good("POST", "/v1/folders", {**at, "path": "/outer", "name": "inner"})
    await api.refused(403, "DELETE", "/v1/folders/outer", {**at, "path": "/"})
    await api.refused(403, "PATCH", "/v1/folders/outer", {**at, "path": "/", "name": "mine"})
    listed = await organization.admin.good("GET", f"/v1/folders?workspaceId={project}&environment=dev&path=/outer")
    assert [one["name"] for one in listed["folders"]] == ["inner"]


async def test_a_right_in_one_folder_tells_no_names_of_the_folders_inside(server: TestServer) -> None:
    """`secretPath: /a` is that folder; what is in `/a/b` is not even listed, by either API."""
    organization = await bootstrapped(server)
    project = await organization.project()
    for path in ("dev/TOP", "dev/a/IN", "dev/a/b/DEEP"):
        assert (
            await server.post(f"organization-secrets/data/{project}/{path}", {"data": {"value": "x"}})
        ).status == 200
    where = {"environment": "dev", "secretPath": "/a"}
    roles: dict[str, list[dict[str, object]]] = {
        "one": [{"subject": "secrets", "action": ["read"], "conditions": where}],
        "names": [{"subject": "secrets", "action": ["describeSecret"], "conditions": where}],
        "without": [
            {"subject": "secrets", "action": ["read"]},
            {"subject": "secrets", "action": ["read"], "conditions": where, "inverted": True},
        ],
    }
    folders = ("", "a/", "a/b/")
    for slug, lists in (("one", (403, 200, 403)), ("names", (403, 200, 403)), ("without", (200, 403, 200))):
        body = {"slug": slug, "name": slug, "permissions": roles[slug]}
        await organization.admin.good("POST", f"/v1/workspace/{project}/roles", body)
        _, api = await organization.member(project, slug)
        for folder, status in zip(folders, lists, strict=True):
            place = f"organization-secrets/metadata/{project}/dev/{folder}"
            assert (await server.call("LIST", place, token=api.token)).status == status, (slug, folder)
            query = f"workspaceId={project}&environment=dev&secretPath=/{folder}"
            assert (await api("GET", f"/v3/secrets/raw?{query}")).status == status, (slug, folder)


# What ends


async def test_who_is_there_for_a_time_cannot_stay(server: TestServer) -> None:
    """Nobody gives, to themselves or others, what outlasts their own right."""
    organization = await bootstrapped(server)
    project = await organization.project()
    identity, api = await organization.member(project, temporary("admin", "1h"))
    other, _ = await organization.identity("other")
    members = f"/v2/workspace/{project}/identity-memberships"
    for roles in ([{"role": "admin"}], [temporary("admin", "2h")], [{"role": "viewer"}]):
        for method, whom in (("PATCH", identity), ("POST", other)):
            answer = await told(api, method, f"{members}/{whom}", {"roles": roles})
            assert answer[:2] == (403, "PermissionBoundaryError"), roles
    within = {"roles": [temporary("viewer", "30m")]}
    await api.good("POST", f"{members}/{other}", within)
    await api.good("PATCH", f"{members}/{other}", {"roles": [temporary("member", "20m")]})
    await api.good("DELETE", f"{members}/{other}")
    lasting, _ = await organization.member(project, "viewer", name="lasting")
    await api.good("DELETE", f"{members}/{lasting}")  # taking away outlasts nothing


async def test_a_right_that_ends_makes_no_role_or_token_that_does_not(server: TestServer) -> None:
    organization = await bootstrapped(server)
    project = await organization.project()
    _, api = await organization.member(project, temporary("admin", "1h"))
    read = [{"subject": "secrets", "action": ["read"]}]
    # a role alone gives nobody anything; its members do
    await api.good("POST", f"/v1/workspace/{project}/roles", {"slug": "r", "name": "R", "permissions": read})


async def test_metadata_of_an_identity_give_no_more_than_their_writer_has(server: TestServer) -> None:
    """Policies may speak of metadata: who writes them writes rights."""
    organization = await bootstrapped(server)
    text = 'path "secret/data/{{identity.entity.metadata.team}}/*" { capabilities = ["read"] }'
    await server.call("PUT", "sys/policies/acl/teams", {"policy": text})
    role = {"slug": "people", "name": "P", "permissions": [{"subject": "identity", "action": ["read", "edit"]}]}
    await organization.admin.good("POST", "/v1/organization/roles", role)
    identity, api = await organization.identity("lead", "people", metadata=[{"key": "team", "value": "a"}])
    entity = await server.get(f"identity/entity/id/{identity}")
    await server.post(f"identity/entity/id/{identity}", {"policies": [*entity.data["policies"], "teams"]})
    answer = await told(api, "PATCH", f"/v1/identities/{identity}", {"metadata": [{"key": "team", "value": "b"}]})
    assert answer[:2] == (403, "PermissionBoundaryError")
    assert (await server.get("secret/data/b/x", token=api.token)).status == 403
    shown = await organization.admin.good("GET", f"/v1/identities/{identity}")
    assert [one["value"] for one in shown["identity"]["metadata"]] == ["a"]
    same = [{"key": "team", "value": "a"}, {"key": "note", "value": "x"}]
    await api.good("PATCH", f"/v1/identities/{identity}", {"metadata": same})


# Uses


async def limited(organization: Organization, identity: str, uses: int) -> Api:
    """A token of an identity that may be used so often."""
    base = f"/v1/auth/token-auth/identities/{identity}"
    answer = await organization.admin("POST", base, {"accessTokenNumUsesLimit": uses})
    if answer.status != 200:
        await organization.admin.good("PATCH", base, {"accessTokenNumUsesLimit": uses})
    made = await organization.admin.good("POST", f"{base}/tokens", {})
    return Api(organization.server, made["accessToken"])


async def test_a_call_of_several_steps_is_one_use_and_the_last_one_will_do(server: TestServer) -> None:
    organization = await bootstrapped(server)
    made = (await organization.admin.good("POST", "/v2/workspace", {"projectName": "S", "slug": "shop"}))["project"]
    identity, _ = await organization.member(made["id"], "admin")
    environment = made["environments"][0]["id"]
    calls: list[tuple[str, str, object]] = [
        ("PATCH", "/v2/workspace/shop", {"name": "Renamed"}),
        ("GET", "/v2/workspace/shop/roles", None),
        ("GET", f"/v1/workspace/environments/{environment}", None),
    ]
    for call in calls:
        api = await limited(organization, identity, 1)
        await api.good(*call)
        await api.refused(401, *call)
        api = await limited(organization, identity, 2)
        await api.good(*call)
        assert (await server.get("auth/token/lookup-self", token=api.token)).status == 200
        assert (await server.get("auth/token/lookup-self", token=api.token)).status == 403


@pytest.mark.parametrize("uses", [1, 5])
async def test_calls_at_once_are_no_more_than_the_uses(server: TestServer, uses: int) -> None:
    organization = await bootstrapped(server)
    project = await organization.project()
    identity, _ = await organization.member(project, "admin")
    api = await limited(organization, identity, uses)

    async def one(number: int) -> int:
        if number % 3 == 0:
            return (await server.get("auth/token/lookup-self", token=api.token)).status
        if number % 3 == 1:
            return (await api("GET", f"/v1/workspace/{project}")).status
        return (await api("GET", f"/v1/workspace/environments/{NOBODY}")).status

    found = await asyncio.gather(*(one(number) for number in range(30)))
    assert sum(status in (200, 404) for status in found) == uses, found


# Costs


async def test_a_stranger_s_body_is_not_read_before_it_is_measured(server: TestServer) -> None:
    await bootstrapped(server)
    big: dict[str, Any] = {"identityId": NOBODY, "jwt": "x", "more": ["x" * 100] * 15_000}
    for path, token in (
        ("/v1/auth/oidc-auth/login", ""),
        ("/v1/auth/universal-auth/login", ""),
        ("/v1/auth/token/renew", ""),
        ("/v1/admin/bootstrap", ""),
        ("/v3/secrets/batch/raw", "eyJhbGciOiJFUzI1NiJ9.e30.x"),
        ("/v3/secrets/batch/raw", "hvs.unknown"),
    ):
        answer = await Api(server, token)("POST", path, big)
        assert answer.status == 413, (path, answer.body)


async def test_a_search_has_few_alternatives_however_they_are_nested(server: TestServer) -> None:
    organization = await bootstrapped(server)
    wanted: dict[str, Any] = {"name": {"$contains": "none"}}
    for _ in range(3):
        wanted = {"$or": [wanted] * 20}
    body = {"search": wanted}
    await organization.admin.refused(400, "POST", "/v1/identities/search", body)


async def test_a_token_of_a_new_key_is_one_on_every_process(server: TestServer) -> None:
    """The other process has followed everything until then, and knows of older keys."""
    settings = Settings(stanzas={"infisical": (ON,)}, api_addr="https://vaultlike.test")
    organization = await bootstrapped(server)
    identity, _ = await organization.identity(role="member")
    async with TestServer(path=server.path, clock=server.clock, settings=settings) as two:
        await two.server.unseal(server.keys[0])
        await Api(two, organization.admin.token).good("GET", "/v1/identities/details")
        for _ in range(2):  # the next key was published before it signs
            assert (await server.post("identity/oidc/key/organization/rotate")).status in (200, 204)
        signed = await limited(organization, identity, 0)
        await Api(two, signed.token).good("GET", "/v1/identities/details")
        await Api(two, organization.admin.token).good("GET", "/v1/identities/details")


async def test_a_secret_in_the_wrong_field_is_in_no_path_of_the_audit_log(server: TestServer, tmp_path: Path) -> None:
    log = tmp_path / "audit.log"
    await server.call("PUT", "sys/audit/file", {"type": "file", "options": {"file_path": str(log)}})
    for method in ("azure-auth", "oidc-auth", "jwt-auth"):
        body = {"identityId": "5ecre7" * 10, "jwt": "x"}
        await Api(server).refused(401, "POST", f"/v1/auth/{method}/login", body)
        await Api(server).refused(401, "POST", f"/v1/auth/{method}/login", {**body, "identityId": NOBODY})
    assert NOBODY in log.read_text() and "5ecre7" not in log.read_text()


async def test_what_is_not_built_is_no_error_of_the_server(server: TestServer) -> None:
    """Strangers cannot fill the log with errors."""
    with structlog.testing.capture_logs() as logs:
        await Api(server, "anything").refused(501, "GET", f"/v1/projects/{NOBODY}/identities")
    assert not [line for line in logs if line["log_level"] in ("error", "warning")]


async def test_an_unknown_identity_opens_nothing(server: TestServer) -> None:
    """Neither a stranger's login nor the question whether a path exists, which is asked before policies are."""
    organization = await bootstrapped(server)
    _, api = await organization.identity()
    await api("POST", "/v1/auth/jwt-auth/login", {"identityId": NOBODY, "jwt": "x"})
    for number in range(5):
        path = f"auth/organization-jwt/11111111-2222-4333-8444-55555555555{number}"
        for rest in ("role/x", "config", "login", "oidc/auth_url", "oidc/poll"):
            answer = await server.post(f"{path}/{rest}", {"role": "x", "jwt": "y"}, token=api.token)
            assert answer.status in (400, 403), answer
    core = server.server.core
    assert core is not None
    mount = core.router.at("auth/organization-jwt/")
    assert mount is not None and mount.backend is not None
    assert [one.value for one in mount.backend.gauges() if one.name == "instances.open"] == [0]


async def test_a_key_that_an_operator_made_for_something_else(server: TestServer) -> None:
    """The named key that signs access tokens can be configured by operators; nothing they say of it breaks logins."""
    await server.post("identity/oidc/key/organization", {"algorithm": "RS256"})
    organization = await bootstrapped(server)
    assert (await organization.admin("GET", "/v1/identities/details")).status == 200
    identity, _ = await organization.identity()
    assert await token_of(server, identity)
