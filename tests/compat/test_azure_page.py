"""Every command of Vault's Azure page works as printed, with `vaultlike` for `vault`.

In a network namespace the emulator owns 169.254.169.254 and the server 127.0.0.1:8200: nothing is changed. Where none
can be had, these two addresses are replaced by those of an emulator and a server on free ports. Both ways run.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.compat import azure_page
from tests.compat.conftest import in_azure
from vaultlike.testing.process import DevServer

pytestmark = pytest.mark.skipif(
    not (shutil.which("curl") and shutil.which("jq") and shutil.which("bash")), reason="needs bash, curl and jq"
)


class Page:
    """What the commands answered."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def out(self, name: str, code: int = 0) -> str:
        text = (self._folder / f"{name}.out").read_text()
        assert (self._folder / f"{name}.code").read_text().strip() == str(code), f"{name}: {text}"
        return text


def in_a_namespace(path: str, folder: Path) -> None:
    text = f"OUT={folder}\n{azure_page.script(path)}"
    done = in_azure("-bare", "bash", "-c", text)
    assert done.returncode == 0, done.stdout + done.stderr


def with_other_addresses(path: str, folder: Path) -> None:
    # the page names no cloud: the server's environment does, as it may for a whole server
    with DevServer(azure=True, environ={"AZURE_ENVIRONMENT": "AzureEmulator"}) as server:
        shim = server.folder / "vaultlike"
        shim.write_text(f'#!/bin/sh\nexec {sys.executable} -m vaultlike "$@"\n')
        shim.chmod(0o700)
        text = azure_page.script(path)
        text = text.replace("http://169.254.169.254", server.facts["metadata"]).replace(azure_page.API, server.url)
        environ = server.environment(extra={"ROOT_TOKEN": "root", "OUT": str(folder)})
        environ["PATH"] = f"{server.folder}:{environ['PATH']}"
        done = subprocess.run(
            ["bash", "-c", text], env=environ, capture_output=True, text=True, timeout=50, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("place", [in_a_namespace, with_other_addresses])
@pytest.mark.parametrize("path", ["azure", "team/cloud"])
def test_the_page(place: Callable[[str, Path], None], path: str, tmp_path: Path) -> None:
    place(path, tmp_path)
    page = Page(tmp_path)
    refusals(page, path)
    assert page.out("enable") == f"Success! Enabled azure auth method at: {path}/\n"
    assert page.out("config") == f"Success! Data written to: auth/{path}/config\n"
    assert page.out("role") == f"Success! Data written to: auth/{path}/role/dev-role\n"
    login = page.out("login_cli")
    assert re.search(r"^token +hvs\.", login, re.M)
    assert re.search(r'^token_policies +\["default" "dev" "prod"\]', login, re.M)
    assert re.search(r"^token_meta_vm_name +test-vm", login, re.M)
    curl = json.loads(page.out("login_curl").splitlines()[-1])
    assert curl["auth"]["policies"] == ["default", "dev", "prod"] and curl["auth"]["client_token"].startswith("hvs.")
    administration(page)


def refusals(page: Page, path: str) -> None:
    """Said before all else: what is refused, and how."""
    misprint = page.out("config_federated_misprint", 2)
    assert f"auth/{path}/config" in misprint, f"the misprint of the page is not explained: {misprint}"
    refused = json.loads(page.out("refused"))
    assert refused["errors"] == ["permission denied"] and "other" not in json.dumps(refused)
    assert json.loads(page.out("no_jwt"))["errors"] == ["jwt is required"]


def administration(page: Page) -> None:
    config = json.loads(page.out("api_read_config"))["data"]
    assert config["tenant_id"] == azure_page.TENANT and "client_secret" not in config
    assert json.loads(page.out("api_list_roles"))["data"]["keys"] == ["dev-role"]
    role = json.loads(page.out("api_read_role"))["data"]
    assert role["bound_resource_groups"] == ["vault"] and role["token_policies"] == ["dev", "prod"]
    assert page.out("api_delete_role") == page.out("api_delete_config") == "204"
    assert page.out("config_federated").startswith("Success! Data written to: auth/")
    federated = json.loads(page.out("read_federated"))["data"]
    assert federated["identity_token_audience"] == "vault.example/v1/identity/oidc/plugins"
