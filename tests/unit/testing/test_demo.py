"""The demo as a user runs it: it ends well, says so when it does not, and leaves nothing behind."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from vaultlike.testing import demo
from vaultlike.testing.process import DevServer, DidNotStart

ROOT = Path(__file__).resolve().parents[3]
COMMAND = [sys.executable, "-m", "vaultlike.testing.demo"]


def start(folder: Path) -> subprocess.Popen[str]:
    environ = {**os.environ, "TMPDIR": str(folder), "PYTHONPATH": f"{ROOT}:{ROOT / 'plugins'}", "PYTHONUNBUFFERED": "1"}
    # a user's own server must not be touched
    environ |= {"VAULT_ADDR": "http://127.0.0.1:1", "VAULT_TOKEN": "not-yours", "HOME": str(folder)}
    return subprocess.Popen(
        COMMAND, env=environ, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip


def nobody_at(url: str) -> bool:
    host, port = url.removeprefix("http://").split(":")
    with socket.socket() as probe:
        return probe.connect_ex((host, int(port))) != 0


def test_a_step_that_answers_otherwise_ends_it(capsys: pytest.CaptureFixture[str]) -> None:
    with DevServer() as server:
        server.facts["metadata"] = "http://127.0.0.1:1"
        scene = demo.Walk(server)
        with pytest.raises(demo.Unexpected, match="got exit code 2"):
            scene.operator("write", "auth/azure/config", "tenant_id=x", says="Success!")
        with pytest.raises(demo.Unexpected, match="saying 'nonsense'"):
            scene.operator("status", says="nonsense")
        with pytest.raises(demo.Unexpected, match="expected exit code 2"):
            scene.operator("status", code=2)


def test_a_server_that_cannot_start_says_why() -> None:
    with pytest.raises(DidNotStart, match="unknown option"), DevServer(options=["-dev-listen-adress=x"]):
        pass


def test_an_interrupt_leaves_nothing(tmp_path: Path) -> None:
    process = start(tmp_path)
    assert process.stdout is not None
    url = ""
    for line in process.stdout:
        url = url or "".join(re.findall(r"http://127\.0\.0\.1:\d+(?=, metadata)", line))
        if "auth enable azure" in line:
            break
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 130, err
    assert url and nobody_at(url)
    assert list(tmp_path.iterdir()) == []


def test_it_walks_the_main_job(tmp_path: Path) -> None:
    process = start(tmp_path)
    out, err = process.communicate(timeout=50)
    assert process.returncode == 0, out + err
    for words in (
        "auth enable azure", "correct-horse-battery-staple", "token renew", "token revoke -self", "vaultlike explain ",
        "The login stopped at `bound_resource_groups`: expected prod-rg, received demo-rg.", "Everything answered",
    ):  # fmt: skip
        assert words in out
    assert not re.search(r"eyJ[\w-]{40,}", out), "an identity token was printed"
    url = re.findall(r"http://127\.0\.0\.1:\d+(?=, metadata)", out)[0]
    assert nobody_at(url)
    assert list(tmp_path.iterdir()) == []
