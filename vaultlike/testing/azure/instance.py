"""The instance document: what a machine can read about itself (spec/azure.md 7.3).

Owns its content and walking into it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import msgspec
from msgspec import Struct

from vaultlike.testing.azure.model import Host, Machine, Resource, ScaleSet
from vaultlike.testing.azure.refusals import MetadataRefusal
from vaultlike.testing.azure.state import State

Value: TypeAlias = "str | tuple[Value, ...] | dict[str, Value]"


class Tag(Struct, frozen=True):
    name: str
    value: str


class Compute(Struct, frozen=True, kw_only=True, rename="camel"):
    az_environment: str
    location: str
    name: str
    os_type: str = "Linux"
    provider: str = "Microsoft.Compute"
    resource_group_name: str
    resource_id: str
    sku: str = "22_04-lts"
    subscription_id: str
    tags: str
    tags_list: tuple[Tag, ...]
    vm_id: str
    vm_scale_set_name: str
    vm_size: str = "Standard_B2s"
    zone: str = ""


class Address(Struct, frozen=True, kw_only=True, rename="camel"):
    private_ip_address: str = "10.0.0.4"
    public_ip_address: str = ""


class Addresses(Struct, frozen=True, kw_only=True, rename="camel"):
    ip_address: tuple[Address, ...] = (Address(),)


class Interface(Struct, frozen=True, kw_only=True, rename="camel"):
    ipv4: Addresses = Addresses()
    mac_address: str = "000D3A000001"


class Network(Struct, frozen=True, kw_only=True):
    interface: tuple[Interface, ...] = (Interface(),)


class Instance(Struct, frozen=True, kw_only=True):
    compute: Compute
    network: Network = Network()


def vm_id_of(host: Host) -> str:
    """The unique id of a machine; instances of a uniform scale set share the made-up one of their set."""
    return host.vm_id if isinstance(host, Machine) else host.principal_id


def document(state: State, host: Host) -> Value:
    """The instance document of a host. Raises MetadataRefusal (404) for hosts that are no machines."""
    if isinstance(host, Resource) and host.resource_type.lower() != "microsoft.hybridcompute/machines":
        raise MetadataRefusal(404, "Not found", f"A {host.type} has no instance metadata.")
    name, resource_id, scale_set = host.name, host.id, ""
    if isinstance(host, Machine):
        scale_set = host.scale_set
    elif isinstance(host, ScaleSet):
        name, resource_id, scale_set = f"{host.name}_0", f"{host.id}/virtualMachines/0", host.name
    compute = Compute(
        az_environment="AzurePublicCloud",
        location=host.location,
        name=name,
        resource_group_name=host.resource_group,
        resource_id=resource_id,
        subscription_id=host.subscription,
        tags=";".join(f"{key}:{value}" for key, value in host.tags.items()),
        tags_list=tuple(Tag(key, value) for key, value in host.tags.items()),
        vm_id=vm_id_of(host),
        vm_scale_set_name=scale_set,
    )
    found: Value = msgspec.to_builtins(Instance(compute=compute))
    return found


def walk(value: Value, path: str) -> Value | None:
    """The part of a document below `/a/b/0`; None when there is none."""
    here: Value | None = value
    for step in filter(None, path.split("/")):
        if isinstance(here, Mapping):
            here = here.get(step)
        elif isinstance(here, tuple) and step.isdecimal() and int(step) < len(here):
            here = here[int(step)]
        else:
            return None
    return here


def text_of(value: Value) -> str:
    """`format=text`: a value as it is, a branch as the list of its names."""
    if isinstance(value, str):
        return value
    if isinstance(value, tuple):
        return "\n".join(f"{index}/" for index in range(len(value)))
    return "\n".join(name if isinstance(below, str) else f"{name}/" for name, below in value.items())
