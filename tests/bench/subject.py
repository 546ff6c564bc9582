"""The server under load: a real process on an SQLite file, the Azure emulator beside it, set up for every target."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
TOKENS = 200
JSON = {"Content-Type": "application/json"}


def call(
    url: str, method: str = "GET", token: str = "", body: object = None, headers: dict[str, str] | None = None
) -> Any:
    """One request; decoded JSON or None."""
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(url, data=data, method=method, headers=headers or {})
    if token:
        request.add_header("X-Vault-Token", token)
    with urllib.request.urlopen(request, timeout=30) as response:
        content = response.read()
    return json.loads(content) if content.strip() else None


class Subject:
    """Starts emulator and server in `folder`; `audit` enables a file device."""

    def __init__(self, folder: Path, port: int, *, audit: bool) -> None:
        self.folder, self.port, self.audit = folder, port, audit
        self.url = f"http://127.0.0.1:{port}"
        self.root = ""
        self._processes: list[subprocess.Popen[str]] = []
        self.good_jwt = ""
        self.bad_jwt = ""

    def __enter__(self) -> Subject:
        try:
            return self._start()
        except BaseException:
            self.__exit__(None, None, None)
            raise

    def _start(self) -> Subject:
        emulator = self._spawn("emulator", "azure", f"-ca-out={self.folder / 'ca.pem'}")
        assert emulator.stdout is not None
        self.emulator = json.loads(emulator.stdout.readline())
        config = self.folder / "server.hcl"
        config.write_text(self._config())
        self.server = self._spawn("server", f"-config={config}")
        self._wait()
        made = call(f"{self.url}/v1/sys/init", "PUT", body={"secret_shares": 1, "secret_threshold": 1})
        self.root = made["root_token"]
        call(f"{self.url}/v1/sys/unseal", "PUT", body={"key": made["keys"][0]})
        self._prepare()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in reversed(self._processes):
            process.terminate()
        for process in self._processes:
            process.wait(15)

    def _spawn(self, *words: str) -> subprocess.Popen[str]:
        log = (self.folder / f"{words[0]}.log").open("w")
        process = subprocess.Popen(
            [sys.executable, "-m", "vaultlike", *words], stdout=subprocess.PIPE if words[0] == "emulator" else log,
            stderr=log, text=True, cwd=ROOT, env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'plugins'}"},
        )  # fmt: skip
        self._processes.append(process)
        return process

    def _config(self) -> str:
        return f"""
