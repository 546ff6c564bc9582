"""What a token may do with secrets is the same by either API: plain tokens of `/v1`, and identities with a role."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.api.infisical.world import World
from vaultlike.testing.server import TestServer

DATA = "organization-secrets/data"
LISTS = 'path "organization-secrets/metadata/$/*" { capabilities = ["list"] }'


@pytest_asyncio.fixture
async def world(server: TestServer) -> AsyncIterator[World]:
    made = await World(server).make()
    await made.folder("api")
    for name, path, environment in (("A", "/", "dev"), ("B", "/", "dev"), ("C", "/api", "dev"), ("P", "/", "prod")):
        await made.secret(name, name.lower(), path, environment)
    yield made


def grant(path: str, *capabilities: str) -> str:
    return f'path "{DATA}/$/{path}" {{ capabilities = {json.dumps(capabilities)} }}\n'


async def v1(world: World, method: str, path: str, token: str, body: object = None) -> int:
    return (await world.server.call(method, f"{DATA}/{world.project}/{path}", body, token=token)).status


async def test_nothing_without_a_policy(world: World) -> None:
    token = await world.vault_token('path "none" { capabilities = ["read"] }')
    for method, path, body in (
        ("GET", f"v3/secrets/raw/A{world.query()}", None),
        ("GET", f"v3/secrets/raw/A{world.query(environment='moon')}", None),
        ("GET", f"v3/secrets/raw{world.query()}", None),
        ("GET", f"v3/secrets/raw{world.query(recursive='true')}", None),
        ("GET", "v3/secrets/raw/A?workspaceId=none&environment=dev", None),
        ("GET", "v3/secrets/raw/A?projectSlug=none&environment=dev", None),
        ("POST", "v3/secrets/raw/N", world.at(secretValue="v")),
        ("PATCH", "v3/secrets/raw/A", world.at(secretValue="v")),
        ("DELETE", "v3/secrets/raw/A", world.at()),
        ("POST", "v3/secrets/batch/raw", world.at(secrets=[{"secretKey": "N", "secretValue": "v"}])),
        ("PATCH", "v3/secrets/batch/raw", world.at(secrets=[{"secretKey": "A", "secretValue": "v"}])),
        ("DELETE", "v3/secrets/batch/raw", world.at(secrets=[{"secretKey": "A"}])),
        ("GET", f"v1/folders?workspaceId={world.project}&environment=dev", None),
        ("POST", "v1/folders", {**world.at(), "name": "n"}),
        ("DELETE", "v1/folders/api", world.at()),
        ("GET", f"v1/secret-imports?workspaceId={world.project}&environment=dev", None),
        ("POST", "v1/secret-imports", {**world.at(), "import": {"environment": "prod", "path": "/"}}),
        ("GET", f"v1/workspace/{world.project}/tags", None),
        ("POST", f"v1/workspace/{world.project}/tags", {"slug": "t"}),
    ):
        refused = await world.say(method, path, body, token=token)
        assert (refused.status, refused.body["error"]) == (403, "PermissionDenied"), path
    assert set(await world.values(recursive="true")) == {"A", "B", "C"}


async def test_no_token_and_a_wrong_one(world: World) -> None:
    for token, status in (("", 401), ("hvs.wrong", 401)):
        refused = await world.say("GET", f"v3/secrets/raw/A{world.query()}", token=token)
        assert (refused.status, refused.body["error"]) == (status, "UnauthorizedError")


@pytest.mark.parametrize("capability", ["create", "read", "update", "delete", "list", "patch"])
async def test_each_capability_by_either_api(world: World, capability: str) -> None:
    token = await world.vault_token(grant("dev/*", capability))
    body = {"data": {"value": "v"}}
    said = {
        "read": ((await world.read("A", token=token)).status, await v1(world, "GET", "dev/A", token)),
        "create": (
            (await world.say("POST", "v3/secrets/raw/N1", world.at(secretValue="v"), token=token)).status,
            await v1(world, "POST", "dev/N2", token, body),
        ),
        "update": (
            (await world.say("PATCH", "v3/secrets/raw/A", world.at(secretValue="v"), token=token)).status,
            await v1(world, "POST", "dev/A", token, body),
        ),
        "delete": (
            (await world.say("DELETE", "v3/secrets/raw/B", world.at(), token=token)).status,
            await v1(world, "DELETE", "dev/C", token),
        ),
    }
    for needed, (second, first) in said.items():
        allowed = needed == capability
        assert (second, first) == ((200, first) if allowed else (403, 403)), needed
        assert not allowed or first in (200, 204)
    elsewhere = await world.read("P", environment="prod", token=token)
    assert elsewhere.status == 403 and await v1(world, "GET", "prod/P", token) == 403


async def test_one_rule_for_one_secret(world: World) -> None:
    """The most specific pattern decides, for both alike."""
    token = await world.vault_token(grant("dev/*", "read") + grant("dev/B", "deny") + LISTS)
    assert (await world.read("A", token=token)).status == 200
    assert (await world.read("B", token=token)).status == 403
    assert await world.values(token=token) == {"A": "a"}
    assert await world.values(token=token, recursive="true") == {"A": "a", "C": "c"}


async def test_lists_need_the_right_to_list(world: World) -> None:
    token = await world.vault_token(grant("dev/*", "read"))
    assert (await world.say("GET", f"v3/secrets/raw{world.query()}", token=token)).status == 403
    assert (await world.say("GET", f"v3/secrets/raw{world.query(recursive='true')}", token=token)).status == 403
    token = await world.vault_token(
        grant("dev/*", "read") + 'path "organization-secrets/metadata/$/dev/api/" { capabilities = ["list"] }'
    )
    assert await world.values(token=token, recursive="true") == {"C": "c"}


async def test_parameters_that_a_policy_forbids(world: World) -> None:
    token = await world.vault_token(
        f'path "{DATA}/$/dev/*" {{ capabilities = ["create", "update"]\n denied_parameters = {{ "data" = [] }} }}'
    )
    assert await v1(world, "POST", "dev/N", token, {"data": {"value": "v"}}) == 403
    refused = await world.say("POST", "v3/secrets/raw/N", world.at(secretValue="v"), token=token)
    assert refused.status == 403


async def test_who_writes_but_may_not_read(world: World) -> None:
    token = await world.vault_token(grant("dev/*", "update", "delete"))
    changed = await world.say("PATCH", "v3/secrets/raw/A", world.at(secretComment="c"), token=token)
    assert changed.body["secret"]["secretValueHidden"] and changed.body["secret"]["secretValue"] != "a"
    gone = await world.say("DELETE", "v3/secrets/raw/B", world.at(), token=token)
    assert gone.status == 200 and gone.body["secret"]["secretValueHidden"]


async def test_renaming_needs_what_it_does(world: World) -> None:
    """To read what becomes readable elsewhere, to take away, to make."""
    rename = world.at(newSecretName="N")
    for capabilities in (("update", "delete"), ("update", "read"), ("read", "delete")):
        token = await world.vault_token(grant("dev/A", *capabilities) + grant("dev/N", "create", "read"))
        assert (await world.say("PATCH", "v3/secrets/raw/A", rename, token=token)).status == 403
    token = await world.vault_token(grant("dev/A", "update", "delete", "read"))
    assert (await world.say("PATCH", "v3/secrets/raw/A", rename, token=token)).status == 403
    token = await world.vault_token(grant("dev/A", "update", "delete", "read") + grant("dev/N", "create"))
    assert (await world.say("PATCH", "v3/secrets/raw/A", rename, token=token)).status == 200


async def test_making_over_what_was_deleted_is_an_update(world: World) -> None:
    await world.say("DELETE", "v3/secrets/raw/A", world.at())
    token = await world.vault_token(grant("dev/*", "create"))
    body = world.at(secretValue="v")
    assert (await world.say("POST", "v3/secrets/raw/A", body, token=token)).status == 403
    assert await v1(world, "POST", "dev/A", token, {"data": {"value": "v"}}) == 403
    assert (await world.say("POST", "v3/secrets/raw/B", body, token=token)).status == 400


# Identities


async def test_an_identity_without_membership_reads_nothing(world: World) -> None:
    token = await world.member(None)
    assert (await world.read("A", token=token)).status == 403
    assert (await world.say("GET", f"v3/secrets/raw{world.query()}", token=token)).status == 403
    assert await v1(world, "GET", "dev/A", token) == 403


async def test_a_viewer_reads_and_changes_nothing(world: World) -> None:
    token = await world.member("viewer")
    assert await world.values(token=token, recursive="true") == {"A": "a", "B": "b", "C": "c"}
    assert await v1(world, "GET", "dev/A", token) == 200
    folders = await world.say("GET", f"v1/folders?workspaceId={world.project}&environment=dev", token=token)
    assert [one["name"] for one in folders.body["folders"]] == ["api"]
    assert (await world.say("PATCH", "v3/secrets/raw/A", world.at(secretValue="v"), token=token)).status == 403
    assert (await world.say("POST", "v3/secrets/raw/N", world.at(secretValue="v"), token=token)).status == 403
    assert (await world.say("DELETE", "v3/secrets/raw/A", world.at(), token=token)).status == 403
    assert (await world.say("POST", "v1/folders", {**world.at(), "name": "n"}, token=token)).status == 403
    assert await v1(world, "POST", "dev/A", token, {"data": {"value": "v"}}) == 403


async def test_a_member_writes_secrets_folders_and_imports(world: World) -> None:
    token = await world.member("member")
    assert (await world.say("POST", "v3/secrets/raw/N", world.at(secretValue="v"), token=token)).status == 200
    assert await v1(world, "GET", "dev/N", token) == 200
    folder = await world.say("POST", "v2/folders", {**world.at(), "name": "new"}, token=token)
    assert folder.status == 200
    source = {"environment": "prod", "path": "/"}
    made = await world.say("POST", "v2/secret-imports", {**world.at(), "import": source}, token=token)
    assert made.status == 200, made.body
    assert (await world.read("P", token=token, include_imports="true")).body["secret"]["environment"] == "prod"
    gone = await world.say("DELETE", f"v2/secret-imports/{made.body['secretImport']['id']}", world.at(), token=token)
    assert gone.status == 200
    assert (await world.say("DELETE", "v2/folders/new", world.at(), token=token)).status == 200
    assert (await world.say("DELETE", "v3/secrets/raw/N", world.at(), token=token)).status == 200


async def test_a_revoked_token_reads_nothing_more(world: World) -> None:
    token = await world.member("viewer")
    assert (await world.read("A", token=token)).status == 200
    await world.say("POST", "v1/auth/token/revoke", {"accessToken": token}, token="")
    assert (await world.read("A", token=token)).status == 401
    assert await v1(world, "GET", "dev/A", token) == 403


# References and imports ask too


async def test_references_ask_for_each_secret(world: World) -> None:
    await world.secret("R", "see ${prod.P}")
    token = await world.vault_token(grant("dev/*", "read") + LISTS)
    refused = await world.read("R", token=token, expandSecretReferences="true")
    assert refused.status == 403
    assert refused.body["details"] == {
        "reference": "prod.P", "environment": "prod", "secretPath": "/", "secretKey": "P",
    }  # fmt: skip
    listed = await world.say("GET", f"v3/secrets/raw{world.query(expandSecretReferences='true')}", token=token)
    assert listed.status == 403
    assert (await world.read("R", token=token)).body["secret"]["secretValue"] == "see ${prod.P}"


async def test_imports_show_what_may_be_read(world: World) -> None:
    await world.secret("Q", "q", environment="prod")
    source = {"environment": "prod", "path": "/"}
    assert (await world.say("POST", "v1/secret-imports", {**world.at(), "import": source})).status == 200
    token = await world.vault_token(grant("dev/*", "read") + grant("prod/Q", "read") + LISTS)
    listed = await world.say("GET", f"v3/secrets/raw{world.query(include_imports='true')}", token=token)
    assert [one["secretKey"] for one in listed.body["imports"][0]["secrets"]] == ["Q"]
    assert (await world.read("Q", token=token, include_imports="true")).status == 200
    assert (await world.read("P", token=token, include_imports="true")).status == 404


async def test_to_import_one_must_see(world: World) -> None:
    token = await world.vault_token(
        'path "organization/projects/$/imports/*" { capabilities = ["create"] }\n'
        'path "organization-secrets/metadata/$/dev/*" { capabilities = ["list"] }'
    )
    source = {"environment": "prod", "path": "/"}
    refused = await world.say("POST", "v1/secret-imports", {**world.at(), "import": source}, token=token)
    assert refused.status == 403


# What is written down


async def test_the_audit_log_hides_values(world: World, tmp_path: Path) -> None:
    log = tmp_path / "audit.log"
    made = await world.server.call("PUT", "sys/audit/f", {"type": "file", "options": {"file_path": str(log)}})
    assert made.status == 204, made.body
    canary = "canary-5f1e"
    await world.secret("N", canary, secretComment=canary, secretMetadata=[{"key": "k", "value": canary}])
    batch = [{"secretKey": "M", "secretValue": canary, "secretComment": canary}]
    await world.say("POST", "v3/secrets/batch/raw", world.at(secrets=batch))
    await world.read("N")
    await world.say("GET", f"v3/secrets/raw{world.query()}")
    text = log.read_text()
    assert text.count('"organization/secrets/N"') >= 4 and canary not in text


async def test_one_call_is_one_use(world: World) -> None:
    policy = grant("dev/*", "read") + LISTS
    await world.vault_token(policy)
    token = await world.server.token(f"p{abs(hash(policy))}", num_uses=2)
    source = {"environment": "prod", "path": "/"}
    await world.say("POST", "v1/secret-imports", {**world.at(), "import": source})
    listed = await world.say("GET", f"v3/secrets/raw{world.query(include_imports='true')}", token=token)
    assert listed.status == 200
    assert (await world.read("A", token=token)).status == 200
    assert (await world.read("A", token=token)).status == 401
