"""What all namespaces of an unsealed server share: one database, one barrier, one audit, one clock."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from structlog.typing import FilteringBoundLogger

from vaultlike.audit.broker import AuditBroker
from vaultlike.clock import Clock
from vaultlike.core.access_tokens import Opened
from vaultlike.core.explain import Explanations
from vaultlike.core.leader import Leader
from vaultlike.core.lockout import Lockouts
from vaultlike.core.throttle import Throttle
from vaultlike.core.windows import Windows
from vaultlike.identity.clients import ClientLog
from vaultlike.log import named
from vaultlike.meters import Meters
from vaultlike.mounts.catalog import Catalog
from vaultlike.mounts.namespaces import Namespaces
from vaultlike.sdk.egress import Egress
from vaultlike.seal.barrier import Barrier
from vaultlike.settings import Settings
from vaultlike.storage.engine import Engine
from vaultlike.storage.view import DecodedCache, Generation, View


class Shared:
    """Made once at each unsealing."""

    def __init__(
        self,
        *,
        engine: Engine,
        barrier: Barrier,
        settings: Settings,
        clock: Clock,
        random: Callable[[int], bytes],
        log: FilteringBoundLogger,
        egress: Egress,
        catalog: Catalog,
        reload_keys: Callable[[], object],
        windows: Windows,
        meters: Meters,
    ) -> None:
        self.engine, self.barrier, self.settings = engine, barrier, settings
        self.clock, self.random, self.egress, self.catalog = clock, random, egress, catalog
        self.log = named(log, "core")
        self.reload_keys = reload_keys
        self.generation = Generation()
        self.cache = DecodedCache(self.generation)
        self.storage = View(engine, barrier, "", "core/", cache=self.cache)
        self.namespaces = Namespaces(self.storage, random)
        audit = View(engine, barrier, "", "audit/", cache=self.cache)
        self.audit = AuditBroker(audit, clock, named(log, "audit"), barrier.derive("audit"), egress, meters)
        self.explanations = Explanations(engine, barrier, clock, self.log, keep=settings.explanations)
        self.leader = Leader(engine, clock, self.log, random)
        self.board = meters.board
        self.opened_tokens = Opened(clock)
        self.throttle = Throttle(clock, windows, meters)
        self.clients = ClientLog(View(engine, barrier, "", "clients/", bump=False), clock, self.log, random)
        counters = View(engine, barrier, "", "lockout/", bump=False)
        self.lockouts = Lockouts(counters, barrier.derive("lockout"), clock, self.log, lambda: self.settings)

    def view(self, namespace: str, prefix: str) -> View:
        """The documents of a namespace (by its id) below a prefix, sealed for that place alone."""
        return View(self.engine, self.barrier, namespace, prefix, cache=self.cache)

    async def cluster(self) -> tuple[str, str]:
        """The cluster's name and id, made at the first start."""
        made = str(uuid.UUID(bytes=self.random(16), version=4)).encode()
        identity = await self.storage.update("cluster", lambda known: known or made)
        assert identity is not None
        return f"{self.settings.cluster_name}-{identity[:8].decode()}", identity.decode()