storage "sqlite" {{ path = "{self.folder / "vaultlike.db"}" }}
listener "tcp" {{
  address = "127.0.0.1:{self.port}"
  tls_disable = true
}}
log_level = "error"
infisical {{ enabled = true }}
{self._stanza()}
"""

    def _stanza(self) -> str:
        found = self.emulator
        return f"""azure_cloud "AzureEmulator" {{
  active_directory = "{found["authority"]}"
  issuer = "{found["issuer"]}"
  resource_manager = "{found["resource_manager"]}"
  graph = "{found["graph"]}"
  audience = "{found["audience"]}"
  metadata = "{found["metadata"]}"
  ca_file = "{found["ca_file"]}"
}}"""

    def _wait(self) -> None:
        for _ in range(200):
            try:
                call(f"{self.url}/v1/sys/seal-status")
                return
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.05)
        raise RuntimeError(f"the server did not start: {(self.folder / 'server.log').read_text()}")

    def api(self, method: str, path: str, body: object = None, token: str = "") -> Any:
        """One request with the root token."""
        return call(f"{self.url}/v1/{path}", method, token or self.root, body)

    def _prepare(self) -> None:
        if self.audit:
            self.api(
                "PUT", "sys/audit/file", {"type": "file", "options": {"file_path": str(self.folder / "audit.log")}}
            )
        self.api("POST", "sys/mounts/secret", {"type": "kv", "options": {"version": "2"}})
        self.api("POST", "secret/data/creds", {"data": {"password": "correct horse", "user": "bench"}})
        rules = (
            'path "secret/data/*" { capabilities = ["read"] } path "auth/token/create" { capabilities = ["update"] }'
        )
        self.api("PUT", "sys/policies/acl/bench", {"policy": rules})
        ids = self.emulator["ids"]
        self.api("POST", "sys/auth/azure", {"type": "azure"})
        resource = "https://management.azure.com/"
        self.api(
            "POST", "auth/azure/config",
            {"tenant_id": ids["tenant_id"], "resource": resource, "environment": "AzureEmulator"},
        )  # fmt: skip
        oid = ids["vm_principal_id"]
        self.api("POST", "auth/azure/role/bench", {"bound_service_principal_ids": oid, "token_policies": "bench"})
        self.api("POST", "auth/azure/role/other", {"bound_service_principal_ids": "somebody-else"})
        metadata = (
            f"{self.emulator['metadata']}/metadata/identity/oauth2/token?api-version=2018-02-01&resource={resource}"
        )
        self.good_jwt = call(metadata, headers={"Metadata": "true"})["access_token"]
        head, body, signature = self.good_jwt.split(".")
        self.bad_jwt = f"{head}.{body}.{signature[:-8]}{'A' * 8}"
        answer = self.api("POST", "auth/azure/login", {"role": "bench", "jwt": self.good_jwt})
        assert answer["auth"]["policies"] == ["bench", "default"], answer
        self.tokens = [
            self.api("POST", "auth/token/create", {"policies": ["bench"]})["auth"]["client_token"]
            for _ in range(TOKENS)
        ]
        self._prepare_second_api()

    def _prepare_second_api(self) -> None:
        """A project with a secret, read by either API: with the tokens of `tokens`, and with an identity's."""

        def ask(method: str, path: str, body: object) -> Any:
            return call(f"{self.url}/api/{path}", method, self.root, body, JSON)

        project = ask("POST", "v2/workspace", {"projectName": "Bench", "slug": "bench"})["project"]
        where = {"workspaceId": project["id"], "environment": "dev"}
        ask("POST", "v3/secrets/raw/CREDS", {**where, "secretValue": "correct horse"})
        self.secret_v1 = f"/v1/organization-secrets/data/{project['id']}/dev/CREDS"
        self.secret_api = f"/api/v3/secrets/raw/CREDS?workspaceId={project['id']}&environment=dev&secretPath=%2F"
        rules = self.api("GET", "sys/policies/acl/bench")["data"]["policy"]
        rules += f' path "{self.secret_v1[4:]}" {{ capabilities = ["read"] }}'
        self.api("PUT", "sys/policies/acl/bench", {"policy": rules})
        identity = ask("POST", "v1/identities", {"name": "bench", "organizationId": project["orgId"]})["identity"]["id"]
        ask("POST", f"v2/workspace/{project['id']}/identity-memberships/{identity}", {"role": "viewer"})
        method = f"v1/auth/token-auth/identities/{identity}"
        ask("POST", method, {})
        self.access_tokens = [ask("POST", f"{method}/tokens", {})["accessToken"] for _ in range(TOKENS)]
        self._prepare_logins(identity)

    def _prepare_logins(self, identity: str) -> None:
        """The identity logs in by client secret and by Azure; an approle with the same limits is the twin of the first,
        so that both do the same work."""
        self.api("POST", "sys/auth/approle", {"type": "approle"})
        everywhere = "0.0.0.0/0,::/0"
        limits = {"token_ttl": 2_592_000, "token_max_ttl": 2_592_000, "secret_id_bound_cidrs": everywhere}
        self.api("POST", "auth/approle/role/bench", limits)
        role_id = self.api("GET", "auth/approle/role/bench/role-id")["data"]["role_id"]
        secret_id = self.api("POST", "auth/approle/role/bench/secret-id", {})["data"]["secret_id"]
        self.approle = {"role_id": role_id, "secret_id": secret_id}

        def attach(method: str, body: object, more: str = "") -> Any:
            path = f"{self.url}/api/v1/auth/{method}/identities/{identity}{more}"
            return call(path, "POST", self.root, body, JSON)

        attached = attach("universal-auth", {})["identityUniversalAuth"]
        secret = attach("universal-auth", {}, "/client-secrets")["clientSecret"]
        self.universal = {"clientId": attached["clientId"], "clientSecret": secret}
        ids = self.emulator["ids"]
        attach("azure-auth", {
            "tenantId": ids["tenant_id"], "resource": "https://management.azure.com/", "environment": "AzureEmulator",
            "allowedServicePrincipalIds": ids["vm_principal_id"],
        })  # fmt: skip
        self.azure = {"identityId": identity, "jwt": self.good_jwt}

    def memory(self) -> int:
        """Resident memory of the server process, bytes."""
        for line in Path(f"/proc/{self.server.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        raise RuntimeError("no resident size")

    def disk(self) -> int:
        """Bytes of the database and its log."""
        return sum(file.stat().st_size for file in self.folder.glob("vaultlike.db*"))
