"""Infisical's Python SDK, as it is, against this server: logs in with universal auth, reads and writes secrets."""

from __future__ import annotations

import os

from infisical_sdk import InfisicalSDKClient
from infisical_sdk.infisical_requests import APIError

project = os.environ["INFISICAL_PROJECT_ID"]

client = InfisicalSDKClient(host=os.environ["INFISICAL_URL"], cache_ttl=None)
client.auth.universal_auth.login(os.environ["INFISICAL_CLIENT_ID"], os.environ["INFISICAL_CLIENT_SECRET"])

dsn = client.secrets.get_secret_by_name("DSN", environment_slug="dev", secret_path="/", project_id=project)
print(f"{dsn.secretKey} = {dsn.secretValue} (version {dsn.version})")

found = client.secrets.list_secrets("dev", "/", project_slug="demo", recursive=True).secrets
print("listed", ", ".join(f"{one.secretPath.rstrip('/')}/{one.secretKey}" for one in found))

client.secrets.create_secret_by_name(
    "KEY", "/", "dev", project_id=project, secret_value="one", secret_metadata=[{"key": "team", "value": "web"}]
)
changed = client.secrets.update_secret_by_name("KEY", "/", "dev", project_id=project, secret_value="two")
print(f"{changed.secretKey} = {changed.secretValue} (version {changed.version})")
first = client.secrets.get_secret_by_name("KEY", "dev", "/", project_id=project, version="1")
print(f"{first.secretKey} was {first.secretValue}")
client.secrets.delete_secret_by_name("KEY", "/", "dev", project_id=project)
try:
    client.secrets.get_secret_by_name("KEY", "dev", "/", project_id=project)
except APIError as gone:
    print("deleted:", gone.status_code)

folder = client.folders.create_folder("cache", "dev", project, "/")
names = [one.name for one in client.folders.list_folders(project, "dev", "/", recursive=True).folders]
print("folders", ", ".join(names))
client.folders.delete_folder(folder.id, "dev", project, "/")
