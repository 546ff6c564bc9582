"""What the system's resources need of an unsealed server. The core satisfies it; the system never imports the core."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from structlog.typing import FilteringBoundLogger

from vaultlike.audit.broker import AuditBroker
from vaultlike.clock import Clock
from vaultlike.identity.clients import ClientLog
from vaultlike.identity.entity import Entity
from vaultlike.identity.group import GroupIndex, Membership
from vaultlike.identity.groups import GroupStore
from vaultlike.identity.issuer import Issuer
from vaultlike.identity.store import IdentityStore
from vaultlike.mounts.catalog import Catalog
from vaultlike.mounts.entry import MountEntry
from vaultlike.mounts.gauges import Gauges
from vaultlike.mounts.namespaces import Namespace, Namespaces
from vaultlike.mounts.router import Router
from vaultlike.mounts.table import MountTable
from vaultlike.policy.acl import ACL
from vaultlike.policy.store import PolicyStore
from vaultlike.policy.template import Facts
from vaultlike.sdk import Call, Caller, Reply, WrapInfo
from vaultlike.seal.barrier import Barrier
from vaultlike.settings import Settings
from vaultlike.storage.engine import Engine
from vaultlike.storage.view import View
from vaultlike.tokens.entry import Token
from vaultlike.tokens.store import NewToken, TokenStore


class Services(Protocol):
    """The unsealed server, as far as `sys/*`, `auth/token`, `identity` and the engines use it."""

    engine: Engine
    barrier: Barrier
    settings: Settings
    clock: Clock
    random: Callable[[int], bytes]
    log: FilteringBoundLogger
    catalog: Catalog
    namespace: Namespace  # the one that all this is about
    namespaces: Namespaces  # all of them
    storage: View  # the core's own documents of the namespace
    root_storage: View  # the same of the root namespace
    documents: View  # all documents of the namespace
    table: MountTable
    router: Router
    gauges: Gauges  # of all namespaces
    policies: PolicyStore
    tokens: TokenStore
    identity: IdentityStore
    groups: GroupStore
    issuer: Issuer
    audit: AuditBroker
    clients: ClientLog

    def named(self, new: NewToken) -> NewToken:
        """A token to mint that signed access tokens can name (ADR 7)."""
        ...

    async def find_named(self, jti: str) -> Token | None:
        """The valid token that signed access tokens call by this name."""
        ...

    async def signed(self, token: Token, ttl: int) -> str:
        """The access token of the second API (ADR 7) for a token that has `ttl` more seconds."""
        ...

    async def current(self) -> None:
        """Makes this process see every configuration write, its own included."""
        ...

    def default_ttl(self, entry: MountEntry) -> int:
        """Effective default TTL of a mount, seconds."""
        ...

    def max_ttl(self, entry: MountEntry) -> int:
        """Effective maximum TTL of a mount, seconds."""
        ...

    async def acl(self, token: Token, entity: Entity | None) -> ACL:
        """What a token may do now."""
        ...

    def admits(self, token: Token) -> bool:
        """Whether a token may be used here at all: one of this namespace, or of one above it."""
        ...

    async def home(self, token: Token) -> Services:
        """The services of the namespace that a token is of; raises Denied where that one is gone."""
        ...

    async def inside(self, namespace: Namespace) -> Services:
        """The services of another namespace that exists; the caller answers for who may use them."""
        ...

    async def open_namespace(self, namespace: Namespace) -> None:
        """Gives a namespace what every one has: its mounts and its default policy."""
        ...

    async def end_namespace(self, namespace: Namespace) -> None:
        """Empties a namespace and forgets it; raises Invalid while others are inside."""
        ...

    async def acl_of_caller(self, caller: Caller, at: float | None = None) -> ACL:
        """What the caller of a request may do here; `at`: what is left of it then (Unix seconds)."""
        ...

    async def acl_of(self, names: tuple[str, ...], entity: Entity | None, at: float | None = None) -> ACL:
        """What a set of policies allows; `at`: what is left of it then (Unix seconds), of an entity that may be another
        than the stored one."""
        ...

    async def identity_policies(self, entity: Entity | None) -> tuple[str, ...]:
        """The policies that come from an entity and its groups, sorted."""
        ...

    async def membership(self, entity: Entity) -> tuple[GroupIndex, Membership]:
        """All groups, and those that the entity is in now."""
        ...

    async def facts(self, entity: Entity | None) -> Facts | None:
        """What templates may say about an entity."""
        ...

    async def renew(self, call: Call, token: Token, increment: int, *, show_token: bool = True) -> Reply:
        """More time for a token, within every limit; raises Invalid or what its method raises."""
        ...

    async def wrap(self, payload: bytes, ttl: int, path: str, wrapped_accessor: str = "") -> WrapInfo:
        """A single-use token that holds `payload` for `ttl` seconds."""
        ...

    async def locked_users(self, accessor: str = "") -> dict[str, list[str]]:
        """The names that are locked out, by accessor of their mount; of one mount or of all."""
        ...

    async def unlock_user(self, accessor: str, alias: str) -> int:
        """Lets a name log in again; how many counters of failures there were, 0 is fine."""
        ...

    async def explanation(self, request_id: str) -> object | None:
        """The explanation of a login, as a Struct to show; None when there is none (any more)."""
        ...

    async def simulate(self, call: Call, path: str, data: dict[str, object]) -> object:
        """Runs a login at `path` without minting anything; its explanation, as a Struct to show."""
        ...
