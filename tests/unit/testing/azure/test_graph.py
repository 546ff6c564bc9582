"""Graph: rights, passwords of applications, groups (spec/azure.md 7.5)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from vaultlike.clock import FakeClock
from vaultlike.testing.azure import AzureEmulator, TokenOrder
from vaultlike.testing.azure import world as w
from vaultlike.testing.azure.control import SettingsChange
from vaultlike.testing.azure.keys import STRANGER
from vaultlike.testing.azure.model import Application, AppRoleAssignment, Group

from .conftest import Answer, Client

GRAPH = "https://graph.microsoft.com"
APP = f"/applications/{w.SERVER_APP_OBJECT_ID}"


def code(answer: Answer) -> tuple[int, object]:
    error = answer.json["error"]
    assert isinstance(error, dict)
    assert {"date", "request-id", "client-request-id"} == error["innerError"].keys()
    return answer.status, error["code"]


async def call(client: Client, method: str, path: str, right: str = "", **options: object) -> Answer:
    """As the server's application; with `right`, as demo-vm that holds only this right."""
    if right:
        client.emulator.control.grant_app_role(AppRoleAssignment(principal_id=w.VM_PRINCIPAL_ID, role=right))
        headers = {"Authorization": f"Bearer {client.emulator.control.mint(TokenOrder(audience=GRAPH))}"}
    else:
        headers = await client.bearer(client.emulator.graph_url)
    return await client.ask(method, f"{client.emulator.graph_url}/v1.0{path}", headers=headers, **options)


@pytest.mark.parametrize(
    "order",
    [
        TokenOrder(host=w.SERVER_VM, audience="https://management.azure.com/"),
        TokenOrder(host=w.SERVER_VM, audience=GRAPH, key=STRANGER),
        TokenOrder(host=w.SERVER_VM, audience=GRAPH, lifetime=-1),
    ],
)
async def test_tokens_that_are_refused(client: Client, emulator: AzureEmulator, order: TokenOrder) -> None:
    headers = {"Authorization": f"Bearer {emulator.control.mint(order)}"}
    answer = await client.get(f"{emulator.graph_url}/v1.0{APP}", headers=headers)
    assert code(answer) == (401, "InvalidAuthenticationToken")


async def test_no_token(client: Client, emulator: AzureEmulator) -> None:
    for method, path in (("GET", "/applications"), ("POST", f"{APP}/addPassword"), ("GET", "/nothing")):
        answer = await client.ask(method, f"{emulator.graph_url}/v1.0{path}")
        assert code(answer) == (401, "InvalidAuthenticationToken")


@pytest.mark.parametrize(
    ("method", "path", "right"),
    [
        ("GET", "/applications", "GroupMember.Read.All"),
        ("GET", APP, "GroupMember.Read.All"),
        ("POST", f"{APP}/addPassword", "Application.Read.All"),
        ("POST", f"{APP}/addPassword", "Application.ReadWrite.OwnedBy"),  # not an owner
        ("POST", f"{APP}/removePassword", "Application.Read.All"),
        ("POST", f"/servicePrincipals/{w.VM_PRINCIPAL_ID}/getMemberGroups", "Application.Read.All"),
        ("GET", f"/servicePrincipals/{w.VM_PRINCIPAL_ID}/transitiveMemberOf", "Application.Read.All"),
    ],
)
async def test_missing_rights(client: Client, method: str, path: str, right: str) -> None:
    assert code(await call(client, method, path, right, json={})) == (403, "Authorization_RequestDenied")


@pytest.mark.parametrize(
    ("method", "path", "body", "expected"),
    [
        ("GET", "/applications/nobody", None, (404, "Request_ResourceNotFound")),
        ("POST", "/applications/nobody/addPassword", {}, (404, "Request_ResourceNotFound")),
        ("GET", "/applications?$filter=displayName eq 'x'", None, (400, "Request_UnsupportedQuery")),
        ("POST", f"{APP}/removePassword", {"keyId": "unknown"}, (400, "Request_BadRequest")),
        ("POST", f"{APP}/removePassword", {}, (400, "Request_BadRequest")),
        ("POST", f"{APP}/addPassword", [], (400, "Request_BadRequest")),
        (
            "POST",
            f"{APP}/addPassword",
            {"passwordCredential": {"endDateTime": "2020-01-01T00:00:00Z"}},
            (400, "Request_BadRequest"),
        ),
        ("POST", "/servicePrincipals/nobody/getMemberGroups", {}, (404, "Request_ResourceNotFound")),
        ("GET", "/me", None, (400, "BadRequest")),
    ],
)
async def test_refusals(client: Client, method: str, path: str, body: object, expected: tuple[int, str]) -> None:
    assert code(await call(client, method, path, json=body)) == expected


