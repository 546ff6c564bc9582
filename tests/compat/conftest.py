"""Where the tests of other people's clients find a server: a process as a user starts it, with the Azure emulator."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from vaultlike.testing.process import DevServer

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
