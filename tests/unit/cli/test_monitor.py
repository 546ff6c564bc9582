"""monitor: refusals, lines as they come, and its end."""

from __future__ import annotations

import io
import socket
import threading
from pathlib import Path

import pytest

from vaultlike.cli.main import run
from vaultlike.cli.terminal import Terminal

from .conftest import Cli, FakeServer

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n"
PATIENCE = 10.0  # seconds


@pytest.mark.parametrize(
    ("flag", "text"),
    [
        ("-log-level=loud", "loud is an unknown log level. Valid log levels are: trace, debug, info, warn, error"),
        ("-log-format=xml", "xml is an unknown log format. Valid log formats are: standard, json"),
    ],
)
def test_what_is_refused_without_a_request(cli: Cli, server: FakeServer, flag: str, text: str) -> None:
    result = cli("monitor", flag)
    assert (result.code, server.seen) == (1, [])
    assert text in result.err


def test_the_server_refuses(cli: Cli, server: FakeServer) -> None:
    server.error("GET", "sys/monitor", 403, "permission denied")
    result = cli("monitor")
    assert result.code == 2
    assert "Error starting monitor" in result.err and "permission denied" in result.err
    assert cli("monitor", env={"VAULT_ADDR": "http://127.0.0.1:1"}).code == 2


def test_what_is_sent(cli: Cli, server: FakeServer) -> None:
    server.on("GET", "sys/monitor", "one\ntwo\n")
    result = cli("monitor", "-log-level=DEBUG", "-log-format=json")
    assert (result.code, result.out) == (0, "one\ntwo\n")
    assert "ended" in result.err
    assert server.last("GET").query == {"log_level": ["debug"], "log_format": ["json"]}
    assert "log_level=info" in cli("monitor", "-output-curl-string").out


class Screen(io.StringIO):
    """Tells when a line is on it; the second one is answered by a person with Ctrl-C."""

    def __init__(self) -> None:
        super().__init__()
        self.first = threading.Event()

    def write(self, text: str) -> int:
        if "second" in text:
            raise KeyboardInterrupt
        self.first.set()
        return super().write(text)


def test_a_line_is_shown_before_the_next_is_there(tmp_path: Path) -> None:
    screen, seen = Screen(), []
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with listening, listening.accept()[0] as connection:
            connection.recv(65536)
            connection.sendall(HEAD + b"first\n")
            seen.append(screen.first.wait(PATIENCE))
            connection.sendall(b"second\n")

    thread = threading.Thread(target=serve)
    thread.start()
    environ = {"VAULT_ADDR": f"http://127.0.0.1:{listening.getsockname()[1]}", "VAULT_TOKEN": "t"}
    terminal = Terminal(
        environ=environ,
        stdin=io.BytesIO(),
        stdout=screen,
        stderr=io.StringIO(),
        home=str(tmp_path),
        sleep=lambda _: None,
    )
    assert run(("monitor",), terminal) == 0
    thread.join(PATIENCE)
    assert (seen, screen.getvalue()) == ([True], "first\n")
