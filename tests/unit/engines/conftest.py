"""A door to engines as the core opens it: routes, operation, decoded body, over a real database in memory."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import msgspec
import pytest
import structlog
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from vaultlike.clock import FakeClock
from vaultlike.engines.cubbyhole import Cubbyhole
from vaultlike.engines.kv import Kv
from vaultlike.errors import UnsupportedOperation, UnsupportedPath
from vaultlike.sdk import Backend, Call, Caller, Context, Reply
from vaultlike.sdk.fields import fields_of
from vaultlike.sdk.routes import VERB_OF, RouteTable
from vaultlike.storage.sqlite import SqliteEngine
from vaultlike.storage.view import DecodedCache, Generation, View


class Aes:
    """The real cipher under a key of its own."""

    def __init__(self) -> None:
        self._cipher = AESGCM(bytes(32))

    def seal(self, context: bytes, plaintext: bytes) -> bytes:
        nonce = os.urandom(12)
        return nonce + self._cipher.encrypt(nonce, plaintext, context)

    def open(self, context: bytes, sealed: bytes) -> bytes:
        return self._cipher.decrypt(sealed[:12], sealed[12:], context)

    def token_hmac(self, value: str) -> bytes:
        return value.encode().ljust(32, b"t")[:32]

    def hide(self, block: bytes) -> bytes:
        return block[::-1]

    def unhide(self, block: bytes) -> bytes:
        return block[::-1]


class Counting(SqliteEngine):
    """Counts document reads and lets others run after each, as an engine behind a network does."""

    reads = 0

    async def document(self, namespace: str, key: str):  # type: ignore[no-untyped-def]
        self.reads += 1
        found = await super().document(namespace, key)
        await asyncio.sleep(0)
        return found


class System:
    """What a mount may ask the server."""

    def default_ttl(self) -> int:
        return 2764800

    def max_ttl(self) -> int:
        return 2764800

    def settings(self, stanza: str) -> tuple[Mapping[str, str], ...]:
        return ()

    def environ(self, name: str) -> str:
        return ""

    async def identity_token(self, audience: str, ttl: int) -> tuple[str, int]:
        raise AssertionError("engines ask for no identity token")


class Door:
    """Asks one backend. Answers as data that went over the wire and back."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self._table = RouteTable(backend.routes())

    async def __call__(
        self, verb: str, path: str, data: dict[str, object] | None = None, caller: Caller | None = None
    ) -> Any:
        """The reply's data, or None. Raises what handlers raise; `status` and the rest are in `reply`."""
        reply = await self.reply(verb, path, data, caller)
        return None if reply is None or reply.data is None else msgspec.json.decode(msgspec.json.encode(reply.data))

    async def reply(
        self, verb: str, path: str, data: dict[str, object] | None = None, caller: Caller | None = None
    ) -> Reply | None:
        """The answer of a handler, in its envelope."""
        answer = await self.answer(verb, path, data, caller)
        return answer if answer is None or isinstance(answer, Reply) else Reply(data=answer)

    async def answer(
        self, verb: str, path: str, data: dict[str, object] | None = None, caller: Caller | None = None
    ) -> Any:
        """What the handler returns."""
        operation = "update" if verb == "write" else verb
        found = self._table.find(path)
        if found is None:
            raise UnsupportedPath
        place, params = found
        owned = place.routes.get(VERB_OF.get(verb, verb))
        if owned is None:
            raise UnsupportedOperation
        call = Call(id="r", operation=operation, path=path, mount="m/", data=data or {}, params=params, caller=caller)  # type: ignore[arg-type]
        exists = owned.route.exists
        if verb == "write" and exists is not None and not await exists(owned.owner, call):
            call.operation = "create"
        self.operation = call.operation
        if owned.route.body is None:
            return await owned(call)
        body = fields_of(owned.route.body).convert({**call.data, **params}, owned.route.field_text)
        return await owned(call, body)


async def put(door: Door, path: str, data: object, **options: object) -> Any:
    """Writes a secret of a version 2 mount; `options` go with it."""
    body: dict[str, object] = {"data": data}
    return await door("write", f"data/{path}", body | ({"options": options} if options else {}))


@pytest.fixture
async def engine() -> AsyncIterator[Counting]:
    engine = Counting(":memory:")
    await engine.start()
    yield engine
    await engine.stop()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def context(engine: Counting, clock: FakeClock) -> Callable[..., Context]:
    """Makes one mount's context; two calls are two nodes over one database."""
    sealer = Aes()

    def make(**options: str) -> Context:
        cache = DecodedCache(Generation())
        return Context(
            mount="m/",
            accessor="kv_1",
            uuid="u",
            namespace="",
            storage=View(engine, sealer, "", "mount/u/", cache=cache),
            clock=clock,
            egress=None,  # type: ignore[arg-type]  # engines call nobody
            log=structlog.get_logger(),
            system=System(),
            random=os.urandom,
            options=options,
        )

    return make


@pytest.fixture
def v1(context: Callable[..., Context]) -> Door:
    return Door(Kv(context()))


@pytest.fixture
def v2(context: Callable[..., Context]) -> Door:
    return Door(Kv(context(version="2")))


@pytest.fixture
def other_v2(context: Callable[..., Context]) -> Door:
    """The same mount on another node."""
    return Door(Kv(context(version="2")))


__all__ = ["Aes", "Counting", "Cubbyhole", "Door"]
