"""hvac's `client.sys`, unmodified: mounts, policies, leases, wrapping, audit, health; and the life of a seal."""

from __future__ import annotations

import hvac
import pytest

from vaultlike.testing.process import DevServer


def test_auth_methods(client: hvac.Client) -> None:
    sys = client.sys
    with pytest.raises(hvac.exceptions.InvalidRequest, match="plugin not found in the catalog"):
        sys.enable_auth_method("teapot")
    sys.enable_auth_method("azure", path="one", description="first", config={"default_lease_ttl": "30m"})
    with pytest.raises(hvac.exceptions.InvalidRequest, match="already in use"):
        sys.enable_auth_method("azure", path="one")
    listed = sys.list_auth_methods()["data"]["one/"]
    assert (listed["type"], listed["description"], listed["config"]["default_lease_ttl"]) == ("azure", "first", 1800)
    sys.tune_auth_method("one", max_lease_ttl="4h", description="tuned", listing_visibility="unauth")
    tuning = sys.read_auth_method_tuning("one")["data"]
    assert tuning["max_lease_ttl"] == 14400 and tuning["description"] == "tuned"
    assert sys.disable_auth_method("one").status_code == 204
    assert "one/" not in sys.list_auth_methods()["data"]


def test_secrets_engines(client: hvac.Client) -> None:
    sys = client.sys
    sys.enable_secrets_engine("kv", path="two", description="second")
    assert sys.list_mounted_secrets_engines()["data"]["two/"]["type"] == "kv"
    sys.tune_mount_configuration("two", default_lease_ttl="2h", description="tuned")
    assert sys.read_mount_configuration("two")["data"]["default_lease_ttl"] == 7200
    client.write("two/x", a="b")
    sys.move_backend("two", "moved/two")
    assert client.read("moved/two/x")["data"] == {"a": "b"}
    sys.disable_secrets_engine("moved/two")
    assert client.read("moved/two/x") is None


def test_policies(client: hvac.Client) -> None:
    sys, text = client.sys, 'path "secret/data/x" {\n  capabilities = ["read"]\n}\n'
    with pytest.raises(hvac.exceptions.InvalidRequest):
        sys.create_or_update_policy("bad", 'path "x" { capabilities = ["fly"] }')
    sys.create_or_update_policy("dev", text)
    assert sys.read_policy("dev")["data"]["rules"] == text
    assert set(sys.list_policies()["data"]["policies"]) >= {"default", "dev", "root"}
    sys.create_or_update_acl_policy("acl", text)
    assert sys.read_acl_policy("acl")["data"] == {"name": "acl", "policy": text}
    assert "acl" in sys.list_acl_policies()["data"]["keys"]
    token = client.auth.token.create(policies=["dev"])["auth"]["client_token"]
    assert sys.get_capabilities(["secret/data/x"], token=token)["data"]["secret/data/x"] == ["read"]
    sys.delete_policy("dev")
    sys.delete_acl_policy("acl")
    with pytest.raises(hvac.exceptions.InvalidPath):
        sys.read_policy("dev")
    with pytest.raises(hvac.exceptions.InvalidRequest):
        sys.delete_policy("root")


def test_wrapping(dev: DevServer, client: hvac.Client) -> None:
    wrapped = client.auth.token.create(policies=["default"], wrap_ttl="60s")["wrap_info"]
    receiver = hvac.Client(url=dev.url, token=wrapped["token"])  # has nothing else
    token = receiver.sys.unwrap()["auth"]["client_token"]
    assert hvac.Client(url=dev.url, token=token).is_authenticated()
    for late in (receiver.sys.unwrap, lambda: client.sys.unwrap(wrapped["token"])):
        with pytest.raises(hvac.exceptions.InvalidRequest, match="wrapping token is not valid or does not exist"):
            late()
    info = client.sys.wrap({"a": "b"}, ttl=60)["wrap_info"]
    assert client.sys.unwrap(info["token"])["data"] == {"a": "b"}


def test_leases_of_logins(dev: DevServer, client: hvac.Client) -> None:
    """The leases of this server are its tokens."""
    with pytest.raises(hvac.exceptions.InvalidRequest):
        client.sys.read_lease("auth/token/create/nothing")
    client.auth.token.create_or_update_role("ci", allowed_policies="default")
    token = client.auth.token.create(role_name="ci", policies=["default"], ttl="1h")["auth"]["client_token"]
    assert len(client.sys.list_leases("auth/token/create/ci")["data"]["keys"]) == 1
    client.sys.revoke_prefix("auth/token/create/ci")
    assert not hvac.Client(url=dev.url, token=token).is_authenticated()


def test_audit_devices(dev: DevServer, client: hvac.Client) -> None:
    file = dev.folder / "audit.log"
    client.sys.enable_audit_device("file", path="disk", options={"file_path": str(file)}, description="x")
    assert client.sys.list_enabled_audit_devices()["data"]["disk/"]["type"] == "file"
    client.secrets.kv.v2.create_or_update_secret("audited", {"password": "never-in-the-log"})
    hashed = client.sys.calculate_hash("disk", "never-in-the-log")["data"]["hash"]
    text = file.read_text()
    assert "secret/data/audited" in text and "never-in-the-log" not in text and hashed in text
    client.sys.disable_audit_device("disk")
    assert "disk/" not in client.sys.list_enabled_audit_devices()["data"]


def test_health_and_leader(client: hvac.Client) -> None:
    assert client.sys.read_health_status(method="HEAD").status_code == 200
    health = client.sys.read_health_status(method="GET")
    assert (health["initialized"], health["sealed"], health["standby"]) == (True, False, False)
    assert client.sys.read_leader_status()["ha_enabled"] is False
    assert client.sys.is_initialized() and not client.sys.is_sealed()


def test_the_life_of_a_seal(fresh: str) -> None:
    client = hvac.Client(url=fresh)
    assert client.sys.is_initialized() is False
    assert client.sys.read_health_status(method="HEAD").status_code == 501
    made = client.sys.initialize(secret_shares=3, secret_threshold=2)
    assert len(made["keys"]) == 3 and client.sys.is_sealed()
    with pytest.raises(hvac.exceptions.VaultDown):
        hvac.Client(url=fresh, token=made["root_token"]).sys.list_auth_methods()
    with pytest.raises(hvac.exceptions.InvalidRequest):
        client.sys.submit_unseal_key("00")
    assert client.sys.submit_unseal_key(made["keys"][0])["progress"] == 1
    assert client.sys.submit_unseal_key(reset=True)["progress"] == 0
    assert client.sys.submit_unseal_keys(made["keys"][:2])["sealed"] is False
    client.token = made["root_token"]
    assert client.is_authenticated()
    status = client.sys.read_seal_status()
    assert (status["type"], status["t"], status["n"]) == ("shamir", 2, 3)
    assert client.sys.seal().status_code == 204
    assert client.sys.is_sealed() and client.sys.read_health_status(method="HEAD").status_code == 503
    client.sys.submit_unseal_keys(made["keys"][1:])
    assert client.is_authenticated()
