"""The default world: one small company, with fixed ids that tests, docs and dev mode may rely on.

Owns the constants and the seed; nothing reads them but callers and `seed`.

| Thing | Name | What it is for |
|---|---|---|
| tenant | `TENANT_ID`, `TENANT_DOMAIN` | |
| subscription, resource group | `SUBSCRIPTION_ID`, `RESOURCE_GROUP` | in `LOCATION` |
| application | `SERVER_CLIENT_ID` + `SERVER_CLIENT_SECRET` | the server's own: may read in ARM, rotate in Graph |
| virtual machine | `SERVER_VM` | where the server could run: its system-assigned identity has the same rights |
| application | `API_CLIENT_ID`, `API_URI` | a custom audience (`api://...`): its tokens lack the xms claims |
| virtual machine | `VM` | system-assigned identity; asks by default; member of `GROUP_ID` |
| virtual machine | `USER_VM` | the user-assigned `IDENTITY` only |
| scale sets | `FLEX_SCALE_SET` (null principal ids) with instance `FLEX_VM`, `UNIFORM_SCALE_SET` | |
| web app | `SITE` | a resource of another type; asks on the App Service endpoint |
"""

from __future__ import annotations

from typing import Final

from vaultlike.testing.azure.model import (
    Application,
    AppRoleAssignment,
    Group,
    Identity,
    Machine,
    Password,
    Provider,
    Resource,
    RoleAssignment,
    ScaleSet,
    Settings,
    Subscription,
    Tenant,
    World,
    fold,
)

TENANT_ID: Final = "11111111-aaaa-4000-8000-000000000001"
TENANT_DOMAIN: Final = "demo.onmicrosoft.test"
SUBSCRIPTION_ID: Final = "22222222-bbbb-4000-8000-000000000001"
RESOURCE_GROUP: Final = "demo-rg"
LOCATION: Final = "eastus"

SERVER_CLIENT_ID: Final = "33333333-cccc-4000-8000-000000000001"
SERVER_CLIENT_SECRET: Final = "emulated~server~secret"
SERVER_SECRET_KEY_ID: Final = "33333333-cccc-4000-8000-000000000002"
SERVER_APP_OBJECT_ID: Final = "33333333-cccc-4000-8000-000000000003"
SERVER_PRINCIPAL_ID: Final = "33333333-cccc-4000-8000-000000000004"
SERVER_VM: Final = "server-vm"
SERVER_VM_PRINCIPAL_ID: Final = "33333333-cccc-4000-8000-000000000005"
SERVER_VM_CLIENT_ID: Final = "33333333-cccc-4000-8000-000000000006"

API_CLIENT_ID: Final = "44444444-dddd-4000-8000-000000000001"
API_APP_OBJECT_ID: Final = "44444444-dddd-4000-8000-000000000002"
API_PRINCIPAL_ID: Final = "44444444-dddd-4000-8000-000000000003"
API_URI: Final = "api://demo-api"

VM: Final = "demo-vm"
VM_PRINCIPAL_ID: Final = "55555555-eeee-4000-8000-000000000001"
VM_CLIENT_ID: Final = "55555555-eeee-4000-8000-000000000002"
VM_ID: Final = "55555555-eeee-4000-8000-000000000003"
USER_VM: Final = "demo-vm-user"
USER_VM_ID: Final = "55555555-eeee-4000-8000-000000000004"
IDENTITY: Final = "demo-identity"
IDENTITY_PRINCIPAL_ID: Final = "66666666-ffff-4000-8000-000000000001"
IDENTITY_CLIENT_ID: Final = "66666666-ffff-4000-8000-000000000002"

FLEX_SCALE_SET: Final = "demo-flex"
FLEX_VM: Final = "demo-flex_1a2b3c4d"
FLEX_VM_ID: Final = "77777777-aaaa-4000-8000-000000000001"
UNIFORM_SCALE_SET: Final = "demo-uniform"
UNIFORM_PRINCIPAL_ID: Final = "77777777-aaaa-4000-8000-000000000002"
UNIFORM_CLIENT_ID: Final = "77777777-aaaa-4000-8000-000000000003"

SITE: Final = "demo-site"
SITE_PRINCIPAL_ID: Final = "88888888-bbbb-4000-8000-000000000001"
SITE_CLIENT_ID: Final = "88888888-bbbb-4000-8000-000000000002"
GROUP_ID: Final = "99999999-cccc-4000-8000-000000000001"
GROUP_NAME: Final = "demo-machines"

_FOREVER = 4_102_444_800.0  # 2100-01-01
_PLACE: Final = (SUBSCRIPTION_ID, RESOURCE_GROUP, LOCATION)
GRAPH_RIGHTS: Final = ("Application.ReadWrite.All", "GroupMember.Read.All")

IDENTITY_ID: Final = Identity(name=IDENTITY, subscription=SUBSCRIPTION_ID, resource_group=RESOURCE_GROUP).id
VM_RESOURCE_ID: Final = Machine(name=VM, subscription=SUBSCRIPTION_ID, resource_group=RESOURCE_GROUP).id
SITE_RESOURCE_ID: Final = Resource(name=SITE, subscription=SUBSCRIPTION_ID, resource_group=RESOURCE_GROUP).id


def ids() -> dict[str, str]:
    """All constants of the seed by lower-case name: what the command prints for scripts."""
    return {
        name.lower(): value
        for name, value in globals().items()
        if name.isupper() and isinstance(value, str) and name[0] != "_"
    }


