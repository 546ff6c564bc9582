"""The server's life: sealed or unsealed, and the door that every request comes through.

Unsealed is a type: while there is a `Core` there are keys; `seal` drops it and everything it opened.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable
from typing import Protocol

from structlog.typing import FilteringBoundLogger

from vaultlike.builtin.organization.backend import Organization
from vaultlike.builtin.organization.methods.listing import BY_NAME
from vaultlike.builtin.organization.methods.mounting import mounted
from vaultlike.builtin.organization.places import ORGANIZATION, furnish
from vaultlike.clock import Clock
from vaultlike.core import pipeline
from vaultlike.core.core import Core
from vaultlike.core.request import Outcome, Request
from vaultlike.core.shared import Shared
from vaultlike.core.windows import Windows
from vaultlike.core.wiring import make_backend, make_catalog
from vaultlike.errors import Invalid, Sealed, UnsupportedOperation, VaultlikeError
from vaultlike.meters import FAILED, LOGINS, REFUSED, REQUESTS, Meters
from vaultlike.sdk import Call, Raw, Reply
from vaultlike.sdk.egress import Egress
from vaultlike.sdk.fields import fields_of
from vaultlike.sdk.routes import VERB_OF, RouteTable
from vaultlike.seal.barrier import Barrier
from vaultlike.seal.custodian import Custodian
from vaultlike.seal.initialization import Initialized, InitOrder
from vaultlike.seal.keeper import Keeper
from vaultlike.seal.rekey import Rekey
from vaultlike.seal.rootgen import RootGeneration
from vaultlike.seal.rotation import Rotation
from vaultlike.seal.seals import Seals
from vaultlike.settings import Settings
from vaultlike.storage.engine import Engine, InsertToken, Op
from vaultlike.system.seal import SealPaths
from vaultlike.system.under_way import UnderWay
from vaultlike.tokens.store import NewToken, TokenStore

ROOT_PATH = "auth/token/root"


class Siblings(Protocol):
    """The other processes that serve beside this one on the same machine: sealed and unsealed together."""

    async def join(self) -> None:
        """The storage can be used: take over what the others are by now."""
        ...

    async def opened(self, root_key: bytes) -> None:
        """This process has opened; returns when the others have too, or cannot be waited for."""
        ...

    def closing(self) -> None:
        """This process is about to seal: a key that is on its way is refused from now on."""
        ...

    async def closed(self) -> None:
        """This process has sealed; returns when the others have too, or are about to be killed."""
        ...


class Server:
    """One process' server over one database. `start` opens the database and unseals where the seal does that itself."""

    def __init__(
        self,
        *,
        engine: Engine,
        settings: Settings,
        clock: Clock,
        log: FilteringBoundLogger,
        egress: Egress,
        seals: Seals | None = None,
        random: Callable[[int], bytes] = os.urandom,
        windows: Windows | None = None,
        meters: Meters | None = None,
    ) -> None:
        """`windows` and `meters`: where this process counts together with others."""
        self.engine, self.settings, self.clock, self.log = engine, settings, clock, log
        self.egress, self.random = egress, random
        self._windows, self.meters = windows or Windows(random), meters or Meters()
        seals = seals or Seals()
        self.custodian = Custodian(engine, seals, clock, storage_type=settings.storage_type, random=random)
        self.keeper = Keeper(self.custodian, seals, clock, log, self._open)
        self.rekey = Rekey(self.custodian, "unseal")
        self.recovery_rekey = Rekey(self.custodian, "recovery")
        self.root_generation = RootGeneration(self.custodian)
        self.rotation = Rotation(self.custodian)
        self.catalog = make_catalog(settings)
        self.core: Core | None = None
        self.siblings: Siblings | None = None
        self._turning = asyncio.Lock()
        self.under_way: dict[str, UnderWay] = {}
        self.seal_paths = SealPaths(self)
        self._sealed_table = RouteTable(self.seal_paths.routes())

    async def start(self) -> None:
        """Opens the database; unseals where the seal needs nobody: now, or as soon as a key service answers.

        Raises StorageUnavailable, NotOpened when the configured keys are other ones.
        """
        await self.engine.start()
        if self.siblings is not None:
            await self.siblings.join()
        await self.keeper.start()

    async def stop(self) -> None:
        """Seals, closes connections and the database."""
        await self.keeper.stop()
        await self.drop()
        await self.egress.close()
        await self.engine.stop()

    @property
    def cluster(self) -> tuple[str, str]:
        """Name and id of the cluster; empty while sealed."""
        return self.core.cluster if self.core is not None else ("", "")

    # Life of the seal

    async def initialize(self, order: InitOrder, root_token: str = "") -> tuple[Initialized, str]:
        """Initialises the server; returns the keys and the first root token (as it is answered). Raises Invalid."""
        made: list[str] = []

        async def first_writes(barrier: Barrier) -> list[Op]:
            token = TokenStore(self.engine, barrier, self.clock, self.random).build(_root(root_token))
            made.append(token.text)
            return [InsertToken(token.row)]

        initialized = await self.custodian.initialize(order, first_writes)
        try:
            return initialized, initialized.deliver(made[0])
        finally:
            initialized.close()
            if self.custodian.barrier is not None:
                await self._open(self.custodian.barrier)

    async def unseal(self, key: str, *, migrate: bool = False) -> None:
        """Takes one share; opens the server when it was the last one needed. Raises Invalid."""
        result = await self.custodian.submit(key, migrate=migrate)
        if isinstance(result, Barrier):
            await self._open(result)

    async def seal(self) -> None:
        """Seals this process and those beside it. Safe to repeat."""
        if self.siblings is not None:
            self.siblings.closing()
        await self.drop()
        if self.siblings is not None:
            await self.siblings.closed()

    async def adopt(self, root_key: bytes) -> None:
        """Opens with the root key of a process beside this one. Raises NotOpened when it is not the present one."""
        barrier = await self.custodian.adopt(root_key)
        self.keeper.settle()
        await self._open_here(barrier)

    async def drop(self) -> None:
        """Drops every key of this process and everything that was opened with one. Safe to repeat."""
        async with self._turning:
            core, self.core = self.core, None
            if core is not None:
                await core.stop()
            self.custodian.seal()

    async def _open(self, barrier: Barrier) -> None:
        """Opens this process, then those beside it."""
        if not await self._open_here(barrier) or self.siblings is None:
            return
        with contextlib.suppress(Sealed):  # by somebody else, meanwhile
            await self.siblings.opened(self.custodian.root_key())

    async def _open_here(self, barrier: Barrier) -> bool:
        """Whether this process was not open before."""
        async with self._turning:
            if self.core is not None:
                return False
            shared = Shared(
                engine=self.engine,
                barrier=barrier,
                settings=self.settings,
                clock=self.clock,
                random=self.random,
                log=self.log,
                egress=self.egress,
                catalog=self.catalog,
                reload_keys=self.custodian.refresh,
                windows=self._windows,
                meters=self.meters,
            )
            core = Core(shared, lambda core, entry: make_backend(self, core, entry))
            core.leader.everywhere(60.0, "key uses", self.rotation.save)
            await core.start()
            self.core = core
            self.log.info("unsealed")
            return True

    async def new_root_token(self) -> str:
        """A root token made with the consent of the key holders (root generation). Raises Sealed."""
        if self.core is None:
            raise Sealed
        return (await self.core.tokens.mint(_root(""))).text

    # Requests

    def request_id(self) -> str:
        """A fresh id for a request: a random UUID (version 4, RFC 9562)."""
        digits = self.random(16).hex()
        variant = "89ab"[int(digits[16], 16) & 3]
        return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"

    async def handle(self, request: Request) -> Outcome:
        """Answers one request, or raises the VaultlikeError that is its answer."""
        core = self.core
        if core is not None:
            return await self._metered(core, request)
        return await self._while_sealed(request)

    async def _metered(self, core: Core, request: Request) -> Outcome:
        """The answer of the pipeline, shown as under way until then and counted."""
        meters, status = self.meters, 500
        began = self.clock.monotonic()
        self.under_way[request.id] = UnderWay(self.clock.now(), request.remote, request.path, request.verb)
        try:
            outcome = await pipeline.handle(core, request)
            status = 200
            if isinstance(outcome.reply, Reply) and outcome.reply.auth is not None and not request.token:
                meters.add(LOGINS, (self.clock.monotonic() - began) * 1000)
            return outcome
        except VaultlikeError as problem:
            status = problem.status
            raise
        finally:
            self.under_way.pop(request.id, None)  # a further step of a request has the same id
            meters.add(REQUESTS, (self.clock.monotonic() - began) * 1000)
            if status >= 400:
                meters.add(FAILED if status >= 500 else REFUSED)

    async def knows(self, token: str) -> bool:
        """Whether a text is a valid token, wherever it may be used; for who must decide whether to read on. Raises
        Sealed."""
        if self.core is None:
            raise Sealed
        return await pipeline.knows(self.core, token)

    async def furnish(self, namespace: str, method: str = "") -> None:
        """Makes the mounts of the second API in a namespace (by its path without slashes) where they are not yet.

        `method`: the name of a way to log in whose mount is needed too. Raises Sealed, NotFound for an unknown
        namespace, Unavailable where a method's plugin cannot run.
        """
        core = await self._core_of(namespace)
        await furnish(core)
        if method:
            await mounted(core, BY_NAME[method])

    async def has_organization(self, namespace: str, name: str) -> bool:
        """Whether the organization of a namespace has this id or slug. Raises as `furnish`."""
        core = await self._core_of(namespace)
        mount = core.router.at(ORGANIZATION)
        organization = mount.backend if mount is not None else None
        return isinstance(organization, Organization) and await organization.is_called(name)

    async def _core_of(self, namespace: str) -> Core:
        root = self.core
        if root is None:
            raise Sealed
        if not namespace:
            return root
        found, _ = root.namespaces.resolve(namespace, "")
        return await root.branches.at(found)

    async def _while_sealed(self, request: Request) -> Outcome:
        """Sealed means sealed: only the paths that need no key answer."""
        path = request.path
        hit = self._sealed_table.find(path.removeprefix("sys/")) if path.startswith("sys/") else None
        if hit is None:
            raise Sealed
        place, params = hit
        owned = place.routes.get(request.verb) or place.routes.get(VERB_OF.get(request.verb, ""))
        if owned is None:
            raise UnsupportedOperation
        if not owned.route.open:
            raise Sealed
        request.modest()
        call = Call(
            id=request.id, operation="update" if request.verb == "write" else request.verb, path=path[4:],
            mount="sys/", data=request.decode(), params=params, remote=request.remote, headers=request.headers,
        )  # fmt: skip
        if owned.route.body is not None:
            answer = await owned(call, fields_of(owned.route.body).convert(call.data, owned.route.field_text))
        else:
            answer = await owned(call)
        if answer is not None and not isinstance(answer, (Raw, Reply)):
            raise Invalid("unexpected answer")
        return Outcome(request_id=request.id, verb=request.verb, reply=answer, mount_type="system")


def _root(text: str) -> NewToken:
    """A root token; one with a text of the operator's choice looks as if `auth/token/create` had made it."""
    path, name = ("auth/token/create", "token") if text else (ROOT_PATH, "root")
    return NewToken(path=path, policies=("root",), display_name=name, ttl=0, expires=False, text=text)
