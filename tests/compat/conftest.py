"""Where the tests of other people's clients find a server: a process as a user starts it, with the Azure emulator."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import hvac
import pytest

from vaultlike.testing.process import ROOT_TOKEN, DevServer, clean_environment

ROOT = Path(__file__).resolve().parents[2]
IN_AZURE = ROOT / "examples" / "in_azure.sh"
SKIPPED = 77


@functools.cache
def why_no_namespaces() -> str:
    """Empty where this machine lets us make network namespaces."""
    missing = [name for name in ("bash", "unshare", "ip") if shutil.which(name) is None]
    if missing:
        return f"not installed: {', '.join(missing)}"
    probe = ["unshare", "--map-root-user", "--net", "ip", "link", "set", "lo", "up"]
    if subprocess.run(["id", "-u"], capture_output=True, check=False).stdout.strip() == b"0":
        probe.remove("--map-root-user")
    done = subprocess.run(probe, capture_output=True, text=True, check=False)
    return f"no network namespaces here: {done.stderr.strip()}" if done.returncode else ""


def in_azure(*words: str, cwd: Path | None = None, timeout: float = 50) -> subprocess.CompletedProcess[str]:
    """Runs `examples/in_azure.sh <words>`: a namespace where the emulator owns 169.254.169.254. May skip the test."""
    if why := why_no_namespaces():
        pytest.skip(why)
    environ = {
        "PYTHON": sys.executable,
        "PYTHONPATH": f"{ROOT}:{ROOT / 'plugins'}",
        "PATH": f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin",
    }
    return subprocess.run(
        [str(IN_AZURE), *words], env={**os.environ, **environ}, cwd=cwd or ROOT, capture_output=True, text=True,
        timeout=timeout, check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def dev() -> Iterator[DevServer]:
    """One dev server for the tests of a module, with the emulator."""
    with DevServer(azure=True) as server:
        yield server


@pytest.fixture(autouse=True)
def nobodys_token(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Clients look into the environment and the home for a token: there must be none."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in list(os.environ):
        if name.startswith(("VAULT_", "BAO_")):
            monkeypatch.delenv(name)


@pytest.fixture
def client(dev: DevServer) -> hvac.Client:
    """hvac with the root token."""
    return hvac.Client(url=dev.url, token=ROOT_TOKEN)


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a server as it is before `operator init`."""
    with new_server(tmp_path_factory.mktemp("fresh")) as url:
        yield url


@contextlib.contextmanager
def new_server(folder: Path) -> Iterator[str]:
    """Starts a server with a configuration file and a database in `folder`; its URL."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    config = {
        "storage": {"sqlite": {"path": str(folder / "vaultlike.db")}},
        "listener": {"tcp": {"address": address, "tls_disable": True}},
        "disable_mlock": True,
    }
    (folder / "config.json").write_text(json.dumps(config))
    command = [sys.executable, "-m", "vaultlike", "server", f"-config={folder / 'config.json'}"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, env=clean_environment(folder), stdout=log, stderr=log)
    try:
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", int(address.rpartition(":")[2]))) == 0:
                    break
            assert process.poll() is None, (folder / "log").read_text()
            time.sleep(0.05)
        url = f"http://{address}"
        with urllib.request.urlopen(f"{url}/v1/sys/seal-status", timeout=30):
            pass  # it serves, and does not only listen
        yield url
    finally:
        process.terminate()
        process.wait(15)
