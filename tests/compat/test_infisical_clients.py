"""Infisical's SDKs, unmodified, each logging in and reading secrets: Python (both), Node, Go, and their examples; and
the Python client of Hanzo KMS.

What they need is installed once below `.build/`, from the registries that this machine has; where there are none the
tests are skipped and say why.
"""

from __future__ import annotations

import fcntl
import functools
import json
import os
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from examples.in_infisical import call, prepare
from tests.compat.conftest import ROOT, in_azure, why_no_namespaces
from vaultlike.testing.process import DevServer

EXAMPLES = ROOT / "examples"
KEPT = ROOT / ".build" / "infisical"
LEGACY = ("infisical-python==2.3.5", "pydantic==2.14.3", "pydantic-core==2.50.4", "annotated-types==0.8.0",
          "typing-extensions==4.16.0", "typing-inspection==0.4.5")  # fmt: skip
HANZO = ("hanzo-kms==1.1.0", "httpx==0.28.1", "httpcore==1.0.9", "h11==0.16.0", "anyio==4.16.0", "idna==3.20",
         "certifi==2026.10.18", *LEGACY[1:])  # fmt: skip
ENVIRON = dict(os.environ)  # with the home that has the caches: a test's own one is empty
GO_BUILD = 60  # seconds; the first build of the SDK and of the clouds' modules that it brings along takes longer
pytestmark = [pytest.mark.compat, pytest.mark.timeout(300)]


def once(name: str, install: Callable[[Path], list[str]], *, limit: float = 240) -> Path:
    """A folder that a command filled, now or in an earlier run; skips the test where it cannot be."""
    folder = KEPT / name
    folder.mkdir(parents=True, exist_ok=True)
    with (KEPT / f"{name}.lock").open("w") as lock:  # tests run in several processes
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = folder / ".done"
        if not done.exists():
            try:
                ran = subprocess.run(
                    install(folder), env=ENVIRON, capture_output=True, text=True, timeout=limit, check=False
                )
            except subprocess.TimeoutExpired:
                pytest.skip(f"{name}: not ready within {limit:.0f} s; the examples' Makefiles install it without hurry")
            if ran.returncode:
                pytest.skip(f"{name} cannot be had here: {ran.stderr.strip()[-200:]}")
            done.touch()
    return folder


def pip(folder: Path, *what: str) -> list[str]:
    """The command that installs exactly this."""
    options = ["--quiet", "--disable-pip-version-check", "--no-deps", "--target", str(folder)]
    return [sys.executable, "-m", "pip", "install", *options, *what]


@functools.cache
def python_sdk() -> Path:
    requirements = EXAMPLES / "infisical_python" / "requirements.txt"
    return once("python-1.0.18", lambda folder: pip(folder, "-r", str(requirements)))


@functools.cache
def legacy_sdk() -> Path:
    if sys.version_info[:2] != (3, 11):
        pytest.skip("infisical-python 2.3.5 has wheels up to CPython 3.11")
    return once("legacy-2.3.5", lambda folder: pip(folder, *LEGACY))


@functools.cache
def hanzo_sdk() -> Path:
    return once("hanzo-1.1.0", lambda folder: pip(folder, *HANZO))


@functools.cache
def node_sdk() -> Path:
    if not (shutil.which("node") and shutil.which("npm")):
        pytest.skip("node and npm are not installed")
    sources = EXAMPLES / "infisical_node"

    def install(folder: Path) -> list[str]:
        for name in ("package.json", "main.mjs"):
            shutil.copy(sources / name, folder)
        return ["npm", "install", "--no-package-lock", "--no-audit", "--no-fund", "--silent", "--prefix", str(folder)]

    folder = once("node-5.0.2", install)
    shutil.copy(sources / "main.mjs", folder)
    return folder


@functools.cache
def go_program() -> Path:
    if not shutil.which("go"):
        pytest.skip("go is not installed")
    source = EXAMPLES / "infisical_go"
    state = "-".join(str(int((source / name).stat().st_mtime)) for name in ("main.go", "go.mod"))
    folder = once(f"go-{state}", lambda folder: ["go", "build", "-C", str(source), "-o", str(folder / "program"), "."],
                  limit=GO_BUILD)  # fmt: skip
    return folder / "program"


def run(command: list[str], facts: dict[str, str], site: Path | None = None) -> str:
    """What a client's program printed; fails with what it complained of."""
    kept = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    environ = {**kept, **facts, "PYTHONPATH": str(site or "")}
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def server() -> Iterator[tuple[DevServer, dict[str, str]]]:
    with DevServer() as running:
        yield running, prepare(running.url)


