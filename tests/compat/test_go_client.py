"""HashiCorp's Go client, unmodified: examples/go_azure_login, in a namespace where the emulator is 169.254.169.254."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.compat.conftest import ROOT, in_azure, why_no_namespaces

EXAMPLE = ROOT / "examples" / "go_azure_login"
pytestmark = [
    pytest.mark.compat,
    pytest.mark.timeout(300),  # the first build fetches and compiles the client
    pytest.mark.skipif(shutil.which("go") is None, reason="go is not installed"),
    pytest.mark.skipif(bool(why_no_namespaces()), reason=why_no_namespaces() or "-"),
]


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    environ = {**os.environ, "GOFLAGS": "-mod=readonly -buildvcs=false"}
    fetched = subprocess.run(
        ["go", "mod", "download"], cwd=EXAMPLE, env=environ, capture_output=True, text=True, check=False
    )
    if fetched.returncode and "checksum" not in fetched.stderr:
        pytest.skip(f"no Go modules to be had: {fetched.stderr.strip()[-200:]}")
    built = tmp_path_factory.mktemp("go") / "go_azure_login"
    done = subprocess.run(
        ["go", "build", "-o", str(built), "."], cwd=EXAMPLE, env=environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return built


def test_a_role_that_does_not_admit_the_machine(program: Path) -> None:
    command = f"VAULT_TOKEN=root vault write auth/azure/role/dev-role bound_resource_groups=other >/dev/null; {program}"
    done = in_azure("bash", "-c", command)
    assert done.returncode == 1
    assert "Code: 403" in done.stderr and "permission denied" in done.stderr and "other" not in done.stderr


@pytest.mark.parametrize("mount", ["azure", "team/azure"])
def test_login_read_renew_revoke(program: Path, mount: str) -> None:
    done = in_azure("-mount", mount, str(program))
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        f"logged in at auth/{mount}, policies [default dev], for 1h0m0s",
        "password correct-horse-battery-staple (version 1)",
        "renewed for 600s",
        "revoked, and refused from then on",
    ]


def test_the_module_is_the_one_of_the_proxy() -> None:
    """No replacement, no fork: what the example builds is what everybody gets."""
    text = (EXAMPLE / "go.mod").read_text()
    assert "replace" not in text and "github.com/hashicorp/vault/api/auth/azure v" in text
    assert (EXAMPLE / "go.sum").read_text().count("h1:") > 20
