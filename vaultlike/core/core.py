"""The services of an unsealed server, wired together. Exists only while the server is unsealed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

from vaultlike.builtin.organization.backend import Organization
from vaultlike.builtin.organization.places import ORGANIZATION
from vaultlike.core import renewal, simulation, workload, wrapping
from vaultlike.core.access_tokens import AccessTokens
from vaultlike.core.branches import Branches
from vaultlike.core.entitlements import Entitlements
from vaultlike.core.explain import Explained, show
from vaultlike.core.shared import Shared
from vaultlike.errors import Denied
from vaultlike.identity.clients import settings_of
from vaultlike.identity.entity import Entity
from vaultlike.identity.groups import GroupStore
from vaultlike.identity.issuer import Issuer
from vaultlike.identity.store import IdentityStore
from vaultlike.mounts.entry import MountEntry
from vaultlike.mounts.gauges import PERIOD as GAUGES
from vaultlike.mounts.gauges import Gauges
from vaultlike.mounts.namespaces import ROOT, Namespace
from vaultlike.mounts.restarts import Restarts
from vaultlike.mounts.router import Mount, Router
from vaultlike.mounts.table import MountTable
from vaultlike.mounts.vetting import Table, mismatch, vetted
from vaultlike.policy.acl import ACL
from vaultlike.policy.store import PolicyStore
from vaultlike.policy.within import NOTHING, Within
from vaultlike.sdk import Backend, Call, Caller, Reply, WrapInfo
from vaultlike.system.loggers import follow_levels
from vaultlike.tokens.entry import Token
from vaultlike.tokens.store import NewToken, TokenStore
from vaultlike.tokens.sweeper import sweep

DEFAULT_MOUNTS = [
    ("auth/token/", "token", "token based credentials"),
    ("cubbyhole/", "cubbyhole", "per-token private secret storage"),
    ("identity/", "identity", "identity store"),
    ("sys/", "system", "system endpoints used for control, policy and debugging"),
]
MakeBackend = Callable[["Core", MountEntry], Backend]


class Core:
    """Everything a request needs once the server is unsealed: one namespace's worth. `root` is None for the root's."""

    def __init__(
        self, shared: Shared, make_backend: MakeBackend, namespace: Namespace = ROOT, root: Core | None = None
    ) -> None:
        self._shared, self._make_backend = shared, make_backend
        self.namespace, self.namespaces = namespace, shared.namespaces
        self.engine, self.barrier, self.settings = shared.engine, shared.barrier, shared.settings
        self.clock, self.random, self.log = shared.clock, shared.random, shared.log
        self.egress, self.catalog, self.audit = shared.egress, shared.catalog, shared.audit
        self.explanations, self.leader = shared.explanations, shared.leader
        self.throttle, self.lockouts, self.clients = shared.throttle, shared.lockouts, shared.clients
        self.root_storage = shared.storage
        place = namespace.id
        self.storage = shared.view(place, "core/")
        self.documents = shared.view(place, "")  # mounts take their folder of it
        self.table = MountTable(self.storage, self.clock, self.random)
        self.router = Router(self._mount, self.log)
        self.policies = PolicyStore(shared.view(place, "policy/"), shared.view(place, "policy-guards/"), self.clock)
        self.tokens = TokenStore(self.engine, self.barrier, self.clock, self.random, place, self._sees)
        self.identity = IdentityStore(self.engine, self.barrier, self.clock, self.random, place)
        self.groups = GroupStore(shared.view(place, "identity/groups/"), self.clock, self.random)
        oidc = shared.view(place, "identity/oidc/")
        self.issuer = Issuer(oidc, self.clock, self.random, self.settings.api_addr, namespace.path)
        secret = self.barrier.derive("access tokens")
        self.access_tokens = AccessTokens(self.issuer, secret, self.clock, self.random, place, shared.opened_tokens)
        self.tag_key = self.barrier.derive("tags of answers")
        own = self.entitlements = Entitlements(self.policies, self.identity, self.groups, self.router, self.clock)
        # of Services; as they are, because every request asks for some of them
        self.policies_of, self.identity_policies = own.policies_of, own.identity_policies
        self.membership, self.acl_of, self.facts = own.membership, own.acl_of, own.facts
        self._vetted: Table = {}  # what plugins must be like
        self._restarts = Restarts(shared.storage)
        self.cluster = ("", "")  # name and id
        self.followed: int | None = None  # the generation that mounts, policies and devices are known to be up to
        self._refreshing = asyncio.Lock()
        self._root = self if root is None else root
        self.branches: Branches = Branches(self) if root is None else root.branches
        self.gauges: Gauges = Gauges(self._running, shared.board, self.log) if root is None else root.gauges

    async def start(self) -> None:
        """Loads mounts, policies and audit devices; makes what every new server has. The root's core alone."""
        await self.furnish()
        self.cluster = await self._shared.cluster()
        await self.refresh(await self.engine.generation())
        await self.explanations.start()
        await self.clients.start()
        self.leader.every(30.0, "expired tokens", self._sweep)
        self.leader.every(60.0, "mounts", self._tick)
        self.leader.every(300.0, "lockouts", self._tidy_lockouts)
        self.leader.every(3600.0, "clients", self._tidy_clients)
        self.leader.everywhere(GAUGES, "gauges", self.gauges.post)
        await self.leader.start()

    async def furnish(self) -> None:
        """Makes what every namespace has: its default policy and its own mounts."""
        await self.policies.ensure_default()
        await self.table.ensure(DEFAULT_MOUNTS)

    async def stop(self) -> None:
        """Ends background work and drops everything opened. The root's core alone."""
        await self.leader.stop()
        await self.explanations.stop()
        await self.clients.stop()
        await self.branches.close()
        await self.close()
        self.gauges.clear()
        await self.audit.close()

    async def close(self) -> None:
        """Drops what this namespace opened."""
        await self.router.unload()
        self.tokens.forget()
        self.identity.forget()
        self.entitlements.forget()

    async def refresh(self, generation: int) -> None:
        """Takes over configuration that anybody changed: caches are dropped, mounts follow the table."""
        shared = self._shared
        async with self._refreshing:
            if self.followed is not None and generation <= self.followed:
                return  # somebody was faster, or the caller read the counter before the last change
            await _maybe(shared.reload_keys())
            shared.generation.value = generation
            await self.namespaces.load()
            await follow_levels(self.root_storage)
            self.clients.enabled = (await settings_of(self.root_storage)).enabled != "disable"
            await self._reload()
            await self.audit.load()
            await self.branches.prune()
            self.followed = generation  # only now: until then requests wait for the lock; a failure is tried again

    async def follow(self, generation: int) -> None:
        """Takes over for a namespace below the root what the root's core has seen up to `generation`."""
        async with self._refreshing:
            if self.followed is None or generation > self.followed:
                await self._reload()
                self.followed = generation

    async def _reload(self) -> None:
        self.entitlements.forget()
        self.identity.forget()
        self.access_tokens.forget()
        self._vetted = await vetted(self.root_storage)
        await self.router.load(await self.table.load())
        await self._restarts.follow(self.router)

    async def current(self) -> None:
        """Makes sure that this process has seen every configuration write; for paths that present no token."""
        generation, root = await self.engine.generation(), self._root
        if generation != root.followed:
            await root.refresh(generation)
        if root is not self:
            await self.follow(root.followed or 0)

    # Namespaces

    def _sees(self, namespace: str) -> bool:
        found = self.namespaces.by_id(namespace)
        return found is not None and self.namespace.covers(found)

    def admits(self, token: Token) -> bool:
        """Whether a token may be used here at all: one of this namespace, or of one above it."""
        place = token.row.namespace
        if place == self.namespace.id:
            return True
        found = self.namespaces.by_id(place)
        return found is not None and found.covers(self.namespace)

    async def home(self, token: Token) -> Core:
        """The core of the namespace that a token is of; raises Denied where that one is gone."""
        place = token.row.namespace
        if place == self.namespace.id:
            return self
        found = self.namespaces.by_id(place)
        if found is None:
            raise Denied(reason="the token's namespace is gone")
        return await self.branches.at(found)

    async def inside(self, namespace: Namespace) -> Core:
        """The core of another namespace that exists."""
        return await self.branches.at(namespace)

    def branch(self, namespace: Namespace) -> Core:
        """A core for a namespace below the root, with nothing loaded yet."""
        return Core(self._shared, self._make_backend, namespace, self._root)

    async def open_namespace(self, namespace: Namespace) -> None:
        """Gives a new namespace what every one has."""
        await self._root.current()
        await self.branches.at(namespace)

    async def end_namespace(self, namespace: Namespace) -> None:
        """Empties a namespace and forgets it; raises Invalid while others are inside."""
        await self.branches.end(namespace)

    # Mounts

    def _mount(self, entry: MountEntry) -> Mount:
        plugin = self.catalog.find(entry.kind, auth=entry.auth)
        if plugin is None or (plugin.backend is None):
            return Mount(entry, None, plugin.problem if plugin else "no such plugin is installed")
        if problem := mismatch(plugin, self._vetted):
            return Mount(entry, None, problem)
        try:
            return Mount(entry, self._make_backend(self, entry))
        except Exception as problem:  # a plugin that cannot be built is unavailable, the server is not
            self.log.error("mount cannot be built", mount=entry.path, kind=entry.kind, problem=repr(problem))
            return Mount(entry, None, f"{type(problem).__name__}: {problem}")

    def _running(self) -> Iterator[tuple[str, Mount]]:
        """Every mount that this process has open, with the path of its namespace."""
        for core in self.branches.opened():
            for mount in core.router.mounts():
                yield core.namespace.path, mount

    def default_ttl(self, entry: MountEntry) -> int:
        """Effective default TTL of a mount, seconds."""
        return entry.config.default_lease_ttl or min(self.settings.default_lease_ttl, self.max_ttl(entry))

    def max_ttl(self, entry: MountEntry) -> int:
        """Effective maximum TTL of a mount, seconds."""
        return entry.config.max_lease_ttl or self.settings.max_lease_ttl

    # Policies

    async def acl(self, token: Token, entity: Entity | None, at: float | None = None) -> ACL:
        """What the token may do here now: its own policies and its entity's, compiled once per generation. With `at`
        (Unix seconds) what is left of it then.

        A token of a namespace above does what its policies there say about paths in here; any other token nothing.
        """
        if token.row.namespace == self.namespace.id:
            return await self.acl_of(await self.policies_of(token, entity), entity, at)
        if not self.admits(token):
            return NOTHING
        home = await self.home(token)
        return Within(await home.acl(token, entity, at), self.namespace.path[len(home.namespace.path) :])

    async def acl_of_caller(self, caller: Caller, at: float | None = None) -> ACL:
        """What the caller of a request may do here; `at`: what is left of it then."""
        if at is None and isinstance(caller.acl, ACL):
            return caller.acl
        token = caller.record
        assert isinstance(token, Token)
        return await self.acl(token, await (await self.home(token)).identity.entity(caller.entity_id), at)

    # What the system's resources ask for (vaultlike.services)

    async def renew(self, call: Call, token: Token, increment: int, *, show_token: bool = True) -> Reply:
        """More time for a token, within every limit."""
        return await renewal.renew(await self.home(token), call, token, increment, show_token=show_token)

    def named(self, new: NewToken) -> NewToken:
        """A token to mint that signed access tokens can name."""
        return self.access_tokens.named(new)

    async def find_named(self, jti: str) -> Token | None:
        """The valid token that signed access tokens call by this name."""
        return await self.tokens.find(self.access_tokens.text_of(jti))

    async def signed(self, token: Token, ttl: int) -> str:
        """The access token of the second API for a token that has `ttl` more seconds."""
        mount = self.router.at(ORGANIZATION)
        organization = mount.backend if mount is not None else None
        claims = await organization.claims(token) if isinstance(organization, Organization) else {}
        return await self.access_tokens.sign(token.entry.jti, claims, ttl)

    async def wrap(self, payload: bytes, ttl: int, path: str, wrapped_accessor: str = "") -> WrapInfo:
        """A single-use token that holds `payload` for `ttl` seconds."""
        return await wrapping.make(self.tokens, payload, ttl, path, wrapped_accessor)

    async def explanation(self, request_id: str) -> Explained | None:
        """The explanation of a login; None when there is none (any more)."""
        found = await self.explanations.find(request_id)
        return None if found is None else show(found)

    async def simulate(self, call: Call, path: str, data: dict[str, object]) -> Explained:
        """Runs a login without minting anything and explains it. Raises NotFound when there is no login at `path`."""
        return show(await simulation.simulate(self, self.lockouts, call, path, data))

    async def identity_token(self, entry: MountEntry, audience: str, ttl: int) -> tuple[str, int]:
        """A workload identity token of a mount, and its TTL in seconds."""
        return await workload.identity_token(self.issuer, self.namespace, entry, audience, ttl)

    async def locked_users(self, accessor: str = "") -> dict[str, list[str]]:
        """The names that are locked out, by accessor of their mount; of one mount or of all."""
        mounts = {mount.entry.accessor: mount.entry for mount in self.router.mounts()}
        return await self.lockouts.locked({key: mounts[key] for key in mounts if accessor in ("", key)})

    async def unlock_user(self, accessor: str, alias: str) -> int:
        """Lets a name log in again; how many counters of failures there were."""
        return await self.lockouts.unlock(accessor, alias)

    # Background work, run by one node at a time

    async def _tidy_lockouts(self) -> None:
        known: dict[str, MountEntry] = {}
        async for core in self.branches.every(complete=True):  # what is not known is forgotten
            known.update({mount.entry.accessor: mount.entry for mount in core.router.mounts()})
        await self.lockouts.tidy(known)

    async def _tidy_clients(self) -> None:
        await self.clients.tidy((await settings_of(self.root_storage)).retention_months)

    async def _sweep(self) -> None:
        await sweep(self.engine, self.clock)

    async def _tick(self) -> None:
        async for core in self.branches.every(complete=False):
            for mount in core.router.mounts():
                if mount.backend is not None:
                    try:
                        await mount.backend.tick()
                    except Exception as problem:  # one mount's trouble is not the next one's
                        self.log.error("periodic work failed", mount=mount.entry.path, problem=repr(problem))


async def _maybe(result: object) -> None:
    if asyncio.iscoroutine(result):
        await result
