"""oidc: a login with a browser. Who takes the provider's answer says `callbackmode` (spec/auth-methods.md 2).

client: a listener on this machine, which hands it to the server; direct: the server itself; device: nobody, the person
types a code at the provider. In the last two this program asks the server until the login is there.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from urllib.parse import urlsplit

from msgspec import Struct

from vaultlike.cli.answer import Answer
from vaultlike.cli.failures import ApiError, CommandError, UsageError
from vaultlike.cli.login.call import LoginCall
from vaultlike.cli.login.listener import PATH, Listener
from vaultlike.cli.shapes import as_text

_WAIT = 120.0  # seconds for the person to log in
_MODES = ("client", "direct", "device")
HELP = """vaultlike login -method=oidc role=people

  role             the role. Default: the method's default role
  callbackmode     who takes the provider's answer: client (this program), direct (the server) or device (nobody: you
                   type a code at the provider). The role must say the same. Default: client
  listenaddress    address to listen on for the answer. Default: localhost
  port             port to listen on. Default: 8250; http://localhost:PORT/oidc/callback must be an allowed redirect URI
  callbackmethod   scheme in the redirect URI. Default: http, or the server's in direct mode
  callbackhost     host in the redirect URI. Default: localhost, or the server's in direct mode
  callbackport     port in the redirect URI. Default: port, or the server's with /v1/auth/MOUNT in direct mode
  skip_browser     true only prints the address to open
  abort_on_error   true ends the login when no browser can be opened"""


class _Begun(Struct, frozen=True):
    """What the server said to `auth_url`, and the nonce that binds the login to this program."""

    url: str
    nonce: str
    state: str
    interval: str
    user_code: str


class _Browser(Struct, frozen=True):
    """Whether one is opened, and whether the login ends when none can be."""

    skipped: bool
    needed: bool


def login(call: LoginCall) -> Answer:
    """Raises CommandError and what the client raises."""
    mode = call.take("callbackmode") or "client"
    if mode not in _MODES:
        raise UsageError(f'callbackmode must be one of {", ".join(_MODES)}, not "{mode}"')
    if _switch(call, "show_qr"):
        raise UsageError("show_qr: this program draws no QR codes; use skip_browser=true and the printed address")
    browser = _Browser(skipped=_switch(call, "skip_browser"), needed=_switch(call, "abort_on_error"))
    return _with_listener(call, browser) if mode == "client" else _by_polling(call, browser, mode)


def _switch(call: LoginCall, name: str) -> bool:
    text = call.take(name, "false").lower()
    if text not in ("1", "t", "true", "0", "f", "false"):
        raise UsageError(f'{name} must be true or false, not "{text}"')
    return text in ("1", "t", "true")


def _with_listener(call: LoginCall, browser: _Browser) -> Answer:
    host, port = call.take("listenaddress", "localhost"), call.take("port", "8250")
    if not port.isdecimal() or int(port) > 65_535:
        raise UsageError(f'port must be a number, not "{port}"')
    try:
        listener = Listener(host, int(port))
    except OSError as problem:
        raise CommandError(f"cannot listen on {host}:{port} for the browser's answer: {problem.strerror}") from None
    with listener:
        redirect = _redirect(call, "http", "localhost", str(listener.server_port))
        begun = _begin(call, redirect)
        if begun.state:
            raise CommandError("the role wants another callbackmode: try callbackmode=direct or callbackmode=device")
        _send_to_browser(call, browser, begun)
        results: list[Answer | CommandError] = []

        def finish(fields: Mapping[str, str], posted: bool) -> bool:
            try:
                results.append(_exchange(call, begun.nonce, fields, posted))
            except CommandError as problem:  # raised below, once the browser has its page
                results.append(problem)
            return isinstance(results[0], Answer)

        listener.wait(_WAIT, finish)
    if isinstance(results[0], CommandError):
        raise results[0]
    return results[0]


def _redirect(call: LoginCall, scheme: str, host: str, port: str) -> str:
    scheme, host = call.take("callbackmethod", scheme), call.take("callbackhost", host)
    host = f"[{host}]" if ":" in host else host
    return f"{scheme}://{host}:{call.take('callbackport', port)}{PATH}"


def _begin(call: LoginCall, redirect: str) -> _Begun:
    role, nonce = call.take("role"), secrets.token_urlsafe(20)
    body = {"role": role, "redirect_uri": redirect, "client_nonce": nonce, **call.rest()}
    data = call.post("oidc/auth_url", body).data or {}
    url = as_text(data.get("auth_url"))
    if not url:
        raise CommandError(f'the server gave role "{role}" no address to log in at: does the role allow {redirect}?')
    begun = {"state": "state", "interval": "poll_interval", "user_code": "user_code"}
    return _Begun(url=url, nonce=nonce, **{name: as_text(data.get(key)) for name, key in begun.items()})


def _send_to_browser(call: LoginCall, browser: _Browser, begun: _Begun) -> None:
    call.terminal.note(f"Complete the login in your browser:\n\n    {begun.url}\n")
    if begun.user_code:
        call.terminal.note(f"When asked, enter the code {begun.user_code}\n")
    if browser.skipped:
        return
    import webbrowser

    if not webbrowser.open(begun.url):
        if browser.needed:
            raise CommandError("no browser can be opened here")
        call.terminal.note("No browser can be opened here: visit the address yourself.\n")


def _exchange(call: LoginCall, nonce: str, fields: Mapping[str, str], posted: bool) -> Answer:
    if "error" in fields:
        why = f"{fields['error']} {fields.get('error_description', '')}".rstrip()
        raise CommandError(f"the provider refused: {why}")
    path, client = f"auth/{call.mount}/oidc/callback", call.client
    answer = {"state": fields.get("state", ""), "code": fields.get("code", "")}
    if posted:  # the server keeps a posted answer until its client asks for the login
        form = {**answer, "id_token": fields.get("id_token", ""), "client_nonce": nonce}
        try:
            client.call("POST", path, form, doing="authenticating", token="")
        except ApiError as problem:
            if problem.errors:
                raise
            raise CommandError("the server refused the provider's answer") from None  # its own text is a web page
    query = {**answer, "client_nonce": nonce}
    try:
        return client.call("GET", path, query=query, doing="authenticating", token="")
    except ApiError as problem:
        problem.hide_query()
        raise


def _by_polling(call: LoginCall, browser: _Browser, mode: str) -> Answer:
    redirect = ""
    if mode == "direct":
        server = urlsplit(call.client.settings.address)
        port = server.port or (443 if server.scheme == "https" else 80)
        redirect = _redirect(call, server.scheme, server.hostname or "localhost", f"{port}/v1/auth/{call.mount}")
    begun = _begin(call, redirect)
    if not begun.state:
        raise CommandError(f"the role is not for callbackmode={mode}: try without it")
    _send_to_browser(call, browser, begun)
    wait = float(begun.interval) if begun.interval.isdecimal() else 5.0
    while True:
        call.terminal.sleep(wait)
        try:
            return call.post("oidc/poll", {"state": begun.state, "client_nonce": begun.nonce})
        except ApiError as problem:
            last = problem.errors[-1] if problem.errors else ""
            if last.endswith("slow_down"):  # RFC 8628 3.5
                wait *= 2
            elif not last.endswith("authorization_pending"):
                raise
