"""`sys/init`, `sys/seal-status`, `sys/unseal`, `sys/seal`, `sys/health`, `sys/leader`, `sys/step-down`: the paths that
answer whether the server is sealed or not (spec/vault-api.md 2.1). Bare bodies; no state of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Protocol

import msgspec
from msgspec import Meta, Struct

from vaultlike.clock import Clock
from vaultlike.errors import Invalid, VaultlikeError
from vaultlike.meters import Meters
from vaultlike.sdk import Call, Raw, read, write
from vaultlike.sdk.routes import Route, Verb, routes_of_function
from vaultlike.seal.custodian import Custodian
from vaultlike.seal.initialization import Initialized, InitOrder
from vaultlike.seal.rekey import Rekey
from vaultlike.seal.rootgen import RootGeneration
from vaultlike.seal.rotation import Rotation
from vaultlike.settings import BUILD_DATE, VERSION, Settings
from vaultlike.system.under_way import UnderWay
from vaultlike.types import Strings


class Life(Protocol):
    """The server around the core."""

    settings: Settings
    clock: Clock
    custodian: Custodian
    rekey: Rekey
    recovery_rekey: Rekey
    root_generation: RootGeneration
    rotation: Rotation

    @property
    def cluster(self) -> tuple[str, str]:
        """Name and id of the cluster; empty while sealed."""
        ...

    @property
    def under_way(self) -> Mapping[str, UnderWay]:
        """The requests that this process is answering, by id."""
        ...

    @property
    def meters(self) -> Meters:
        """What all processes of the server have counted."""
        ...

    async def initialize(self, order: InitOrder) -> tuple[Initialized, str]: ...
    async def unseal(self, key: str, *, migrate: bool = False) -> None: ...
    async def seal(self) -> None: ...
    async def new_root_token(self) -> str: ...


class InitBody(Struct, kw_only=True):
    """The body of `sys/init`."""

    secret_shares: Annotated[int, Meta(description="How many unseal keys to make.")] = 0
    secret_threshold: Annotated[int, Meta(description="How many of them unseal.")] = 0
    stored_shares: Annotated[int, Meta(description="Kept for old clients: 0 or 1.")] = 0
    pgp_keys: Annotated[Strings, Meta(description="A public key for each unseal key.")] = ()
    recovery_shares: Annotated[int, Meta(description="How many recovery keys to make (automatic seals).")] = 0
    recovery_threshold: Annotated[int, Meta(description="How many recovery keys are needed.")] = 0
    recovery_pgp_keys: Annotated[Strings, Meta(description="A public key for each recovery key.")] = ()
    root_token_pgp_key: Annotated[str, Meta(description="A public key to encrypt the root token with.")] = ""


class UnsealBody(Struct, kw_only=True):
    """The body of `sys/unseal`."""

    key: Annotated[str, Meta(description="One unseal key, hex or base64.")] = ""
    reset: Annotated[bool, Meta(description="Forget the keys given so far.")] = False
    migrate: Annotated[bool, Meta(description="Migrate to another seal.")] = False


class HealthBody(Struct, kw_only=True):
    """The query of `sys/health`: statuses to answer with instead of the usual ones."""

    standbyok: Annotated[bool, Meta(description="A standby is as good as an active node.")] = False
    perfstandbyok: Annotated[bool, Meta(description="Kept for clients that send it.")] = False
    activecode: Annotated[str, Meta(description="Status when ready, instead of 200.")] = ""
    standbycode: Annotated[str, Meta(description="Status of a standby, instead of 429.")] = ""
    sealedcode: Annotated[str, Meta(description="Status when sealed, instead of 503.")] = ""
    uninitcode: Annotated[str, Meta(description="Status before the first start, instead of 501.")] = ""
    drsecondarycode: Annotated[str, Meta(description="Kept for clients that send it.")] = ""
    performancestandbycode: Annotated[str, Meta(description="Kept for clients that send it.")] = ""


def bare(value: object, status: int = 200) -> Raw:
    """A body outside the envelope."""
    return Raw(body=msgspec.json.encode(value), status=status)


class MethodRefused(VaultlikeError):
    """Another method on a bare path (405, without a text)."""

    status = 405
    default = ""


class StatusRefused(Invalid):
    """A status to answer with that is none (400, without a text)."""

    default = ""


async def refuse_method(owner: object, call: Call) -> None:
    """Answers the methods that a bare path does not have: no token is asked for (spec/vault-api.md 1.2)."""
    raise MethodRefused


def declared_and_refused(owner: object) -> list[tuple[Route, object]]:
    """The declared routes of a class of bare paths, and a refusal for every other method of each."""
    routes = [r for item in vars(type(owner)).values() if callable(item) for r in routes_of_function(item)]
    return refused_elsewhere([(route, owner) for route in routes], owner)


def refused_elsewhere(routes: list[tuple[Route, object]], owner: object) -> list[tuple[Route, object]]:
    """These routes, and a refusal for every other method of each bare path among them."""
    present = {(route.pattern, route.verb) for route, _ in routes}
    bare_paths = dict.fromkeys(route.pattern for route, _ in routes if route.open or route.pattern == "seal")
    refusals = [
        (Route(pattern=pattern, verb=verb, handler=refuse_method, open=True, free=True), owner)
        for pattern in bare_paths
        for verb in METHODS
        if (pattern, verb) not in present
    ]
    return [*routes, *refusals]


METHODS: tuple[Verb, ...] = ("read", "write", "delete", "patch")


class SealPaths:
    """Handlers over the server's life; they run sealed and unsealed alike."""

    def __init__(self, life: Life) -> None:
        self._life = life

    def routes(self) -> list[tuple[Route, object]]:
        """Every path of this file."""
        return declared_and_refused(self)

    @read("init", open=True)
    async def read_init(self, call: Call) -> Raw:
        """Whether the server is initialised."""
        return bare({"initialized": await self._life.custodian.initialized()})

    @write("init", open=True)
    async def write_init(self, call: Call, body: InitBody) -> Raw:
        """Initialises the server: makes the unseal keys and the first root token, shown once."""
        order = msgspec.convert(msgspec.to_builtins(body), InitOrder)
        made, root_token = await self._life.initialize(order)
        prefix = "recovery_" if made.recovery else ""
        answer: dict[str, object] = {
            f"{prefix}keys": made.issued.keys,
            f"{prefix}keys_base64": made.issued.keys_base64,
            "root_token": root_token,
        }
        if made.recovery:
            answer |= {"keys": [], "keys_base64": []}
        return bare(answer)

    @read("seal-status", open=True)
    async def seal_status(self, call: Call) -> Raw:
        """Whether the server is sealed, and how far unsealing is."""
        return bare(await self._status())

    @write("unseal", open=True)
    async def unseal(self, call: Call, body: UnsealBody) -> Raw:
        """Takes one unseal key, or forgets those given so far."""
        if body.reset:
            self._life.custodian.reset()
        elif not body.key:
            raise Invalid("'key' must be specified in request body as JSON, or 'reset' set to true")
        else:
            await self._life.unseal(body.key, migrate=body.migrate)
        return bare(await self._status())

    @write("seal", sudo=True)
    async def seal(self, call: Call) -> None:
        """Seals the server: every key leaves its memory."""
        await self._life.seal()

    @write("step-down", open=True)
    async def step_down(self, call: Call) -> None:
        """Every node is active: there is nothing to step down from."""

    @read("leader", open=True)
    async def leader(self, call: Call) -> Raw:
        """Every node answers for itself."""
        return bare({"ha_enabled": False, "is_self": False, "leader_address": "", "leader_cluster_address": "",
                     "performance_standby": False, "performance_standby_last_remote_wal": 0})  # fmt: skip

    @read("health", open=True)
    async def health(self, call: Call, body: HealthBody) -> Raw:
        """Whether the server can serve: 200 active, 501 not initialised, 503 sealed (statuses can be chosen)."""
        status = await self._life.custodian.status()
        if not status.initialized:
            code = _code(body.uninitcode, 501)
        elif status.sealed:
            code = _code(body.sealedcode, 503)
        else:
            code = _code(body.activecode, 200)
        mode = "unknown" if status.sealed else "disabled"
        answer: dict[str, object] = {
            "initialized": status.initialized,
            "sealed": status.sealed,
            "standby": False,
            "performance_standby": False,
            "replication_performance_mode": mode,
            "replication_dr_mode": mode,
            "server_time_utc": int(self._life.clock.now()),
            "version": VERSION,
        }
        name, identity = self._life.cluster
        if name:
            answer |= {"cluster_name": name, "cluster_id": identity}
        return bare(answer, code)

    async def _status(self) -> dict[str, object]:
        answer: dict[str, object] = msgspec.to_builtins(await self._life.custodian.status())
        answer |= {"version": VERSION, "build_date": BUILD_DATE}
        name, identity = self._life.cluster
        if name:
            answer |= {"cluster_name": name, "cluster_id": identity}
        return answer


def _code(text: str, default: int) -> int:
    if not text:
        return default
    if not text.isdigit() or not 100 <= int(text) <= 599:
        raise StatusRefused(reason=f"invalid status code {text[:16]!r}")
    return int(text)
