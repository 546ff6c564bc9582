"""What a token's policies come to: which of them count, by its entity and groups too, and what they allow together.

Owns the compiled decisions of one namespace and when they are dropped. Parsing and compiling a policy are `policy`'s;
whether a token counts in a namespace at all is decided by `core`.
"""

from __future__ import annotations

from collections.abc import Mapping

from vaultlike.clock import Clock
from vaultlike.identity.entity import Entity
from vaultlike.identity.group import GroupIndex, Membership
from vaultlike.identity.groups import GroupStore
from vaultlike.identity.store import IdentityStore
from vaultlike.mounts.router import Router
from vaultlike.policy.acl import ACL
from vaultlike.policy.compiled import Compiled, compile_policies
from vaultlike.policy.store import PolicyStore
from vaultlike.policy.template import AliasFacts, Facts, GroupFacts
from vaultlike.tokens.entry import Token

ACLS = 4096  # compiled decisions kept; one more starts afresh


class Entitlements:
    """What the tokens and entities of one namespace may do. Everything is compiled once per generation."""

    def __init__(
        self, policies: PolicyStore, identity: IdentityStore, groups: GroupStore, router: Router, clock: Clock
    ) -> None:
        self.policies, self._identity, self._groups, self._router = policies, identity, groups, router
        self._clock = clock
        self.forget()

    def forget(self) -> None:
        """Drops what is compiled: policies, entities or mounts changed."""
        # new objects: what is being compiled from older policies lands in the old ones
        self._compiled: dict[tuple[str, ...], Compiled] = {}  # by policy names
        self._acls: dict[tuple[tuple[str, ...], str], ACL] = {}  # by policy names and entity
        # the names that entities come to, with the entity and the state of the groups that they were read from
        self._named: dict[str, tuple[Entity, int, tuple[str, ...]]] = {}

    async def policies_of(self, token: Token, entity: Entity | None) -> tuple[str, ...]:
        """The names of all policies that count for a token, sorted."""
        extra = await self.identity_policies(entity)
        if not extra:
            return token.entry.policies
        return tuple(sorted({*token.entry.policies, *extra}))

    async def identity_policies(self, entity: Entity | None) -> tuple[str, ...]:
        """The policies that come from the entity and its groups, sorted."""
        if entity is None:
            return ()
        named = self._named
        stamp = (await self._groups.index()).stamp
        known = named.get(entity.id)
        if known is not None and known[0] is entity and known[1] == stamp:
            return known[2]
        index, membership = await self.membership(entity)
        names = set(entity.body.policies)
        for identity in membership.all:
            names.update(index.by_id[identity].policies or ())
        if len(named) >= ACLS:
            named.clear()
        _, _, found = named[entity.id] = entity, index.stamp, tuple(sorted(names))
        return found

    async def membership(self, entity: Entity) -> tuple[GroupIndex, Membership]:
        """All groups, and those that the entity is in.

        What a login said counts while its mount exists and the group still has its alias there.
        """
        index = await self._groups.index()
        external = tuple(
            group
            for group, mount in entity.body.external
            if self._router.by_accessor(mount) is not None and index.admits(group, mount)
        )
        return index, index.membership(entity.id, external)

    async def acl_of(self, names: tuple[str, ...], entity: Entity | None, at: float | None = None) -> ACL:
        """The compiled decision for a set of policy names. `at` (Unix seconds): what is left of it then, compiled for
        this once, for an entity as it is given."""
        if at is not None:
            there = [await self.policies.find(name) for name in names]
            return compile_policies(
                [policy for policy in there if policy is not None], await self.facts(entity), now=at
            )  # fmt: skip
        own, compiled, cache = entity.id if entity is not None else "", self._compiled, self._acls
        now = self._clock.now()
        known = cache.get((names, own))
        if known is not None and (known.expires_at is None or known.expires_at > now):
            return known
        shared = compiled.get(names)
        if shared is None or (shared.expires_at is not None and shared.expires_at <= now):
            found = [await self.policies.find(name) for name in names]
            shared = Compiled((policy for policy in found if policy is not None), now=now)
            compiled[names] = shared
        facts = await self.facts(entity) if shared.templated else None
        acl = shared.fitted(facts, now=now)
        if len(cache) >= ACLS:
            cache.clear()
            compiled.clear()
        cache[names, own] = acl
        return acl

    async def facts(self, entity: Entity | None) -> Facts | None:
        """What policy templates may say about an entity."""
        if entity is None:
            return None
        aliases: Mapping[str, AliasFacts] = {
            alias.row.mount: AliasFacts(
                id=alias.row.id,
                name=alias.row.name,
                metadata=alias.body.metadata or {},
                custom_metadata=alias.body.custom_metadata or {},
            )
            for alias in await self._identity.aliases_of(entity.id)
        }
        index, membership = await self.membership(entity)
        groups = tuple(
            GroupFacts(id=group.id, name=group.name, metadata=group.metadata or {})
            for group in (index.by_id[identity] for identity in membership.all)
        )
        return Facts(
            id=entity.id, name=entity.name, metadata=entity.body.metadata or {}, aliases=aliases, groups=groups
        )
