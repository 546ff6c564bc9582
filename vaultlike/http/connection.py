"""One client connection on top of aiohttp's request handler: own framing, own request object, own answers.

Owns: the connection's facts (peer, certificate), the life of one exchange on it. Does not own: what is answered
(`endpoint.py`). aiohttp's `BaseRequest` and `Response` cost a third of a request and are replaced by the few members
that its handler really uses; docs/adr/0003-extension-verbs.md lists them.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator
from typing import TYPE_CHECKING, Any, cast

from aiohttp.http_parser import RawRequestMessage
from aiohttp.streams import StreamReader
from aiohttp.web_protocol import RequestHandler, RequestPayloadError

from vaultlike.http.message import Outgoing, refusal
from vaultlike.http.verbs import HeadLimits, RequestParser, VerbParser

if TYPE_CHECKING:
    from vaultlike.http.endpoint import Endpoint

LINGER = 2.0  # seconds that the rest of a refused body is read and dropped, so that the client sees the answer
FULL = "too many connections"


class Exchange:
    """One request being answered; stands in for aiohttp's request object."""

    __slots__ = (
        "_task",
        "connection",
        "expired",
        "flowing",
        "message",
        "payload",
        "reading",
        "runner",
        "seen_at",
        "writing",
    )

    def __init__(self, message: RawRequestMessage, payload: StreamReader, connection: Connection) -> None:
        self.message = message
        self.payload = payload
        self.connection = connection
        self.runner: asyncio.Task[Any] | None = None
        self.seen_at = 0.0  # when the endpoint's tick first met it
        self.reading = False  # its body is not complete
        self.writing = False  # its answer is being sent
        self.expired = False
        self.flowing = False  # its answer has no end yet
        self._task: object = None

    def expire(self) -> None:
        """Its time is up: ends the handler, which answers 503, or the connection when the answer is stuck."""
        if self.writing or self.expired or self.runner is None:
            self.connection.abort()
        else:
            self.expired = True
            self.runner.cancel()

    def _cancel(self, exc: BaseException) -> None:
        if not self.payload.is_eof():
            self.payload.set_exception(exc)

    def _finish(self) -> None:
        self.writing = True


class Answer:
    """Bytes to send; stands in for aiohttp's response object."""

    __slots__ = ("_data", "keep_alive")

    def __init__(self, data: bytes, keep_alive: bool) -> None:
        self._data = data
        self.keep_alive = keep_alive

    async def prepare(self, exchange: Exchange) -> None:
        """Sends everything; waits while the peer is slow. Raises ConnectionError when it is gone."""
        connection = exchange.connection
        transport = connection.transport
        if transport is None:
            raise ConnectionResetError("client is gone")
        transport.write(self._data)
        if connection.writing_paused:
            await connection._drain_helper()
        connection.exchange = None

    async def write_eof(self) -> None:
        """Nothing is left to send."""


class Flow(Answer):
    """A head, then parts of a body as they come; the connection ends with it."""

    __slots__ = ("_parts",)

    def __init__(self, head: bytes, parts: AsyncIterator[bytes]) -> None:
        super().__init__(head, False)
        self._parts = parts

    async def prepare(self, exchange: Exchange) -> None:
        """Sends until the parts end, the client is gone or the server drains."""
        connection = exchange.connection
        exchange.flowing = True
        async with contextlib.aclosing(cast("AsyncGenerator[bytes]", self._parts)) as parts:
            await super().prepare(exchange)
            connection.exchange = exchange
            async for part in parts:
                if connection.transport is None or connection.endpoint.draining:
                    break
                if part:
                    connection.transport.write(part)
                    if connection.writing_paused:
                        await connection._drain_helper()
        connection.exchange = None


class Connection(RequestHandler):
    """A connection of one endpoint."""

    __slots__ = (
        "authorized_proxy",
        "certificate",
        "endpoint",
        "exchange",
        "parser",
        "partial_of",
        "partial_since",
        "remote",
    )

    def __init__(self, endpoint: Endpoint, loop: asyncio.AbstractEventLoop) -> None:
        settings = endpoint.settings
        super().__init__(
            endpoint,
            loop=loop,
            keepalive_timeout=settings.http_idle_timeout,
            tcp_keepalive=settings.type == "tcp",
            access_log=None,  # type: ignore[arg-type]  # its documented way to have none
            max_line_size=settings.max_request_line,
            max_headers=settings.max_header_count,
            max_field_size=settings.max_header_size,
            lingering_time=LINGER,
            auto_decompress=False,
        )
        limits = HeadLimits(
            settings.max_request_line, settings.max_header_size, settings.max_header_count, settings.max_head_size
        )
        self.endpoint = endpoint
        self.parser = VerbParser(self, loop, cast(RequestParser, self._parser), limits)
        self._parser = self.parser  # type: ignore[assignment]
        self.exchange: Exchange | None = None
        self.remote = ""
        self.certificate: bytes | None = None
        self.authorized_proxy = False
        self.partial_since = 0.0
        self.partial_of = -1

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Learns who is there; turns the client away when the endpoint is full."""
        if self.endpoint.full:
            stream = cast(asyncio.Transport, transport)
            self._manager = None
            self._force_close = True
            stream.write(self.endpoint.render(refusal(503, FULL), keep_alive=False))
            stream.close()
            return
        peer = transport.get_extra_info("peername")
        if isinstance(peer, tuple):
            self.remote = str(peer[0]).partition("%")[0]
        tls = transport.get_extra_info("ssl_object")
        if tls is not None:
            self.certificate = tls.getpeercert(binary_form=True)
        forwarded = self.endpoint.forwarded
        self.authorized_proxy = forwarded.active and forwarded.authorized(self.remote)
        super().connection_made(transport)

    @property
    def idle(self) -> bool:
        """Between two requests, with nothing received of the next."""
        return (
            self.exchange is None and not self._messages and not self._request_in_progress and not self.parser.partial
        )

    @property
    def last(self) -> bool:
        """Whether nothing more will be answered here after the current request."""
        return self.parser.ended and not self._messages

    @property
    def requests(self) -> int:
        """How many requests were read so far."""
        return self._request_count

    def abort(self) -> None:
        """Ends the connection at once, with what runs on it and what was not sent yet."""
        transport = self.transport
        exchange = self.exchange
        if exchange is not None and exchange.runner is not None:
            exchange.runner.cancel()
        self.force_close()
        if transport is not None:
            transport.abort()

    def last_answer(self, outgoing: Outgoing) -> Answer:
        """An answer after which the connection is closed."""
        return Answer(self.endpoint.render(outgoing, keep_alive=False), False)

    def log_exception(self, *args: object, **facts: object) -> None:
        """What aiohttp meets while it reads on behind an answer. A body that breaks off there is the client's doing."""
        problem = facts.get("exc_info")
        if isinstance(problem, (RequestPayloadError, ConnectionError)):
            self.endpoint.note_refused(self.remote, 400, problem)
        else:
            super().log_exception(*args, **facts)

    def handle_error(  # type: ignore[override]
        self, request: object, status: int = 500, exc: BaseException | None = None, message: str | None = None
    ) -> Answer:
        """What aiohttp sends for a request its parsers refuse. Repeats nothing of it: it may hold a secret."""
        text = {400: "malformed HTTP request", 431: "request header fields too large"}.get(status, "internal error")
        self.endpoint.note_refused(self.remote, status, exc)
        return self.last_answer(refusal(status, text))
