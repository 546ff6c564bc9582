"""A dev server as a user starts it: its own process, real ports, a home and a temporary folder of its own.

Owns starting, reading the banner, running the command line against it, and leaving nothing behind. Tests that need a
moving clock or the inside of a server use `testing.server`.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

from msgspec import Struct

ROOT_TOKEN = "root"
_QUIET_PORTS = range(15_000, 32_000)
_PATIENCE = 20.0  # seconds until a server must have said its addresses
_STOP = 10.0  # seconds that it gets to end
_FOREIGN = ("VAULT_", "BAO_", "AZURE_", "IDENTITY_", "MSI_")  # would lead a child to somebody else's server or cloud
_FACT = re.compile(r"^ *([A-Za-z_][A-Za-z0-9_ ]*): (.*)$")


class Ran(Struct, frozen=True):
    """What a command answered."""

    code: int
    out: str
    err: str


class DidNotStart(RuntimeError):
    """The server ended or stayed silent; the text holds what it said."""


def clean_environment(folder: Path, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """This process's environment without anybody's server, cloud or proxy; `folder` is home and holds temporaries."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        kept.pop(name, None)
    kept |= {"HOME": str(folder), "TMPDIR": str(folder), "PYTHONUNBUFFERED": "1", "NO_PROXY": "*"}
    return kept | dict(extra or {})


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody has now, and that the system gives to nobody on its own before we use it.

    Port 0 would do, but a server then cannot know its own address before it listens. The range lies below those from
    which systems take the ports of outgoing connections.
    """
    while True:
        port = secrets.choice(_QUIET_PORTS)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


class DevServer:
    """`vaultlike server -dev` in a process of its own; use it as a context manager.

    azure: the Azure emulator runs beside it and `facts` has its addresses (`metadata`, `control`, `ca_file`, ...);
    options: more words for the command line; environ: more variables for the server. Raises DidNotStart.
    """

    def __init__(
        self, *, azure: bool = False, options: Sequence[str] = (), environ: Mapping[str, str] | None = None
    ) -> None:
        self._options = [*(["-dev-azure"] if azure else []), *options]
        self._environ = dict(environ or {})
        self._folder = tempfile.TemporaryDirectory(prefix="vaultlike-dev-")
        self.folder = Path(self._folder.name)
        self.facts: dict[str, str] = {}
        self.url = ""
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> DevServer:
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _start(self) -> None:
        command = [
            *(sys.executable, "-m", "vaultlike", "server", "-dev", f"-dev-root-token-id={ROOT_TOKEN}"),
            *(f"-dev-listen-address=127.0.0.1:{free_port()}", *self._options),
        ]
        with (self.folder / "server.log").open("wb") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, text=True,
                env=clean_environment(self.folder, self._environ),
            )  # fmt: skip
        watchdog = threading.Timer(_PATIENCE, self._process.kill)
        watchdog.start()
        try:
            self._read_banner(self._process)
        finally:
            watchdog.cancel()

    def _read_banner(self, process: subprocess.Popen[str]) -> None:
        """Addresses stand in the banner; its last line depends on the options."""
        assert process.stdout is not None
        last = "control" if "-dev-azure" in self._options else "Root Token"
        for line in process.stdout:
            match = _FACT.match(line.rstrip())
            if match:
                self.facts[match[1].strip()] = match[2].strip()
            if last in self.facts:
                break
        bound = re.search(r'addr: "([^",]+)"', self.facts.get("Listener 1", ""))
        if bound is None or last not in self.facts:
            raise DidNotStart(f"the dev server did not start:\n{self.log()}")
        scheme = "https" if "enabled" in self.facts["Listener 1"] else "http"
        self.url = f"{scheme}://{bound[1]}"

    def log(self) -> str:
        """What the server wrote to standard error so far."""
        path = self.folder / "server.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def stop(self) -> None:
        """Ends the server and removes its folder; safe to repeat."""
        process, self._process = self._process, None
        if process is not None:
            process.terminate()
            try:
                process.wait(_STOP)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if process.stdout is not None:
                process.stdout.close()
        self._folder.cleanup()

    def environment(self, token: str | None = ROOT_TOKEN, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        """The environment of a client; `token` None leaves it to the token file of the server's home."""
        found = clean_environment(self.folder, {"VAULT_ADDR": self.url})
        if token is not None:
            found["VAULT_TOKEN"] = token
        return found | dict(extra or {})

    def run(
        self,
        *words: str,
        token: str | None = ROOT_TOKEN,
        stdin: str = "",
        environ: Mapping[str, str] | None = None,
    ) -> Ran:
        """`vaultlike <words>` as a client of this server, in the server's folder."""
        done = subprocess.run(
            [sys.executable, "-m", "vaultlike", *words], input=stdin, capture_output=True, text=True, timeout=30,
            cwd=self.folder, env=self.environment(token, environ), check=False,
        )  # fmt: skip
        return Ran(done.returncode, done.stdout, done.stderr)
