"""What the Terraform provider for Vault sends, replayed: create, read back, a second plan without drift, destroy.

The provider itself runs in test_terraform.py, where it is installed. These are its requests of spec/vault-api.md 8.5;
test_terraform_recorded.py has what version 5 was seen to send besides. Reads and deletes go as they are, writes by
PUT for what lies below a mount and POST for the mounts themselves, lifetimes of mounts as texts ("3600s"), sets as
lists. "No drift" is what the provider computes: every configured field reads back as configured, lists as sets, and a
second read is the first one again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from msgspec import Struct, field

from vaultlike.testing.process import ROOT_TOKEN, DevServer

GUID = "11111111-2222-3333-4444-555555555555"
POLICY = 'path "secret/data/x" {\n  capabilities = ["read"]\n}\n'
TOKEN = {
    "token_ttl": 1200, "token_max_ttl": 3600, "token_explicit_max_ttl": 7200, "token_policies": ["b", "a"],
    "token_bound_cidrs": ["10.0.0.0/8", "127.0.0.1"], "token_no_default_policy": True, "token_num_uses": 3,
    "token_type": "service",
}  # fmt: skip
PERIODIC = {"token_period": 600, "token_policies": ["a"], "token_type": "service"}


class Resource(Struct, kw_only=True):
    """One resource: how it is made, where it is read and what must be read, how it is changed and removed.

    `at` names the key of a listing under which the resource is read, as mounts and audit devices are; `{id}` in paths
    is the id that creating answered.
    """

    path: str
    body: Mapping[str, Any]
    method: str = "PUT"
    read: str = ""
    at: str = ""
    shown: Mapping[str, Any] | None = None  # where it is not what was sent
    hidden: tuple[str, ...] = ()  # sent and never shown
    change: Mapping[str, Any] = field(default_factory=dict)
    change_path: str = ""
    change_method: str = "PUT"
    removable: bool = True

    def expected(self) -> dict[str, Any]:
        """What the state holds after an apply."""
        sent = {name: value for name, value in self.body.items() if name not in self.hidden}
        return dict(self.shown if self.shown is not None else sent)


class Refusal(AssertionError):
    """An answer that ends an apply."""


class Provider:
    """The provider's client: a token of its own, the headers of the Go client, numbers as they stand in JSON."""

    def __init__(self, url: str) -> None:
        self._address = urlsplit(url).netloc
        self._token = ROOT_TOKEN
        assert self.request("GET", "auth/token/lookup-self")[1]["data"]["id"] == ROOT_TOKEN
        child = {"display_name": "terraform", "ttl": "1200s", "explicit_max_ttl": "1200s", "renewable": False}
        auth = self.request("POST", "auth/token/create", child)[1]["auth"]
        assert (auth["lease_duration"], auth["renewable"]) == (1200, False)
        version = self.request("GET", "sys/seal-status")[1]["version"]
        assert all(part.isdigit() for part in version.partition("-")[0].partition("+")[0].split(".")), version
        self._token = auth["client_token"]

    def request(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """Status and decoded body; an error must be JSON that the client can read."""
        connection = HTTPConnection(self._address, timeout=20)
        try:
            headers = {"X-Vault-Request": "true", "X-Vault-Token": self._token}
            connection.request(method, f"/v1/{path}", None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        decoded: Any = json.loads(content) if content else None
        if answer.status >= 400:
            assert isinstance(decoded.get("errors", []), list)
        return answer.status, decoded

    def write(self, method: str, path: str, body: object) -> Any:
        """A write that must go well; the data of the answer, if it has any."""
        status, found = self.request(method, path, body)
        if status not in (200, 204):
            raise Refusal(f"{method} {path}: {status} {found}")
        return (found or {}).get("data")

    def read(self, resource: Resource, made: str) -> dict[str, Any] | None:
        """The data of a resource, or None where it is gone."""
        status, found = self.request("GET", (resource.read or resource.path).format(id=made))
        if status == 404:
            return None
        assert status == 200, found
        data: dict[str, Any] | None = found["data"].get(resource.at) if resource.at else found["data"]
        return data


def comparable(value: Any) -> Any:
    """A value as Terraform compares it: lists are sets, numbers are numbers whatever their spelling."""
    if isinstance(value, list):
        return sorted(json.dumps(comparable(item)) for item in value)
    if isinstance(value, dict):
        return {name: comparable(item) for name, item in value.items()}
    assert not isinstance(value, float), "a JSON number with a fraction does not fit the provider's integers"
    return value


def drift(wanted: Mapping[str, Any], found: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """What a plan would want to change: by field, what is configured and what is read. Null is as good as empty."""
    changes: dict[str, tuple[Any, Any]] = {}
    for name, value in wanted.items():
        if isinstance(value, Mapping) and isinstance(found.get(name), Mapping):
            changes |= {f"{name}.{key}": pair for key, pair in drift(value, found[name]).items()}
        elif comparable(found.get(name)) != comparable(value) and (value or found.get(name) is not None):
            changes[name] = (value, found.get(name))
    return changes


MOUNTS = {
    "auth backend": Resource(
        method="POST", path="sys/auth/tf-approle", read="sys/auth", at="tf-approle/",
        body={
            "type": "approle", "description": "machines", "local": False, "seal_wrap": False,
            "config": {"default_lease_ttl": "1200s", "max_lease_ttl": "7200s", "listing_visibility": "unauth"},
        },
        shown={
            "type": "approle", "description": "machines", "local": False,
            "config": {"default_lease_ttl": 1200, "max_lease_ttl": 7200, "listing_visibility": "unauth"},
        },
        change_path="sys/auth/tf-approle/tune", change_method="POST",
        change={"default_lease_ttl": "600s", "max_lease_ttl": "3600s", "description": "robots", "token_type": "batch"},
    ),
    "mount": Resource(
        method="POST", path="sys/mounts/tf-kv", read="sys/mounts", at="tf-kv/",
        body={
            "type": "kv", "description": "secrets", "local": False, "seal_wrap": False, "options": {"version": "2"},
            "config": {"default_lease_ttl": "3600s", "max_lease_ttl": "86400s", "audit_non_hmac_request_keys": ["a"]},
        },
        shown={
            "type": "kv", "description": "secrets", "local": False, "options": {"version": "2"},
            "config": {"default_lease_ttl": 3600, "max_lease_ttl": 86400, "audit_non_hmac_request_keys": ["a"]},
        },
        change_path="sys/mounts/tf-kv/tune", change_method="POST",
        change={"default_lease_ttl": "60s", "max_lease_ttl": "120s", "options": {"version": "2"}},
    ),
    "namespaced-looking mount": Resource(
        method="POST", path="sys/mounts/tf/deep/kv", read="sys/mounts", at="tf/deep/kv/",
        body={"type": "kv", "description": "", "options": {"version": "1"}},
    ),
    "audit": Resource(
        path="sys/audit/tf-file", read="sys/audit", at="tf-file/",
        body={"type": "file", "description": "log", "local": False, "options": {"file_path": "{folder}/audit.log"}},
    ),
    "policy": Resource(
        path="sys/policies/acl/tf-policy", body={"policy": POLICY}, shown={"name": "tf-policy", "policy": POLICY},
        change={"policy": POLICY + "# more\n"},
    ),
    "old policy": Resource(
        path="sys/policy/tf-old", body={"policy": POLICY}, shown={"name": "tf-old", "rules": POLICY},
    ),
    "rate limit": Resource(
        path="sys/quotas/rate-limit/tf-quota",
        body={"name": "tf-quota", "path": "", "rate": 100.5, "interval": 60, "block_interval": 0},
        shown={"name": "tf-quota", "path": "", "interval": 60, "block_interval": 0},
    ),
}  # fmt: skip

METHODS = {
    "azure config": Resource(
        path="auth/azure/config",
        body={"tenant_id": GUID, "client_id": "a", "client_secret": "tf-hidden", "resource": "https://vault.test/",
              "environment": "AzurePublicCloud"},
        hidden=("client_secret",), change={"tenant_id": GUID, "resource": "https://other.test/", "client_id": "a"},
    ),
    "azure role": Resource(
        path="auth/azure/role/dev",
        body={"bound_subscription_ids": [GUID], "bound_resource_groups": ["two", "one"], **TOKEN},
        change={"bound_resource_groups": [], "bound_locations": ["westeurope"], **TOKEN},
    ),
    "jwt config": Resource(
        path="auth/jwt/config", removable=False,
        body={"oidc_discovery_url": "", "jwt_validation_pubkeys": ["{public_key}"], "bound_issuer": "https://issuer.test",
              "default_role": "dev", "jwt_supported_algs": ["ES256"]},
    ),
    "jwt role": Resource(
        path="auth/jwt/role/dev",
        body={"role_type": "jwt", "bound_audiences": ["b", "a"], "user_claim": "sub", "bound_subject": "me",
              "bound_claims": {"team": "blue,green"}, "bound_claims_type": "string", "groups_claim": "groups",
              "claim_mappings": {"email": "mail"}, "user_claim_json_pointer": False, "clock_skew_leeway": 30,
              "expiration_leeway": 60, "not_before_leeway": 90, "verbose_oidc_logging": False, "max_age": 0, **TOKEN},
        change={"role_type": "jwt", "user_claim": "email", "bound_audiences": ["c"], **TOKEN},
    ),
    "oidc role": Resource(
        path="auth/jwt/role/web",
        body={"role_type": "oidc", "user_claim": "sub", "oidc_scopes": ["email", "profile"],
              "allowed_redirect_uris": ["http://localhost:8250/oidc/callback"], **PERIODIC},
    ),
    "approle role": Resource(
        path="auth/approle/role/dev",
        body={"bind_secret_id": True, "secret_id_bound_cidrs": ["10.0.0.0/8", "192.168.0.0/16"],
              "secret_id_num_uses": 5, "secret_id_ttl": 300, **TOKEN},
        change={"bind_secret_id": True, "secret_id_bound_cidrs": ["10.0.0.0/8"], "secret_id_ttl": 60, **TOKEN},
    ),
    "approle role id": Resource(
        path="auth/approle/role/kept/role-id", body={"role_id": "tf-role-id"}, removable=False,
        change={"role_id": "tf-role-id-2"},
    ),
    "user": Resource(
        path="auth/userpass/users/tf-user", body={"password": "tf-hidden", **TOKEN}, hidden=("password",),
        change={"password": "tf-hidden-2", "token_policies": ["c"]},
    ),
    "token role": Resource(
        path="auth/token/roles/tf-role",
        body={"allowed_policies": ["b", "a"], "disallowed_policies": ["c"], "orphan": True, "renewable": True,
              "allowed_entity_aliases": ["one"], "path_suffix": "suffix", "token_period": 600,
              "token_explicit_max_ttl": 7200, "token_bound_cidrs": ["10.0.0.0/8"], "token_type": "default-service"},
    ),
    "kv config": Resource(
        method="POST", path="kv/config", removable=False,
        body={"max_versions": 7, "cas_required": False, "delete_version_after": "1h0m0s"},
    ),
}  # fmt: skip

IDENTITY = {
    "entity": Resource(
        path="identity/entity", read="identity/entity/id/{id}", change_path="identity/entity/id/{id}",
        body={"name": "tf-entity", "policies": ["b", "a"], "metadata": {"team": "blue"}, "disabled": False},
        change={"name": "tf-renamed", "policies": [], "metadata": {}, "disabled": True},
    ),
    "group": Resource(
        path="identity/group", read="identity/group/id/{id}", change_path="identity/group/id/{id}",
        body={"name": "tf-group", "type": "internal", "policies": ["b", "a"], "metadata": {"a": "b"},
              "member_entity_ids": ["{entity}"], "member_group_ids": []},
        change={"name": "tf-group-2", "type": "internal", "policies": ["a"], "member_entity_ids": []},
    ),
    "entity alias": Resource(
        path="identity/entity-alias", read="identity/entity-alias/id/{id}", change_path="identity/entity-alias/id/{id}",
        body={"name": "tf-alias", "mount_accessor": "{accessor}", "canonical_id": "{entity}"},
        change={"name": "tf-alias-2", "mount_accessor": "{accessor}", "canonical_id": "{entity}"},
    ),
    "group alias": Resource(
        path="identity/group-alias", read="identity/group-alias/id/{id}", change_path="identity/group-alias/id/{id}",
        body={"name": "tf-galias", "mount_accessor": "{accessor}", "canonical_id": "{external}"},
    ),
    "oidc key": Resource(
        path="identity/oidc/key/tf-key",
        body={"rotation_period": 3600, "verification_ttl": 7200, "algorithm": "ES256",
              "allowed_client_ids": ["b", "a"]},
    ),
    "oidc token role": Resource(
        path="identity/oidc/role/tf-role",
        body={"key": "tf-other", "template": "", "ttl": 3600, "client_id": "tf-client"},
    ),
}  # fmt: skip

RESOURCES = {**MOUNTS, **METHODS, **IDENTITY}


@pytest.fixture(scope="module")
def provider(dev: DevServer) -> Provider:
    return Provider(dev.url)


@pytest.fixture(scope="module")
def names(dev: DevServer, provider: Provider) -> Iterator[dict[str, str]]:
    """What resources refer to: the mounts, an entity, a group and a key that other resources made."""
    kinds = ("azure", "jwt", "approle", "userpass")
    for kind in kinds:
        provider.write("POST", f"sys/auth/{kind}", {"type": kind, "config": {"max_lease_ttl": "86400s"}})
    provider.write("POST", "sys/mounts/kv", {"type": "kv", "options": {"version": "2"}})
    provider.write("PUT", "auth/approle/role/kept", {"token_policies": ["a"]})
    provider.write("PUT", "identity/oidc/key/tf-other", {})
    listed = provider.request("GET", "sys/auth")[1]["data"]
    encoding, form = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    public_key = ec.generate_private_key(ec.SECP256R1()).public_key().public_bytes(encoding, form)
    yield {
        "accessor": listed["userpass/"]["accessor"],
        "entity": provider.write("PUT", "identity/entity", {"name": "tf-whole"})["id"],
        "external": provider.write("PUT", "identity/group", {"name": "tf-external", "type": "external"})["id"],
        "folder": str(dev.folder),
        "public_key": public_key.decode().strip(),  # list elements lose the blanks around them
    }
    for kind in kinds:
        provider.write("DELETE", f"sys/auth/{kind}", None)
    assert not {f"{kind}/" for kind in kinds} & set(provider.request("GET", "sys/auth")[1]["data"])


def filled(value: Any, names: Mapping[str, str]) -> Any:
    """`{entity}` and its likes, as Terraform fills in references."""
    if isinstance(value, str) and value.startswith("{"):
        head, _, rest = value[1:].partition("}")
        return names[head] + rest
    if isinstance(value, Mapping):
        return {key: filled(item, names) for key, item in value.items()}
    return [filled(item, names) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize("name", RESOURCES)
def test_a_resource(provider: Provider, names: dict[str, str], name: str) -> None:
    resource = RESOURCES[name]
    read = resource.read or resource.path
    if resource.removable and "{id}" not in read and not resource.at:
        assert provider.read(resource, "") is None  # a refresh before the first apply
    made = (provider.write(resource.method, resource.path, filled(resource.body, names)) or {}).get("id", "")
    first = provider.read(resource, made)
    assert first is not None and drift(filled(resource.expected(), names), first) == {}
    assert provider.read(resource, made) == first  # the second plan sees what the first apply left
    assert "tf-hidden" not in json.dumps(first)
    if resource.change:
        change = filled(resource.change, names)
        provider.write(resource.change_method, (resource.change_path or resource.path).format(id=made), change)
        changed = provider.read(resource, made)
        assert changed is not None and changed != first
    if resource.removable:
        place = read.format(id=made) if "{id}" in read else resource.path
        assert provider.request("DELETE", place) == (204, None)
        assert provider.read(resource, made) is None
        assert provider.request("DELETE", place)[0] in (204, 400, 404)  # somebody removed it by hand


def test_a_change_leaves_no_drift(provider: Provider, names: dict[str, str]) -> None:
    for name, resource in METHODS.items():
        if resource.removable and resource.change:
            provider.write(resource.method, resource.path, filled(resource.body, names))
            provider.write("PUT", resource.path, resource.change)
            found = provider.read(resource, "")
            wanted = {key: value for key, value in resource.change.items() if key not in resource.hidden}
            assert found is not None and drift(wanted, found) == {}, name
            provider.write("DELETE", resource.path, None)


def test_secret_ids(provider: Provider, names: dict[str, str]) -> None:
    base = "auth/approle/role/kept/secret-id"
    order = {"cidr_list": ["10.0.0.0/8"], "metadata": '{"a":"b"}', "ttl": 600, "num_uses": 2}
    made = provider.write("PUT", base, order)
    accessor = {"secret_id_accessor": made["secret_id_accessor"]}
    assert (made["secret_id_ttl"], made["secret_id_num_uses"]) == (600, 2)
    lookup = provider.write("PUT", f"{base}-accessor/lookup", accessor)
    assert (lookup["cidr_list"], lookup["metadata"]) == (["10.0.0.0/8"], {"a": "b"})
    assert provider.request("PUT", f"{base}-accessor/destroy", accessor) == (204, None)
    assert provider.request("PUT", f"{base}-accessor/lookup", accessor)[0] == 404


def test_tokens(provider: Provider) -> None:
    order = {"policies": ["default"], "ttl": "600s", "display_name": "tf", "num_uses": 0, "no_parent": False}
    auth = provider.request("POST", "auth/token/create", order)[1]["auth"]
    shown = provider.write("PUT", "auth/token/lookup-accessor", {"accessor": auth["accessor"]})
    assert (shown["display_name"], shown["policies"]) == ("token-tf", ["default"])
    assert provider.request("PUT", "auth/token/revoke-accessor", {"accessor": auth["accessor"]})[0] == 204
    assert provider.request("PUT", "auth/token/lookup-accessor", {"accessor": auth["accessor"]})[0] in (400, 403, 404)


def test_secrets(provider: Provider, names: dict[str, str]) -> None:
    made = provider.write("POST", "kv/data/tf", {"data": {"a": "b"}, "options": {"cas": 0}})
    assert made["version"] == 1
    assert provider.request("GET", "kv/data/tf")[1]["data"]["data"] == {"a": "b"}
    provider.write("PUT", "kv/metadata/tf", {"max_versions": 3, "custom_metadata": {"a": "b"}})
    assert provider.request("GET", "kv/metadata/tf")[1]["data"]["custom_metadata"] == {"a": "b"}
    assert provider.request("DELETE", "kv/metadata/tf") == (204, None)
    assert provider.request("GET", "kv/data/tf")[0] == 404


def test_what_cannot_be_applied_is_said(provider: Provider, names: dict[str, str]) -> None:
    with pytest.raises(Refusal, match="path is already in use at azure/"):
        provider.write("POST", "sys/auth/azure", {"type": "azure"})
    with pytest.raises(Refusal, match="at least one bound constraint"):
        provider.write("PUT", "auth/azure/role/loose", {"token_policies": ["a"]})
    with pytest.raises(Refusal, match="failed to parse policy"):
        provider.write("PUT", "sys/policies/acl/tf-bad", {"policy": "path {"})