def seed() -> World:
    """A fresh copy of the default world."""
    world = World()
    world.tenants[TENANT_ID] = Tenant(id=TENANT_ID, domains=[TENANT_DOMAIN], name="Demo")
    world.subscriptions[SUBSCRIPTION_ID] = Subscription(
        id=SUBSCRIPTION_ID, tenant=TENANT_ID, name="Demo", resource_groups={RESOURCE_GROUP: LOCATION}
    )
    _seed_applications(world)
    _seed_machines(world)
    _seed_scale_sets(world)
    _seed_site(world)
    for namespace, types in _PROVIDERS.items():
        world.providers[fold(namespace)] = Provider(namespace=namespace, types={k: list(v) for k, v in types.items()})
    world.groups[GROUP_ID] = Group(name=GROUP_NAME, id=GROUP_ID, tenant=TENANT_ID, members=[VM_PRINCIPAL_ID])
    for principal in (SERVER_PRINCIPAL_ID, SERVER_VM_PRINCIPAL_ID):
        world.roles.append(RoleAssignment(principal_id=principal, scope=f"/subscriptions/{SUBSCRIPTION_ID}"))
        world.app_roles.extend(AppRoleAssignment(principal_id=principal, role=right) for right in GRAPH_RIGHTS)
    world.settings = Settings(default_host=VM_RESOURCE_ID, default_site=SITE_RESOURCE_ID)
    return world


def _seed_applications(world: World) -> None:
    secret = Password(key_id=SERVER_SECRET_KEY_ID, text=SERVER_CLIENT_SECRET, display_name="seeded", ends_at=_FOREVER)
    world.applications[SERVER_CLIENT_ID] = Application(
        display_name="vaultlike-server",
        tenant=TENANT_ID,
        app_id=SERVER_CLIENT_ID,
        object_id=SERVER_APP_OBJECT_ID,
        service_principal_id=SERVER_PRINCIPAL_ID,
        owners=[SERVER_PRINCIPAL_ID],
        passwords=[secret],
    )
    world.applications[API_CLIENT_ID] = Application(
        display_name="demo-api",
        tenant=TENANT_ID,
        app_id=API_CLIENT_ID,
        object_id=API_APP_OBJECT_ID,
        service_principal_id=API_PRINCIPAL_ID,
        identifier_uris=[API_URI],
    )


def _seed_machines(world: World) -> None:
    subscription, group, location = _PLACE
    identity = Identity(
        name=IDENTITY,
        subscription=subscription,
        resource_group=group,
        location=location,
        principal_id=IDENTITY_PRINCIPAL_ID,
        client_id=IDENTITY_CLIENT_ID,
    )
    world.identities[fold(identity.id)] = identity
    for name, vm_id, principal, client, identities, scale_set in (
        (VM, VM_ID, VM_PRINCIPAL_ID, VM_CLIENT_ID, [], ""),
        (USER_VM, USER_VM_ID, "", "", [IDENTITY_ID], ""),
        (SERVER_VM, "33333333-cccc-4000-8000-000000000007", SERVER_VM_PRINCIPAL_ID, SERVER_VM_CLIENT_ID, [], ""),
        (FLEX_VM, FLEX_VM_ID, "", "", [IDENTITY_ID], FLEX_SCALE_SET),
    ):
        machine = Machine(
            name=name,
            subscription=subscription,
            resource_group=group,
            location=location,
            system_assigned=bool(principal),
            principal_id=principal,
            client_id=client,
            user_assigned=list(identities),
            vm_id=vm_id,
            scale_set=scale_set,
        )
        world.machines[fold(machine.id)] = machine


def _seed_scale_sets(world: World) -> None:
    subscription, group, location = _PLACE
    flexible = ScaleSet(
        name=FLEX_SCALE_SET,
        subscription=subscription,
        resource_group=group,
        location=location,
        user_assigned=[IDENTITY_ID],
        mode="flexible",
        null_principals="null",
    )
    uniform = ScaleSet(
        name=UNIFORM_SCALE_SET,
        subscription=subscription,
        resource_group=group,
        location=location,
        system_assigned=True,
        principal_id=UNIFORM_PRINCIPAL_ID,
        client_id=UNIFORM_CLIENT_ID,
        user_assigned=[IDENTITY_ID],
    )
    world.scale_sets = {fold(flexible.id): flexible, fold(uniform.id): uniform}


def _seed_site(world: World) -> None:
    subscription, group, _ = _PLACE
    site = Resource(
        name=SITE,
        subscription=subscription,
        resource_group=group,
        location="East US",  # other resource types answer with display names (spec/azure.md 2.4)
        system_assigned=True,
        principal_id=SITE_PRINCIPAL_ID,
        client_id=SITE_CLIENT_ID,
        user_assigned=[IDENTITY_ID],
    )
    world.resources[fold(site.id)] = site


_PROVIDERS: Final[dict[str, dict[str, tuple[str, ...]]]] = {
    "Microsoft.Compute": {
        "virtualMachines": ("2024-07-01", "2022-11-01"),
        "virtualMachineScaleSets": ("2024-07-01", "2022-11-01"),
    },
    "Microsoft.ManagedIdentity": {"userAssignedIdentities": ("2024-11-30", "2023-01-31", "2022-01-31-preview")},
    "Microsoft.Web": {"sites": ("2024-11-01-preview", "2024-04-01", "2022-09-01"), "sites/slots": ("2024-04-01",)},
    "Microsoft.ContainerService": {"managedClusters": ("2024-09-02-preview", "2024-09-01")},
    "Microsoft.ContainerInstance": {"containerGroups": ("2023-05-01",)},
    "Microsoft.HybridCompute": {"machines": ("2024-07-10",)},
}
