"""Instance metadata, App Service and Arc (spec/azure.md 7.3)."""

from __future__ import annotations

import base64
from pathlib import Path
from urllib.parse import quote

import pytest

from vaultlike.testing.azure import AzureEmulator
from vaultlike.testing.azure import world as w
from vaultlike.testing.azure.jose import parse
from vaultlike.testing.azure.model import Identity, Machine

from .conftest import Answer, Client

TOKEN = "/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https%3A%2F%2Fmanagement.azure.com%2F"


def claims(answer: Answer) -> dict[str, object]:
    assert answer.status == 200, answer.text
    return parse(str(answer.json["access_token"]), dict[str, object]).claims


@pytest.mark.parametrize(
    ("path", "headers", "text"),
    [
        (TOKEN, {"Metadata": "false"}, "metadata header"),
        (TOKEN, {"X-Forwarded-For": "10.0.0.1"}, "X-Forwarded-For"),
        (TOKEN.replace("2018-02-01", "yesterday"), {}, "api-version"),
        (TOKEN.replace("2018-02-01", "2017-01-01"), {}, "api-version"),
        (TOKEN.split("&")[0], {}, "audience"),
        (TOKEN + f"&client_id={w.IDENTITY_CLIENT_ID}", {}, "Identity not found"),
        (TOKEN + f"&client_id={w.VM_CLIENT_ID}&object_id={w.VM_PRINCIPAL_ID}", {}, "only one"),
        (TOKEN + f"&client_id={w.VM_CLIENT_ID}&client_id={w.VM_CLIENT_ID}", {}, "only one"),
        (TOKEN.replace("management.azure.com", "nowhere.example"), {}, "AADSTS500011"),
    ],
)
async def test_refusals(client: Client, path: str, headers: dict[str, str], text: str) -> None:
    answer = await client.imds(path, **headers)
    assert answer.status == 400
    assert text in str(answer.json["error_description"])


async def test_the_metadata_header_is_required(client: Client, emulator: AzureEmulator) -> None:
    for path in (TOKEN, "/metadata/instance?api-version=2021-05-01", "/metadata/attested/document"):
        assert (await client.get(emulator.metadata_url + path)).status == 400


async def test_an_unknown_host_asks(client: Client) -> None:
    assert (await client.imds(TOKEN, **{"X-Emulator-Host": "nobody"})).status == 404


async def test_a_machine_without_identity(client: Client, emulator: AzureEmulator) -> None:
    emulator.control.add_machine(Machine(name="bare"))
    emulator.control.ask_as("bare")
    answer = await client.imds(TOKEN)
    assert (answer.status, answer.json["error_description"]) == (400, "Identity not found")


async def test_two_user_assigned_and_none_named(client: Client, emulator: AzureEmulator) -> None:
    second = emulator.control.add_identity(Identity(name="second"))
    emulator.control.host(w.USER_VM).user_assigned.append(second.id)
    base = emulator.metadata_for(w.USER_VM)
    assert (await client.imds(TOKEN, base)).status == 400
    assert claims(await client.imds(TOKEN + f"&client_id={second.client_id}", base))["oid"] == second.principal_id


@pytest.mark.parametrize("path", [TOKEN, TOKEN.replace("token?", "token/?")])
async def test_every_value_is_a_string(client: Client, path: str) -> None:
    answer = await client.imds(path)
    assert answer.status == 200
    assert all(isinstance(value, str) for value in answer.json.values())
    assert answer.json["expires_in"] == "86400"
    assert answer.json["refresh_token"] == ""
    assert answer.json["token_type"] == "Bearer"


@pytest.mark.parametrize(
    "selector",
    [
        f"client_id={w.IDENTITY_CLIENT_ID.upper()}",
        f"object_id={w.IDENTITY_PRINCIPAL_ID}",
        f"principal_id={w.IDENTITY_PRINCIPAL_ID}",
        f"msi_res_id={quote(w.IDENTITY_ID.lower())}",
        f"mi_res_id={quote(w.IDENTITY_ID)}",
    ],
)
async def test_selectors(client: Client, emulator: AzureEmulator, selector: str) -> None:
    got = claims(await client.imds(f"{TOKEN}&{selector}", emulator.metadata_for(w.USER_VM)))
    assert got["oid"] == w.IDENTITY_PRINCIPAL_ID


async def test_the_system_assigned_identity_can_be_named_too(client: Client) -> None:
    assert claims(await client.imds(f"{TOKEN}&client_id={w.VM_CLIENT_ID}"))["oid"] == w.VM_PRINCIPAL_ID


async def test_who_asks(client: Client, emulator: AzureEmulator) -> None:
    bound = await emulator.listen_metadata(w.UNIFORM_SCALE_SET)
    by_header = await client.imds(TOKEN, **{"X-Emulator-Host": w.SERVER_VM})
    by_path = await client.imds(TOKEN, emulator.metadata_for(w.FLEX_VM))
    by_listener = await client.imds(TOKEN, bound, **{"X-Emulator-Host": w.VM})
    assert claims(by_header)["oid"] == w.SERVER_VM_PRINCIPAL_ID
    assert str(claims(by_path)["xms_az_rid"]).endswith(f"/virtualMachines/{w.FLEX_VM}")
    assert claims(by_listener)["oid"] == w.UNIFORM_PRINCIPAL_ID
    assert str(claims(by_listener)["xms_mirid"]).endswith(f"/virtualMachineScaleSets/{w.UNIFORM_SCALE_SET}")
    assert (await client.get(f"{bound}/_emu/info")).status == 404


