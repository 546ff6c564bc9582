"""What the workers of one server do together: they are sealed and unsealed as one, and what has its progress in one
process (unsealing, rekeying, root generation) is answered by worker 0, whoever was asked.

Each sealing has a number, the epoch. A root key comes with the epoch it was taken in; one from before a sealing that
a worker knows of is refused, so that no key which was on its way opens what somebody has just sealed.
"""

from __future__ import annotations

import asyncio

import msgspec
from msgspec import Struct
from multidict import CIMultiDict
from structlog.typing import FilteringBoundLogger

from vaultlike.clock import Clock
from vaultlike.core.request import MAX_STRANGER
from vaultlike.core.server import Server
from vaultlike.errors import TooLarge, Unavailable, VaultlikeError
from vaultlike.http.message import Handler, Incoming, Outgoing
from vaultlike.http.vault import PREFIX, refusal
from vaultlike.paths import canonical
from vaultlike.server.channel import Channel, PeerGone, PeerSilent
from vaultlike.server.frames import Frame, Kind

LEADER = 0
# The second word of paths under `sys/` whose progress lives in one process.
LED = frozenset((
    "init", "unseal", "seal", "rekey", "rekey-recovery-key", "rotate", "generate-root", "generate-root-token",
))  # fmt: skip
WAIT = 5.0  # seconds for another worker to open or seal
FORWARDED = 90.0  # seconds for an answer of worker 0
MANY = 64  # requests on their way to worker 0 at a time; more wait
LOOK = 1.0  # seconds between a sealed worker's looks at the others


class Adopt(Struct, tag=1, array_like=True):
    """Open with this root key."""

    epoch: int
    root_key: bytes

    def __repr__(self) -> str:
        return f"Adopt(epoch={self.epoch})"


class Close(Struct, tag=2, array_like=True):
    """Seal. A worker that does not is killed."""

    epoch: int


class Look(Struct, tag=3, array_like=True):
    """What are you?"""


class Forwarded(Struct, tag=4, array_like=True):
    """An HTTP request that another worker received."""

    method: str
    raw_path: str
    query: str
    headers: list[tuple[str, str]]
    body: bytes
    remote: str
    peer_certificate: bytes | None
    secure: bool
    listener: str

    def __repr__(self) -> str:
        return f"Forwarded({self.method} {self.raw_path!r})"


class State(Struct, array_like=True):
    """What a worker is: the answer to `Adopt`, `Close` and `Look`. `trying`: its seal is about to open by itself."""

    epoch: int
    trying: bool
    root_key: bytes | None = None

    def __repr__(self) -> str:
        return f"State(epoch={self.epoch}, {'sealed' if self.root_key is None else 'unsealed'})"


_encode = msgspec.msgpack.Encoder().encode
_ask = msgspec.msgpack.Decoder(Adopt | Close | Look | Forwarded)
_state = msgspec.msgpack.Decoder(State)
_outgoing = msgspec.msgpack.Decoder(Outgoing)


