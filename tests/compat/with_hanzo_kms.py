"""hanzo-kms (the Python client of Hanzo KMS's fork) against a server; run as with_infisical_sdk.py is."""

from __future__ import annotations

import os

from hanzo_kms import AuthenticationOptions, ClientSettings, KMSClient, UniversalAuthMethod

PROJECT = os.environ["INFISICAL_PROJECT_ID"]


def main() -> None:
    """Logs in with universal auth and uses every call about secrets."""
    method = UniversalAuthMethod(
        client_id=os.environ["INFISICAL_CLIENT_ID"], client_secret=os.environ["INFISICAL_CLIENT_SECRET"]
    )
    client = KMSClient(
        ClientSettings(site_url=os.environ["INFISICAL_URL"], auth=AuthenticationOptions(universal_auth=method))
    )
    assert client.get_secret(PROJECT, "dev", "PASSWORD", path="/db").secret_value == "correct-horse"
    assert [each.secret_key for each in client.list_secrets(PROJECT, "dev")] == ["DSN"]
    client.create_secret(PROJECT, "dev", "KEY", "one")
    client.update_secret(PROJECT, "dev", "KEY", "two")
    assert client.get_secret(PROJECT, "dev", "KEY").secret_value == "two"
    client.delete_secret(PROJECT, "dev", "KEY")
    assert [each.secret_key for each in client.list_secrets(PROJECT, "dev")] == ["DSN"]
    print("done")


main()