async def test_a_custom_audience_has_no_xms_claims(client: Client) -> None:
    path = TOKEN.split("&")[0] + f"&resource={w.API_URI}"
    got = claims(await client.imds(path))
    assert got["aud"] == w.API_URI
    assert not {"xms_mirid", "xms_az_rid"} & got.keys()


async def test_instance_document_refusals(client: Client, emulator: AzureEmulator) -> None:
    for query in ("", "?api-version=", "?api-version=1999-01-01", "?api-version=now"):
        answer = await client.imds(f"/metadata/instance{query}")
        assert answer.status == 400
        assert isinstance(answer.json["newest-versions"], list)
    version = "?api-version=2021-05-01"
    assert (await client.imds(f"/metadata/instance/compute/nothing{version}")).status == 404
    assert (await client.imds(f"/metadata/instance{version}", emulator.metadata_for(w.SITE))).status == 404


@pytest.mark.parametrize("version", ["2018-02-01", "2021-05-01", "2017-08-01", "2025-04-07"])
async def test_instance_document(client: Client, version: str) -> None:
    answer = await client.imds(f"/metadata/instance?api-version={version}")
    compute = answer.json["compute"]
    assert isinstance(compute, dict)
    assert compute["name"] == w.VM
    assert compute["resourceId"] == w.VM_RESOURCE_ID
    assert compute["subscriptionId"] == w.SUBSCRIPTION_ID
    assert compute["resourceGroupName"] == w.RESOURCE_GROUP
    assert compute["vmScaleSetName"] == ""
    assert "interface" in str(answer.json["network"])


async def test_instance_document_of_scale_sets_and_parts(client: Client, emulator: AzureEmulator) -> None:
    part = "/metadata/instance/compute/vmScaleSetName?api-version=2021-05-01&format=text"
    for host in (w.FLEX_VM, w.UNIFORM_SCALE_SET):
        answer = await client.imds(part, emulator.metadata_for(host))
        assert answer.text in (w.FLEX_SCALE_SET, w.UNIFORM_SCALE_SET)
    names = await client.imds("/metadata/instance?api-version=2021-05-01&format=text")
    assert names.text == "compute/\nnetwork/"
    address = "/metadata/instance/network/interface/0/ipv4/ipAddress/0/privateIpAddress"
    assert (await client.imds(f"{address}?api-version=2021-05-01&format=text")).text == "10.0.0.4"


async def test_attested_document(client: Client) -> None:
    assert (await client.imds("/metadata/attested/document?api-version=2021-05-01&nonce=a%20b")).status == 400
    answer = await client.imds("/metadata/attested/document?api-version=2021-05-01&nonce=1234567890")
    assert answer.json["encoding"] == "pkcs7"
    signed = base64.b64decode(str(answer.json["signature"]))
    assert b'"nonce":"1234567890"' in signed
    assert w.VM_ID.encode() in signed


async def test_app_service(client: Client, emulator: AzureEmulator) -> None:
    url = emulator.metadata_url + "/msi/token"
    query = {"api-version": "2019-08-01", "resource": "https://management.azure.com/"}
    header = {"X-IDENTITY-HEADER": emulator.control.settings().identity_header}
    assert (await client.get(url, params=query)).status == 401
    assert (await client.get(url, params=query, headers={"X-IDENTITY-HEADER": "wrong"})).status == 401
    unknown = await client.get(url, params=query | {"client_id": w.VM_CLIENT_ID}, headers=header)
    assert (unknown.status, unknown.json["statusCode"]) == (400, 400)
    assert "No MSI found" in str(unknown.json["message"])
    assert (await client.get(url, params={"resource": query["resource"]}, headers=header)).status == 400
    good = await client.get(url, params=query | {"mi_res_id": w.IDENTITY_ID}, headers=header)
    assert claims(good)["oid"] == w.IDENTITY_PRINCIPAL_ID
    assert isinstance(good.json["expires_on"], str)


async def test_arc(client: Client, emulator: AzureEmulator) -> None:
    path = f"/arc{TOKEN}".replace("2018-02-01", "2020-06-01")
    assert (await client.imds(path + f"&client_id={w.IDENTITY_CLIENT_ID}")).status == 400
    first = await client.imds(path)
    assert first.status == 401
    file = Path(first.headers["WWW-Authenticate"].removeprefix("Basic realm="))
    assert file.suffix == ".key"
    assert (await client.imds(path, Authorization="Basic guess")).status == 401
    answer = file.read_text()
    assert claims(await client.imds(path, Authorization=f"Basic {answer}"))["oid"] == w.VM_PRINCIPAL_ID
    assert (await client.imds(path, Authorization=f"Basic {answer}")).status == 401
