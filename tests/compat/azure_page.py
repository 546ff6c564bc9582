"""The commands of the Azure page of Vault's documentation, with the ids that it prints, and a world that has them.

`MOUNT` stands for the path. Everything else is as on the page but for line breaks and the name of the program.
"""

from __future__ import annotations

import json
from typing import Final

TENANT: Final = "7cd1f227-ca67-4fc6-a1a4-9888ea7f388c"
CLIENT: Final = "dd794de4-4c6c-40b3-a930-d84cd32e9699"
SECRET: Final = "IT3B2XfZvWnfB98s1cie8EMe7zWg483Xy8zY004="
SUBSCRIPTION: Final = "6a1d5988-5917-4221-b224-904cd7e24a25"
PRINCIPAL: Final = "0d95abb5-e2f6-4cc2-8a82-9a2a5d3b1f6e"
API: Final = "http://127.0.0.1:8200"

_TOKEN = (
    "$(curl 'http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01"
    "&resource=https%3A%2F%2Fmanagement.azure.com%2F' -H Metadata:true -s | jq -r .access_token)"
)


def _instance(name: str) -> str:
    return (
        '$(curl -s -H Metadata:true "http://169.254.169.254/metadata/instance?api-version=2017-08-01"'
        f" | jq -r '.compute | .{name}')"
    )


_CONFIG = (
    "vaultlike write auth/MOUNT/config \\\n"
    f"    tenant_id={TENANT} \\\n    resource=https://management.azure.com/ \\\n"
    f"    client_id={CLIENT} \\\n    client_secret={SECRET}"
)
_FEDERATED = (
    "vaultlike write {path} \\\n"
    f"    tenant_id={TENANT} \\\n    resource=https://management.azure.com/ \\\n    client_id={CLIENT} \\\n"
    "    identity_token_audience=vault.example/v1/identity/oidc/plugins"
)
_LOGIN = (
    'vaultlike write auth/MOUNT/login role="dev-role" \\\n'
    f'     jwt="{_TOKEN}" \\\n'
    f"     subscription_id={_instance('subscriptionId')} \\\n"
    f"     resource_group_name={_instance('resourceGroupName')} \\\n"
    f"     vm_name={_instance('name')}"
)
_HEADER = '--header "X-Vault-Token: $VAULT_TOKEN"'
_BODY = (
    '{"role": "dev-role", "jwt": "\'"$JWT"\'", "subscription_id": "' + SUBSCRIPTION + '", '
    '"resource_group_name": "vault", "vm_name": "test-vm"}'
)

# (name, command); the environment has VAULT_ADDR and, as an operator's has, VAULT_TOKEN.
STEPS: Final[list[tuple[str, str]]] = [
    ("enable", "vaultlike auth enable ENABLE"),
    ("config", _CONFIG),
    ("config_federated_misprint", _FEDERATED.format(path="azure/config")),
    ("role", (
        'vaultlike write auth/MOUNT/role/dev-role \\\n    policies="prod,dev" \\\n'
        f"    bound_subscription_ids={SUBSCRIPTION} \\\n    bound_resource_groups=vault"
    )),
    ("login_cli", f"unset VAULT_TOKEN; {_LOGIN}"),
    ("login_curl", f"JWT={_TOKEN}; curl --request POST --data '{_BODY}' {API}/v1/auth/MOUNT/login"),
    ("api_read_config", f"curl -s {_HEADER} {API}/v1/auth/MOUNT/config"),
    ("api_list_roles", f"curl -s {_HEADER} --request LIST {API}/v1/auth/MOUNT/role"),
    ("api_read_role", f"curl -s {_HEADER} {API}/v1/auth/MOUNT/role/dev-role"),
    ("refused", (
        "vaultlike write auth/MOUNT/role/dev-role bound_resource_groups=other >/dev/null;"
        f" JWT={_TOKEN}; curl -s --request POST --data '{_BODY}' {API}/v1/auth/MOUNT/login"
    )),
    ("no_jwt", f"curl -s --request POST --data '{{\"role\": \"dev-role\"}}' {API}/v1/auth/MOUNT/login"),
    ("api_delete_role", f"curl -s -w '%{{http_code}}' {_HEADER} --request DELETE {API}/v1/auth/MOUNT/role/dev-role"),
    ("api_delete_config", f"curl -s -w '%{{http_code}}' {_HEADER} --request DELETE {API}/v1/auth/MOUNT/config"),
    ("config_federated", _FEDERATED.format(path="auth/MOUNT/config")),
    ("read_federated", "vaultlike read -format=json auth/MOUNT/config"),
]  # fmt: skip

# Requests to the emulator's levers that make the page's tenant, application, subscription and machine.
WORLD: Final[list[tuple[str, str, dict[str, object]]]] = [
    ("POST", "tenants", {"id": TENANT, "name": "Page"}),
    ("POST", "subscriptions", {"id": SUBSCRIPTION, "tenant": TENANT, "resource_groups": {"vault": "eastus"}}),
    ("POST", "applications", {
        "display_name": "page", "tenant": TENANT, "app_id": CLIENT, "service_principal_id": PRINCIPAL,
        "passwords": [{"text": SECRET}],
    }),
    ("POST", "role-assignments", {"principal_id": PRINCIPAL, "scope": f"/subscriptions/{SUBSCRIPTION}"}),
    ("POST", "machines", {
        "name": "test-vm", "subscription": SUBSCRIPTION, "resource_group": "vault", "system_assigned": True,
        "principal_id": "5a2f6d3e-0c1f-4a5b-9a55-3f0b7c1d2e11",
    }),
    ("PATCH", "settings", {
        "default_host": f"/subscriptions/{SUBSCRIPTION}/resourceGroups/vault/providers/"
        "Microsoft.Compute/virtualMachines/test-vm",
    }),
]  # fmt: skip


def script(path: str) -> str:
    """A shell script of all steps for a mount at `path`; it leaves NAME.out and NAME.code of each in $OUT."""
    lines = ["export VAULT_TOKEN=${ROOT_TOKEN:?}"]
    for method, lever, body in WORLD:
        url = f"http://169.254.169.254/_emu/{lever}"
        lines.append(f"curl -sS --fail-with-body -X {method} -d '{json.dumps(body)}' {url} >/dev/null || exit 3")
    for name, command in STEPS:
        enabled = "azure" if path == "azure" else f"-path={path} azure"
        text = command.replace("ENABLE", enabled).replace("MOUNT", path)
        lines += [f"(\n{text}\n) >$OUT/{name}.out 2>&1; echo $? >$OUT/{name}.code"]
    return "\n".join(lines) + "\n"