class Siblings:
    """The other workers, as one of them sees them."""

    def __init__(self, number: int, count: int, channel: Channel, server: Server, face: Handler) -> None:
        """`number` of `count` workers, which speak over `channel`; `face` answers HTTP requests of this one."""
        self._number, self._channel = number, channel
        self._others = [each for each in range(count) if each != number]
        self._server, self._face = server, face
        self._clock: Clock = server.clock
        self._log: FilteringBoundLogger = server.log
        self._epoch = 0
        self._storage = asyncio.Event()  # the database is open
        self._serving = asyncio.Event()
        self._room = asyncio.Semaphore(MANY)

    # As the server sees them

    async def join(self) -> None:
        """See core.server.Siblings."""
        self._storage.set()
        await self._look()

    async def opened(self, root_key: bytes) -> None:
        """See core.server.Siblings."""
        for number, state in (await self._all(Adopt(self._epoch, root_key))).items():
            if state.root_key is None:
                self._log.warning("another worker is still sealed and will try again", other=number)

    def closing(self) -> None:
        """See core.server.Siblings."""
        self._epoch += 1
        self._server.keeper.settle()

    async def closed(self) -> None:
        """See core.server.Siblings."""
        payload = _encode(Close(self._epoch))

        async def one(peer: int) -> None:
            try:
                await self._channel.ask(peer, payload, WAIT)
            except PeerSilent:  # whoever sealed the server must be able to rely on it
                self._channel.tell(Frame(Kind.KILL, peer, 0))
            except PeerGone:
                return  # with its keys

        await asyncio.gather(*(one(peer) for peer in self._others))

    # As the worker sees them

    def serving(self) -> None:
        """This worker answers requests from here on."""
        self._serving.set()

    async def watch(self) -> None:
        """Opens this worker when another one is open; for as long as it lives."""
        while True:
            await self._clock.sleep(LOOK)
            if self._server.core is not None:
                continue
            try:
                await self._look()
            except Exception as problem:  # the next look may succeed; the loop must live
                self._log.error("looking at the other workers failed", exc_info=problem)

    async def answer(self, payload: bytes) -> bytes:
        """The answer to another worker's question."""
        question = _ask.decode(payload)
        if isinstance(question, Forwarded):
            await self._serving.wait()
            return _encode(await self._face(_incoming(question)))
        if isinstance(question, Adopt):
            await self._storage.wait()
            await self._adopt(question.epoch, question.root_key)
        elif isinstance(question, Close):
            self._epoch = max(self._epoch, question.epoch)
            self._server.keeper.settle()
            await self._server.drop()
        return _encode(self._state())

    async def handle(self, incoming: Incoming) -> Outgoing:
        """Answers an HTTP request, here or by worker 0."""
        if self._number != LEADER and self._led(incoming.raw_path):
            return await self._forward(incoming)
        return await self._face(incoming)

    def _led(self, raw_path: str) -> bool:
        if not raw_path.startswith("/v1/sys/") and "%" not in raw_path:
            return False
        try:
            words = canonical(raw_path.removeprefix(PREFIX)).split("/")
        except VaultlikeError:
            return False
        if words[0] != "sys" or len(words) < 2:
            return False
        return words[1] in LED or (words[1] == "seal-status" and self._server.core is None)

    async def _forward(self, incoming: Incoming) -> Outgoing:
        if len(incoming.body) > MAX_STRANGER:
            return refusal(TooLarge())
        headers = [(str(name), str(value)) for name, value in incoming.headers.items()]  # istr is more than a str
        question = Forwarded(
            incoming.method, incoming.raw_path, incoming.query, headers, incoming.body, incoming.remote,
            incoming.peer_certificate, incoming.secure, incoming.listener,
        )  # fmt: skip
        try:
            async with self._room:
                return _outgoing.decode(await self._channel.ask(LEADER, _encode(question), FORWARDED))
        except PeerGone as problem:
            self._log.error("not answered by worker 0", path=incoming.raw_path, problem=str(problem))
            return refusal(Unavailable("the process that does this has just ended, try again"))

    # Sealed and unsealed together

    def _state(self) -> State:
        server = self._server
        key = None
        if server.core is not None and server.custodian.barrier is not None:
            key = server.custodian.root_key()
        return State(self._epoch, server.keeper.trying, key)

    async def _look(self) -> None:
        """Takes over what the others are: their epoch, their key, and that somebody sealed them."""
        states = (await self._all(Look())).values()
        if not states:
            return
        newest = max(state.epoch for state in states)
        if newest > self._epoch:
            self._epoch = newest
        for state in states:
            if state.root_key is not None and self._server.core is None:
                await self._adopt(state.epoch, state.root_key)
        if self._server.core is None and not any(state.trying for state in states):
            self._server.keeper.settle()

    async def _adopt(self, epoch: int, root_key: bytes) -> None:
        if epoch < self._epoch or self._server.core is not None:
            return
        try:
            await self._server.adopt(root_key)
        except VaultlikeError as problem:
            self._log.error("sealed: another worker's key was not taken over", problem=problem.reason)
        if epoch < self._epoch:  # somebody sealed meanwhile
            await self._server.drop()

    async def _all(self, question: Adopt | Close | Look) -> dict[int, State]:
        """The answers of all other workers that are there."""
        payload = _encode(question)

        async def one(peer: int) -> tuple[int, State | None]:
            try:
                return peer, _state.decode(await self._channel.ask(peer, payload, WAIT))
            except PeerGone:
                return peer, None

        answers = await asyncio.gather(*(one(peer) for peer in self._others))
        return {peer: state for peer, state in answers if state is not None}


def _incoming(question: Forwarded) -> Incoming:
    return Incoming(
        question.method, question.raw_path, question.query, CIMultiDict(question.headers), question.body,
        question.remote, question.peer_certificate, question.secure, question.listener,
    )  # fmt: skip
