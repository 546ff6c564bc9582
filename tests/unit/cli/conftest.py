"""A scripted HTTP server and an in-process command line: commands run as a person runs them, over a real socket."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

import pytest

from vaultlike.cli.flags import parse
from vaultlike.cli.main import find, run
from vaultlike.cli.options import GLOBAL_FLAGS
from vaultlike.cli.session import Session
from vaultlike.cli.terminal import Terminal


class Seen(NamedTuple):
    """A request that reached the server."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: dict[str, object] | None


class Scripted(NamedTuple):
    status: int
    body: object
    headers: dict[str, str]


class FakeServer(ThreadingHTTPServer):
    """Answers from a table; every answer but the last of a path is used once. Unknown paths are 404."""

    daemon_threads = True
    table: dict[tuple[str, str], list[Scripted]]
    seen: list[Seen]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def on(
        self,
        method: str,
        path: str,
        body: object = None,
        status: int | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        code = status if status is not None else (200 if body is not None else 204)
        self.table.setdefault((method, path), []).append(Scripted(code, body, headers or {}))

    def enveloped(self, method: str, path: str, data: object = None, status: int = 200, **fields: object) -> None:
        envelope = {
            "request_id": "req-1",
            "lease_id": "",
            "renewable": False,
            "lease_duration": 0,
            "data": data,
            "wrap_info": None,
            "warnings": None,
            "auth": None,
        }
        self.on(method, path, {**envelope, **fields}, status)

    def error(self, method: str, path: str, status: int, *errors: str, **fields: object) -> None:
        self.on(method, path, {"errors": list(errors), **fields}, status)

    def last(self, method: str) -> Seen:
        return [request for request in self.seen if request.method == method][-1]


class _Handler(BaseHTTPRequestHandler):
    server: FakeServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def _answer(self) -> None:
        parts = urlsplit(self.path)
        size = int(self.headers.get("Content-Length", "0"))
        raw = self.rfile.read(size)
        path = parts.path.removeprefix("/v1/").lstrip("/")
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = json.loads(raw) if raw else None
        self.server.seen.append(Seen(self.command, path, parse_qs(parts.query), headers, body))
        answers = self.server.table.get((self.command, path), [Scripted(404, {"errors": []}, {})])
        scripted = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(scripted.body, str):
            out = scripted.body.encode()
        else:
            out = b"" if scripted.body is None else json.dumps(scripted.body).encode()
        self.send_response(scripted.status)
        self.send_header("Content-Type", "application/json")
        for name, value in scripted.headers.items():
            self.send_header(name, value)
        if scripted.status != 204:
            self.send_header("Content-Length", str(len(out)))
        self.end_headers()
        self.wfile.write(out)

    do_GET = do_PUT = do_POST = do_DELETE = do_PATCH = _answer

    def log_message(self, format: str, *args: object) -> None:
        return


@pytest.fixture(scope="session")
def _listening() -> Iterator[FakeServer]:
    server = FakeServer(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def server(_listening: FakeServer) -> FakeServer:
    _listening.table, _listening.seen = {}, []
    return _listening


class Result(NamedTuple):
    code: int
    out: str
    err: str
    waits: list[float]

    def json(self) -> object:
        return json.loads(self.out)


Cli = Callable[..., Result]


@pytest.fixture
def cli(server: FakeServer, tmp_path: Path) -> Cli:
    """Runs a command line. `env` adds variables; `token` is VAULT_TOKEN (an empty text: none)."""

    def call(*argv: str, stdin: str = "", env: dict[str, str] | None = None, token: str = "hvs.caller") -> Result:
        out, err, waits = io.StringIO(), io.StringIO(), list[float]()
        environ = {"VAULT_ADDR": server.url, **({"VAULT_TOKEN": token} if token else {}), **(env or {})}
        terminal = Terminal(
            environ=environ,
            stdin=io.BytesIO(stdin.encode()),
            stdout=out,
            stderr=err,
            home=str(tmp_path),
            sleep=waits.append,
        )
        return Result(run(argv, terminal), out.getvalue(), err.getvalue(), waits)

    return call


@pytest.fixture
def session(tmp_path: Path) -> Session:
    """A command without arguments, for what is tested below the command line."""
    command = find("version")
    flags, args = parse((), GLOBAL_FLAGS, {})
    terminal = Terminal(
        environ={},
        stdin=io.BytesIO(),
        stdout=io.StringIO(),
        stderr=io.StringIO(),
        home=str(tmp_path),
        sleep=lambda _: None,
    )
    return Session(command.name, flags, args, terminal)
