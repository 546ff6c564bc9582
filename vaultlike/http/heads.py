"""Bytes of an answer: status line, headers, body. One instance a listener; the fixed part of a head is cached."""

from __future__ import annotations

import re
from email.utils import formatdate
from http import HTTPStatus

from vaultlike.http.listener import HSTS, ListenerError, ListenerSettings
from vaultlike.http.message import Outgoing

MAX_CACHED = 512
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_SCOPE = re.compile(r"default|[1-5]xx|[1-5]\d\d")
# Written by this layer itself: a second one from elsewhere would contradict it.
_OWN = frozenset(("connection", "content-length", "content-type", "date", "transfer-encoding"))
NO_BODY = frozenset((204, 304))
NO_STORE = b"Cache-Control: no-store\r\n"


class Heads:
    """Renders answers for one listener."""

    def __init__(self, settings: ListenerSettings) -> None:
        """Raises ListenerError for `custom_response_headers` that HTTP cannot carry or that would break framing."""
        self._custom = {scope.lower(): headers for scope, headers in settings.custom_response_headers.items()}
        for scope, headers in self._custom.items():
            if not _SCOPE.fullmatch(scope):
                raise ListenerError(f'custom_response_headers: "{scope}" is not "default", "4xx" or a status')
            for name, values in headers.items():
                if name.lower().startswith("x-vault-"):
                    raise ListenerError(f"custom_response_headers: {name} is reserved")
                for value in values:
                    try:
                        _line(name, value)
                    except ValueError as exc:
                        raise ListenerError(f"custom_response_headers: {exc}") from exc
        self._max_body = settings.max_response_size
        self._cache: dict[tuple[int, str], bytes] = {}
        self._date = b""

    def set_date(self, now: float) -> None:
        """Unix seconds for the Date header; called once a second."""
        self._date = f"Date: {formatdate(now, usegmt=True)}\r\n".encode()

    def render(self, outgoing: Outgoing, *, keep_alive: bool, head_only: bool, http10: bool) -> bytes:
        """The whole answer. Raises ValueError when a header cannot be sent or the body is over the limit."""
        status = outgoing.status
        body = outgoing.body
        head = self._cache.get((status, outgoing.content_type)) or self._fixed(status, outgoing.content_type)
        if len(body) > self._max_body:
            raise ValueError("answer is over max_response_size")
        if keep_alive and not outgoing.headers and not http10 and not head_only and status not in NO_BODY:
            return b"%b%bContent-Length: %d\r\n\r\n%b" % (head, self._date, len(body), body)
        if any(name.lower() == "cache-control" for name, _ in outgoing.headers):
            head = head.replace(NO_STORE, b"")  # a public document says itself how long it keeps
        lines = [b"HTTP/1.0" + head[8:] if http10 else head, self._date]
        lines += [_line(name, value) for name, value in outgoing.headers]
        if not keep_alive:
            lines.append(b"Connection: close\r\n")
        elif http10:
            lines.append(b"Connection: keep-alive\r\n")
        if status not in NO_BODY:
            lines.append(b"Content-Length: %d\r\n" % len(body))
        lines.append(b"\r\n")
        if not head_only and status not in NO_BODY:
            lines.append(body)
        return b"".join(lines)

    def open_ended(self, outgoing: Outgoing, *, http10: bool) -> bytes:
        """The head of an answer that ends with its connection (RFC 9112 6.3). Raises ValueError as `render`."""
        return self.render(outgoing, keep_alive=False, head_only=True, http10=http10).replace(
            b"Content-Length: 0\r\n", b"", 1
        )

    def _fixed(self, status: int, content_type: str) -> bytes:
        """Status line and the headers that depend on status and content type alone."""
        if not 200 <= status <= 599:
            raise ValueError(f"{status} is no final status")
        headers: dict[str, tuple[str, ...]] = {"Cache-Control": ("no-store",), **HSTS}
        for scope in ("default", f"{status // 100}xx", str(status)):
            for name, values in self._custom.get(scope, {}).items():
                for known in [known for known in headers if known.lower() == name.lower()]:
                    del headers[known]
                headers[name] = values
        try:
            phrase = HTTPStatus(status).phrase
        except ValueError:
            phrase = "Status"
        head = f"HTTP/1.1 {status} {phrase}\r\n".encode()
        if not _VALUE.fullmatch(content_type):
            raise ValueError("content type cannot be sent")
        head += f"Content-Type: {content_type}\r\n".encode("latin-1")
        head += b"".join(_line(name, value) for name, values in headers.items() for value in values)
        if len(self._cache) < MAX_CACHED:
            self._cache[status, content_type] = head
        return head


def _line(name: str, value: str) -> bytes:
    """One header line. Raises ValueError for a name or value that would break out of it."""
    if not _NAME.fullmatch(name) or name.lower() in _OWN:
        raise ValueError(f"header {name!r} cannot be sent")
    if not _VALUE.fullmatch(value):
        raise ValueError(f"the value of header {name} cannot be sent")
    return f"{name}: {value}\r\n".encode("latin-1")
