"""Requests of the Terraform provider, version 5.11, as they were recorded when it ran (see test_terraform.py).

Only what test_terraform_requests.py does not have: empty texts and nulls where nothing is meant, settings that arrive
twice, moves, chosen secret ids, namespaces. The answers asserted are those that kept a second plan empty.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.compat.test_terraform_requests import POLICY, Provider
from vaultlike.testing.process import DevServer

NOTHING = {"options": None, "default_lease_ttl": "", "max_lease_ttl": "", "force_no_cache": False}
FLAGS = {"local": False, "seal_wrap": False, "external_entropy_access": False, "options": None}


@pytest.fixture(scope="module")
def provider(dev: DevServer) -> Iterator[Provider]:
    found = Provider(dev.url)
    yield found


def test_an_auth_mount_whose_settings_are_empty_texts(provider: Provider) -> None:
    provider.write("POST", "sys/auth/tf/plain", {"type": "approle", "description": "", "config": NOTHING, **FLAGS})
    shown = provider.request("GET", "sys/mounts/auth/tf/plain")[1]["data"]
    assert (shown["type"], shown["config"]["default_lease_ttl"]) == ("approle", 0)
    tune = {
        "options": None, "default_lease_ttl": "10m", "max_lease_ttl": "72h", "force_no_cache": False,
        "audit_non_hmac_request_keys": ["b", "a"], "listing_visibility": "unauth", "token_type": "default-batch",
        "passthrough_request_headers": ["X-One"], "allowed_response_headers": ["X-Answer"],
    }  # fmt: skip
    provider.write("POST", "sys/mounts/auth/tf/plain/tune", tune)
    tuned = provider.request("GET", "sys/mounts/auth/tf/plain/tune")[1]["data"]
    expected = {**tune, "default_lease_ttl": 600, "max_lease_ttl": 259_200}
    del expected["options"]
    assert {name: tuned[name] for name in expected} == expected
    assert provider.request("DELETE", "sys/auth/tf/plain") == (204, None)
    assert provider.request("GET", "sys/mounts/auth/tf/plain")[0] == 400
    assert provider.request("GET", "sys/mounts/auth/tf/plain/tune")[0] == 400


def test_a_mount_that_moves_keeps_its_secrets(provider: Provider) -> None:
    config = {"options": None, "default_lease_ttl": "0s", "max_lease_ttl": "0s", "force_no_cache": False}
    order = {"type": "kv", "description": "", "config": config, **FLAGS, "options": {"version": "1"}}
    provider.write("POST", "sys/mounts/tf-one", order)
    provider.write("PUT", "tf-one/deep/one", {"turn": 1})
    moved = provider.write("POST", "sys/remount", {"from": "tf-one", "to": "tf-two"})
    status = provider.request("GET", f"sys/remount/status/{moved['migration_id']}")[1]["data"]
    assert status["migration_info"]["status"] == "success"
    provider.write("POST", "sys/mounts/tf-two/tune", {"max_lease_ttl": "0s", "options": {"version": "1"}})
    assert provider.request("GET", "tf-two/deep/one")[1]["data"] == {"turn": 1}
    assert provider.request("GET", "sys/mounts/tf-one")[0] == 400
    provider.write("POST", "sys/mounts/tf-two/tune", {"default_lease_ttl": "0s", "options": {"version": "2"}})
    shown = provider.request("GET", "sys/mounts/tf-two")[1]["data"]
    assert shown["options"] == {"version": "2"}
    refused = provider.request("POST", "sys/mounts/tf-two/tune", {"options": {"version": "1"}})
    assert refused == (400, {"errors": ["cannot downgrade mount from version 2"]})
    assert provider.request("DELETE", "sys/mounts/tf-two") == (204, None)


def test_secrets_of_version_two(provider: Provider) -> None:
    provider.write("POST", "sys/mounts/tf-kv2", {"type": "kv-v2", "description": "one", "config": NOTHING, **FLAGS})
    provider.write("PUT", "tf-kv2/config", {"cas_required": False, "delete_version_after": 12600, "max_versions": 5})
    assert provider.request("GET", "tf-kv2/config")[1]["data"]["delete_version_after"] == "3h30m0s"
    data = {"deep": {"a": None}, "list": [1, "two"], "number": 1}
    for _ in range(2):  # `cas` beside `options` is the provider's own slip, and means nothing
        provider.write("PUT", "tf-kv2/data/deep/one", {"cas": 0, "data": data, "options": {}})
    metadata = {"custom_metadata": {"a": "b"}, "delete_version_after": 30, "max_versions": 3}
    provider.write("PUT", "tf-kv2/metadata/deep/one", metadata)
    provider.write("PUT", "tf-kv2/metadata/deep/one", {})
    shown = provider.request("GET", "tf-kv2/metadata/deep/one")[1]["data"]
    assert (shown["custom_metadata"], shown["delete_version_after"], shown["max_versions"]) == ({"a": "b"}, "30s", 3)
    assert provider.request("GET", "tf-kv2/data/deep/one")[1]["data"]["data"] == data
    subkeys = provider.request("GET", "tf-kv2/subkeys/deep/one")[1]["data"]["subkeys"]
    assert subkeys == {"deep": {"a": None}, "list": None, "number": None}
    assert provider.request("GET", "tf-kv2/metadata/?list=true")[1]["data"]["keys"] == ["deep/"]
    assert provider.request("DELETE", "sys/mounts/tf-kv2") == (204, None)


def test_a_role_keeps_its_type_as_it_was_sent_or_refuses_it(provider: Provider) -> None:
    provider.write("POST", "sys/auth/tf-jwt", {"type": "jwt", "config": NOTHING, **FLAGS})
    role = {"role_type": "jwt", "user_claim": "sub", "bound_subject": "me"}
    for kind in ("default", "service", "batch"):
        provider.write("PUT", "auth/tf-jwt/role/dev", {**role, "token_type": kind})
        assert provider.request("GET", "auth/tf-jwt/role/dev")[1]["data"]["token_type"] == kind
    refused = provider.request("PUT", "auth/tf-jwt/role/dev", {**role, "token_type": "default-service"})
    assert refused == (400, {"errors": ["invalid 'token_type' value \"default-service\""]})
    leeway = {"clock_skew_leeway": -1, "expiration_leeway": -1, "not_before_leeway": -1, "groups_claim": ""}
    provider.write("PUT", "auth/tf-jwt/role/dev", {**role, **leeway})
    shown = provider.request("GET", "auth/tf-jwt/role/dev")[1]["data"]
    assert {name: shown[name] for name in leeway} == leeway
    assert provider.request("DELETE", "sys/auth/tf-jwt") == (204, None)


def test_a_user_all_of_whose_fields_are_sent_at_every_change(provider: Provider) -> None:
    provider.write("POST", "sys/auth/tf-users", {"type": "userpass", "config": NOTHING, **FLAGS})
    zeros = {"token_explicit_max_ttl": 0, "token_max_ttl": 0, "token_num_uses": 0, "token_period": 0}
    first = {
        **zeros, "password": "tf-hidden", "token_bound_cidrs": ["10.0.0.0/8"], "token_no_default_policy": True,
        "token_policies": ["a", "b"], "token_ttl": 1200, "token_type": "default",
    }  # fmt: skip
    then = {**first, "token_bound_cidrs": None, "token_no_default_policy": False, "token_policies": ["c"]}
    for order in (first, then):
        provider.write("PUT", "auth/tf-users/users/one", order)
        shown = provider.request("GET", "auth/tf-users/users/one")[1]["data"]
        wanted = {name: value for name, value in order.items() if name != "password"}
        assert {name: shown[name] or None for name in wanted} == {name: value or None for name, value in wanted.items()}
    assert provider.request("DELETE", "sys/auth/tf-users") == (204, None)


def test_a_chosen_secret_id(provider: Provider) -> None:
    provider.write("POST", "sys/auth/tf-robots", {"type": "approle", "config": NOTHING, **FLAGS})
    role = {"bind_secret_id": True, "local_secret_ids": False, "token_policies": ["a"], "token_type": "default"}
    provider.write("PUT", "auth/tf-robots/role/kept", role)
    order = {"cidr_list": "10.0.0.0/8", "metadata": '{"turn":"1"}', "secret_id": "tf-chosen"}
    made = provider.write("PUT", "auth/tf-robots/role/kept/custom-secret-id", order)
    accessor = {"secret_id_accessor": made["secret_id_accessor"]}
    shown = provider.write("PUT", "auth/tf-robots/role/kept/secret-id-accessor/lookup", accessor)
    assert (shown["cidr_list"], shown["metadata"]) == (["10.0.0.0/8"], {"turn": "1"})
    assert provider.write("PUT", "auth/tf-robots/role/kept/secret-id", {"metadata": ""})["secret_id"]
    assert provider.request("DELETE", "sys/auth/tf-robots") == (204, None)


def test_namespaces(provider: Provider) -> None:
    made = provider.write("PUT", "sys/namespaces/tf-team", {"custom_metadata": {"turn": "1"}})
    assert (made["path"], made["custom_metadata"]) == ("tf-team/", {"turn": "1"})
    provider.write("PUT", "tf-team/sys/policies/acl/inside", {"policy": POLICY})
    assert provider.request("GET", "sys/policies/acl/inside")[0] == 404
    listed = provider.request("GET", "sys/namespaces/?list=true")[1]["data"]
    assert listed["keys"] == ["tf-team/"]
    assert provider.request("DELETE", "sys/namespaces/tf-team")[0] == 200
    assert provider.request("GET", "sys/namespaces/tf-team")[0] == 404
    assert provider.request("DELETE", "tf-team/sys/policies/acl/inside")[0] == 404