@pytest.mark.parametrize(
    "query",
    [
        f"%24filter=appId%20eq%20%27{w.SERVER_CLIENT_ID}%27",
        f"$filter=appId+eq+'{w.SERVER_CLIENT_ID.upper()}'",
    ],
)
async def test_the_application_by_client_id(client: Client, query: str) -> None:
    answer = await call(client, "GET", f"/applications?{query}")
    assert str(answer.json["@odata.context"]).endswith("$metadata#applications")
    value = answer.json["value"]
    assert isinstance(value, list) and len(value) == 1
    assert (value[0]["id"], value[0]["appId"]) == (w.SERVER_APP_OBJECT_ID, w.SERVER_CLIENT_ID)
    (password,) = value[0]["passwordCredentials"]
    assert (password["keyId"], password["secretText"], password["hint"]) == (w.SERVER_SECRET_KEY_ID, None, "emu")
    assert w.SERVER_CLIENT_SECRET not in answer.text


async def test_no_application_of_that_id(client: Client) -> None:
    answer = await call(client, "GET", "/applications?$filter=appId eq 'nobody'")
    assert (answer.status, answer.json["value"]) == (200, [])


@pytest.mark.parametrize("suffix", ["Z", "+00:00"])
async def test_a_password_lives_from_add_to_remove(client: Client, clock: FakeClock, suffix: str) -> None:
    ends = datetime.fromtimestamp(clock.now(), UTC) + timedelta(days=30)
    wanted = {"displayName": "vaultlike-1", "endDateTime": ends.strftime("%Y-%m-%dT%H:%M:%S") + suffix}
    added = await call(client, "POST", f"{APP}/addPassword", json={"passwordCredential": wanted})
    assert added.status == 200
    assert added.json["endDateTime"] == ends.strftime("%Y-%m-%dT%H:%M:%SZ")
    secret = str(added.json["secretText"])
    arm = "https://management.azure.com/.default"
    assert (await client.login(arm, client_secret=secret)).status == 200
    removed = await call(client, "POST", f"{APP}/removePassword", json={"keyId": added.json["keyId"]})
    assert (removed.status, removed.text) == (204, "")
    assert (await client.login(arm, client_secret=secret)).json["error_codes"] == [7000215]
    assert (await client.login(arm)).status == 200


async def test_an_owner_may_write_its_own(client: Client, emulator: AzureEmulator) -> None:
    own = emulator.control.add_application(Application(display_name="own", owners=[w.VM_PRINCIPAL_ID]))
    right = "Application.ReadWrite.OwnedBy"
    answer = await call(client, "POST", f"/applications/{own.object_id}/addPassword", right, json={})
    assert answer.status == 200


async def test_nested_groups(client: Client, emulator: AzureEmulator) -> None:
    outer = emulator.control.add_group(Group(name="outer", members=[w.GROUP_ID]))
    emulator.control.world.groups[w.GROUP_ID].members.append(outer.id)  # a ring must not hang
    for kind in ("servicePrincipals", "directoryObjects"):
        path = f"/{kind}/{w.VM_PRINCIPAL_ID}/getMemberGroups"
        answer = await call(client, "POST", path, json={"securityEnabledOnly": False})
        assert answer.json["value"] == [w.GROUP_ID, outer.id]
    answer = await call(client, "GET", f"/servicePrincipals/{w.VM_PRINCIPAL_ID}/transitiveMemberOf")
    value = answer.json["value"]
    assert isinstance(value, list)
    assert [(one["@odata.type"], one["id"]) for one in value] == [
        ("#microsoft.graph.group", w.GROUP_ID),
        ("#microsoft.graph.group", outer.id),
    ]
    nobody = await call(client, "POST", f"/servicePrincipals/{w.SITE_PRINCIPAL_ID}/getMemberGroups", json={})
    assert nobody.json["value"] == []


async def test_service_principals_in_pages(client: Client, emulator: AzureEmulator) -> None:
    emulator.control.configure(SettingsChange(page_size=3))
    first = await call(client, "GET", "/servicePrincipals")
    link = str(first.json["@odata.nextLink"])
    second = await client.get(link, headers=await client.bearer(emulator.graph_url))
    assert len(str(second.json["value"])) > 2 and second.json["value"] != first.json["value"]
    one = await call(client, "GET", f"/servicePrincipals?$filter=appId eq '{w.VM_CLIENT_ID}'")
    value = one.json["value"]
    assert isinstance(value, list)
    assert [(v["id"], v["servicePrincipalType"]) for v in value] == [(w.VM_PRINCIPAL_ID, "ManagedIdentity")]
