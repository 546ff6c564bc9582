"""A small web server on this machine that takes a provider's answer from the browser, once.

Owns sockets, limits and the page that the person sees; what is done with the answer is the caller's.
"""

from __future__ import annotations

import http.server
import socket
import socketserver
import time
from collections.abc import Callable, Mapping
from urllib.parse import parse_qs, urlsplit

from vaultlike.cli.failures import CommandError

PATH = "/oidc/callback"
_MAX_FORM = 128 * 1024  # bytes; an ID token with many groups is the largest thing in it
_PAGE = "<!doctype html><title>vaultlike</title><p>{}. You can close this window."
Finish = Callable[[Mapping[str, str], bool], bool]


class Listener(http.server.HTTPServer):
    """Listens from its construction on; `finish(fields, posted)` is called with the provider's answer and says whether
    the login went well. Raises OSError when the address cannot be had."""

    def __init__(self, host: str, port: int) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.done = False
        self.finish: Finish = lambda fields, posted: False
        super().__init__((host, port), _Handler)

    def server_bind(self) -> None:
        """As the base class, without asking the network for this machine's name."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def handle_error(self, request: object, client_address: object) -> None:
        """A broken browser connection is not worth a traceback."""

    def wait(self, seconds: float, finish: Finish) -> None:
        """Serves until the answer was there, at most `seconds`. Raises CommandError."""
        self.finish = finish
        end = time.monotonic() + seconds
        while not self.done and (left := end - time.monotonic()) > 0:
            self.timeout = left
            self.handle_request()
        if not self.done:
            raise CommandError(f"no answer from the browser within {seconds:g} s")


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Listener
    timeout = 3  # seconds for a request: browsers open connections that they then do not use

    def do_GET(self) -> None:  # the base class calls it by this name
        self._take(urlsplit(self.path).query, posted=False)

    def do_POST(self) -> None:  # response_mode=form_post (OAuth 2.0 Form Post Response Mode 2)
        length = self.headers.get("Content-Length", "")
        fits = length.isdecimal() and int(length) <= _MAX_FORM
        form = self.rfile.read(int(length)).decode("utf-8", "replace") if fits else ""
        self._take(form, posted=True)

    def _take(self, encoded: str, *, posted: bool) -> None:
        fields = {name: values[0] for name, values in parse_qs(encoded).items()}
        wanted = urlsplit(self.path).path == PATH and not {"code", "id_token", "error"}.isdisjoint(fields)
        if not wanted or self.server.done:
            self._page(404, "Nothing here")
            return
        self.server.done = True
        good = self.server.finish(fields, posted)
        self._page(200, "You are signed in" if good else "The login failed; the command line says why")

    def _page(self, status: int, text: str) -> None:
        page = _PAGE.format(text).encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, format: str, *args: object) -> None:
        """Codes and states do not belong on the terminal."""
