"""Infisical's own command line and agent, where they are installed: a login, secrets, a process with them, a template.

They come as a binary of their own, which no package index has; without one on the PATH this says so.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from vaultlike.testing.process import DevServer

BINARY = shutil.which("infisical")
TEMPLATE = '{{ with secret "PROJECT" "dev" "/" }}{{ range . }}{{ .Key }}={{ .Value }};{{ end }}{{ end }}'
PATIENCE = 30.0  # seconds for the agent to render what changed

pytestmark = pytest.mark.skipif(BINARY is None, reason="needs Infisical's command line, `infisical`, on the PATH")


class Site:
    """A dev server with a project of one secret, and an identity that is its admin."""

    def __init__(self, server: DevServer) -> None:
        self.server, self.token = server, ""
        admin = {"email": "a@b.test", "password": "correct horse battery", "organization": "Acme"}
        self.token = self.call("POST", "v1/admin/bootstrap", admin)["identity"]["credentials"]["token"]
        organization = self.call("GET", "v1/identities/details")["identityDetails"]["organization"]["id"]
        new = {"name": "m", "organizationId": organization, "role": "no-access"}
        identity = self.call("POST", "v1/identities", new)["identity"]["id"]
        self.project = self.call("POST", "v2/workspace", {"projectName": "P", "slug": "p-1"})["project"]["id"]
        self.write("POST", "first")
        self.call("POST", f"v2/workspace/{self.project}/identity-memberships/{identity}", {"role": "admin"})
        where = f"v1/auth/universal-auth/identities/{identity}"
        self.client_id: str = self.call("POST", where, {})["identityUniversalAuth"]["clientId"]
        self.client_secret: str = self.call("POST", f"{where}/client-secrets", {})["clientSecret"]

    def call(self, method: str, path: str, body: object = None) -> Any:
        request = urllib.request.Request(f"{self.server.url}/api/{path}", method=method)
        request.add_header("Content-Type", "application/json")
        if self.token:
            request.add_header("Authorization", f"Bearer {self.token}")
        data = json.dumps(body).encode() if body is not None else None
        with urllib.request.urlopen(request, data, timeout=20) as answer:
            return json.load(answer)

    def write(self, method: str, value: str) -> None:
        body = {"workspaceId": self.project, "environment": "dev", "secretValue": value}
        self.call(method, "v3/secrets/raw/KEY", body)

    def environment(self) -> dict[str, str]:
        return {**self.server.environment(), "INFISICAL_DISABLE_UPDATE_CHECK": "true", "NO_COLOR": "1"}

    def run(self, *words: str) -> str:
        assert BINARY is not None
        command = [BINARY, words[0], "--domain", f"{self.server.url}/api", "--silent", *words[1:]]
        done = subprocess.run(command, env=self.environment(), capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with DevServer() as server:
        yield Site(server)


def log_in(site: Site) -> str:
    proof = ("--method=universal-auth", f"--client-id={site.client_id}", f"--client-secret={site.client_secret}")
    return site.run("login", *proof, "--plain").strip()


def test_an_afternoon_with_the_command_line(site: Site) -> None:
    token = log_in(site)
    where = ("--token", token, "--projectId", site.project, "--env", "dev")
    assert "KEY='first'" in site.run("export", *where)
    site.run("secrets", "set", *where, "OTHER=1", "REFERENCE=${KEY}!")
    assert site.run("secrets", "get", "REFERENCE", *where, "--plain").strip() == "first!"
    assert site.run("run", *where, "--", "sh", "-c", 'echo "$KEY $OTHER"').strip().endswith("first 1")
    site.run("secrets", "delete", "OTHER", "REFERENCE", *where, "--type=shared")
    assert "OTHER" not in site.run("export", *where)
    site.run("secrets", "folders", "create", "--name", "inner", *where)
    assert "inner" in site.run("secrets", "folders", "get", *where)
    assert "eyJ" in site.run("token", "renew", token)


def test_the_agent_renders_what_changes(site: Site, tmp_path: Path) -> None:
    assert BINARY is not None
    (tmp_path / "id").write_text(site.client_id)
    (tmp_path / "secret").write_text(site.client_secret)
    config = {
        "infisical": {"address": site.server.url},
        "auth": {
            "type": "universal-auth",
            "config": {"client-id": f"{tmp_path}/id", "client-secret": f"{tmp_path}/secret"},
        },
        "sinks": [{"type": "file", "config": {"path": f"{tmp_path}/token"}}],
        "templates": [
            {
                "template-content": TEMPLATE.replace("PROJECT", site.project),
                "destination-path": f"{tmp_path}/out",
                "config": {"polling-interval": "1s"},
            }
        ],
    }
    (tmp_path / "agent.json").write_text(json.dumps(config))  # JSON is YAML
    command = [BINARY, "agent", "--config", f"{tmp_path}/agent.json"]
    with subprocess.Popen(
        command, env=site.environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as agent:
        try:
            assert _becomes(tmp_path / "out", "KEY=first;")
            site.write("PATCH", "second")
            assert _becomes(tmp_path / "out", "KEY=second;")
            assert (tmp_path / "token").read_text().startswith("eyJ")
        finally:
            agent.terminate()


def _becomes(file: Path, text: str) -> bool:
    """Whether another program's file has the text within its time."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if file.exists() and text in file.read_text():
            return True
        time.sleep(0.1)
    return False
