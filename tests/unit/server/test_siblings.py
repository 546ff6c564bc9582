"""What a worker does with what another one tells it: keys from before a sealing open nothing."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import msgspec
import pytest
from multidict import CIMultiDict

from vaultlike.http.message import Incoming, Outgoing
from vaultlike.server.channel import Channel
from vaultlike.server.siblings import Adopt, Close, Look, Siblings, State
from vaultlike.testing.server import TestServer


class Pair:
    """An open server, and a sealed one over the same database which is worker 1 of 2; nobody passes frames on."""

    def __init__(self, first: TestServer, second: TestServer, sock: socket.socket) -> None:
        self.first, self.second = first, second
        self.channel = Channel(sock, second.server.log)
        self.siblings = Siblings(1, 2, self.channel, second.server, self.face)

    async def face(self, incoming: Incoming) -> Outgoing:
        return Outgoing(200, b"here")

    @property
    def key(self) -> bytes:
        return self.first.server.custodian.root_key()

    async def tell(self, question: Adopt | Close | Look) -> State:
        return msgspec.msgpack.decode(await self.siblings.answer(msgspec.msgpack.encode(question)), type=State)

    async def served_by(self, path: str) -> int:
        """200: by this worker; 503: it tried to reach worker 0, which is not there."""
        incoming = Incoming("PUT", path, "", CIMultiDict(), b"", "", None, False)
        return (await self.siblings.handle(incoming)).status


@pytest.fixture
async def pair() -> AsyncIterator[Pair]:
    ours, theirs = socket.socketpair()
    async with AsyncExitStack() as stack:
        stack.enter_context(ours)
        stack.enter_context(theirs)
        first = await stack.enter_async_context(TestServer())
        second = await stack.enter_async_context(TestServer(path=first.path, clock=first.clock))
        made = Pair(first, second, ours)
        await made.siblings.join()  # the channel is not open: there is nobody to join
        yield made


async def test_a_key_from_before_a_sealing_is_refused(pair: Pair) -> None:
    assert (await pair.tell(Close(3))).epoch == 3
    state = await pair.tell(Adopt(2, pair.key))
    assert state.root_key is None and pair.second.server.core is None
    state = await pair.tell(Adopt(3, pair.key))
    assert state.root_key == pair.key and pair.second.server.core is not None


async def test_a_key_that_is_none_leaves_it_sealed(pair: Pair) -> None:
    for key in (b"", b"x" * 32):
        assert (await pair.tell(Adopt(0, key))).root_key is None
    assert pair.second.server.core is None


async def test_sealing_drops_the_keys_and_is_counted(pair: Pair) -> None:
    await pair.tell(Adopt(0, pair.key))
    assert await pair.tell(Close(1)) == State(1, False, None)
    assert pair.second.server.core is None and pair.second.server.custodian.barrier is None
    assert await pair.tell(Close(0)) == State(1, False, None)  # an old one seals too, and turns nothing back
    assert await pair.tell(Look()) == State(1, False, None)


def test_no_key_is_shown() -> None:
    assert "secret" not in repr(Adopt(0, b"secret")) + repr(State(0, False, b"secret"))


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/sys/unseal", 503),
        ("/v1/sys/un%73eal", 503),
        ("/v1/%73ys/rekey/init", 503),
        ("/v1/sys/rekey-recovery-key/update", 503),
        ("/v1/sys/generate-root/attempt", 503),
        ("/v1/sys/rotate/root/init", 503),
        ("/v1/sys/seal-status", 503),
        ("/v1/sys/health", 200),
        ("/v1/sys/unsealed", 200),
        ("/v1/sys", 200),
        ("/v1/secret/sys/unseal", 200),
        ("/v1/%ff", 200),
        ("/other", 200),
    ],
)
async def test_what_worker_0_answers(pair: Pair, path: str, status: int) -> None:
    assert await pair.served_by(path) == status


async def test_an_open_worker_tells_that_it_is_open(pair: Pair) -> None:
    await pair.tell(Adopt(0, pair.key))
    assert await pair.served_by("/v1/sys/seal-status") == 200
