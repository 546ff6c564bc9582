"""A listener at work: turns what its connections read into `Incoming`, asks the handler, sends the `Outgoing`.

Owns: limits on a request, timeouts, what is answered when there is nothing better. Does not own: framing
(`verbs.py`), bytes of an answer (`heads.py`), sockets and their life (`server.py`).
"""

from __future__ import annotations

import asyncio
from typing import Any

import structlog
from aiohttp import web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.hdrs import CONTENT_LENGTH, EXPECT
from aiohttp.http import HttpVersion10, HttpVersion11
from aiohttp.http_parser import RawRequestMessage
from aiohttp.streams import EMPTY_PAYLOAD, StreamReader
from aiohttp.web_protocol import RequestHandler, RequestPayloadError

from vaultlike.http.connection import Answer, Connection, Exchange, Flow
from vaultlike.http.forwarded import ForwardedFor
from vaultlike.http.heads import Heads
from vaultlike.http.listener import ListenerSettings
from vaultlike.http.message import Handler, Incoming, Outgoing, Refused, Streaming, refusal

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
TOO_LARGE = "http: request body too large"
log = structlog.get_logger("vaultlike.http")


class Endpoint(web.Server):
    """The connections of one listener."""

    def __init__(self, settings: ListenerSettings, handler: Handler, loop: asyncio.AbstractEventLoop) -> None:
        """Raises ListenerError for settings that cannot be used."""
        super().__init__(self._serve, request_factory=self._exchange, loop=loop)  # type: ignore[arg-type]
        self.settings = settings
        self.forwarded = ForwardedFor(settings)
        self.heads = Heads(settings)
        self.draining = False
        self._handler = handler
        self._secure = settings.secure
        self._address = settings.address

    def __call__(self) -> RequestHandler:
        return Connection(self, self._loop)

    @property
    def full(self) -> bool:
        """Whether there is no room for another connection."""
        return len(self._connections) >= self.settings.max_connections

    @property
    def open(self) -> list[Connection]:
        """The connections of this moment."""
        return [connection for connection in self._connections if isinstance(connection, Connection)]

    def render(self, outgoing: Outgoing, *, keep_alive: bool, head_only: bool = False, http10: bool = False) -> bytes:
        """The bytes of an answer. Raises ValueError when it cannot be sent as it is."""
        return self.heads.render(outgoing, keep_alive=keep_alive, head_only=head_only, http10=http10)

    def note_refused(self, remote: str, status: int, exc: BaseException | None) -> None:
        """A line in the log for what the parser refused: its kind, not its content."""
        log.debug("http request refused", remote=remote, status=status, problem=type(exc).__name__)

    def tick(self, now: float) -> None:
        """Ends what takes too long. Called a few times per shortest timeout; `now` is the loop's time in seconds."""
        settings = self.settings
        for connection in self.open:
            exchange = connection.exchange
            if exchange is not None and exchange.flowing:
                continue  # it ends when its parts do, the client goes or the server drains
            if exchange is not None:
                if not exchange.seen_at:
                    exchange.seen_at = now
                limit = settings.max_request_duration
                if exchange.reading:
                    limit = min(limit, settings.http_read_timeout)
                if now - exchange.seen_at > limit:
                    exchange.expire()
            elif not connection.parser.partial:
                connection.partial_since = 0.0
            elif not connection.partial_since or connection.partial_of != connection.requests:
                connection.partial_since, connection.partial_of = now, connection.requests
            elif now - connection.partial_since > settings.http_read_header_timeout:
                connection.abort()

    def _exchange(
        self,
        message: RawRequestMessage,
        payload: StreamReader,
        protocol: RequestHandler,
        writer: AbstractStreamWriter,
        task: asyncio.Task[None],
    ) -> Exchange:
        assert isinstance(protocol, Connection)
        return Exchange(message, payload, protocol)

    async def _serve(self, exchange: Exchange) -> Answer:
        """Answers one request; the only place where an exception of the handler ends."""
        connection = exchange.connection
        connection.exchange = exchange
        exchange.runner = asyncio.current_task()
        try:
            incoming = self._head(exchange)
            if exchange.payload is not EMPTY_PAYLOAD:
                incoming.body = await self._body(exchange)
        except Refused as refused:
            return connection.last_answer(refusal(refused.status, refused.text))
        except (RequestPayloadError, ConnectionError):  # the latter: a client that left, whom no answer reaches
            return connection.last_answer(refusal(400, "malformed request body"))
        except asyncio.CancelledError:
            return self._expired(exchange, 408, "request was not received in time")
        try:
            return self._answer(exchange, await self._handler(incoming))
        except asyncio.CancelledError:
            return self._expired(exchange, 503, "request took too long")
        except Exception:
            log.exception("http handler failed", method=incoming.method, remote=incoming.remote)
            return self._answer(exchange, refusal(500, "internal error"))

    def _answer(self, exchange: Exchange, outgoing: Outgoing) -> Answer:
        message = exchange.message
        keep_alive = not (message.should_close or self.draining or exchange.connection.last)
        http10 = message.version is not HttpVersion11 and message.version == HttpVersion10
        head_only = message.method == "HEAD"
        if isinstance(outgoing, Streaming) and outgoing.parts is not None and not head_only:
            return Flow(self.heads.open_ended(outgoing, http10=http10), outgoing.parts)
        data = self.heads.render(outgoing, keep_alive=keep_alive, head_only=head_only, http10=http10)
        return Answer(data, keep_alive)

    def _expired(self, exchange: Exchange, status: int, text: str) -> Answer:
        """The answer after `expire`; any other cancellation goes on its way."""
        if not exchange.expired or exchange.runner is None:
            raise asyncio.CancelledError
        exchange.runner.uncancel()
        return exchange.connection.last_answer(refusal(status, text))

    def _head(self, exchange: Exchange) -> Incoming:
        """Everything but the body. Raises Refused."""
        message = exchange.message
        connection = exchange.connection
        target = message.path
        if message.version not in (HttpVersion11, HttpVersion10):
            raise Refused(505, "HTTP version not supported")
        if message.method == "CONNECT":
            raise Refused(405, "unsupported operation")
        if not target.isascii():
            raise Refused(400, "request target is not ASCII")
        if target[0] != "/" and target != "*":
            # Absolute form (RFC 9112 3.2.2); the parser has seen to it that there is an authority.
            _, slash, rest = target.partition("://")[2].partition("/")
            target = slash + rest if slash else "/"
        path, _, query = target.partition("?")
        remote = connection.remote
        if self.forwarded.active:
            values = message.headers.getall("X-Forwarded-For", ())
            remote = self.forwarded.client(remote, connection.authorized_proxy, values)
        return Incoming(
            message.method,
            path,
            query,
            message.headers,
            b"",
            remote,
            connection.certificate,
            self._secure,
            self._address,
        )

    async def _body(self, exchange: Exchange) -> bytes:
        """The body, read only as far as the limit. Raises Refused, RequestPayloadError, ConnectionError."""
        payload = exchange.payload
        headers = exchange.message.headers
        limit = self.settings.max_request_size
        length = headers.get(CONTENT_LENGTH)
        if length is not None and int(length) > limit:
            raise Refused(413, TOO_LARGE)
        if payload.is_eof():
            body = payload.read_nowait()
            if len(body) > limit:
                raise Refused(413, TOO_LARGE)
            return body
        if expectation := headers.get(EXPECT):
            self._meet(expectation, exchange)
        exchange.reading = True
        parts: list[bytes] = []
        size = 0
        while part := await payload.readany():
            size += len(part)
            if size > limit:
                raise Refused(413, TOO_LARGE)
            parts.append(part)
        exchange.reading = False
        return b"".join(parts)

    def _meet(self, expectation: str, exchange: Exchange) -> None:
        """Answers `Expect` (RFC 9110 10.1.1). Raises Refused (417) for an unknown one."""
        if expectation.lower() != "100-continue":
            raise Refused(417, "expectation cannot be met")
        transport: Any = exchange.connection.transport
        if transport is not None and exchange.message.version == HttpVersion11:
            transport.write(CONTINUE)
