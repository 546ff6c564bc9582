"""Every command of docs/infisical.md works as printed, one after another in one shell."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from vaultlike.testing.azure import world
from vaultlike.testing.process import DevServer

PAGE = Path(__file__).parents[2] / "docs" / "infisical.md"

pytestmark = pytest.mark.skipif(
    not (shutil.which("curl") and shutil.which("jq") and shutil.which("bash")), reason="needs bash, curl and jq"
)


def commands() -> str:
    blocks = re.findall(r"```sh\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert len(blocks) > 10
    return "set -euxo pipefail\n" + "\n".join(blocks) + "\necho all of it\n"


@pytest.fixture
def spire() -> Iterator[str]:
    program = [sys.executable, "-m", "vaultlike", "emulator", "spire"]
    with subprocess.Popen(program, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        url: str = json.loads(running.stdout.readline())["url"]
        yield url
        running.send_signal(signal.SIGTERM)


def test_the_page_is_true(spire: str) -> None:
    with DevServer(azure=True) as server:
        shim = server.folder / "vaultlike"
        shim.write_text(f'#!/bin/sh\nexec {sys.executable} -m vaultlike "$@"\n')
        shim.chmod(0o700)
        environ = server.environment(
            extra={
                "VAULT_TOKEN": "root",
                "METADATA": server.facts["metadata"],
                "TENANT": world.TENANT_ID,
                "PRINCIPAL": world.VM_PRINCIPAL_ID,
                "SPIRE": spire,
            }
        )
        environ["PATH"] = f"{server.folder}:{environ['PATH']}"
        done = subprocess.run(
            ["bash", "-c", commands()], env=environ, capture_output=True, text=True, timeout=120, check=False
        )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
    assert done.stdout.endswith("all of it\n")
