"""Machine identities as documents, beside the core's entity of the same id. Owns no paths, tokens or policies.

`identities/<id>` is the identity; `names/<name> <role> <id>` sorts them by name and tells the role, so that lists and
searches read no documents but those that they show.
"""

from __future__ import annotations

import msgspec
from msgspec import Struct

from vaultlike.errors import NotFound
from vaultlike.sdk import Storage

MARK = b"\x01"
ATTEMPTS = 8  # of a write that others may overtake
PAGE = 1000  # names read at once
APART = "\x01"  # between the parts of an index key: sorts before all that a name can have


class Metadatum(Struct, frozen=True):
    """A key and a value that somebody keeps with an identity; the id is of this pair."""

    id: str
    key: str
    value: str


class Identity(Struct, frozen=True, kw_only=True):
    """A machine identity. `membership` is the id that the API shows for its place in the organization.

    Times in Unix seconds.
    """

    id: str
    name: str
    role: str
    membership: str
    created_at: float
    updated_at: float
    delete_protection: bool = False
    metadata: tuple[Metadatum, ...] = ()


class Entry(Struct, frozen=True):
    """What the index says of an identity; `name` in lower case."""

    name: str
    role: str
    id: str


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Identity).decode


class Identities:
    """All identities of the organization."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def find(self, identity: str) -> Identity | None:
        """The identity with this id, as it is now."""
        value = await self._storage.get(f"identities/{identity}") if identity else None
        return None if value is None else _decode(value)

    async def known(self, identity: str) -> Identity | None:
        """The same without a read where the configuration did not change; for what happens at every login."""
        return await self._storage.cached(f"identities/{identity}", _decode) if identity else None

    async def get(self, identity: str) -> Identity:
        """The same. Raises NotFound."""
        found = await self.find(identity)
        if found is None:
            raise NotFound(f"Identity with ID '{identity[:64]}' not found")
        return found

    async def add(self, new: Identity) -> None:
        """Adds an identity; its id is a fresh one."""
        await self._storage.commit_if({f"identities/{new.id}": (_encode(new), 0), _index(new): (MARK, None)})

    async def replace(self, old: Identity, new: Identity) -> bool:
        """Writes an identity anew; False where it is another by now."""
        found = await self._storage.versioned(f"identities/{old.id}")
        if found is None or _decode(found[0]) != old:
            return False
        changes: dict[str, tuple[bytes | None, int | None]] = {f"identities/{old.id}": (_encode(new), found[1])}
        if _index(old) != _index(new):
            changes |= {_index(old): (None, None), _index(new): (MARK, None)}
        return await self._storage.commit_if(changes)

    async def remove(self, old: Identity) -> None:
        """Deletes an identity's documents; absent is fine."""
        await self._storage.commit_if({f"identities/{old.id}": (None, None), _index(old): (None, None)})

    async def methods(self, identity: str) -> list[str]:
        """The ways to log in that are attached to an identity, as `azure-auth`, sorted."""
        return await self._storage.keys(f"methods/{identity}/")

    async def any(self) -> bool:
        """Whether there is one at all."""
        return bool(await self._storage.keys("identities/", limit=1))

    async def index(self, start: str = "", after: str = "") -> list[str]:
        """A page of the index in the order of names, of names that begin with `start`: keys for `entry`.

        `after` is the last key of the page before.
        """
        prefix = f"names/{start.lower()}"
        rest = len(prefix) - len("names/")
        keys = await self._storage.keys(prefix, after=after[rest:], limit=PAGE)
        return [prefix[len("names/") :] + key for key in keys]


def entry(key: str) -> Entry:
    """What a key of the index says."""
    name, role, identity = key.split(APART)
    return Entry(name, role, identity)


def _index(identity: Identity) -> str:
    return f"names/{identity.name.lower()}{APART}{identity.role}{APART}{identity.id}"
