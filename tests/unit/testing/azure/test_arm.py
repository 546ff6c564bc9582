"""Resource Manager: who may ask, what is refused how, what is shown (spec/azure.md 7.4)."""

from __future__ import annotations

import pytest

from vaultlike.clock import FakeClock
from vaultlike.testing.azure import AzureEmulator, TokenOrder
from vaultlike.testing.azure import world as w
from vaultlike.testing.azure.control import SettingsChange
from vaultlike.testing.azure.keys import STRANGER
from vaultlike.testing.azure.model import Identity, Machine, Provider, RoleAssignment, ScaleSet, Subscription, Tenant

from .conftest import Answer, Client

SUB = f"/subscriptions/{w.SUBSCRIPTION_ID}"
GROUP = f"{SUB}/resourceGroups/{w.RESOURCE_GROUP}"
VM = f"{GROUP}/providers/Microsoft.Compute/virtualMachines/{w.VM}"
V = "?api-version=2022-11-01"


def code(answer: Answer) -> tuple[int, object]:
    error = answer.json["error"]
    assert isinstance(error, dict)
    return answer.status, error["code"]


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (TokenOrder(host=w.SERVER_VM, key=STRANGER), "InvalidAuthenticationToken"),
        (TokenOrder(host=w.SERVER_VM, kid="unknown"), "InvalidAuthenticationToken"),
        (TokenOrder(host=w.SERVER_VM, kid=""), "InvalidAuthenticationToken"),
        (TokenOrder(host=w.SERVER_VM, alg="none"), "InvalidAuthenticationToken"),
        (TokenOrder(host=w.SERVER_VM, alg="HS256"), "InvalidAuthenticationToken"),
        (TokenOrder(host=w.SERVER_VM, claims={"iss": "https://evil.example/"}), "InvalidAuthenticationToken"),
        (TokenOrder(host=w.SERVER_VM, audience="https://graph.microsoft.com"), "InvalidAuthenticationTokenAudience"),
        (TokenOrder(host=w.SERVER_VM, audience="https://nowhere.example"), "InvalidAuthenticationTokenAudience"),
        (TokenOrder(host=w.SERVER_VM, lifetime=-1), "ExpiredAuthenticationToken"),
        (TokenOrder(host=w.SERVER_VM, drop=["exp"]), "ExpiredAuthenticationToken"),
    ],
)
async def test_tokens_that_are_refused(client: Client, order: TokenOrder, expected: str) -> None:
    answer = await client.arm(VM + V, {"Authorization": f"Bearer {client.emulator.control.mint(order)}"})
    assert code(answer) == (401, expected)
    assert answer.headers["WWW-Authenticate"].startswith("Bearer authorization_uri=")


@pytest.mark.parametrize("header", ["", "Basic x", "Bearer ", "Bearer nonsense"])
async def test_no_real_token(client: Client, header: str) -> None:
    answer = await client.arm(VM + V, {"Authorization": header})
    assert code(answer)[0] == 401


async def test_a_token_of_another_tenant(client: Client, emulator: AzureEmulator) -> None:
    emulator.control.add_tenant(Tenant(id="other-tenant"))
    emulator.control.add_subscription(Subscription(id="other-sub", tenant="other-tenant", resource_groups={"g": "x"}))
    answer = await client.arm("/subscriptions/other-sub" + V)
    assert code(answer) == (401, "InvalidAuthenticationTokenTenant")
    assert "other-tenant" in answer.headers["WWW-Authenticate"]


@pytest.mark.parametrize(
    ("path", "status", "expected"),
    [
        (VM, 400, "MissingApiVersionParameter"),
        (f"{VM}?api-version=latest", 400, "InvalidApiVersionParameter"),
        (f"/subscriptions/nothing{V}", 404, "SubscriptionNotFound"),
        (VM.replace(w.RESOURCE_GROUP, "nothing") + V, 404, "ResourceGroupNotFound"),
        (f"{VM}-2{V}", 404, "ResourceNotFound"),
        (f"{SUB}/providers/Microsoft.Nothing{V}", 404, "InvalidResourceNamespace"),
        (f"{GROUP}/providers/Microsoft.Nothing/things/x{V}", 404, "InvalidResourceNamespace"),
        (f"{GROUP}/nonsense{V}", 404, "InvalidResourceType"),
        (f"{SUB}/providers/Microsoft.Compute/virtualMachines/{w.VM}{V}", 404, "InvalidResourceType"),
        (f"{SUB}/resources{V}&$filter=name%20eq%20'x'", 400, "InvalidFilterInQueryString"),
    ],
)
async def test_refusals(client: Client, path: str, status: int, expected: str) -> None:
    answer = await client.arm(path)
    assert code(answer) == (status, expected)
    assert answer.headers["x-ms-request-id"]


