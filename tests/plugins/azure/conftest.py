"""One azure mount as the server would run it, over storage in memory, beside an imaginary Azure.

`mount.post("config", {...})` goes through the routes and gives status and body as the wire would; nothing is mocked.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from typing import Any

import msgspec
import pytest
import structlog
from structlog.testing import CapturingLogger

from vaultlike.clock import FakeClock
from vaultlike.errors import VaultlikeError
from vaultlike.sdk import Call, Context, Login, Renewal, Reply
from vaultlike.sdk.egress import Egress
from vaultlike.sdk.fields import fields_of
from vaultlike.sdk.routes import VERB_OF, RouteTable
from vaultlike.testing.azure import AzureEmulator, TokenOrder
from vaultlike.testing.azure import world as w
from vaultlike_azure import Azure

AUDIENCE = "https://management.azure.com/"


class MemoryStorage:
    """Documents in a dictionary; decoded values are dropped by every write, as the generation does."""

    def __init__(self) -> None:
        self.documents: dict[str, bytes] = {}
        self._decoded: dict[object, object] = {}

    async def get(self, key: str) -> bytes | None:
        return self.documents.get(key)

    async def put(self, key: str, value: bytes) -> None:
        self.documents[key] = value
        self._decoded.clear()

    async def delete(self, key: str) -> None:
        self.documents.pop(key, None)
        self._decoded.clear()

    async def keys(self, prefix: str = "", *, after: str = "", limit: int = 0) -> list[str]:
        found = sorted(k.removeprefix(prefix) for k in self.documents if k.startswith(prefix))
        return [k for k in found if k > after][: limit or None]

    async def children(self, prefix: str = "", *, after: str = "", limit: int = 0) -> list[str]:
        raise NotImplementedError

    async def cached(self, key: str, decode: Callable[[bytes], Any]) -> Any:
        slot = (key, decode)
        if slot not in self._decoded:
            raw = self.documents.get(key)
            self._decoded[slot] = decode(raw) if raw is not None else None
        return self._decoded[slot]

    async def update(self, key: str, change: Callable[[bytes | None], bytes | None]) -> bytes | None:
        new = change(self.documents.get(key))
        if new is None:
            await self.delete(key)
        else:
            await self.put(key, new)
        return new


class FakeSystem:
    """The server's facts, set by the test."""

    def __init__(self) -> None:
        self.clouds: tuple[dict[str, str], ...] = ()
        self.environment: dict[str, str] = {}
        self.identity: Callable[[str, int], str] | None = None

    def default_ttl(self) -> int:
        return 2764800

    def max_ttl(self) -> int:
        return 2764800

    def settings(self, stanza: str) -> tuple[dict[str, str], ...]:
        return self.clouds if stanza == "azure_cloud" else ()

    def environ(self, name: str) -> str:
        return self.environment.get(name, "")

    async def identity_token(self, audience: str, ttl: int) -> tuple[str, int]:
        if self.identity is None:
            raise VaultlikeError("no issuer")
        return self.identity(audience, ttl), ttl


class Answer:
    """What the wire would show, with the login and its checks for a closer look."""

    def __init__(self, status: int, data: dict[str, Any] | None, errors: list[str], call: Call) -> None:
        self.status, self.data, self.errors, self.call = status, data, errors, call
        self.reason = ""
        self.login: Login | None = None
        self.warnings: list[str] = []

    def __repr__(self) -> str:
        return f"Answer({self.status}, {self.data}, {self.errors}, reason={self.reason!r}, checks={self.call.checks})"

    @property
    def failed(self) -> list[str]:
        return [check.name for check in self.call.checks if not check.ok]


