"""A real server process for tests: started from the command line, spoken to over HTTP, stopped by signals."""

from __future__ import annotations

import os
import select
import signal
import ssl
import subprocess
import sys
import time
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path
from types import TracebackType
from typing import Any

import msgspec

STARTED = b"==> vaultlike server started!"
PATIENCE = 20.0  # seconds; a loaded machine is slow, a hanging server is hung


def command(*words: str) -> list[str]:
    """The command line of `vaultlike server`."""
    return [sys.executable, "-m", "vaultlike", "server", *words]


def environment(home: Path, **extra: str) -> dict[str, str]:
    """A small environment with a home of its own."""
    kept = {key: os.environ[key] for key in ("PATH", "PYTHONPATH", "LANG") if key in os.environ}
    return {**kept, "HOME": str(home), **extra}


def refused(home: Path, *words: str, **extra: str) -> subprocess.CompletedProcess[str]:
    """Runs a server that is expected to end by itself."""
    return subprocess.run(
        command(*words), env=environment(home, **extra), capture_output=True, text=True, timeout=PATIENCE, check=False
    )


class Running:
    """A server process; `output` is what it has printed to standard output until it was ready."""

    def __init__(self, home: Path, port: int, *words: str, ca_file: str = "", **extra: str) -> None:
        self.port, self.ca_file = port, ca_file
        self.log = home / "stderr.txt"
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command(*words), env=environment(home, **extra), stdout=subprocess.PIPE, stderr=log
            )
        self.output = ""

    def __enter__(self) -> Running:
        try:
            self.output = self._until_started()
        except BaseException:
            self.process.kill()
            self.process.wait()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()

    def _until_started(self) -> str:
        assert self.process.stdout is not None
        descriptor, data, until = self.process.stdout.fileno(), b"", time.monotonic() + PATIENCE
        while STARTED not in data:
            ready, _, _ = select.select([descriptor], [], [], max(until - time.monotonic(), 0))
            more = os.read(descriptor, 65536) if ready else b""
            if not more:
                raise AssertionError(f"the server did not start: {data.decode()} {self.log.read_text()}")
            data += more
        return data.decode()

    def call(self, method: str, path: str, body: object = None, token: str = "", **headers: str) -> tuple[int, Any]:
        """One request to `/v1/<path>`: status and decoded body."""
        connection: HTTPConnection
        if self.ca_file:
            context = ssl.create_default_context(cafile=self.ca_file)
            connection = HTTPSConnection("127.0.0.1", self.port, timeout=PATIENCE, context=context)
        else:
            connection = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            sent = {**headers, **({"X-Vault-Token": token} if token else {})}
            data = None if body is None else msgspec.json.encode(body)
            connection.request(method, f"/v1/{path}" if not path.startswith("/") else path, data, sent)
            answer = connection.getresponse()
            content = answer.read()
            return answer.status, msgspec.json.decode(content) if content else None
        finally:
            connection.close()

    def send(self, number: signal.Signals) -> None:
        """Sends a signal."""
        self.process.send_signal(number)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Ends the server with a signal; its exit code."""
        self.send(number)
        return self.process.wait(PATIENCE)

    def logged(self, text: str) -> bool:
        """Whether the log comes to hold a text in time."""
        until = time.monotonic() + PATIENCE
        while text not in self.log.read_text():
            if time.monotonic() > until:
                return False
            select.select([], [], [], 0.02)  # another process' progress cannot be awaited otherwise
        return True
