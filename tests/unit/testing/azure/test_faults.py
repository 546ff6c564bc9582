"""Faults: what an endpoint answers when it is told to misbehave."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
from aiohttp import ClientPayloadError, ServerDisconnectedError

from vaultlike.clock import FakeClock
from vaultlike.errors import Invalid
from vaultlike.testing.azure import AzureEmulator, Fault
from vaultlike.testing.azure import world as w

from .conftest import Client

DISCOVERY = f"/{w.TENANT_ID}/.well-known/openid-configuration"
JWKS = "/common/discovery/keys"


async def test_faults_that_could_do_nothing_are_refused(emulator: AzureEmulator) -> None:
    for fault in (Fault(endpoint="arm"), Fault(endpoint="arm", status=500, times=0)):
        with pytest.raises(Invalid):
            emulator.control.fault(fault)


async def test_a_fault_hits_its_endpoint_only_and_so_often(client: Client, emulator: AzureEmulator) -> None:
    emulator.control.fault(Fault(endpoint="jwks", status=503, times=2, skip=1))
    assert [(await client.get(JWKS)).status for _ in range(5)] == [200, 503, 503, 200, 200]
    assert (await client.get(DISCOVERY)).status == 200
    assert emulator.control.faults() == []
    assert emulator.control.counters() == {"jwks": 5, "discovery": 1}


async def test_only_matching_paths(client: Client, emulator: AzureEmulator) -> None:
    emulator.control.fault(Fault(endpoint="arm", status=500, times=-1, match="virtualMachines/demo-vm"))
    path = f"/subscriptions/{w.SUBSCRIPTION_ID}/resourceGroups/{w.RESOURCE_GROUP}/providers"
    version = "?api-version=2022-11-01"
    headers = await client.bearer(emulator.audience)
    hit = await client.arm(f"{path}/Microsoft.Compute/virtualMachines/demo-vm{version}", headers)
    assert (hit.status, hit.json["error"]) == (500, {"code": "EmulatedFault", "message": "emulated fault 500"})
    assert (await client.arm(f"{path}/Microsoft.Compute/virtualMachines{version}", headers)).status == 200


async def test_throttling_until_cleared(client: Client, emulator: AzureEmulator) -> None:
    emulator.control.throttle("token", retry_after=17)
    for _ in range(3):
        answer = await client.login("https://management.azure.com/.default")
        assert (answer.status, answer.headers["Retry-After"]) == (429, "17")
    emulator.control.clear_faults("arm")
    assert (await client.login("https://management.azure.com/.default")).status == 429
    emulator.control.clear_faults("token")
    assert (await client.login("https://management.azure.com/.default")).status == 200


@pytest.mark.parametrize(
    ("fault", "status", "kind", "text"),
    [
        (Fault(endpoint="jwks", body="garbage"), 200, "application/json", "[1, 2"),
        (Fault(endpoint="jwks", body="html", status=502), 502, "text/html", "<html>"),
        (Fault(endpoint="jwks", body="empty"), 200, "", ""),
        (Fault(endpoint="jwks", body="json", text='{"keys": []}'), 200, "application/json", '{"keys": []}'),
        (Fault(endpoint="jwks", body="redirect", location="https://evil.example/"), 302, "", ""),
    ],
)
async def test_bodies(client: Client, emulator: AzureEmulator, fault: Fault, status: int, kind: str, text: str) -> None:
    emulator.control.fault(fault)
    answer = await client.get(JWKS)
    assert answer.status == status
    assert text in answer.text
    assert kind in answer.headers.get("Content-Type", "")
    assert answer.headers.get("Location", "") == fault.location


async def test_a_huge_body(client: Client, emulator: AzureEmulator) -> None:
    emulator.control.fault(Fault(endpoint="jwks", body="huge", size=3_000_000))
    answer = await client.get(JWKS)
    assert len(answer.text) > 3_000_000
    assert answer.json == {}
    assert "Content-Length" not in answer.headers


async def test_a_truncated_body(client: Client, emulator: AzureEmulator) -> None:
    emulator.control.fault(Fault(endpoint="jwks", body="truncated"))
    with pytest.raises(ClientPayloadError):
        await client.get(JWKS)


async def test_a_delay_passes_on_the_emulators_clock(client: Client, emulator: AzureEmulator, clock: FakeClock) -> None:
    emulator.control.fault(Fault(endpoint="jwks", delay=90))
    before = clock.now()
    assert (await client.get(JWKS)).status == 200
    assert clock.now() == before + 90


async def test_a_request_that_hangs_is_let_go_at_the_end(client: Client, emulator: AzureEmulator) -> None:
    emulator.control.fault(Fault(endpoint="jwks", hang=True))
    hanging = asyncio.create_task(client.get(JWKS))
    while "jwks" not in emulator.control.counters():
        await asyncio.sleep(0)
    assert not hanging.done()
    await emulator.stop()
    with contextlib.suppress(ServerDisconnectedError):  # the connection may close before the answer
        assert (await hanging).status == 200