async def test_writing_is_refused(client: Client) -> None:
    headers = await client.bearer(client.emulator.audience)
    answer = await client.ask("DELETE", VM + V, headers=headers)
    assert code(answer) == (405, "MethodNotAllowed")


async def test_without_rights_nothing_is_said_about_what_exists(client: Client, emulator: AzureEmulator) -> None:
    headers = {"Authorization": f"Bearer {emulator.control.mint()}"}  # demo-vm holds no role
    for path in (VM, f"{VM}-2", VM.replace(w.RESOURCE_GROUP, "nothing"), SUB, f"{SUB}/resources", GROUP):
        assert code(await client.arm(path + V, headers)) == (403, "AuthorizationFailed")


@pytest.mark.parametrize(
    ("actions", "scope", "machine", "identity"),
    [
        (["Microsoft.Compute/virtualMachines/read"], SUB, 200, 403),
        (["Microsoft.Compute/virtualMachines/*/read"], GROUP.upper(), 200, 403),
        (["Microsoft.ManagedIdentity/userAssignedIdentities/*/read"], SUB, 403, 200),
        (["*/read"], VM, 200, 403),
        (["*/read"], VM[:-1], 403, 403),
        (["*/write"], SUB, 403, 403),
        (["*/read"], "/subscriptions/other", 403, 403),
        (["*"], "/", 200, 200),
    ],
)
async def test_rights(
    client: Client, emulator: AzureEmulator, actions: list[str], scope: str, machine: int, identity: int
) -> None:
    emulator.control.grant(RoleAssignment(principal_id=w.VM_PRINCIPAL_ID, scope=scope, actions=actions))
    headers = {"Authorization": f"Bearer {emulator.control.mint()}"}
    assert (await client.arm(VM + V, headers)).status == machine
    assert (await client.arm(w.IDENTITY_ID + V, headers)).status == identity


async def test_rights_through_a_group(client: Client, emulator: AzureEmulator) -> None:
    emulator.control.grant(RoleAssignment(principal_id=w.GROUP_ID, scope=SUB))
    headers = {"Authorization": f"Bearer {emulator.control.mint()}"}
    assert (await client.arm(VM + V, headers)).status == 200


@pytest.mark.parametrize("version", ["2026-04-01", "2024-11-30", "2021-04-01", "2022-01-31-preview"])
async def test_any_api_version_will_do(client: Client, version: str) -> None:
    assert (await client.arm(f"{VM}?api-version={version}")).status == 200


async def test_unless_the_provider_is_strict(client: Client, emulator: AzureEmulator) -> None:
    types = {"sites": ["2024-04-01"]}
    emulator.control.add_provider(Provider(namespace="Microsoft.Web", types=types, strict_versions=True))
    assert code(await client.arm(w.SITE_RESOURCE_ID + V)) == (400, "NoRegisteredProviderFound")
    assert (await client.arm(w.SITE_RESOURCE_ID + "?api-version=2024-04-01")).status == 200


async def test_paths_ignore_case_and_both_audiences_do(client: Client, emulator: AzureEmulator) -> None:
    for resource in (emulator.audience, "https://management.azure.com", emulator.resource_manager_url):
        answer = await client.arm(VM.upper() + V, await client.bearer(resource))
        assert answer.json["id"] == w.VM_RESOURCE_ID


async def test_a_machine(client: Client) -> None:
    answer = await client.arm(VM + V)
    assert answer.json["location"] == w.LOCATION
    assert answer.json["identity"] == {
        "type": "SystemAssigned",
        "principalId": w.VM_PRINCIPAL_ID,
        "tenantId": w.TENANT_ID,
    }
    assert "instanceView" not in str(answer.json["properties"])
    assert int(answer.headers["x-ms-ratelimit-remaining-subscription-reads"]) < 12000