def vault(url: str, method: str, path: str, body: object = None) -> Any:
    """One request of `/v1`; its data."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{url}/v1/{path}", data=data, method=method, headers={"X-Vault-Token": "root"})
    with urllib.request.urlopen(request, timeout=30) as response:
        text = response.read()
    return json.loads(text)["data"] if text else None


PYTHON = str(Path(__file__).with_name("with_infisical_sdk.py"))


def test_a_stranger_reads_nothing(server: tuple[DevServer, dict[str, str]]) -> None:
    running, facts = server
    site = python_sdk()
    call(
        running.url, "DELETE",
        f"/v2/workspace/{facts['INFISICAL_PROJECT_ID']}/identity-memberships/{facts['INFISICAL_IDENTITY_ID']}",
    )  # fmt: skip
    environ = {**os.environ, **facts, "PYTHONPATH": str(site)}
    done = subprocess.run(
        [sys.executable, PYTHON, "universal"], env=environ, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (1, "") and "(Status: 403)" in done.stderr


def test_python_by_universal_auth(server: tuple[DevServer, dict[str, str]]) -> None:
    assert run([sys.executable, PYTHON, "universal"], server[1], python_sdk()) == "done\n"


def test_python_by_a_token_of_token_auth(server: tuple[DevServer, dict[str, str]]) -> None:
    running, facts = server
    site = python_sdk()
    method = f"/v1/auth/token-auth/identities/{facts['INFISICAL_IDENTITY_ID']}"
    call(running.url, "POST", method, {})
    token = call(running.url, "POST", f"{method}/tokens", {"name": "sdk"})["accessToken"]
    assert run([sys.executable, PYTHON, "token"], {**facts, "INFISICAL_TOKEN": token}, site) == "done\n"


def test_python_by_oidc(server: tuple[DevServer, dict[str, str]]) -> None:
    """The server's own identity tokens are the issuer: it finds itself by discovery."""
    running, facts = server
    site = python_sdk()
    issuer = f"{running.url}/v1/identity/oidc"
    vault(running.url, "POST", "identity/oidc/config", {"issuer": running.url})
    vault(running.url, "POST", "identity/oidc/key/k", {"allowed_client_ids": "*"})
    vault(running.url, "POST", "identity/oidc/role/r", {"key": "k", "client_id": "sdk"})
    jwt, subject = entity_token(running)
    call(running.url, "POST", f"/v1/auth/oidc-auth/identities/{facts['INFISICAL_IDENTITY_ID']}", {
        "oidcDiscoveryUrl": issuer, "boundIssuer": issuer, "boundAudiences": "sdk", "boundSubject": subject,
        "boundClaims": {}, "caCert": "", "accessTokenTTL": 3600,
    })  # fmt: skip
    assert run([sys.executable, PYTHON, "oidc"], {**facts, "INFISICAL_JWT": jwt}, site) == "done\n"


def entity_token(running: DevServer) -> tuple[str, str]:
    """An identity token of somebody who logged in at `/v1`, and whom it names."""
    vault(running.url, "POST", "sys/auth/userpass", {"type": "userpass"})
    vault(running.url, "POST", "sys/policies/acl/issue", {"policy": 'path "identity/*" { capabilities = ["read"] }'})
    vault(running.url, "POST", "auth/userpass/users/u", {"password": "password", "policies": "issue"})
    body = json.dumps({"password": "password"}).encode()
    request = urllib.request.Request(f"{running.url}/v1/auth/userpass/login/u", data=body, method="POST")
    with urllib.request.urlopen(request, timeout=30) as response:
        auth = json.load(response)["auth"]
    request = urllib.request.Request(
        f"{running.url}/v1/identity/oidc/token/r", headers={"X-Vault-Token": auth["client_token"]}
    )
    with urllib.request.urlopen(request, timeout=30) as response:
        return json.load(response)["data"]["token"], auth["entity_id"]


def test_the_legacy_python_sdk(server: tuple[DevServer, dict[str, str]]) -> None:
    program = str(Path(__file__).with_name("with_infisical_legacy.py"))
    assert run([sys.executable, program], server[1], legacy_sdk()) == "done\n"


def test_the_client_of_hanzo_kms(server: tuple[DevServer, dict[str, str]]) -> None:
    program = str(Path(__file__).with_name("with_hanzo_kms.py"))
    assert run([sys.executable, program], server[1], hanzo_sdk()) == "done\n"


def test_the_python_example(server: tuple[DevServer, dict[str, str]]) -> None:
    site = python_sdk()
    assert run([sys.executable, str(EXAMPLES / "infisical_python" / "main.py")], server[1], site).splitlines() == [
        "DSN = postgres://app:correct-horse@db/app (version 1)",
        "listed /DSN, /db/PASSWORD",
        "KEY = two (version 2)",
        "KEY was one",
        "deleted: 404",
        "folders cache, db",
    ]


def test_the_node_example(server: tuple[DevServer, dict[str, str]]) -> None:
    program = node_sdk() / "main.mjs"
    assert run(["node", str(program)], server[1]).splitlines() == [
        "DSN = postgres://app:correct-horse@db/app (version 1)",
        "listed /DSN, /db/PASSWORD",
        "KEY = two (version 2)",
        "deleted: 404",
        "folders cache, db",
        "renewed, and still the same",
    ]


GO_SAYS = [
    "DSN = postgres://app:correct-horse@db/app (version 1)",
    "listed 2",
    "KEY = two (version 2)",
    "made 2",
    "folders db",
]


def test_the_go_example(server: tuple[DevServer, dict[str, str]]) -> None:
    assert run([str(go_program())], server[1]).splitlines() == GO_SAYS


@pytest.mark.skipif(bool(why_no_namespaces()), reason=why_no_namespaces() or "-")
def test_go_by_azure_auth() -> None:
    """On an imaginary Azure machine, where the SDK asks 169.254.169.254 for a token as it does on a real one."""
    program = go_program()
    done = in_azure("-bare", sys.executable, str(Path(__file__).with_name("with_infisical_azure.py")), str(program))
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines() == GO_SAYS


def test_nothing_is_forked() -> None:
    """What the examples install is what everybody gets."""
    assert "replace" not in (EXAMPLES / "infisical_go" / "go.mod").read_text()
    assert json.loads((EXAMPLES / "infisical_node" / "package.json").read_text())["dependencies"] == {
        "@infisical/sdk": "5.0.2"
    }
    assert "infisicalsdk==1.0.18" in (EXAMPLES / "infisical_python" / "requirements.txt").read_text()
