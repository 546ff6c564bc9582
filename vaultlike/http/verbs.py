"""Request framing: finds where each request of a connection begins, and picks the parser that can read it.

Owns: the boundary between requests, the verbs that aiohttp's C parser refuses (`LIST`, `SCAN`, any other
token), chunked bodies, the limit on a request head and on pipelining. Does not own: header syntax (aiohttp's parsers
do), answers, timeouts. docs/adr/0003-extension-verbs.md says which private names of aiohttp this relies on, and why.

The C parser only ever sees complete heads with a verb it knows, and bodies with a Content-Length. A head with another
verb, or with a Transfer-Encoding (whose end only its parser can find), goes to a Python parser made for that one
request. So a connection moves between the two freely, however its packets are cut.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

from aiohttp.base_protocol import BaseProtocol
from aiohttp.hdrs import CONTENT_LENGTH
from aiohttp.http_exceptions import HttpProcessingError, LineTooLong
from aiohttp.http_parser import HttpRequestParserPy, RawRequestMessage
from aiohttp.streams import EMPTY_PAYLOAD, StreamReader
from aiohttp.web_protocol import MAX_MSG_QUEUE_SIZE, RequestPayloadError, _ErrInfo

Message = RawRequestMessage | _ErrInfo
Parsed = tuple[list[tuple[Message, StreamReader]], bool, bytes]

FAST_VERBS = frozenset((b"GET", b"POST", b"PUT", b"DELETE", b"PATCH", b"HEAD", b"OPTIONS"))
HEAD_END = b"\r\n\r\n"
LONGEST_VERB = 32  # bytes with its space; a longer first word is no verb


class RequestParser(Protocol):
    """What aiohttp's C and Python parsers have in common."""

    def feed_data(self, data: bytes, /) -> tuple[list[tuple[RawRequestMessage, StreamReader]], bool, bytes]: ...
    def pause_reading(self) -> None: ...
    def message_consumed(self) -> None: ...


class HeadLimits:
    """Sizes of a request head, in bytes except for `headers`, which counts lines."""

    __slots__ = ("field", "head", "headers", "line")

    def __init__(self, line: int, field: int, headers: int, head: int) -> None:
        self.line = line
        self.field = field
        self.headers = headers
        self.head = head