@pytest.mark.parametrize(
    ("nulls", "entry"),
    [
        ("null", {"principalId": None, "clientId": None}),
        ("empty", {}),
        ("", {"principalId": w.IDENTITY_PRINCIPAL_ID, "clientId": w.IDENTITY_CLIENT_ID}),
    ],
)
async def test_a_flexible_scale_set(
    client: Client, emulator: AzureEmulator, nulls: str, entry: dict[str, object]
) -> None:
    scale_set = emulator.control.host(w.FLEX_SCALE_SET)
    assert isinstance(scale_set, ScaleSet)
    scale_set.null_principals = nulls  # type: ignore[assignment]
    answer = await client.arm(scale_set.id + V)
    identity = answer.json["identity"]
    assert isinstance(identity, dict)
    assert identity == {"type": "UserAssigned", "userAssignedIdentities": {w.IDENTITY_ID: entry}}


async def test_spelling_of_ids(client: Client, emulator: AzureEmulator) -> None:
    machine = emulator.control.host(w.USER_VM)
    machine.casing = "lower"
    answer = await client.arm(machine.id + V)
    assert answer.json["id"] == machine.id.lower()
    assert w.IDENTITY_ID.lower() in answer.text and w.IDENTITY_ID not in answer.text


async def test_no_identity_block(client: Client, emulator: AzureEmulator) -> None:
    emulator.control.host(w.VM).no_identity = True
    assert "identity" not in (await client.arm(VM + V)).json


async def test_identities_one_and_in_pages(client: Client, emulator: AzureEmulator) -> None:
    single = await client.arm(w.IDENTITY_ID + "?api-version=2023-01-31")
    properties = single.json["properties"]
    assert isinstance(properties, dict)
    assert (properties["principalId"], properties["clientId"]) == (w.IDENTITY_PRINCIPAL_ID, w.IDENTITY_CLIENT_ID)
    for number in range(3):
        emulator.control.add_identity(Identity(name=f"more-{number}"))
    emulator.control.configure(SettingsChange(page_size=2))
    headers = await client.bearer(emulator.audience)
    url = f"{emulator.resource_manager_url}{w.IDENTITY_ID.rpartition('/')[0]}?api-version=2023-01-31"
    names: list[str] = []
    sizes = []
    while url:
        answer = await client.get(url, headers=headers)
        value = answer.json["value"]
        assert isinstance(value, list)
        sizes.append(len(value))
        names += [one["name"] for one in value]
        url = str(answer.json.get("nextLink", ""))
        assert not url or url.startswith(emulator.resource_manager_url)
    assert names == [w.IDENTITY, "more-0", "more-1", "more-2"]
    assert sizes == [2, 2]


async def test_providers_groups_subscriptions_and_resources(client: Client) -> None:
    provider = await client.arm(f"{SUB}/providers/microsoft.web?api-version=2021-04-01")
    types = provider.json["resourceTypes"]
    assert isinstance(types, list)
    assert types[0]["resourceType"] == "sites"
    assert types[0]["apiVersions"][0].endswith("-preview")
    for path, count in (
        (f"{SUB}/providers", 6),
        ("/providers", 6),
        (f"{SUB}/resourceGroups", 1),
        ("/subscriptions", 1),
    ):
        value = (await client.arm(path + V)).json["value"]
        assert isinstance(value, list) and len(value) == count
    assert (await client.arm(GROUP.lower() + V)).json["location"] == w.LOCATION
    assert (await client.arm(SUB + V)).json["tenantId"] == w.TENANT_ID
    query = f"&$filter=identity/principalId%20eq%20'{w.SITE_PRINCIPAL_ID}'"
    found = (await client.arm(f"{SUB}/resources{V}{query}")).json["value"]
    assert isinstance(found, list)
    assert [one["name"] for one in found] == [w.SITE]


async def test_a_machine_of_a_new_group_and_a_deleted_one(
    client: Client, emulator: AzureEmulator, clock: FakeClock
) -> None:
    machine = emulator.control.add_machine(
        Machine(name="fresh", resource_group="new-rg", location="westeurope", system_assigned=True)
    )
    answer = await client.arm(machine.id + V)
    assert (answer.status, answer.json["location"]) == (200, "westeurope")
    assert machine.principal_id in answer.text
    emulator.control.remove(machine.id)
    assert code(await client.arm(machine.id + V)) == (404, "ResourceNotFound")
