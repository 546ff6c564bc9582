"""How Resource Manager shows things: the JSON of machines, scale sets, identities, providers and the rest.

Owns bodies only; who may see them and where they are is `arm`.
"""

from __future__ import annotations

from typing import TypeAlias

from msgspec import UNSET, Struct, UnsetType

from vaultlike.testing.azure.directory import Directory
from vaultlike.testing.azure.model import (
    Casing,
    Host,
    Identity,
    Machine,
    NullPrincipals,
    Provider,
    ScaleSet,
    Subscription,
)

Properties: TypeAlias = dict[str, object]


class Assigned(Struct, frozen=True, rename="camel"):
    """An entry of the identity map."""

    principal_id: str | UnsetType | None = UNSET
    client_id: str | UnsetType | None = UNSET


class IdentityBlock(Struct, frozen=True, kw_only=True, rename="camel"):
    type: str
    principal_id: str | UnsetType = UNSET
    tenant_id: str | UnsetType = UNSET
    user_assigned_identities: dict[str, Assigned] | UnsetType = UNSET


class Shown(Struct, frozen=True, kw_only=True):
    """Any resource as ARM answers it."""

    id: str
    name: str
    type: str
    location: str | UnsetType = UNSET
    tags: dict[str, str] | UnsetType = UNSET
    identity: IdentityBlock | UnsetType = UNSET
    properties: Properties | UnsetType = UNSET


class ResourceType(Struct, frozen=True, kw_only=True, rename="camel"):
    resource_type: str
    api_versions: list[str]
    locations: tuple[str, ...] = ("East US", "West Europe")
    capabilities: str = "SupportsTags, SupportsLocation"


class ShownProvider(Struct, frozen=True, kw_only=True, rename="camel"):
    id: str
    namespace: str
    registration_state: str = "Registered"
    registration_policy: str = "RegistrationRequired"
    resource_types: list[ResourceType]


class ShownSubscription(Struct, frozen=True, kw_only=True, rename="camel"):
    id: str
    subscription_id: str
    tenant_id: str
    display_name: str
    state: str = "Enabled"


def show_host(directory: Directory, host: Host, *, instance_view: bool = False) -> Shown:
    """A machine, scale set or other resource."""
    properties: Properties = {"provisioningState": "Succeeded"}
    if isinstance(host, Machine):
        properties["vmId"] = host.vm_id
        properties["hardwareProfile"] = {"vmSize": "Standard_B2s"}
        if host.scale_set:
            owner = ScaleSet(name=host.scale_set, subscription=host.subscription, resource_group=host.resource_group)
            properties["virtualMachineScaleSet"] = {"id": owner.id}
        if instance_view:
            status = {"code": "PowerState/running", "level": "Info", "displayStatus": "VM running"}
            properties["instanceView"] = {"statuses": [status]}
    elif isinstance(host, ScaleSet):
        properties["orchestrationMode"] = host.mode.capitalize()
    return Shown(
        id=recase(host.id, host.casing),
        name=host.name,
        type=host.type,
        location=host.location or UNSET,
        tags=host.tags or UNSET,
        identity=_identity_block(directory, host) or UNSET,
        properties=properties,
    )


def show_identity(directory: Directory, identity: Identity) -> Shown:
    """A user-assigned identity."""
    properties: Properties = {
        "tenantId": directory.tenant_of(identity.subscription),
        "principalId": identity.principal_id,
        "clientId": identity.client_id,
    }
    return Shown(
        id=identity.id,
        name=identity.name,
        type="Microsoft.ManagedIdentity/userAssignedIdentities",
        location=identity.location,
        tags={},
        properties=properties,
    )


def show_provider(provider: Provider, subscription: str) -> ShownProvider:
    prefix = f"/subscriptions/{subscription}" if subscription else ""
    types = [ResourceType(resource_type=name, api_versions=versions) for name, versions in provider.types.items()]
    return ShownProvider(
        id=f"{prefix}/providers/{provider.namespace}", namespace=provider.namespace, resource_types=types
    )


def show_subscription(subscription: Subscription) -> ShownSubscription:
    return ShownSubscription(
        id=f"/subscriptions/{subscription.id}",
        subscription_id=subscription.id,
        tenant_id=subscription.tenant,
        display_name=subscription.name,
    )


def show_group(subscription: str, name: str, location: str) -> Shown:
    return Shown(
        id=f"/subscriptions/{subscription}/resourceGroups/{name}",
        name=name,
        type="Microsoft.Resources/resourceGroups",
        location=location,
        properties={"provisioningState": "Succeeded"},
    )


def recase(text: str, casing: Casing) -> str:
    """A resource id as a service that does not care about case may spell it."""
    return text.lower() if casing == "lower" else text.upper() if casing == "upper" else text


def _identity_block(directory: Directory, host: Host) -> IdentityBlock | None:
    attached = directory.identities_of(host)
    if host.no_identity or not (attached or host.principal_id):
        return None
    kinds = ["SystemAssigned"] if host.principal_id else []
    kinds += ["UserAssigned"] if attached else []
    nulls: NullPrincipals = host.null_principals if isinstance(host, ScaleSet) else ""
    return IdentityBlock(
        type=", ".join(kinds),
        principal_id=host.principal_id or UNSET,
        tenant_id=directory.tenant_of(host.subscription) if host.principal_id else UNSET,
        user_assigned_identities={recase(one.id, host.casing): _assigned(one, nulls) for one in attached} or UNSET,
    )


def _assigned(identity: Identity, nulls: NullPrincipals) -> Assigned:
    if nulls == "empty":
        return Assigned()
    if nulls == "null":
        return Assigned(None, None)
    return Assigned(identity.principal_id, identity.client_id)
