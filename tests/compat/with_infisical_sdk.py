"""Infisical's Python SDK against a server: what tests/compat/test_infisical_clients.py runs with the SDK's own modules.

Argument: `universal`, `token` or `oidc`, the way to log in.
"""

from __future__ import annotations

import os
import sys

from infisical_sdk import InfisicalSDKClient
from infisical_sdk.infisical_requests import APIError

HOST, PROJECT = os.environ["INFISICAL_URL"], os.environ["INFISICAL_PROJECT_ID"]


def logged_in(how: str) -> InfisicalSDKClient:
    """A client that may read the project."""
    if how == "token":
        return InfisicalSDKClient(host=HOST, token=os.environ["INFISICAL_TOKEN"], cache_ttl=None)
    client = InfisicalSDKClient(host=HOST, cache_ttl=None)
    if how == "oidc":
        answer = client.auth.oidc_auth.login(os.environ["INFISICAL_IDENTITY_ID"], os.environ["INFISICAL_JWT"])
    else:
        try:
            client.auth.universal_auth.login(os.environ["INFISICAL_CLIENT_ID"], "wrong")
        except APIError as refused:
            assert refused.status_code == 401, refused
        else:
            raise AssertionError("a wrong client secret was let in")
        answer = client.auth.universal_auth.login(
            os.environ["INFISICAL_CLIENT_ID"], os.environ["INFISICAL_CLIENT_SECRET"]
        )
    assert answer.tokenType == "Bearer" and answer.expiresIn == 3600 and answer.accessTokenMaxTTL > 0, answer
    return client


def main() -> None:
    """Logs in and uses every call about secrets and folders."""
    client = logged_in(sys.argv[1])
    secrets, folders = client.secrets, client.folders
    assert secrets.get_secret_by_name("DSN", "dev", "/", PROJECT).secretValue == "postgres://app:correct-horse@db/app"
    raw = secrets.get_secret_by_name("DSN", "dev", "/", PROJECT, expand_secret_references=False)
    assert raw.secretValue == "postgres://app:${dev.db.PASSWORD}@db/app"
    hidden = secrets.get_secret_by_name("DSN", "dev", "/", PROJECT, view_secret_value=False)
    assert hidden.secretValueHidden and "app" not in hidden.secretValue
    listed = secrets.list_secrets("dev", "/", project_slug="demo", recursive=True)
    assert {(one.secretKey, one.secretPath) for one in listed.secrets} == {("DSN", "/"), ("PASSWORD", "/db")}
    try:
        secrets.list_secrets("prod", "/", project_id="none")
    except APIError as refused:
        assert refused.status_code == 403, refused
    made = secrets.create_secret_by_name(
        "KEY", "/", "dev", PROJECT, "one", "why", secret_metadata=[{"key": "team", "value": "web"}],
        secret_reminder_note="soon", secret_reminder_repeat_days=7, skip_multiline_encoding=True,
    )  # fmt: skip
    assert (made.version, made.secretComment, made.secretReminderRepeatDays) == (1, "why", 7)
    changed = secrets.update_secret_by_name("KEY", "/", "dev", PROJECT, "two", new_secret_name="KEY2")
    assert (changed.secretKey, changed.version, changed.secretReminderNote) == ("KEY2", 2, "soon")
    assert secrets.get_secret_by_name("KEY2", "dev", "/", PROJECT, version="1").secretValue == "one"
    assert secrets.delete_secret_by_name("KEY2", "/", "dev", PROJECT).secretKey == "KEY2"
    try:
        secrets.get_secret_by_name("KEY2", "dev", "/", PROJECT)
    except APIError as gone:
        assert gone.status_code == 404, gone
    else:
        raise AssertionError("a deleted secret was read")
    folder = folders.create_folder("cache", "dev", PROJECT, "/", "for a while")
    assert {one.name for one in folders.list_folders(PROJECT, "dev", "/", recursive=True).folders} == {"db", "cache"}
    assert folders.get_folder_by_id(folder.id).environment.envSlug == "dev"
    assert folders.update_folder(folder.id, "kept", "dev", PROJECT).path == "/kept"
    assert folders.delete_folder(folder.id, "dev", PROJECT).name == "kept"
    print("done")


if __name__ == "__main__":
    main()
