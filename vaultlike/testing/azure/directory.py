"""Look-ups in a `World`: who is behind an id, which identities a host has, which groups hold a member.

Owns reading only; changes go through `control`. Every look-up ignores case, as Azure does.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from vaultlike.testing.azure.model import Application, Host, Identity, Tenant, World, fold


class Principal(Struct, frozen=True, kw_only=True):
    """Who a token stands for. `mirid` and `az_rid` are the values of the xms claims, empty when there are none."""

    tenant: str
    object_id: str
    client_id: str
    managed: bool
    mirid: str = ""
    az_rid: str = ""


class Directory:
    """Reads one `World`. Cheap to build; holds no copies."""

    def __init__(self, world: World) -> None:
        self.world = world

    def tenant(self, name: str) -> Tenant | None:
        """The tenant with this GUID or verified domain."""
        wanted = fold(name)
        found = self.world.tenants.get(wanted)
        if found is not None:
            return found
        return next((t for t in self.world.tenants.values() if wanted in map(fold, t.domains)), None)

    def tenant_of(self, subscription: str) -> str:
        """The tenant id of a subscription, empty when there is no such subscription."""
        found = self.world.subscriptions.get(fold(subscription))
        return found.tenant if found else ""

    def application(self, name: str) -> Application | None:
        """By client id, object id, service principal id or display name."""
        wanted = fold(name)
        found = self.world.applications.get(wanted)
        if found is not None:
            return found
        for app in self.world.applications.values():
            if wanted in (fold(app.object_id), fold(app.service_principal_id), fold(app.display_name)):
                return app
        return None

    def audience(self, resource: str, tenant: str) -> Application | None:
        """The application of this tenant which a requested resource means: client id, `api://` of it, or its URIs."""
        wanted = fold(resource)
        for app in self.world.applications.values():
            names = (app.app_id, f"api://{app.app_id}", *app.identifier_uris)
            if app.tenant == tenant and wanted in map(fold, names):
                return app
        return None

    def identity(self, name: str) -> Identity | None:
        """A user-assigned identity by resource id, client id, principal id or (first of that) name."""
        wanted = fold(name)
        found = self.world.identities.get(wanted)
        if found is not None:
            return found
        for identity in self.world.identities.values():
            if wanted in (fold(identity.client_id), fold(identity.principal_id), fold(identity.name)):
                return identity
        return None

    def hosts(self) -> Iterator[Host]:
        """Machines, scale sets and other resources."""
        yield from self.world.machines.values()
        yield from self.world.scale_sets.values()
        yield from self.world.resources.values()

    def host(self, name: str) -> Host | None:
        """A host by resource id or (first of that) name."""
        wanted = fold(name)
        for table in (self.world.machines, self.world.scale_sets, self.world.resources):
            found = table.get(wanted)
            if found is not None:
                return found
        return next((host for host in self.hosts() if fold(host.name) == wanted), None)

    def identities_of(self, host: Host) -> list[Identity]:
        """The user-assigned identities of a host that still exist, in order."""
        found = (self.identity(name) for name in host.user_assigned)
        return [identity for identity in found if identity is not None]

    def system_principal(self, host: Host) -> Principal:
        """The system-assigned identity of a host that has one."""
        return Principal(
            tenant=self.tenant_of(host.subscription),
            object_id=host.principal_id,
            client_id=host.client_id,
            managed=True,
            mirid=claim_id(host.id),
        )

    def user_principal(self, identity: Identity, host: Host | None) -> Principal:
        """A user-assigned identity, as used on `host`; spec/azure.md 2.4 says what the two xms claims hold."""
        return Principal(
            tenant=self.tenant_of(identity.subscription),
            object_id=identity.principal_id,
            client_id=identity.client_id,
            managed=True,
            mirid=claim_id(identity.id),
            az_rid=claim_id(host.id) if host else "",
        )

    def app_principal(self, app: Application) -> Principal:
        """The service principal of an application."""
        return Principal(tenant=app.tenant, object_id=app.service_principal_id, client_id=app.app_id, managed=False)

    def groups_of(self, object_id: str) -> list[str]:
        """Ids of all groups that hold this object, directly or through other groups."""
        found: list[str] = []
        pending = [object_id]
        while pending:
            member = fold(pending.pop())
            for group in self.world.groups.values():
                if group.id not in found and member in map(fold, group.members):
                    found.append(group.id)
                    pending.append(group.id)
        return found

    def app_roles_of(self, object_id: str, resource_app_id: str) -> list[str]:
        """The application permissions an object holds on a resource application."""
        return [
            held.role
            for held in self.world.app_roles
            if fold(held.principal_id) == fold(object_id) and fold(held.resource_app_id) == fold(resource_app_id)
        ]


def claim_id(resource_id: str) -> str:
    """A resource id as Entra spells it in the xms claims: with `resourcegroups` in lower case (spec/azure.md 7.2)."""
    return resource_id.replace("/resourceGroups/", "/resourcegroups/")