class VerbParser:
    """Stands in for a connection's parser. `partial` is true while an unfinished head waits for more bytes; `ended`
    once nothing that follows on the connection will be read (a refused request, an upgrade)."""

    __slots__ = (
        "_current",
        "_fast",
        "_in_flight",
        "_left",
        "_limits",
        "_loop",
        "_payload",
        "_pending",
        "_protocol",
        "_scanned",
        "ended",
    )

    def __init__(
        self, protocol: BaseProtocol, loop: asyncio.AbstractEventLoop, fast: RequestParser, limits: HeadLimits
    ) -> None:
        self._protocol = protocol
        self._loop = loop
        self._fast = fast
        self._limits = limits
        self._current: RequestParser = fast
        self._payload: StreamReader | None = None  # the body being received
        self._left = 0  # bytes of it not yet handed over; -1 when only its parser can tell
        self._pending = bytearray()  # bytes after it
        self._scanned = 0  # how much of `_pending` is known to hold no end of a head
        self._in_flight = 0
        self.ended = False

    @property
    def partial(self) -> bool:
        """Whether the beginning of a request is here and its end is not."""
        return self._payload is None and bool(self._pending) and not self.ended

    def feed_data(self, data: bytes, /) -> Parsed:
        """Takes bytes as they came off the socket; returns the requests they complete, in order.

        Never raises for bad input: a refused request is a last message with its status.
        """
        if self._payload is None and not self._pending and not self.ended and self._in_flight < MAX_MSG_QUEUE_SIZE:
            end = data.find(HEAD_END)
            if end + 4 == len(data) and end > 0 and data[0] != 13 and end < self._limits.head:
                return [self._head(data)], False, b""
        if data and not self.ended:
            self._pending += data
        messages: list[tuple[Message, StreamReader]] = []
        while not self.ended:
            if self._payload is not None:
                if not self._body(self._payload, messages):
                    break
                continue
            if self._in_flight >= MAX_MSG_QUEUE_SIZE or not self._pending:
                break
            head = self._next_head()
            if head is None:
                if len(self._pending) > self._limits.head:
                    too_long = LineTooLong(bytes(self._pending[:64]), self._limits.head)
                    messages.append(self._refuse(too_long, 431))
                break
            messages.append(self._head(head))
        if self.ended:
            self._pending.clear()
        return messages, False, b""

    def pause_reading(self) -> None:
        """The reader of a body is full: its parser holds back."""
        self._current.pause_reading()

    def message_consumed(self) -> None:
        """A queued request was taken: there is room for another."""
        self._in_flight -= 1
        self._fast.message_consumed()

    def set_upgraded(self, val: bool) -> None:
        """Nothing is ever upgraded here."""

    def feed_eof(self) -> None:
        """The peer stopped sending; an unfinished request is dropped with the connection."""
        self.ended = True

    def _next_head(self) -> bytes | None:
        """Cuts the next complete head off the pending bytes; None when it is not all here."""
        pending = self._pending
        while pending[:2] == b"\r\n":  # RFC 9112 2.2: empty lines before a request are ignored
            del pending[:2]
            self._scanned = 0
        end = pending.find(HEAD_END, max(self._scanned - 3, 0))
        if end < 0:
            self._scanned = len(pending)
            return None
        head = bytes(pending[: end + 4])
        del pending[: end + 4]
        self._scanned = 0
        return head

    def _head(self, head: bytes) -> tuple[Message, StreamReader]:
        """Parses one complete head and notes what body follows it."""
        if len(head) > self._limits.head + 4:
            return self._refuse(LineTooLong(head[:64], self._limits.head), 431)
        verb = head[: head.find(b" ", 0, LONGEST_VERB) + 1][:-1]  # empty when there is none
        if not verb:
            return self._refuse(HttpProcessingError(message="no verb"), 400)
        chunked = b"transfer-encoding" in head.lower()
        fast = verb in FAST_VERBS and not chunked
        self._current = self._fast if fast else self._python_parser()
        try:
            messages, upgraded, _ = self._current.feed_data(head)
        except HttpProcessingError as exc:
            return self._refuse(exc, 431 if isinstance(exc, LineTooLong) else 400)
        if not messages:
            return self._refuse(HttpProcessingError(message="incomplete request"), 400)
        self._in_flight += 1
        message, payload = messages[0]
        if upgraded:
            # A tunnel or another protocol: answered like any request, then the connection ends.
            self.ended = True
            return message, EMPTY_PAYLOAD
        if not fast and message.method.encode("utf-8", "surrogateescape") != verb:
            message = message._replace(method=verb.decode("latin-1"))  # verbs are case-sensitive (RFC 9110 9.1)
        if payload is not EMPTY_PAYLOAD and not payload.is_eof():
            self._payload = payload
            self._left = -1 if chunked else int(message.headers[CONTENT_LENGTH])
        return message, payload

    def _body(self, payload: StreamReader, messages: list[tuple[Message, StreamReader]]) -> bool:
        """Hands over what belongs to the body. True when that is all of it; then the next request begins."""
        pending = self._pending
        count = len(pending) if self._left < 0 else min(self._left, len(pending))
        piece = bytes(pending[:count])
        del pending[:count]
        if self._left > 0:
            self._left -= count
        try:
            self._current.feed_data(piece)
        except HttpProcessingError as exc:
            self._payload = None
            messages.append(self._refuse(exc, 400))
            return True
        if payload.is_eof() or payload.exception() is not None:
            if isinstance(self._current, HttpRequestParserPy):
                pending[:0] = self._current._tail  # what came behind a chunked body
                self._current._tail = b""
            self._payload = None
            self._scanned = 0
        return self._payload is None

    def _refuse(self, exc: HttpProcessingError, status: int) -> tuple[Message, StreamReader]:
        self.ended = True
        self._in_flight += 1
        return _ErrInfo(status=status, exc=exc, message=exc.message), EMPTY_PAYLOAD

    def _python_parser(self) -> HttpRequestParserPy:
        """A parser for one request: with one in flight it keeps the bytes behind that request unread."""
        return HttpRequestParserPy(
            self._protocol,
            self._loop,
            2**16,
            max_line_size=self._limits.line,
            max_headers=self._limits.headers,
            max_field_size=self._limits.field,
            payload_exception=RequestPayloadError,
            auto_decompress=False,
            max_msg_queue_size=1,
        )
