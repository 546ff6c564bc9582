"""Runs a command beside a dev server that Infisical's clients know: an identity, a project and a secret are there.

    .venv/bin/python examples/in_infisical.py COMMAND [ARGUMENTS]

Everything is made by HTTP, as an operator would with curl: a project, an identity with universal auth and a client
secret, its membership, a folder, two secrets. The command gets INFISICAL_URL, INFISICAL_CLIENT_ID,
INFISICAL_CLIENT_SECRET, INFISICAL_IDENTITY_ID and INFISICAL_PROJECT_ID. Exit code: the command's.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from typing import Any

from vaultlike.testing.process import ROOT_TOKEN, DevServer


def call(url: str, method: str, path: str, body: object = None, token: str = ROOT_TOKEN) -> Any:
    """One request of the second API; its JSON."""
    data = None if body is None else json.dumps(body).encode()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    request = urllib.request.Request(f"{url}/api{path}", data=data, method=method, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return json.load(response)
    except urllib.error.HTTPError as refused:
        raise RuntimeError(f"{method} {path}: {refused.code} {refused.read().decode()}") from None


def prepare(url: str, role: str = "member") -> dict[str, str]:
    """Makes what a client needs; the variables that tell it."""
    project = call(url, "POST", "/v2/workspace", {"projectName": "Demo", "slug": "demo"})["project"]
    identity = call(
        url, "POST", "/v1/identities", {"name": "web", "organizationId": project["orgId"], "role": "no-access"}
    )["identity"]
    attached = call(url, "POST", f"/v1/auth/universal-auth/identities/{identity['id']}", {"accessTokenTTL": 3600})
    made = call(url, "POST", f"/v1/auth/universal-auth/identities/{identity['id']}/client-secrets", {})
    call(url, "POST", f"/v2/workspace/{project['id']}/identity-memberships/{identity['id']}", {"role": role})
    where = {"workspaceId": project["id"], "environment": "dev"}
    call(url, "POST", "/v1/folders", {**where, "name": "db", "path": "/"})
    call(url, "POST", "/v3/secrets/raw/PASSWORD", {**where, "secretPath": "/db", "secretValue": "correct-horse"})
    call(url, "POST", "/v3/secrets/raw/DSN", {**where, "secretValue": "postgres://app:${dev.db.PASSWORD}@db/app"})
    return {
        "INFISICAL_URL": url,
        "INFISICAL_CLIENT_ID": attached["identityUniversalAuth"]["clientId"],
        "INFISICAL_CLIENT_SECRET": made["clientSecret"],
        "INFISICAL_IDENTITY_ID": identity["id"],
        "INFISICAL_PROJECT_ID": project["id"],
    }


def main(command: list[str]) -> int:
    """Runs the command."""
    if not command:
        print("which command?", file=sys.stderr)
        return 2
    with DevServer() as server:
        environ = {**os.environ, **prepare(server.url), "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
        return subprocess.run(command, env=environ, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
