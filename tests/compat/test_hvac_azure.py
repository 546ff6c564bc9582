"""hvac's `client.auth.azure`, unmodified."""

from __future__ import annotations

import json
import urllib.request

import hvac
import pytest

from vaultlike.testing.azure import world as w
from vaultlike.testing.process import DevServer

RESOURCE = "https://management.azure.com/"
MACHINE = {"subscription_id": w.SUBSCRIPTION_ID, "resource_group_name": w.RESOURCE_GROUP, "vm_name": w.VM}


def identity_token(dev: DevServer) -> str:
    url = f"{dev.facts['metadata']}/metadata/identity/oauth2/token?api-version=2018-02-01&resource={RESOURCE}"
    with urllib.request.urlopen(urllib.request.Request(url, headers={"Metadata": "true"})) as answer:
        text: str = json.load(answer)["access_token"]
        return text


@pytest.fixture(params=["azure", "team/cloud"])
def mount(request: pytest.FixtureRequest, client: hvac.Client) -> str:
    """A configured method with the role dev-role."""
    path: str = request.param
    if f"{path}/" in client.sys.list_auth_methods()["data"]:
        client.sys.disable_auth_method(path)
    client.sys.enable_auth_method("azure", path=path)
    client.secrets.kv.v2.create_or_update_secret("creds", {"password": "hunter2"})
    client.sys.create_or_update_policy("dev", 'path "secret/data/creds" { capabilities = ["read"] }')
    # hvac knows the names of Microsoft's own clouds only: the emulator's goes over the plain API
    client.write_data(
        f"auth/{path}/config",
        data={
            "tenant_id": w.TENANT_ID, "resource": RESOURCE, "environment": "AzureEmulator",
            "client_id": w.SERVER_CLIENT_ID, "client_secret": w.SERVER_CLIENT_SECRET,
        },
    )  # fmt: skip
    client.auth.azure.create_role(
        "dev-role", policies=["dev"], ttl="1h", max_ttl="2h", bound_subscription_ids=[w.SUBSCRIPTION_ID],
        bound_resource_groups=[w.RESOURCE_GROUP], mount_point=path,
    )  # fmt: skip
    return path


def test_refusals(dev: DevServer, client: hvac.Client, mount: str) -> None:
    azure = client.auth.azure
    with pytest.raises(hvac.exceptions.InvalidRequest, match="must have at least one bound constraint"):
        azure.create_role("wide", policies=["dev"], mount_point=mount)
    with pytest.raises(hvac.exceptions.ParamValidationError):
        azure.configure(w.TENANT_ID, RESOURCE, environment="AzureMoonCloud", mount_point=mount)
    with pytest.raises(hvac.exceptions.InvalidPath):
        azure.read_role("nobody", mount_point=mount)
    machine = hvac.Client(url=dev.url)
    with pytest.raises(hvac.exceptions.Forbidden, match="permission denied"):
        machine.auth.azure.login(
            "dev-role", identity_token(dev), **{**MACHINE, "vm_name": w.SERVER_VM}, mount_point=mount
        )
    with pytest.raises(hvac.exceptions.InvalidRequest, match="invalid role name"):
        machine.auth.azure.login("other", identity_token(dev), **MACHINE, mount_point=mount)
    assert not machine.is_authenticated()


def test_configuration(client: hvac.Client, mount: str) -> None:
    azure = client.auth.azure
    assert (
        azure.configure(
            w.TENANT_ID, RESOURCE, environment="AzurePublicCloud", client_id="a", client_secret="b", mount_point=mount
        ).status_code
        == 204
    )
    config = azure.read_config(mount_point=mount)
    assert (config["tenant_id"], config["resource"], config["client_id"]) == (w.TENANT_ID, RESOURCE, "a")
    assert "client_secret" not in config
    assert azure.delete_config(mount_point=mount).status_code == 204
    with pytest.raises(hvac.exceptions.InvalidPath):
        azure.read_config(mount_point=mount)


def test_roles(client: hvac.Client, mount: str) -> None:
    azure = client.auth.azure
    azure.create_role("ci", policies="a,b", num_uses=3, bound_locations=["eastus"], mount_point=mount)
    role = azure.read_role("ci", mount_point=mount)
    assert (role["token_policies"], role["token_num_uses"], role["bound_locations"]) == (["a", "b"], 3, ["eastus"])
    assert azure.list_roles(mount_point=mount)["keys"] == ["ci", "dev-role"]
    assert azure.delete_role("ci", mount_point=mount).status_code == 204
    assert azure.list_roles(mount_point=mount)["keys"] == ["dev-role"]


def test_login_read_renew_revoke(dev: DevServer, mount: str) -> None:
    machine = hvac.Client(url=dev.url)
    answer = machine.auth.azure.login("dev-role", identity_token(dev), **MACHINE, mount_point=mount)
    assert answer["auth"]["policies"] == ["default", "dev"] and answer["auth"]["lease_duration"] == 3600
    assert machine.is_authenticated()  # hvac keeps the token by itself
    secret = machine.secrets.kv.v2.read_secret_version("creds", raise_on_deleted_version=True)
    assert secret["data"]["data"] == {"password": "hunter2"}
    looked = machine.auth.token.lookup_self()["data"]
    assert looked["path"] == f"auth/{mount}/login" and looked["meta"]["vm_name"] == w.VM
    assert machine.auth.token.renew_self(increment="90m")["auth"]["lease_duration"] == 5400
    with pytest.raises(hvac.exceptions.Forbidden):
        machine.secrets.kv.v2.create_or_update_secret("creds", {"password": "mine"})
    token = machine.token
    machine.auth.token.revoke_self()
    machine.token = token
    assert not machine.is_authenticated()
