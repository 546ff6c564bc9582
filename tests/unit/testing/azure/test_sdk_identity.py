"""Microsoft's own azure-identity, unmodified, against the emulator (spec/azure.md 7.6)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import (
    ClientAssertionCredential,
    ClientSecretCredential,
    CredentialUnavailableError,
    ManagedIdentityCredential,
    WorkloadIdentityCredential,
)

from vaultlike.testing.azure import AzureEmulator, Fault, TokenOrder
from vaultlike.testing.azure import world as w
from vaultlike.testing.azure.jose import parse
from vaultlike.testing.azure.model import FederatedCredential, Identity

T = TypeVar("T")
ARM = "https://management.azure.com/.default"
CLEARED = ("IDENTITY_ENDPOINT", "IDENTITY_HEADER", "MSI_ENDPOINT", "IMDS_ENDPOINT", "AZURE_FEDERATED_TOKEN_FILE")


async def blocking(act: Callable[[], T]) -> T:
    """The SDKs block, and the emulator runs on this loop."""
    return await asyncio.wait_for(asyncio.to_thread(act), 20)


@pytest.fixture(autouse=True)
def environment(emulator: AzureEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        *CLEARED,
        "AZURE_CLIENT_ID",
        "AZURE_TENANT_ID",
        "HTTPS_PROXY",
        "https_proxy",
        "HTTP_PROXY",
        "http_proxy",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(emulator.ca_file))
    monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", emulator.metadata_url)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")


def secret(
    emulator: AzureEmulator, text: str = w.SERVER_CLIENT_SECRET, tenant: str = w.TENANT_ID
) -> ClientSecretCredential:
    return ClientSecretCredential(
        tenant, w.SERVER_CLIENT_ID, text, authority=emulator.authority_url, disable_instance_discovery=True
    )


def claims(token: str) -> dict[str, object]:
    return parse(token, dict[str, object]).claims


async def test_a_wrong_secret_is_an_authentication_error_with_its_code(emulator: AzureEmulator) -> None:
    credential = secret(emulator, "wrong")
    with pytest.raises(ClientAuthenticationError, match="AADSTS7000215"):
        await blocking(lambda: credential.get_token(ARM))


async def test_an_unknown_tenant_is_an_error(emulator: AzureEmulator) -> None:
    credential = secret(emulator, tenant="00000000-0000-4000-8000-000000000000")
    with pytest.raises(Exception, match=r"(?i)tenant|authority"):
        await blocking(lambda: credential.get_token(ARM))


async def test_an_unknown_resource_is_an_error(emulator: AzureEmulator) -> None:
    credential = secret(emulator)
    with pytest.raises(ClientAuthenticationError, match="AADSTS500011"):
        await blocking(lambda: credential.get_token("https://nowhere.example/.default"))


async def test_client_secret(emulator: AzureEmulator) -> None:
    credential = secret(emulator)
    token = await blocking(lambda: credential.get_token(ARM))
    got = claims(token.token)
    assert (got["oid"], got["appid"], got["tid"]) == (w.SERVER_PRINCIPAL_ID, w.SERVER_CLIENT_ID, w.TENANT_ID)
    assert got["iss"] == f"{emulator.issuer_base}/{w.TENANT_ID}/"


async def test_an_assertion_of_a_stranger_is_refused(emulator: AzureEmulator) -> None:
    assertion = emulator.control.mint(TokenOrder(audience="api://AzureADTokenExchange"))
    credential = ClientAssertionCredential(
        w.TENANT_ID,
        w.SERVER_CLIENT_ID,
        lambda: assertion,
        authority=emulator.authority_url,
        disable_instance_discovery=True,
    )
    with pytest.raises(ClientAuthenticationError, match="AADSTS700211"):
        await blocking(lambda: credential.get_token(ARM))
    assert "issuer_discovery" not in emulator.control.counters()


def federated_assertion(emulator: AzureEmulator, owner: str) -> str:
    """The emulator's own v2 issuer serves as the foreign one: its documents are real."""
    issuer = f"{emulator.authority_url}/{w.TENANT_ID}/v2.0"
    emulator.control.add_federated(owner, FederatedCredential(issuer=issuer, subject="plugin-identity:root:auth:x"))
    order = TokenOrder(audience="api://AzureADTokenExchange", version=2, claims={"sub": "plugin-identity:root:auth:x"})
    return emulator.control.mint(order)


async def test_client_assertion(emulator: AzureEmulator) -> None:
    assertion = federated_assertion(emulator, w.SERVER_CLIENT_ID)
    credential = ClientAssertionCredential(
        w.TENANT_ID,
        w.SERVER_CLIENT_ID,
        lambda: assertion,
        authority=emulator.authority_url,
        disable_instance_discovery=True,
    )
    token = await blocking(lambda: credential.get_token(ARM))
    assert claims(token.token)["oid"] == w.SERVER_PRINCIPAL_ID
    counters = emulator.control.counters()
    assert (counters["issuer_discovery"], counters["issuer_jwks"]) == (1, 1)


