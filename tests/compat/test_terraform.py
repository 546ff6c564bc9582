"""Terraform with HashiCorp's provider for Vault, both unmodified: apply, no drift, change, no drift, import, destroy.

Runs where there is a `terraform` and VAULT_TERRAFORM_PROVIDER says where the provider is: the path of its binary (or of
the folder with it), or `registry` when terraform may fetch it. test_terraform_requests.py replays such requests.
The configurations are examples/terraform and those in tests/compat/terraform.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hvac
import pytest

from tests.compat.conftest import ROOT
from vaultlike.testing.process import ROOT_TOKEN, DevServer

HERE = Path(__file__).parent / "terraform"
EXAMPLE = ROOT / "examples" / "terraform"
PROVIDER = os.environ.get("VAULT_TERRAFORM_PROVIDER", "")
NO_CHANGES, CHANGES = 0, 2  # plan -detailed-exitcode


def why_not() -> str:
    """Empty where terraform and the provider are there."""
    if shutil.which("terraform") is None:
        return "terraform is not installed"
    if not PROVIDER:
        return "VAULT_TERRAFORM_PROVIDER does not say where the provider is (a path, or registry)"
    return "" if PROVIDER == "registry" or Path(PROVIDER).exists() else f"no such provider: {PROVIDER}"


pytestmark = [
    pytest.mark.compat,
    pytest.mark.timeout(300),
    pytest.mark.skipif(bool(why_not()), reason=why_not() or "-"),
]


class Terraform:
    """One configuration in a folder of its own, against a server of ours."""

    def __init__(self, server: DevServer, folder: Path, source: Path, **variables: str) -> None:
        self.server, self.folder = server, folder / source.name
        shutil.copytree(source, self.folder, ignore=shutil.ignore_patterns(".terraform*", "*.tfstate*"))
        self.variables = variables
        self.environ = {**server.environment(), "CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1", "TF_INPUT": "0"}
        if PROVIDER == "registry":
            self.ran("init", "-input=false")
            return
        place = Path(PROVIDER).resolve()
        overrides = f'dev_overrides {{ "hashicorp/vault" = "{place if place.is_dir() else place.parent}" }}'
        (folder / "terraformrc").write_text(
            f'provider_installation {{\n  {overrides}\n  direct {{ exclude = ["hashicorp/vault"] }}\n}}\n'
        )
        self.environ["TF_CLI_CONFIG_FILE"] = str(folder / "terraformrc")

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        environ = {**self.environ, **{f"TF_VAR_{name}": value for name, value in self.variables.items()}}
        return subprocess.run(
            ["terraform", *words, "-no-color"], cwd=self.folder, env=environ, capture_output=True, text=True,
            timeout=120, check=False,
        )  # fmt: skip

    def ran(self, *words: str) -> str:
        done = self.run(*words)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def apply(self, **variables: str) -> str:
        """Applies, and then a second plan must have nothing to do."""
        self.variables |= variables
        said = self.ran("apply", "-auto-approve")
        plan = self.run("plan", "-detailed-exitcode")
        assert plan.returncode == NO_CHANGES, plan.stdout + plan.stderr
        return said

    def destroy(self) -> None:
        self.ran("destroy", "-auto-approve")
        assert json.loads((self.folder / "terraform.tfstate").read_text())["resources"] == []

    def ids(self) -> dict[str, str]:
        """The ids of the state, by address."""
        state = json.loads((self.folder / "terraform.tfstate").read_text())["resources"]
        found = [one for one in state if one["mode"] == "managed"]
        return {f"{one['type']}.{one['name']}": one["instances"][0]["attributes"].get("id", "") for one in found}


@pytest.fixture
def server() -> Iterator[DevServer]:
    with DevServer() as running:
        yield running


def inventory(server: DevServer) -> dict[str, Any]:
    """What a destroy must have brought back."""
    client = hvac.Client(url=server.url, token=ROOT_TOKEN)

    def names(path: str) -> list[str]:
        return sorted(((client.list(path) or {}).get("data") or {}).get("keys", []))

    return {
        "auth": sorted(client.sys.list_auth_methods()["data"]),
        "mounts": sorted(client.sys.list_mounted_secrets_engines()["data"]),
        "audit": sorted(client.sys.list_enabled_audit_devices()["data"]),
        "headers": client.read("sys/config/auditing/request-headers")["data"],
        **{
            path: names(path)
            for path in (
                "sys/policies/acl", "sys/namespaces", "sys/quotas/rate-limit", "auth/token/roles", "identity/group/id",
 "identity/group-alias/id", "identity/oidc/key", "identity/oidc/role",
                "secret/metadata",
            )
        },
    }  # fmt: skip


def test_the_example(server: DevServer, tmp_path: Path) -> None:
    before = inventory(server)
    terraform = Terraform(server, tmp_path, EXAMPLE, audit_log=str(tmp_path / "audit.log"))
    said = terraform.apply()
    assert '"default",\n  "web",' in said
    assert "0 destroyed" in terraform.apply(token_ttl="900")
    terraform.apply(team="green")
    client = hvac.Client(url=server.url, token=ROOT_TOKEN)
    assert client.read("auth/cloud/azure/role/web")["data"]["bound_resource_groups"] == ["web-green", "web"]
    login = client.auth.userpass.login("alice", "correct horse battery staple", mount_point="people", use_token=False)
    assert login["auth"]["identity_policies"] == ["web"]
    assert login["auth"]["token_policies"] == ["default", "operator"]
    state = (terraform.folder / "terraform.tfstate").read_text()
    assert "correct horse" not in state
    assert "correct horse" not in (tmp_path / "audit.log").read_text()
    terraform.destroy()
    assert inventory(server) == before


@pytest.fixture
def everything(server: DevServer, tmp_path: Path) -> Terraform:
    key = (EXAMPLE / "issuer.pem").read_text()
    return Terraform(server, tmp_path, HERE / "all", scratch=str(tmp_path), issuer_key=key, turn="1")


def test_many_resources_with_all_their_fields(server: DevServer, everything: Terraform) -> None:
    before = inventory(server)
    for turn in "123":
        everything.apply(turn=turn)
    everything.destroy()
    assert inventory(server) == before


BY_HAND = (
    ("vault_auth_backend.plain", "sys/auth/tf/plain"),
    ("vault_mount.transit", "sys/mounts/tf-transit"),
    ("vault_audit.file", "sys/audit/tf-audit"),
    ("vault_azure_auth_backend_role.all", "auth/tf-azure/role/all"),
    ("vault_jwt_auth_backend_role.web", "auth/tf-oidc/role/web"),
    ("vault_userpass_auth_backend_user.one", "auth/tf-tuned/users/one"),
    ("vault_generic_endpoint.user", "auth/tf-tuned/users/two"),
    ("vault_token_auth_backend_role.all", "auth/token/roles/tf-all"),
    ("vault_identity_entity.one", "identity/entity/name/tf-one"),
    ("vault_identity_group.parent", "identity/group/name/tf-parent"),
    ("vault_identity_group.external", "identity/group/name/tf-external"),
    ("vault_identity_oidc_role.role", "identity/oidc/role/tf-role"),
    ("vault_kv_secret_v2.one", "tf-kv2/metadata/deep/one"),
    ("vault_kv_secret.v1", "tf-moved-1/deep/one"),
    ("vault_quota_rate_limit.all", "sys/quotas/rate-limit/tf-all"),
    ("vault_policy.odd", "sys/policies/acl/tf/Odd Name é"),
)


def test_what_somebody_removed_by_hand_is_made_again(server: DevServer, everything: Terraform) -> None:
    everything.apply()
    client = hvac.Client(url=server.url, token=ROOT_TOKEN)
    for _, path in BY_HAND:
        client.delete(path)
    plan = everything.run("plan", "-detailed-exitcode")
    assert plan.returncode == CHANGES, plan.stdout + plan.stderr
    for address, path in BY_HAND:
        assert re.search(rf"# {address} will be (created|updated)", plan.stdout), path
    everything.apply()
    for _, path in BY_HAND:
        client.delete(path)
    everything.destroy()


IMPORTED = {
    "vault_auth_backend.tuned": "", "vault_mount.upgraded": "", "vault_policy.odd": "",
    "vault_audit.file": "", "vault_azure_auth_backend_role.all": "", "vault_jwt_auth_backend_role.web": "",
    "vault_jwt_auth_backend_role.leeway": "", "vault_approle_auth_backend_role.all": "",
    "vault_token_auth_backend_role.all": "", "vault_identity_entity.one": "", "vault_identity_entity_alias.one": "",
    "vault_identity_group.parent": "", "vault_identity_group_alias.external": "", "vault_identity_oidc_key.key": "",
    "vault_identity_oidc_role.role": "", "vault_kv_secret_v2.one": "", "vault_kv_secret.v1": "",
    "vault_kv_secret_backend_v2.kv2": "", "vault_quota_rate_limit.all": "",
    "vault_userpass_auth_backend_user.one": "auth/tf-tuned/users/one",
}  # fmt: skip


def test_what_is_there_can_be_imported(server: DevServer, everything: Terraform) -> None:
    everything.apply()
    ids = everything.ids()
    everything.ran("state", "rm", *IMPORTED)
    for address, given in IMPORTED.items():
        everything.ran("import", address, given or ids[address])
    plan = everything.run("plan", "-detailed-exitcode")
    assert "will be created" not in plan.stdout, plan.stdout
    assert "must be replaced" not in plan.stdout, plan.stdout
    everything.apply()
    everything.destroy()


def test_namespaces_by_somebody_who_is_not_root(server: DevServer, tmp_path: Path) -> None:
    client = hvac.Client(url=server.url, token=ROOT_TOKEN)
    everything = 'path "*" { capabilities = ["create", "read", "update", "patch", "delete", "list", "sudo"] }'
    client.sys.create_or_update_policy("builder", everything)
    client.sys.enable_auth_method("userpass", path="people")
    client.auth.userpass.create_or_update_user("builder", "tf-hidden", policies="builder", mount_point="people")
    before = inventory(server)
    terraform = Terraform(server, tmp_path, HERE / "namespaces", turn="1")
    del terraform.environ["VAULT_TOKEN"]
    assert '"team/child",' in terraform.apply()
    terraform.apply(turn="2")
    terraform.destroy()
    assert inventory(server) == before


def test_a_token_that_may_not(server: DevServer, tmp_path: Path) -> None:
    client = hvac.Client(url=server.url, token=ROOT_TOKEN)
    token = client.auth.token.create(policies=["default"], ttl="1h")["auth"]["client_token"]
    terraform = Terraform(server, tmp_path, EXAMPLE, audit_log=str(tmp_path / "audit.log"))
    terraform.environ["VAULT_TOKEN"] = token
    done = terraform.run("apply", "-auto-approve")
    assert done.returncode == 1
    assert "failed to create limited child token" in done.stderr
    assert "permission denied" in done.stderr
