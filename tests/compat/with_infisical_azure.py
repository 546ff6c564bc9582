"""Runs a client inside `examples/in_azure.sh`: an identity with azure-auth that admits the emulated machine.

Arguments: the command. It gets what `examples/in_infisical.py` gives, and INFISICAL_METHOD=azure.
"""

from __future__ import annotations

import os
import subprocess
import sys

from examples.in_infisical import call, prepare

RESOURCE = "https://management.azure.com/"


def main() -> int:
    """Prepares the server of the namespace and runs the command."""
    url = os.environ["VAULT_ADDR"]
    facts = prepare(url)
    call(url, "POST", f"/v1/auth/azure-auth/identities/{facts['INFISICAL_IDENTITY_ID']}", {
        "tenantId": "11111111-aaaa-4000-8000-000000000001", "resource": RESOURCE,
        "allowedServicePrincipalIds": os.environ.get("PRINCIPAL", ""), "accessTokenTTL": 3600,
    })  # fmt: skip
    facts |= {"INFISICAL_METHOD": "azure", "INFISICAL_AZURE_RESOURCE": RESOURCE}
    return subprocess.run(sys.argv[1:], env={**os.environ, **facts}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
