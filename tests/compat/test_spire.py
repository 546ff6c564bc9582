"""The guide's login with a real SPIRE: its server mints, its OIDC discovery provider publishes, our oidc-auth judges.

Both are programs of their own that no package index has; without them on the PATH this says so. The same guide runs
against our emulator of them in `test_infisical_page.py`.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from vaultlike.testing.process import DevServer, free_port

PROGRAMS = ("spire-server", "oidc-discovery-provider")
MISSING = [name for name in PROGRAMS if shutil.which(name) is None]
PATIENCE = 20.0  # seconds until SPIRE must answer
DOMAIN = "example.org"

pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"needs SPIRE on the PATH: {', '.join(MISSING)}")

SERVER = """
server {{
  bind_address = "127.0.0.1"
  bind_port = "{port}"
  socket_path = "{folder}/api.sock"
  trust_domain = "{domain}"
  data_dir = "{folder}"
  log_level = "WARN"
  jwt_issuer = "{issuer}"
  default_jwt_svid_ttl = "5m"
}}
plugins {{
  DataStore "sql" {{ plugin_data {{ database_type = "sqlite3"  connection_string = "{folder}/data.sqlite3" }} }}
  KeyManager "memory" {{ plugin_data {{}} }}
  NodeAttestor "join_token" {{ plugin_data {{}} }}
}}
"""
PROVIDER = """
log_level = "WARN"
domains = ["127.0.0.1"]
allow_insecure_scheme = true
insecure_addr = "127.0.0.1:{port}"
jwt_issuer = "{issuer}"
server_api {{ address = "unix://{folder}/api.sock" }}
"""


class Spire:
    """A running trust domain."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        port = free_port()
        self.issuer, self._socket = f"http://127.0.0.1:{port}", folder / "api.sock"
        words = {"folder": folder, "issuer": self.issuer, "domain": DOMAIN}
        (folder / "server.conf").write_text(SERVER.format(port=free_port(), **words))
        (folder / "provider.conf").write_text(PROVIDER.format(port=port, **words))
        self._run(stack, ["spire-server", "run", "-config", str(folder / "server.conf")])
        _until(lambda: self.mint("/probe", "x") != "")
        self._run(stack, ["oidc-discovery-provider", "-config", str(folder / "provider.conf")])
        _until(lambda: b"keys" in _get(f"{self.issuer}/keys"))

    def _run(self, stack: ExitStack, command: list[str]) -> None:
        running = stack.enter_context(subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        stack.callback(running.terminate)

    def mint(self, path: str, audience: str) -> str:
        """A JWT-SVID; "" while the server is not there."""
        words = ["-socketPath", str(self._socket), "-spiffeID", f"spiffe://{DOMAIN}{path}", "-audience", audience]
        command = ["spire-server", "jwt", "mint", *words]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def _until(there: Any) -> None:
    end = time.monotonic() + PATIENCE
    while not there():
        assert time.monotonic() < end, "SPIRE does not answer"
        time.sleep(0.1)


def _get(url: str) -> bytes:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            body: bytes = answer.read()
            return body
    except OSError:
        return b""


@pytest.fixture(scope="module")
def spire(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Spire]:
    with ExitStack() as stack:
        yield Spire(tmp_path_factory.mktemp("spire"), stack)


def call(server: DevServer, path: str, body: object, token: str = "") -> tuple[int, Any]:
    request = urllib.request.Request(f"{server.url}/api/{path}", json.dumps(body).encode(), method="POST")
    request.add_header("Content-Type", "application/json")
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as refused:
        return refused.code, json.load(refused)


def test_the_guide_with_a_real_spire(spire: Spire) -> None:
    with DevServer() as server:
        _, made = call(server, "v1/identities", {"name": "m", "organizationId": "", "role": "no-access"}, "root")
        identity = made["identity"]["id"]
        form = {
            "oidcDiscoveryUrl": spire.issuer,
            "boundIssuer": spire.issuer,
            "boundSubject": f"spiffe://{DOMAIN}/billing/**",
            "boundAudiences": "vaultlike, other",
            "boundClaims": {},
        }
        status, attached = call(server, f"v1/auth/oidc-auth/identities/{identity}", form, "root")
        assert status == 200, attached
        for path, audience, expected in (
            ("/shop", "vaultlike", 403),
            ("/billing/api", "stranger", 401),
            ("/billing/api", "other", 200),
            ("/billing/api", "vaultlike", 200),
        ):
            said = {"identityId": identity, "jwt": spire.mint(path, audience)}
            status, answer = call(server, "v1/auth/oidc-auth/login", said)
            assert status == expected, (path, audience, answer)
