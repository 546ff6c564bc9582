"""Microsoft's own azure-mgmt-compute, unmodified, against the emulator (spec/azure.md 7.6)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

import pytest
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError, ResourceNotFoundError
from azure.identity import ClientSecretCredential
from azure.mgmt.compute import ComputeManagementClient

from vaultlike.testing.azure import AzureEmulator
from vaultlike.testing.azure import world as w
from vaultlike.testing.azure.control import SettingsChange

T = TypeVar("T")


async def blocking(act: Callable[[], T]) -> T:
    return await asyncio.wait_for(asyncio.to_thread(act), 20)


@pytest.fixture
def compute(emulator: AzureEmulator, monkeypatch: pytest.MonkeyPatch) -> ComputeManagementClient:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(emulator.ca_file))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    credential = ClientSecretCredential(
        w.TENANT_ID,
        w.SERVER_CLIENT_ID,
        w.SERVER_CLIENT_SECRET,
        authority=emulator.authority_url,
        disable_instance_discovery=True,
    )
    return ComputeManagementClient(
        credential,
        w.SUBSCRIPTION_ID,
        base_url=emulator.resource_manager_url,
        credential_scopes=[emulator.audience + "/.default"],
        retry_backoff_factor=0.01,
    )


async def test_a_machine_that_is_not_there(emulator: AzureEmulator, compute: ComputeManagementClient) -> None:
    with pytest.raises(ResourceNotFoundError) as caught:
        await blocking(lambda: compute.virtual_machines.get(w.RESOURCE_GROUP, "nobody"))
    assert caught.value.error is not None
    assert caught.value.error.code == "ResourceNotFound"


async def test_a_caller_without_rights(emulator: AzureEmulator, compute: ComputeManagementClient) -> None:
    emulator.control.revoke(w.SERVER_PRINCIPAL_ID)
    with pytest.raises(HttpResponseError) as caught:
        await blocking(lambda: compute.virtual_machines.get(w.RESOURCE_GROUP, w.VM))
    assert caught.value.status_code == 403
    assert caught.value.error is not None
    assert caught.value.error.code == "AuthorizationFailed"


async def test_a_token_from_the_past(emulator: AzureEmulator, compute: ComputeManagementClient) -> None:
    await blocking(lambda: compute.virtual_machines.get(w.RESOURCE_GROUP, w.VM))
    emulator.control.set_clock_offset(7200)  # the client still holds its token
    with pytest.raises(ClientAuthenticationError, match="ExpiredAuthenticationToken"):
        await blocking(lambda: compute.virtual_machines.get(w.RESOURCE_GROUP, w.VM))


async def test_throttling_is_waited_out(emulator: AzureEmulator, compute: ComputeManagementClient) -> None:
    emulator.control.throttle("arm", retry_after=0, times=1)
    machine = await blocking(lambda: compute.virtual_machines.get(w.RESOURCE_GROUP, w.VM))
    assert machine.name == w.VM
    assert emulator.control.counters()["arm"] == 2


async def test_a_machine(emulator: AzureEmulator, compute: ComputeManagementClient) -> None:
    machine = await blocking(lambda: compute.virtual_machines.get(w.RESOURCE_GROUP, w.VM, expand="instanceView"))
    assert machine.location == w.LOCATION
    assert machine.identity is not None
    assert machine.identity.principal_id == w.VM_PRINCIPAL_ID
    assert machine.vm_id == w.VM_ID
    assert machine.instance_view is not None


async def test_a_machine_with_a_user_assigned_identity(
    emulator: AzureEmulator, compute: ComputeManagementClient
) -> None:
    machine = await blocking(lambda: compute.virtual_machines.get(w.RESOURCE_GROUP, w.USER_VM))
    assert machine.identity is not None
    assert machine.identity.principal_id is None
    assigned = machine.identity.user_assigned_identities
    assert assigned is not None
    assert assigned[w.IDENTITY_ID].principal_id == w.IDENTITY_PRINCIPAL_ID


async def test_scale_sets(emulator: AzureEmulator, compute: ComputeManagementClient) -> None:
    flexible = await blocking(lambda: compute.virtual_machine_scale_sets.get(w.RESOURCE_GROUP, w.FLEX_SCALE_SET))
    uniform = await blocking(lambda: compute.virtual_machine_scale_sets.get(w.RESOURCE_GROUP, w.UNIFORM_SCALE_SET))
    assert flexible.identity is not None and uniform.identity is not None
    assert flexible.identity.user_assigned_identities is not None
    assert flexible.identity.user_assigned_identities[w.IDENTITY_ID].principal_id is None
    assert flexible.orchestration_mode == "Flexible"
    assert uniform.identity.principal_id == w.UNIFORM_PRINCIPAL_ID


async def test_lists_follow_pages(emulator: AzureEmulator, compute: ComputeManagementClient) -> None:
    emulator.control.configure(SettingsChange(page_size=1))
    names = await blocking(lambda: [machine.name for machine in compute.virtual_machines.list(w.RESOURCE_GROUP)])
    assert sorted(name or "" for name in names) == sorted([w.VM, w.USER_VM, w.SERVER_VM, w.FLEX_VM])
    assert emulator.control.counters()["arm"] == 4
