"""Groups as they are stored, and all groups of a namespace as one index in memory. Knows no storage and no HTTP."""

from __future__ import annotations

from collections.abc import Iterable

from cachetools import LRUCache
from msgspec import Struct

from vaultlike.storage.rows import fold

EXTERNAL = "external"
INTERNAL = "internal"


class GroupAlias(Struct, frozen=True, kw_only=True):
    """The name under which an auth mount (by accessor) knows an external group. Times in Unix seconds."""

    id: str
    name: str
    mount: str
    created_at: float
    updated_at: float

    @property
    def key(self) -> tuple[str, str]:
        """What is unique about it; names match whatever their case (spec/surprises.md 29)."""
        return self.mount, fold(self.name)


class Group(Struct, frozen=True, kw_only=True):
    """One group. `members` and `policies` are None until they were given once (spec/vault-api.md 6.2)."""

    id: str
    name: str
    kind: str = INTERNAL
    created_at: float
    updated_at: float
    modify_index: int = 1
    metadata: dict[str, str] | None = None
    policies: tuple[str, ...] | None = None
    members: tuple[str, ...] | None = None  # entity ids, of internal groups
    groups: tuple[str, ...] = ()  # ids of the groups inside
    alias: GroupAlias | None = None


class Membership(Struct, frozen=True):
    """The ids of the groups that an entity is in: itself, through other groups, and both together; sorted."""

    direct: tuple[str, ...] = ()
    inherited: tuple[str, ...] = ()

    @property
    def all(self) -> tuple[str, ...]:
        return tuple(sorted({*self.direct, *self.inherited}))


class GroupIndex:
    """All groups of a namespace, found by id, name, alias, and member. `stamp` tells which state it shows."""

    def __init__(self, groups: Iterable[Group] = (), stamp: int = 0) -> None:
        self.stamp = stamp
        self.by_id: dict[str, Group] = {}
        self._by_name: dict[str, str] = {}
        self._by_alias: dict[tuple[str, str], str] = {}
        self._by_alias_id: dict[str, str] = {}
        self._of_entity: dict[str, set[str]] = {}
        self._parents: dict[str, set[str]] = {}
        self._memberships: LRUCache[tuple[str, tuple[str, ...]], Membership] = LRUCache(10_000)
        for group in groups:
            self._add(group)

    # Changing; only the store does, after the same change was committed

    def apply(self, puts: Iterable[Group], removed: Iterable[str], stamp: int) -> None:
        """Follows a commit: costs as much as the changed groups have members."""
        for identity in removed:
            self._drop(identity)
        for group in puts:
            self._drop(group.id)
            self._add(group)
        self._memberships.clear()
        self.stamp = stamp

    def _add(self, group: Group) -> None:
        self.by_id[group.id] = group
        self._by_name[fold(group.name)] = group.id
        if group.alias is not None:
            self._by_alias[group.alias.key] = group.id
            self._by_alias_id[group.alias.id] = group.id
        for entity in group.members or ():
            self._of_entity.setdefault(entity, set()).add(group.id)
        for inner in group.groups:
            self._parents.setdefault(inner, set()).add(group.id)

    def _drop(self, identity: str) -> None:
        group = self.by_id.pop(identity, None)
        if group is None:
            return
        if self._by_name.get(fold(group.name)) == identity:
            del self._by_name[fold(group.name)]
        if group.alias is not None:
            self._by_alias_id.pop(group.alias.id, None)
            if self._by_alias.get(group.alias.key) == identity:
                del self._by_alias[group.alias.key]
        for entity in group.members or ():
            self._of_entity[entity].discard(identity)
            if not self._of_entity[entity]:
                del self._of_entity[entity]
        for inner in group.groups:
            self._parents[inner].discard(identity)

    # Asking

    def named(self, name: str) -> Group | None:
        """The group of that name, whatever its case."""
        return self.by_id.get(self._by_name.get(fold(name), ""))

    def aliased(self, mount: str, name: str) -> Group | None:
        """The group that an auth mount knows under that name."""
        return self.by_id.get(self._by_alias.get((mount, fold(name)), ""))

    def with_alias(self, identity: str) -> Group | None:
        """The group whose alias has that id."""
        return self.by_id.get(self._by_alias_id.get(identity, ""))

    def parents(self, identity: str) -> tuple[str, ...]:
        """The ids of the groups that this group is directly in, sorted."""
        return tuple(sorted(self._parents.get(identity, ())))

    def members_of(self, entity: str) -> set[str]:
        """The ids of the internal groups that name an entity."""
        return self._of_entity.get(entity, set())

    def matching(self, mount: str, names: Iterable[str]) -> set[str]:
        """The ids of the external groups that an auth mount knows under any of the names."""
        found = (self._by_alias.get((mount, fold(name))) for name in names)
        return {identity for identity in found if identity is not None}

    def admits(self, identity: str, mount: str) -> bool:
        """Whether logins at `mount` (accessor) decide about a group."""
        group = self.by_id.get(identity)
        return group is not None and group.alias is not None and group.alias.mount == mount

    def membership(self, entity: str, external: tuple[str, ...] = ()) -> Membership:
        """The groups of an entity; `external` are the existing groups that its logins gave it."""
        if not self.by_id or (not external and entity not in self._of_entity):
            return _NONE
        key = (entity, external)
        known = self._memberships.get(key)
        if known is None:
            direct = {*self.members_of(entity), *external}
            inherited = self._above(direct) - direct
            known = self._memberships[key] = Membership(tuple(sorted(direct)), tuple(sorted(inherited)))
        return known

    def _above(self, start: set[str]) -> set[str]:
        found: set[str] = set()
        waiting = list(start)
        while waiting:
            for parent in self._parents.get(waiting.pop(), ()):
                if parent not in found:
                    found.add(parent)
                    waiting.append(parent)
        return found

    def contains(self, outer: str, inner: str) -> bool:
        """Whether group `outer` is `inner`, or holds it at any depth."""
        return outer == inner or outer in self._above({inner})


_NONE = Membership()
