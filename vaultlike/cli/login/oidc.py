"""oidc: a login with a browser. A listener on this machine takes the provider's answer and hands it to the server."""

from __future__ import annotations

import http.server
import secrets
from urllib.parse import parse_qs, urlsplit

from vaultlike.cli.answer import Answer
from vaultlike.cli.failures import CommandError, UsageError
from vaultlike.cli.login.call import LoginCall
from vaultlike.cli.shapes import as_text

_WAIT = 120.0  # seconds for the person to log in
_PAGE = "<!doctype html><title>vaultlike</title><p>{}. You can close this window."
HELP = """vaultlike login -method=oidc role=people

  role             the role. Default: the method's default role
  listenaddress    address to listen on. Default: localhost
  port             port to listen on. Default: 8250; http://localhost:PORT/oidc/callback must be an allowed redirect URI
  skip_browser     true only prints the address to open"""


class _Listener(http.server.HTTPServer):
    answer: dict[str, str]

    def handle_error(self, request: object, client_address: object) -> None:
        """A broken browser connection is not worth a traceback."""


class _Handler(http.server.BaseHTTPRequestHandler):
    server: _Listener

    def do_GET(self) -> None:  # the base class calls it by this name
        parts = urlsplit(self.path)
        found = {name: values[0] for name, values in parse_qs(parts.query).items()}
        complete = parts.path == "/oidc/callback" and ("code" in found or "error" in found)
        if complete:
            self.server.answer = found
        page = _PAGE.format("The answer was received" if complete else "Nothing here").encode()
        self.send_response(200 if complete else 404)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, format: str, *args: object) -> None:
        """Codes and states do not belong on the terminal."""


def login(call: LoginCall) -> Answer:
    host, port = call.take("listenaddress", "localhost"), call.take("port", "8250")
    skip_browser, role = call.take("skip_browser", "false"), call.take("role")
    if not port.isdecimal():
        raise UsageError(f'port must be a number, not "{port}"')
    nonce = secrets.token_urlsafe(20)
    try:
        listener = _Listener((host, int(port)), _Handler)
    except OSError as problem:
        raise CommandError(f"cannot listen on {host}:{port} for the browser's answer: {problem.strerror}") from None
    with listener:
        listener.answer = {}
        redirect = f"http://{host}:{listener.server_port}/oidc/callback"
        body = {"role": role, "redirect_uri": redirect, "client_nonce": nonce, **call.rest()}
        asked = call.post("oidc/auth_url", body)
        url = as_text((asked.data or {}).get("auth_url"))
        if not url:
            raise CommandError(f"the server gave no address to log in at: does the role allow {redirect}?")
        _open(call, url, skip_browser.lower() in ("1", "t", "true"))
        answer = _wait(listener)
    if "error" in answer:
        raise CommandError(f"the provider refused: {answer['error']} {answer.get('error_description', '')}".rstrip())
    query = {"state": answer.get("state", ""), "code": answer["code"], "client_nonce": nonce}
    path = f"auth/{call.mount}/oidc/callback"
    return call.client.call("GET", path, query=query, doing="authenticating", token="")


def _open(call: LoginCall, url: str, skip_browser: bool) -> None:
    call.terminal.note(f"Complete the login in your browser:\n\n    {url}\n")
    if skip_browser:
        return
    import webbrowser

    webbrowser.open(url)


def _wait(listener: _Listener) -> dict[str, str]:
    import time

    end = time.monotonic() + _WAIT
    while not listener.answer and (left := end - time.monotonic()) > 0:
        listener.timeout = left
        listener.handle_request()
    if not listener.answer:
        raise CommandError(f"no answer from the browser within {_WAIT:g} s")
    return listener.answer
