"""hvac's `client.secrets.kv`, both versions, unmodified."""

from __future__ import annotations

import hvac
import pytest


def test_v2_refusals(client: hvac.Client) -> None:
    kv = client.secrets.kv.v2
    with pytest.raises(hvac.exceptions.InvalidPath):
        kv.read_secret_version("nothing/here", raise_on_deleted_version=True)
    kv.create_or_update_secret("guarded", {"a": "1"}, cas=0)
    with pytest.raises(hvac.exceptions.InvalidRequest, match="check-and-set parameter did not match"):
        kv.create_or_update_secret("guarded", {"a": "2"}, cas=0)
    with pytest.raises(hvac.exceptions.InvalidPath):
        client.secrets.kv.v2.list_secrets("no/such/folder")


def test_v2(client: hvac.Client) -> None:
    kv = client.secrets.kv.v2
    assert kv.create_or_update_secret("app/db", {"user": "u", "password": "one"})["data"]["version"] == 1
    assert kv.patch("app/db", {"password": "two"})["data"]["version"] == 2
    read = kv.read_secret_version("app/db", raise_on_deleted_version=True)["data"]
    assert read["data"] == {"user": "u", "password": "two"} and read["metadata"]["version"] == 2
    assert kv.read_secret_version("app/db", version=1, raise_on_deleted_version=True)["data"]["data"]["password"] == (
        "one"
    )
    assert kv.list_secrets("app")["data"]["keys"] == ["db"]
    kv.delete_latest_version_of_secret("app/db")
    with pytest.raises(hvac.exceptions.InvalidPath):
        kv.read_secret_version("app/db", raise_on_deleted_version=True)
    kv.undelete_secret_versions("app/db", [2])
    kv.destroy_secret_versions("app/db", [1])
    kv.update_metadata("app/db", max_versions=4, cas_required=True, custom_metadata={"owner": "blue"})
    metadata = kv.read_secret_metadata("app/db")["data"]
    assert metadata["versions"]["1"]["destroyed"] is True and metadata["custom_metadata"] == {"owner": "blue"}
    assert metadata["max_versions"] == 4 and metadata["cas_required"] is True
    kv.delete_metadata_and_all_versions("app/db")
    with pytest.raises(hvac.exceptions.InvalidPath):
        kv.read_secret_metadata("app/db")


def test_v2_settings(client: hvac.Client) -> None:
    client.sys.enable_secrets_engine("kv", path="kv2", options={"version": "2"})
    client.secrets.kv.v2.configure(max_versions=7, cas_required=False, mount_point="kv2")
    assert client.secrets.kv.v2.read_configuration(mount_point="kv2")["data"]["max_versions"] == 7
    client.sys.disable_secrets_engine("kv2")


def test_v1(client: hvac.Client) -> None:
    client.sys.enable_secrets_engine("kv", path="kv1", options={"version": "1"})
    kv = client.secrets.kv.v1
    with pytest.raises(hvac.exceptions.InvalidPath):
        kv.read_secret("nothing", mount_point="kv1")
    kv.create_or_update_secret("app/db", {"password": "one"}, mount_point="kv1")
    assert kv.read_secret("app/db", mount_point="kv1")["data"] == {"password": "one"}
    assert kv.list_secrets("app", mount_point="kv1")["data"]["keys"] == ["db"]
    kv.delete_secret("app/db", mount_point="kv1")
    with pytest.raises(hvac.exceptions.InvalidPath):
        kv.read_secret("app/db", mount_point="kv1")
    client.sys.disable_secrets_engine("kv1")
