"""What the README and the examples tell a newcomer to type works as it stands there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys

import pytest

from tests.compat.conftest import ROOT, in_azure
from vaultlike.testing.process import DevServer

needs_curl = pytest.mark.skipif(not (shutil.which("curl") and shutil.which("jq")), reason="needs curl and jq")


@needs_curl
def test_a_role_that_does_not_fit_ends_the_example() -> None:
    refuse = "VAULT_TOKEN=root vault write auth/azure/role/dev-role bound_locations=moon >/dev/null"
    done = in_azure("bash", "-c", f"{refuse}; examples/azure_login/login.sh")
    assert done.returncode != 0 and "correct-horse" not in done.stdout


@needs_curl
@pytest.mark.parametrize("mount", ["azure", "team/azure"])
def test_azure_login(mount: str) -> None:
    done = in_azure("-mount", mount, "examples/azure_login/login.sh")
    assert (done.returncode, done.stdout) == (0, "correct-horse-battery-staple\n"), done.stderr


def test_the_code_of_the_command_is_the_code_of_the_script() -> None:
    assert in_azure("-bare", "sh", "-c", "exit 42").returncode == 42


def test_the_first_login_of_the_readme() -> None:
    text = (ROOT / "README.md").read_text()
    section = text.split("## A first login", 1)[1].split("\n## ", 1)[0]
    lines = [line[4:] for line in section.splitlines() if line.startswith("    ")]
    assert len(lines) <= 10, "the README promises ten lines"
    assert lines[0].startswith("make setup") and lines[1].startswith("vaultlike server -dev -dev-azure &")
    with DevServer(azure=True) as server:
        shim = server.folder / "vaultlike"
        shim.write_text(f'#!/bin/sh\nexec {sys.executable} -m vaultlike "$@"\n')
        shim.chmod(0o700)
        (server.folder / ".vault-token").write_text("root")  # as `server -dev` leaves it
        script = "set -e\n" + "\n".join(lines[2:])
        script, found = re.subn(r"http://127\.0\.0\.1:\.\.\.", server.facts["metadata"], script)
        assert found == 1
        environ = server.environment(token=None)
        environ["PATH"] = f"{server.folder}{os.pathsep}{environ['PATH']}"
        done = subprocess.run(["bash", "-c", script], env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "You are now authenticated" in done.stdout
    assert re.search(r"^path +auth/azure/login", done.stdout, re.M), "the login's token is not the one in use"
