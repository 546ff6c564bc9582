"""Where a machine lives: its subscription, group, location and scale set, as Resource Manager and the token prove it.

The caller names a resource. The token must name the same one (`xms_az_rid`, `xms_mirid`), and Resource Manager must say
that the token's identity is attached to it (spec/azure.md 2.4). Everything that costs no request comes first.
"""

from __future__ import annotations

from msgspec import Struct

from vaultlike.errors import Denied, Invalid, Upstream
from vaultlike.sdk import Call
from vaultlike_azure.arm import Host, ResourceManager, UserIdentity
from vaultlike_azure.bounds import admits, shown
from vaultlike_azure.claims import Principal
from vaultlike_azure.resource_id import ResourceId, fold, parse_resource_id
from vaultlike_azure.role import Role

MAX_ATTACHED = 64  # identities of one resource that are looked up one by one


class Asked(Struct, frozen=True, kw_only=True):
    """The resource that the caller says it is, with well-formed names; "" where not given."""

    subscription_id: str = ""
    resource_group_name: str = ""
    vm_name: str = ""
    vmss_name: str = ""
    resource_id: str = ""


class Place(Struct, frozen=True, kw_only=True):
    """What was proved; it is recorded with the token and tested again at renewal."""

    subscription_id: str
    resource_group_name: str
    location: str = ""
    vmss_name: str = ""


def same_region(name: str) -> str:
    """`East US` and `eastus` are one region: some resources answer with the display name."""
    return fold(name.replace(" ", ""))