async def test_workload_identity_of_a_user_assigned_identity(emulator: AzureEmulator, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(federated_assertion(emulator, w.IDENTITY))
    credential = WorkloadIdentityCredential(
        tenant_id=w.TENANT_ID,
        client_id=w.IDENTITY_CLIENT_ID,
        token_file_path=str(file),
        authority=emulator.authority_url,
        disable_instance_discovery=True,
    )
    token = await blocking(lambda: credential.get_token(ARM))
    got = claims(token.token)
    assert got["oid"] == w.IDENTITY_PRINCIPAL_ID
    assert "xms_az_rid" not in got


async def test_an_identity_the_machine_lacks_is_an_error(emulator: AzureEmulator) -> None:
    credential = ManagedIdentityCredential(client_id=w.IDENTITY_CLIENT_ID)
    with pytest.raises((ClientAuthenticationError, CredentialUnavailableError), match="Identity not found"):
        await blocking(lambda: credential.get_token(ARM))


async def test_several_identities_and_none_named_is_an_error(emulator: AzureEmulator) -> None:
    second = emulator.control.add_identity(Identity(name="second"))
    emulator.control.host(w.USER_VM).user_assigned.append(second.id)
    emulator.control.ask_as(w.USER_VM)
    credential = ManagedIdentityCredential()
    with pytest.raises((ClientAuthenticationError, CredentialUnavailableError), match="Multiple user assigned"):
        await blocking(lambda: credential.get_token(ARM))


async def test_system_assigned(emulator: AzureEmulator) -> None:
    token = await blocking(lambda: ManagedIdentityCredential().get_token(ARM))
    got = claims(token.token)
    assert got["oid"] == w.VM_PRINCIPAL_ID
    assert got["xms_mirid"] == w.VM_RESOURCE_ID.replace("resourceGroups", "resourcegroups")
    assert "xms_az_rid" not in got


@pytest.mark.parametrize(
    "selector",
    [
        {"client_id": w.IDENTITY_CLIENT_ID},
        {"identity_config": {"object_id": w.IDENTITY_PRINCIPAL_ID}},
        {"identity_config": {"resource_id": w.IDENTITY_ID}},
        {},
    ],
)
async def test_user_assigned(emulator: AzureEmulator, selector: dict[str, str | dict[str, str]]) -> None:
    emulator.control.ask_as(w.USER_VM)
    credential = ManagedIdentityCredential(**selector)  # type: ignore[arg-type]
    token = await blocking(lambda: credential.get_token(ARM))
    got = claims(token.token)
    assert got["oid"] == w.IDENTITY_PRINCIPAL_ID
    assert str(got["xms_mirid"]).endswith(f"/userAssignedIdentities/{w.IDENTITY}")
    assert str(got["xms_az_rid"]).endswith(f"/virtualMachines/{w.USER_VM}")


async def test_the_sdk_tries_again_after_a_410(emulator: AzureEmulator) -> None:
    emulator.control.fault(Fault(endpoint="imds", status=410, times=1))
    credential = ManagedIdentityCredential(retry_backoff_factor=0.01)
    token = await blocking(lambda: credential.get_token(ARM))
    assert claims(token.token)["oid"] == w.VM_PRINCIPAL_ID
    assert emulator.control.counters()["imds"] >= 2


@pytest.mark.parametrize(
    ("selector", "principal"),
    [({}, w.SITE_PRINCIPAL_ID), ({"client_id": w.IDENTITY_CLIENT_ID}, w.IDENTITY_PRINCIPAL_ID)],
)
async def test_app_service(
    emulator: AzureEmulator, monkeypatch: pytest.MonkeyPatch, selector: dict[str, str], principal: str
) -> None:
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"{emulator.metadata_url}/msi/token")
    monkeypatch.setenv("IDENTITY_HEADER", emulator.control.settings().identity_header)
    credential = ManagedIdentityCredential(**selector)  # type: ignore[arg-type]
    token = await blocking(lambda: credential.get_token(ARM))
    assert claims(token.token)["oid"] == principal
    assert emulator.control.counters() == {"app_service": 1}


async def test_app_service_with_a_wrong_header_is_an_error(
    emulator: AzureEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"{emulator.metadata_url}/msi/token")
    monkeypatch.setenv("IDENTITY_HEADER", "wrong")
    with pytest.raises((ClientAuthenticationError, CredentialUnavailableError)):
        await blocking(lambda: ManagedIdentityCredential().get_token(ARM))
