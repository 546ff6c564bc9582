"""infisical-python (the older SDK, in Rust) against a server; run as with_infisical_sdk.py is."""

from __future__ import annotations

import os

from infisical_client import (
    AuthenticationOptions,
    ClientSettings,
    CreateSecretOptions,
    DeleteSecretOptions,
    GetSecretOptions,
    InfisicalClient,
    ListSecretsOptions,
    UniversalAuthMethod,
    UpdateSecretOptions,
)

PROJECT = os.environ["INFISICAL_PROJECT_ID"]


def main() -> None:
    """Logs in with universal auth and uses every call about secrets."""
    method = UniversalAuthMethod(
        client_id=os.environ["INFISICAL_CLIENT_ID"], client_secret=os.environ["INFISICAL_CLIENT_SECRET"]
    )
    auth = AuthenticationOptions(universal_auth=method)
    client = InfisicalClient(ClientSettings(site_url=os.environ["INFISICAL_URL"], auth=auth, cache_ttl=0))
    where = {"environment": "dev", "project_id": PROJECT}
    assert client.getSecret(GetSecretOptions(secret_name="PASSWORD", path="/db", **where)).secret_value
    listed = client.listSecrets(ListSecretsOptions(recursive=True, expand_secret_references=True, **where))
    assert {one.secret_key: one.secret_value for one in listed}["DSN"] == "postgres://app:correct-horse@db/app"
    assert client.createSecret(CreateSecretOptions(secret_name="KEY", secret_value="one", **where)).version == 1
    changed = client.updateSecret(UpdateSecretOptions(secret_name="KEY", secret_value="two", **where))
    assert (changed.secret_value, changed.version) == ("two", 2)
    assert client.deleteSecret(DeleteSecretOptions(secret_name="KEY", **where)).secret_key == "KEY"
    print("done")


if __name__ == "__main__":
    main()