class Residence:
    """The checks of one login. `prove` is the whole of it."""

    def __init__(self, call: Call, role: Role, asked: Asked, principal: Principal, manager: ResourceManager) -> None:
        self._call, self._role, self._asked = call, role, asked
        self._principal, self._manager = principal, manager

    async def prove(self) -> Place:
        """Raises Invalid when the caller must say more, Denied when a check fails, Upstream when Azure cannot tell."""
        asked = self._asked
        if not asked.subscription_id or not asked.resource_group_name:
            raise Invalid("subscription_id and resource_group_name are required")
        if asked.vmss_name:
            return await self._scale_set(asked.vmss_name)
        if asked.vm_name:
            return await self._machine(asked.vm_name)
        if asked.resource_id:
            return await self._resource(asked.resource_id)
        if self._principal.app_id:
            return await self._identity_only()
        raise Invalid("either vm_name, vmss_name or resource_id is required, or a token with an appid claim")

    # The kinds of resource.

    async def _scale_set(self, name: str) -> Place:
        asked, host = self._asked, self._claimed_host()
        self._call.require("token.vmss_name", name, host.path, host.is_of_scale_set(name))
        self._check_group(host)
        allowed = self._role.bound_scale_sets
        if allowed:
            self._call.require("bound_scale_sets", shown(allowed), name, admits(allowed, name))
        found = await self._manager.scale_set(asked.subscription_id, asked.resource_group_name, name)
        return await self._attached_at(self._existing(f"scale set {name}", found))

    async def _machine(self, name: str) -> Place:
        asked, host = self._asked, self._claimed_host()
        self._call.require("token.vm_name", name, host.path, host.is_machine(name))
        self._check_group(host)
        self._refuse_scale_sets()
        found = await self._manager.machine(asked.subscription_id, asked.resource_group_name, name)
        return await self._attached_at(self._existing(f"virtual machine {name}", found))

    async def _resource(self, given: str) -> Place:
        resource, host = parse_resource_id(given), self._principal.host
        if resource is None:
            raise Invalid("invalid resource id")
        if host is not None and host.type == resource.type:
            # Another resource of the same kind may share the identity; its token is not this one's.
            self._call.require("token.resource_id", resource.path, host.path, host.same(resource))
        self._check_group(resource)
        self._refuse_scale_sets()
        found = self._existing("resource", await self._manager.resource(resource))
        if self._principal.app_id and not await self._is_attached(found):
            # Workload identity in Kubernetes: the identity is federated, not attached, and must pass the bounds itself.
            self._check_location(found.location)
            await self._own_identity()
            return self._place(found.location)
        return await self._attached_at(found)

    async def _identity_only(self) -> Place:
        """No machine: a user-assigned identity that stands for itself."""
        self._refuse_scale_sets()
        self._check_subscription()
        group, location = await self._own_identity()
        allowed = self._role.bound_resource_groups
        if allowed:
            self._call.require("bound_resource_groups", shown(allowed), group, admits(allowed, group))
        return Place(
            subscription_id=self._asked.subscription_id, resource_group_name=group, location=same_region(location or "")
        )

    # What the token says.

    def _claimed_host(self) -> ResourceId:
        """The resource that the token was issued on. Raises Denied."""
        principal, host = self._principal, self._principal.host
        received = host.path if host else "no machine" if principal.named else "absent (a custom audience has none)"
        self._call.require("token.xms_claims", "xms_az_rid or xms_mirid of a machine", received, host is not None)
        assert host is not None
        return host

    def _check_group(self, resource: ResourceId) -> None:
        """Subscription and group: those asked for are the resource's own, and the role's."""
        asked, role = self._asked, self._role
        sub, group = asked.subscription_id, asked.resource_group_name
        self._call.require("subscription_id", sub, resource.subscription, fold(resource.subscription) == fold(sub))
        self._call.require("resource_group_name", group, resource.group, fold(resource.group) == fold(group))
        self._check_subscription()
        allowed = role.bound_resource_groups
        if allowed:
            self._call.require("bound_resource_groups", shown(allowed), group, admits(allowed, group))

    def _check_subscription(self) -> None:
        allowed, given = self._role.bound_subscription_ids, self._asked.subscription_id
        if allowed:
            self._call.require("bound_subscription_ids", shown(allowed), given, admits(allowed, given))

    def _refuse_scale_sets(self) -> None:
        allowed = self._role.bound_scale_sets
        if allowed:
            self._call.require("bound_scale_sets", shown(allowed), "no scale set", False)

    # What Resource Manager says.

    def _existing(self, what: str, found: Host | None) -> Host:
        self._call.require(
            "azure.resource", f"{what} exists", "not found" if found is None else "found", found is not None
        )
        assert found is not None
        block = "present" if found.identity is not None else "absent"
        self._call.require("azure.identity", "a managed identity", block, found.identity is not None)
        return found

    async def _attached_at(self, found: Host) -> Place:
        attached = await self._is_attached(found)
        received = "attached" if attached else "not among the identities of the resource"
        self._call.require("azure.principal", self._principal.oid, received, attached)
        self._check_location(found.location)
        return self._place(found.location)

    async def _is_attached(self, found: Host) -> bool:
        """Whether the token's identity is one of the resource's."""
        block, oid = found.identity, fold(self._principal.oid)
        if block is None or not oid:
            return False
        assigned = block.userAssignedIdentities or {}
        known = [block.principalId, *(one.principalId for one in assigned.values() if one is not None)]
        if any(fold(one) == oid for one in known if one):
            return True
        # Flexible scale sets list identities without their ids: each must be asked for, the token's own first.
        unknown = [key for key, one in assigned.items() if one is None or not one.principalId]
        ids = [parsed for key in unknown[:MAX_ATTACHED] if (parsed := parse_resource_id(key)) and parsed.is_identity]
        own = self._principal.identity
        for one in sorted(ids, key=lambda each: own is None or not each.same(own)):
            identity = await self._manager.identity(one)
            facts = identity.properties if identity is not None else None
            if facts is not None and fold(facts.principalId or "") == oid:
                return True
        return False

    async def _own_identity(self) -> tuple[str, str | None]:
        """Group and location of the user-assigned identity that is the token's bearer. Raises Denied, Upstream."""
        asked, failure = self._asked, None
        groups = {fold(name): name for name in (asked.resource_group_name, *(self._role.bound_resource_groups or ()))}
        for group in groups.values():
            try:
                listed = await self._manager.identities(asked.subscription_id, group)
            except Upstream as error:
                failure = error  # another group may still hold it
                continue
            found = next((one for one in listed if self._is_bearer(one)), None)
            if found is not None:
                self._call.check("azure.client_id", self._principal.app_id, f"identity in group {group}", True)
                self._check_location(found.location)
                return group, found.location
        if failure is not None:
            raise failure
        self._call.check("azure.client_id", self._principal.app_id, "no identity in these resource groups", False)
        raise Denied(reason=f"identity {self._principal.oid} is neither attached to the resource nor in its groups")

    def _is_bearer(self, listed: UserIdentity) -> bool:
        facts, principal = listed.properties, self._principal
        if facts is None or not principal.oid or not principal.app_id:
            return False
        own = parse_resource_id(listed.id)
        if principal.identity is not None and own is not None and not own.same(principal.identity):
            return False
        same_principal = fold(facts.principalId or "") == fold(principal.oid)
        return same_principal and fold(facts.clientId or "") == fold(principal.app_id)

    def _check_location(self, location: str | None) -> None:
        allowed = self._role.bound_locations
        if allowed:
            known = tuple(same_region(name) for name in allowed)
            ok = admits(known, same_region(location or ""))
            self._call.require("bound_locations", shown(allowed), location or "unknown", ok)

    def _place(self, location: str | None) -> Place:
        asked = self._asked
        return Place(
            subscription_id=asked.subscription_id,
            resource_group_name=asked.resource_group_name,
            location=same_region(location or ""),
            vmss_name=asked.vmss_name,
        )
