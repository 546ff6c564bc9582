"""Names of resources that come in a login: compared whole, and refused before they reach a URL."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vaultlike.testing.azure import world as w
from vaultlike_azure.resource_id import parse_resource_id

OTHER_SUB = "22222222-bbbb-4000-8000-00000000ffff"


@given(
    name=st.from_regex(r"[a-z][a-z0-9_-]{0,6}[a-z0-9]", fullmatch=True),
    more=st.from_regex(r"[a-z0-9_-]{1,4}", fullmatch=True),
)
@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_names_are_compared_whole(name: str, more: str) -> None:
    base = f"/subscriptions/{w.SUBSCRIPTION_ID}/resourceGroups/{name}{more}/providers/Microsoft.Compute"
    machine = parse_resource_id(f"{base}/virtualMachines/{name}{more}")
    assert machine is not None
    assert machine.is_machine((name + more).upper())
    assert not machine.is_machine(name)
    assert not machine.is_machine(more)
    assert machine.in_group(w.SUBSCRIPTION_ID.upper(), (name + more).upper())
    assert not machine.in_group(w.SUBSCRIPTION_ID, name)
    assert not machine.in_group(OTHER_SUB, name + more)
    uniform = parse_resource_id(f"{base}/virtualMachineScaleSets/{name}{more}".lower())
    instance = parse_resource_id(f"{base}/virtualMachineScaleSets/{name}{more}/virtualMachines/3")
    flexible = parse_resource_id(f"{base}/virtualMachines/{name}_0a1b")
    assert uniform is not None and instance is not None and flexible is not None
    for one in (uniform, instance):
        assert one.is_of_scale_set((name + more).upper())
        assert not one.is_of_scale_set(name)
        assert not one.is_machine(name + more)
    assert flexible.is_of_scale_set(name)
    assert not flexible.is_of_scale_set(name + more)
    assert not flexible.is_of_scale_set(name[:-1])
    longer = parse_resource_id(f"{base}/virtualMachines/{name}_{more.replace('_', 'x')}_0a1b")
    assert longer is not None
    assert not longer.is_of_scale_set(name)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "/",
        "x",
        w.VM_RESOURCE_ID[1:],
        w.VM_RESOURCE_ID + "/",
        w.VM_RESOURCE_ID + "/x",
        w.VM_RESOURCE_ID + "/../demo-vm2",
        w.VM_RESOURCE_ID.replace("demo-rg", ".."),
        w.VM_RESOURCE_ID.replace("demo-rg", "a/b"),
        w.VM_RESOURCE_ID.replace("demo-rg", "a?b"),
        w.VM_RESOURCE_ID.replace("demo-rg", "a%2fb"),
        w.VM_RESOURCE_ID.replace(w.SUBSCRIPTION_ID, "no-guid"),
        w.VM_RESOURCE_ID + "#",
        w.VM_RESOURCE_ID + "\n",
        "/subscriptions/" * 300,
        w.VM_RESOURCE_ID.replace("Microsoft.Compute", "Micro\u017foft.Compute"),
        w.VM_RESOURCE_ID.replace("virtualMachines", "virtualMachine\u017f"),
    ],
)
def test_ids_that_are_none(text: str) -> None:
    found = parse_resource_id(text)
    assert (found is not None) == text.endswith("demo-vm/")
