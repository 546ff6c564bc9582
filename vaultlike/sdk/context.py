"""Everything a backend is given, once: the only source of time, network, storage, randomness and log."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol, TypeVar

from msgspec import Struct, structs
from structlog.typing import FilteringBoundLogger

from vaultlike.clock import Clock
from vaultlike.sdk.egress import Egress

T = TypeVar("T")


class Storage(Protocol):
    """A mount's own documents, encrypted below, keys relative to the mount. Writes are durable when they return."""

    async def get(self, key: str) -> bytes | None: ...
    async def put(self, key: str, value: bytes) -> int: ...
    async def delete(self, key: str) -> bool: ...
    async def keys(self, prefix: str = "", *, after: str = "", limit: int = 0) -> list[str]: ...
    async def children(self, prefix: str = "", *, after: str = "", limit: int = 0) -> list[str]: ...
    async def cached(self, key: str, decode: Callable[[bytes], T]) -> T | None: ...
    async def update(self, key: str, change: Callable[[bytes | None], bytes | None]) -> bytes | None: ...
    async def versioned(self, key: str) -> tuple[bytes, int] | None: ...
    async def items(self, prefix: str = "", *, after: str = "", limit: int = 0) -> list[tuple[str, bytes]]: ...

    async def commit_if(self, changes: Mapping[str, tuple[bytes | None, int | None]]) -> bool:
        """Writes a value or deletes (None) each key, all or none, where each is at the version beside its value.

        Version 0 is "absent", None is "whatever". False, and nothing written, where one is not.
        """
        ...

    def below(self, prefix: str, *, bump: bool | None = None) -> Storage:
        """A folder of this storage. `bump=False` is for what is no configuration (single uses, counters): its writes
        leave every cache alone, and `cached` does not cache."""
        ...


class System(Protocol):
    """The few facts and services of the server that a plugin may ask for."""

    def default_ttl(self) -> int:
        """Effective default lease TTL of the mount, seconds."""
        ...

    def max_ttl(self) -> int:
        """Effective maximum lease TTL of the mount, seconds."""
        ...

    def settings(self, stanza: str) -> tuple[Mapping[str, str], ...]:
        """The server config's stanzas of that name, e.g. `azure_cloud`; each with its label under `name`."""
        ...

    def environ(self, name: str) -> str:
        """An environment variable of the server process, "" when unset."""
        ...

    async def identity_token(self, audience: str, ttl: int) -> tuple[str, int]:
        """A workload identity token of this mount (spec/azure.md 5.1) and its TTL in seconds."""
        ...


class Context(Struct, frozen=True, kw_only=True):
    """One mount's world. `mount` is its path with a trailing slash, e.g. `auth/azure/`."""

    mount: str
    accessor: str
    uuid: str
    namespace: str  # its id, "" is the root one
    storage: Storage
    clock: Clock
    egress: Egress
    log: FilteringBoundLogger
    system: System
    random: Callable[[int], bytes]
    options: Mapping[str, str]

    def guarded(self) -> Context:
        """The same world, from which no private address can be reached (`Egress.guarded`)."""
        return structs.replace(self, egress=self.egress.guarded())
