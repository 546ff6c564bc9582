"""A package of somebody else's, installed by pip into a folder of its own: found, used, and up to standard."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from vaultlike.testing.process import DevServer

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "third_party_plugin"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> str:
    """PYTHONPATH with the package installed."""
    folder = tmp_path_factory.mktemp("site")
    source = tmp_path_factory.mktemp("source")
    for name in ("pyproject.toml", "vaultlike_signed.py"):  # pip builds where the sources are: not in our tree
        (source / name).write_bytes((EXAMPLE / name).read_bytes())
    command = [
        *(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"),
        *("--no-build-isolation", "--target", str(folder), str(source)),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return os.pathsep.join((str(folder), str(ROOT), str(ROOT / "plugins")))


def test_without_the_package_there_is_no_such_method() -> None:
    with DevServer() as server:
        refused = server.run("auth", "enable", "signed")
    assert refused.code == 2 and "plugin not found in the catalog: signed" in refused.err


def test_the_command_line_uses_it(installed: str) -> None:
    with DevServer(environ={"PYTHONPATH": installed}) as server:
        assert server.run("auth", "enable", "signed").out == "Success! Enabled signed auth method at: signed/\n"
        assert "signed" in server.run("plugin", "list", "auth").out
        refused = server.run("write", "auth/signed/role/all", "policies=dev")
        assert refused.code == 2 and "a role needs bound_devices or bound_sites" in refused.err
        helped = server.run("path-help", "auth/signed/role/press")
        assert "Sites of devices" in helped.out, helped
        key = "0123456789abcdef0123456789abcdef"
        server.run("write", "auth/signed/device/press-7", f"key={key}", "site=hall-2")
        read = server.run("read", "auth/signed/device/press-7")
        assert "hall-2" in read.out and key not in read.out


@pytest.mark.skipif(not (shutil.which("openssl") and shutil.which("bash")), reason="needs bash and openssl")
def test_its_readme(installed: str) -> None:
    text = (EXAMPLE / "README.md").read_text()
    lines = [line[4:] for line in text.splitlines() if line.startswith("    ") and "pip install" not in line]
    with DevServer(environ={"PYTHONPATH": installed}) as server:
        shim = server.folder / "vaultlike"
        shim.write_text(f'#!/bin/sh\nexec {sys.executable} -m vaultlike "$@"\n')
        shim.chmod(0o700)
        environ = server.environment()
        environ["PATH"] = f"{server.folder}{os.pathsep}{environ['PATH']}"
        script = "set -e\n" + "\n".join(lines)
        done = subprocess.run(["bash", "-c", script], env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "token_meta_site" in done.stdout and '["default" "press"]' in done.stdout


@pytest.mark.timeout(120)
def test_its_own_tests_pass_with_the_suite_of_the_server(installed: str, tmp_path: Path) -> None:
    command = [
        *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-o", "asyncio_mode=auto"),
        *("-o", "addopts=", "--rootdir", str(EXAMPLE), str(EXAMPLE / "tests")),
    ]
    environ = {**os.environ, "PYTHONPATH": installed, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-8000:]
    assert "passed" in done.stdout
