"""The things an Azure tenant consists of, as far as a login touches them: plain Structs that are also the state file.

Owns the shapes and how a resource id is spelled. Not the rules (entra, arm, graph, metadata), not the seed (`world`).
Blank ids of new things are filled in by `control`. Resource ids are compared without regard to case, as Azure does:
the dictionaries are keyed by `fold(resource_id)`.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from msgspec import Struct, field

Casing: TypeAlias = Literal["", "lower", "upper"]
Mode: TypeAlias = Literal["uniform", "flexible"]
NullPrincipals: TypeAlias = Literal["", "null", "empty"]

ARM_ACTIONS = ("Microsoft.Compute/*/read", "Microsoft.ManagedIdentity/userAssignedIdentities/*/read", "*/read")
GRAPH_APP_ID = "00000003-0000-0000-c000-000000000000"  # Microsoft Graph's own well-known application id


def fold(text: str) -> str:
    """The form in which resource ids, names and GUIDs are compared."""
    return text.rstrip("/").lower()


class Tenant(Struct, kw_only=True):
    """A directory: `domains` are further names by which its endpoints can be addressed."""

    id: str
    domains: list[str] = []
    name: str = ""


class Subscription(Struct, kw_only=True):
    id: str
    tenant: str = ""
    name: str = "subscription"
    resource_groups: dict[str, str] = {}  # name -> location


class Password(Struct, kw_only=True):
    """A client secret. Times are Unix seconds; `usable_at` imitates the delay until all of Entra knows it."""

    key_id: str = ""
    text: str = ""
    display_name: str = ""
    starts_at: float = 0.0
    ends_at: float = 0.0
    usable_at: float = 0.0

    def __repr__(self) -> str:
        return f"Password(key_id={self.key_id!r})"


class FederatedCredential(Struct, kw_only=True):
    """Trust in a foreign issuer: all three texts are compared exactly, case included (spec/azure.md 5.3)."""

    name: str = "federated"
    issuer: str
    subject: str
    audiences: list[str] = field(default_factory=lambda: ["api://AzureADTokenExchange"])


class Application(Struct, kw_only=True):
    """An app registration with its service principal. `token_version` is the manifest's requestedAccessTokenVersion:
    it decides the shape of tokens issued *for* this application as audience. `group_claims` puts the caller's groups
    into such tokens."""

    display_name: str
    tenant: str = ""
    app_id: str = ""
    object_id: str = ""
    service_principal_id: str = ""
    identifier_uris: list[str] = []
    token_version: Literal[1, 2] = 1
    group_claims: bool = False
    owners: list[str] = []  # object ids of service principals
    passwords: list[Password] = []
    federated: list[FederatedCredential] = []


class Identity(Struct, kw_only=True):
    """A user-assigned managed identity."""

    name: str
    subscription: str = ""
    resource_group: str = ""
    location: str = ""
    principal_id: str = ""
    client_id: str = ""
    federated: list[FederatedCredential] = []

    @property
    def id(self) -> str:
        return _resource_id(
            self.subscription, self.resource_group, "Microsoft.ManagedIdentity/userAssignedIdentities", self.name
        )


class Host(Struct, kw_only=True):
    """Anything that can carry managed identities. `system_assigned` asks for a system-assigned one; its ids are filled
    in when blank. `casing` is how ARM spells this thing's ids and the keys of its identity map."""

    name: str
    subscription: str = ""
    resource_group: str = ""
    location: str = ""
    system_assigned: bool = False
    principal_id: str = ""
    client_id: str = ""
    user_assigned: list[str] = []  # resource ids, or names of identities
    no_identity: bool = False  # ARM answers without any identity block
    casing: Casing = ""
    tags: dict[str, str] = {}

    @property
    def type(self) -> str:
        raise NotImplementedError

    @property
    def id(self) -> str:
        return _resource_id(self.subscription, self.resource_group, self.type, self.name)


class Machine(Host, kw_only=True):
    """A virtual machine; `scale_set` names the flexible scale set it belongs to."""

    vm_id: str = ""
    scale_set: str = ""

    @property
    def type(self) -> str:
        return "Microsoft.Compute/virtualMachines"


class ScaleSet(Host, kw_only=True):
    """A scale set. `null_principals`: ARM shows its user-assigned identities without principal ids, as real flexible
    ones do (spec/azure.md 2.4b): as `null`, or as an empty object."""

    mode: Mode = "uniform"
    null_principals: NullPrincipals = ""

    @property
    def type(self) -> str:
        return "Microsoft.Compute/virtualMachineScaleSets"


class Resource(Host, kw_only=True):
    """Any other resource, e.g. a web app. `resource_type` with its namespace; nested types give `name` as `a/b`."""

    resource_type: str = "Microsoft.Web/sites"

    @property
    def type(self) -> str:
        return self.resource_type


class Provider(Struct, kw_only=True):
    """A resource provider: type -> api versions. `strict_versions` refuses other versions, which real ones do too."""

    namespace: str
    types: dict[str, list[str]] = {}
    strict_versions: bool = False


class Group(Struct, kw_only=True):
    """A security group; members are object ids of service principals or of other groups."""

    name: str
    id: str = ""
    tenant: str = ""
    members: list[str] = []


class RoleAssignment(Struct, kw_only=True):
    """Azure RBAC: who may do what below a scope. Actions may hold `*`."""

    principal_id: str
    scope: str
    actions: list[str] = field(default_factory=lambda: list(ARM_ACTIONS))


class AppRoleAssignment(Struct, kw_only=True):
    """An application permission, e.g. Graph's `Application.ReadWrite.All`; becomes an entry of the claim `roles`."""

    principal_id: str
    role: str
    resource_app_id: str = GRAPH_APP_ID


class Settings(Struct, kw_only=True):
    """Knobs of the emulated world; spans in seconds, `page_size` in entries."""

    clock_offset: float = 0.0
    secret_delay: float = 0.0
    page_size: int = 100
    default_host: str = ""
    default_site: str = ""
    identity_header: str = "emulator-identity-header"


class World(Struct, kw_only=True):
    """Everything the emulator knows about the imaginary Azure."""

    tenants: dict[str, Tenant] = {}
    subscriptions: dict[str, Subscription] = {}
    applications: dict[str, Application] = {}  # by folded app id
    identities: dict[str, Identity] = {}
    machines: dict[str, Machine] = {}
    scale_sets: dict[str, ScaleSet] = {}
    resources: dict[str, Resource] = {}
    providers: dict[str, Provider] = {}
    groups: dict[str, Group] = {}
    roles: list[RoleAssignment] = []
    app_roles: list[AppRoleAssignment] = []
    settings: Settings = field(default_factory=Settings)


def _resource_id(subscription: str, group: str, kind: str, name: str) -> str:
    """`/subscriptions/S/resourceGroups/G/providers/NS/type/name`, with names of nested types put between the types."""
    namespace, *types = kind.split("/")
    pairs = "/".join(f"{part}/{value}" for part, value in zip(types, name.split("/"), strict=False))
    return f"/subscriptions/{subscription}/resourceGroups/{group}/providers/{namespace}/{pairs}"
