"""The levers of the emulator for programs: build the world, mint tokens, break things, count requests.

Owns every change of the world but Graph's password calls, and fills in blank ids. The same levers over HTTP are
`control_http`. Adding something that is there already replaces it.
"""

from __future__ import annotations

from typing import TypeVar

from msgspec import Struct

from vaultlike.errors import Invalid, NotFound
from vaultlike.testing.azure.faults import FOREVER, Endpoint, Fault
from vaultlike.testing.azure.keys import KeyInfo
from vaultlike.testing.azure.ledger import Seen
from vaultlike.testing.azure.model import (
    Application,
    AppRoleAssignment,
    FederatedCredential,
    Group,
    Host,
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
from vaultlike.testing.azure.state import State
from vaultlike.testing.azure.tokens import Minted, TokenOrder, UnknownPrincipal, mint

S = TypeVar("S")
_TWO_YEARS = 2 * 365 * 86400.0


class SettingsChange(Struct, kw_only=True, forbid_unknown_fields=True):
    """New values for some settings; see `Settings`."""

    clock_offset: float | None = None
    secret_delay: float | None = None
    page_size: int | None = None
    default_host: str | None = None
    default_site: str | None = None
    identity_header: str | None = None


class Control:
    """All methods act at once; the state file, if there is one, is written before they return."""

    def __init__(self, state: State) -> None:
        self._state = state

    @property
    def world(self) -> World:
        """The live world; whoever changes it directly also calls `save`."""
        return self._state.world

    def save(self) -> None:
        self._state.save()

    def add_tenant(self, tenant: Tenant) -> Tenant:
        tenant.id = tenant.id or self._state.new_guid()
        self.world.tenants[fold(tenant.id)] = tenant
        return self._saved(tenant)

    def add_subscription(self, subscription: Subscription) -> Subscription:
        """Raises NotFound for an unknown tenant; a blank one means the first."""
        subscription.tenant = self._tenant(subscription.tenant)
        self.world.subscriptions[fold(subscription.id)] = subscription
        return self._saved(subscription)

    def add_application(self, app: Application) -> Application:
        app.tenant = self._tenant(app.tenant)
        app.app_id = app.app_id or self._state.new_guid()
        app.object_id = app.object_id or self._state.new_guid()
        app.service_principal_id = app.service_principal_id or self._state.new_guid()
        for password in app.passwords:
            self._complete(password)
        self.world.applications[fold(app.app_id)] = app
        return self._saved(app)

    def add_password(self, app: str, password: Password) -> Password:
        """A client secret for an application (any name of it). Without `ends_at` it lives two years from now."""
        self.application(app).passwords.append(self._complete(password))
        return self._saved(password)

    def add_federated(self, owner: str, credential: FederatedCredential) -> FederatedCredential:
        """Trust in a foreign issuer for an application or a user-assigned identity."""
        found = self._state.directory.application(owner) or self._state.directory.identity(owner)
        if found is None:
            raise NotFound(f"no application or identity {owner!r}")
        found.federated.append(credential)
        return self._saved(credential)

    def add_identity(self, identity: Identity) -> Identity:
        identity.subscription, identity.resource_group, identity.location = self._place(identity)
        identity.principal_id = identity.principal_id or self._state.new_guid()
        identity.client_id = identity.client_id or self._state.new_guid()
        self.world.identities[fold(identity.id)] = identity
        return self._saved(identity)

    def add_machine(self, machine: Machine) -> Machine:
        machine.vm_id = machine.vm_id or self._state.new_guid()
        self._settle(machine)
        self.world.machines[fold(machine.id)] = machine
        return self._saved(machine)

    def add_scale_set(self, scale_set: ScaleSet) -> ScaleSet:
        self._settle(scale_set)
        self.world.scale_sets[fold(scale_set.id)] = scale_set
        return self._saved(scale_set)

    def add_resource(self, resource: Resource) -> Resource:
        if "/" not in resource.resource_type:
            raise Invalid("resource_type has the form Namespace/type")
        self._settle(resource)
        self.world.resources[fold(resource.id)] = resource
        return self._saved(resource)

    def add_provider(self, provider: Provider) -> Provider:
        self.world.providers[fold(provider.namespace)] = provider
        return self._saved(provider)

    def add_group(self, group: Group) -> Group:
        group.tenant = self._tenant(group.tenant)
        group.id = group.id or self._state.new_guid()
        self.world.groups[fold(group.id)] = group
        return self._saved(group)

    def grant(self, assignment: RoleAssignment) -> RoleAssignment:
        """Azure RBAC on a scope."""
        self.world.roles.append(assignment)
        return self._saved(assignment)

    def grant_app_role(self, assignment: AppRoleAssignment) -> AppRoleAssignment:
        """An application permission, by default of Graph. Tokens issued from now on carry it."""
        self.world.app_roles.append(assignment)
        return self._saved(assignment)

    def revoke(self, principal_id: str) -> None:
        """Takes all RBAC and application permissions from an object id."""
        gone = fold(principal_id)
        self.world.roles = [one for one in self.world.roles if fold(one.principal_id) != gone]
        self.world.app_roles = [one for one in self.world.app_roles if fold(one.principal_id) != gone]
        self.save()

    def remove(self, name: str) -> None:
        """Deletes a host, identity, application or group (resource id, client id or name). Raises NotFound."""
        world, directory = self.world, self._state.directory
        host = directory.host(name)
        if host is not None:
            for table in (world.machines, world.scale_sets, world.resources):
                table.pop(fold(host.id), None)
        elif (identity := directory.identity(name)) is not None:
            del world.identities[fold(identity.id)]
        elif (app := directory.application(name)) is not None:
            del world.applications[fold(app.app_id)]
        elif world.groups.pop(fold(name), None) is None:
            raise NotFound(f"nothing is called {name!r}")
        self.save()

    def host(self, name: str) -> Host:
        """Raises NotFound."""
        found = self._state.directory.host(name)
        if found is None:
            raise NotFound(f"no host {name!r}")
        return found

    def application(self, name: str) -> Application:
        """Raises NotFound."""
        found = self._state.directory.application(name)
        if found is None:
            raise NotFound(f"no application {name!r}")
        return found

    def settings(self) -> Settings:
        return self.world.settings

    def configure(self, change: SettingsChange) -> Settings:
        """Changes the given settings. Raises NotFound for unknown hosts and Invalid for a page size below 1."""
        if change.page_size is not None and change.page_size < 1:
            raise Invalid("page_size must be at least 1")
        for name in (change.default_host, change.default_site):
            if name:
                self.host(name)
        for field in SettingsChange.__struct_fields__:
            value = getattr(change, field)
            if value is not None:
                setattr(self.world.settings, field, value)
        return self._saved(self.world.settings)

    def ask_as(self, host: str) -> None:
        """Which host the metadata service takes a caller for that does not say."""
        self.configure(SettingsChange(default_host=host))

    def set_clock_offset(self, seconds: float) -> None:
        self.configure(SettingsChange(clock_offset=seconds))

    def mint(self, order: TokenOrder | None = None) -> str:
        """A token as ordered; without an order an honest one of the default host for Resource Manager."""
        return self.mint_full(order or TokenOrder()).token

    def mint_full(self, order: TokenOrder) -> Minted:
        """The token with its dates. Raises NotFound for an unknown principal or key."""
        try:
            return mint(self._state, order)
        except UnknownPrincipal as error:
            raise NotFound(str(error)) from error
        except KeyError as error:
            raise NotFound(f"no signing key {order.key!r}") from error

    def fault(self, fault: Fault) -> None:
        """Adds a fault. Raises Invalid for one that could not do anything."""
        try:
            self._state.faults.add(fault)
        except ValueError as error:
            raise Invalid(str(error)) from error

    def throttle(self, endpoint: Endpoint, retry_after: int, times: int = FOREVER) -> None:
        """429 with Retry-After (seconds)."""
        self.fault(Fault(endpoint=endpoint, status=429, retry_after=retry_after, times=times))

    def faults(self) -> list[Fault]:
        return self._state.faults.listing()

    def clear_faults(self, endpoint: str = "") -> None:
        self._state.faults.clear(endpoint)

    def keys(self) -> list[KeyInfo]:
        return self._state.keys.listing()

    def rotate_keys(self, *, publish: bool = True, activate: bool = True) -> str:
        """A new signing key; returns its kid. Older ones stay published until `withdraw_key` or `retire_key`."""
        kid = self._state.keys.rotate(publish=publish, activate=activate)
        self.save()
        return kid

    def publish_key(self, kid: str) -> None:
        self._key_change("publish", kid)

    def withdraw_key(self, kid: str) -> None:
        """Takes a key out of the key set; tokens can still be minted with it."""
        self._key_change("withdraw", kid)

    def activate_key(self, kid: str) -> None:
        self._key_change("activate", kid)

    def retire_key(self, kid: str) -> None:
        """Deletes a key. Raises Invalid for the active one."""
        self._key_change("retire", kid)

    def counters(self) -> dict[str, int]:
        """Requests per endpoint; an endpoint never asked is missing."""
        return self._state.ledger.counters()

    def requests(self) -> list[Seen]:
        return self._state.ledger.requests()

    def reset_counters(self) -> None:
        self._state.ledger.reset()

    def _key_change(self, change: str, kid: str) -> None:
        keys = self._state.keys
        act = {"publish": keys.publish, "withdraw": keys.withdraw, "activate": keys.activate, "retire": keys.retire}
        try:
            act[change](kid)
        except KeyError as error:
            raise NotFound(f"no signing key {kid!r}") from error
        except ValueError as error:
            raise Invalid(str(error)) from error
        self.save()

    def _saved(self, thing: S) -> S:
        self.save()
        return thing

    def _tenant(self, name: str) -> str:
        found = self._state.directory.tenant(name or next(iter(self.world.tenants), ""))
        if found is None:
            raise NotFound(f"no tenant {name!r}")
        return found.id

    def _complete(self, password: Password) -> Password:
        if not password.text:
            raise Invalid("a password needs a text")
        password.key_id = password.key_id or self._state.new_guid()
        password.ends_at = password.ends_at or self._state.now() + _TWO_YEARS
        return password

    def _place(self, thing: Host | Identity) -> tuple[str, str, str]:
        """Subscription, group and location of a new thing; blanks mean the first ones. New groups are made."""
        world = self.world
        subscription = world.subscriptions.get(fold(thing.subscription or next(iter(world.subscriptions), "")))
        if subscription is None:
            raise NotFound(f"no subscription {thing.subscription!r}")
        groups = subscription.resource_groups
        group = thing.resource_group or next(iter(groups), "default")
        group = next((name for name in groups if fold(name) == fold(group)), group)
        location = thing.location or groups.get(group, "eastus")
        groups.setdefault(group, location)
        return subscription.id, group, location

    def _settle(self, host: Host) -> None:
        host.subscription, host.resource_group, host.location = self._place(host)
        for name in host.user_assigned:
            if self._state.directory.identity(name) is None:
                raise NotFound(f"no identity {name!r}")
        if host.system_assigned or host.principal_id:
            host.system_assigned = True
            host.principal_id = host.principal_id or self._state.new_guid()
            host.client_id = host.client_id or self._state.new_guid()