class Mount:
    """One mounted backend."""

    def __init__(self, ctx: Context, emulator: AzureEmulator | None, system: FakeSystem, log: CapturingLogger) -> None:
        self.ctx, self.emulator, self.system, self.log = ctx, emulator, system, log
        self.backend = Azure(ctx)
        self.table = RouteTable(self.backend.routes())

    @property
    def storage(self) -> MemoryStorage:
        return self.ctx.storage  # type: ignore[return-value]

    @property
    def clock(self) -> FakeClock:
        return self.ctx.clock  # type: ignore[return-value]

    async def send(
        self, operation: str, path: str, data: dict[str, Any] | None = None, remote: str = "127.0.0.1"
    ) -> Answer:
        call = Call(id="r", operation=operation, path=path, mount="auth/azure/", data=data or {}, remote=remote)  # type: ignore[arg-type]
        found = self.table.find(path)
        if found is None:
            return Answer(404, None, ["unsupported path"], call)
        place, call.params = found
        owned = place.routes.get(VERB_OF[operation])
        if owned is None:
            return Answer(405, None, ["unsupported operation"], call)
        try:
            arguments = (
                [fields_of(owned.route.body).convert(call.data, owned.route.field_text)] if owned.route.body else []
            )
            result = await owned(call, *arguments)
        except VaultlikeError as error:
            answer = Answer(error.status, None, list(error.messages), call)
            answer.reason = error.reason
            return answer
        return self._answer(result, call)

    def _answer(self, result: Any, call: Call) -> Answer:
        if isinstance(result, Login):
            answer = Answer(200, None, [], call)
            answer.login = result
            return answer
        if isinstance(result, Reply):
            answer = Answer(200, None, [], call)
            answer.data = msgspec.json.decode(msgspec.json.encode(result.data)) if result.data is not None else None
            answer.warnings = [*result.warnings, *call.warnings]
            return answer
        if result is None:
            missing = call.operation == "read"
            return Answer(404 if missing else 204, None, [], call)
        data = msgspec.json.decode(msgspec.json.encode(result))
        if call.operation == "list" and not data["keys"]:
            return Answer(404, None, [], call)
        return Answer(200, data, [], call)

    async def post(self, path: str, data: dict[str, Any] | None = None, **more: Any) -> Answer:
        return await self.send("update", path, data, **more)

    async def get(self, path: str) -> Answer:
        return await self.send("read", path)

    async def delete(self, path: str) -> Answer:
        return await self.send("delete", path)

    async def list(self, path: str) -> Answer:
        return await self.send("list", path)

    async def renew(self, login: Login) -> Any:
        call = Call(id="n", operation="update", path="login", mount="auth/azure/", data={})
        renewal = Renewal(alias=login.alias.name, memo=login.memo, token_policies=(), issued_at=0.0)
        return await self.backend.renew(call, renewal)

    async def role(self, name: str = "r", **fields: Any) -> None:
        answer = await self.post(f"role/{name}", fields)
        assert answer.status in (200, 204), answer

    async def login(self, token: str | TokenOrder | None = None, role: str = "r", **fields: Any) -> Answer:
        jwt = token if isinstance(token, str) else self.mint(token)
        return await self.post("login", {"role": role, "jwt": jwt, **fields})

    def mint(self, order: TokenOrder | None = None) -> str:
        assert self.emulator is not None
        return self.emulator.control.mint(order or TokenOrder(audience=AUDIENCE))

    def counters(self) -> dict[str, int]:
        assert self.emulator is not None
        return self.emulator.control.counters()

    def logged(self) -> str:
        return repr(self.log.calls)


def _keep(logger: Any, name: str, event: Any) -> tuple[tuple[str, Any], dict[str, Any]]:
    return (name, event), {}


def build(clock: FakeClock, emulator: AzureEmulator | None = None) -> Mount:
    """A mount without a configuration."""
    log = CapturingLogger()
    level = structlog.make_filtering_bound_logger(0)
    bound = structlog.wrap_logger(log, wrapper_class=level, processors=[_keep])
    system = FakeSystem()
    if emulator is not None:
        where = emulator.addresses
        system.clouds = (
            {
                "name": "Emulated",
                "active_directory": where.authority + "/",
                "issuer": where.issuer_base,
                "resource_manager": where.resource_manager,
                "graph": where.graph + "/",
                "audience": where.audience,
                "metadata": where.metadata,
                "ca_file": str(emulator.ca_file),
            },
        )
    quiet = structlog.wrap_logger(CapturingLogger(), wrapper_class=structlog.make_filtering_bound_logger(50))
    ctx = Context(
        mount="auth/azure/",
        accessor="auth_azure_1",
        uuid="u",
        namespace="",
        storage=MemoryStorage(),
        clock=clock,
        egress=Egress(clock=clock, log=quiet, user_agent="vaultlike/test"),
        log=bound,
        system=system,
        random=os.urandom,
        options={},
    )
    return Mount(ctx, emulator, system, log)


CONFIG = {
    "tenant_id": w.TENANT_ID,
    "resource": AUDIENCE,
    "environment": "emulated",
    "client_id": w.SERVER_CLIENT_ID,
    "client_secret": w.SERVER_CLIENT_SECRET,
}


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(1_795_000_000.0)


@pytest.fixture
async def bare(clock: FakeClock) -> AsyncIterator[Mount]:
    """A fresh mount; nothing may be asked of any Azure."""
    mount = build(clock)
    yield mount
    await mount.backend.stop()
    await mount.ctx.egress.close()


@pytest.fixture
async def mount(clock: FakeClock) -> AsyncIterator[Mount]:
    """A configured mount beside the emulator."""
    async with AzureEmulator(clock=clock) as emulator:
        made = build(clock, emulator)
        assert (await made.post("config", dict(CONFIG))).status == 204
        yield made
        await made.backend.stop()
        await made.ctx.egress.close()
