"""hvac's `client.auth.token`, unmodified."""

from __future__ import annotations

import hvac
import pytest

from vaultlike.testing.process import DevServer


def test_refusals(dev: DevServer, client: hvac.Client) -> None:
    with pytest.raises(hvac.exceptions.Forbidden):
        hvac.Client(url=dev.url, token="hvs.nobody").auth.token.lookup_self()
    with pytest.raises(hvac.exceptions.Forbidden):
        client.auth.token.lookup("hvs.nobody")
    weak = hvac.Client(url=dev.url, token=client.auth.token.create(policies=["default"])["auth"]["client_token"])
    with pytest.raises(hvac.exceptions.Forbidden):
        weak.auth.token.create(policies=["root"])
    with pytest.raises(hvac.exceptions.Forbidden):
        weak.auth.token.list_accessors()
    with pytest.raises(hvac.exceptions.InvalidRequest):
        client.auth.token.renew(client.auth.token.create(renewable=False, ttl="1h")["auth"]["client_token"])


def test_a_token_from_birth_to_death(dev: DevServer, client: hvac.Client) -> None:
    made = client.auth.token.create(
        policies=["default"], meta={"team": "blue"}, ttl="1h", explicit_max_ttl="3h", display_name="ci", num_uses=20
    )["auth"]
    assert made["policies"] == ["default"] and made["lease_duration"] == 3600
    looked = client.auth.token.lookup(made["client_token"])["data"]
    assert looked["meta"] == {"team": "blue"} and looked["display_name"] == "token-ci"
    assert looked["explicit_max_ttl"] == 10800
    assert client.auth.token.lookup_accessor(made["accessor"])["data"]["id"] == ""
    assert made["accessor"] in client.auth.token.list_accessors()["data"]["keys"]
    assert client.auth.token.renew(made["client_token"], increment="2h")["auth"]["lease_duration"] == 7200
    assert client.auth.token.renew_accessor(made["accessor"])["auth"]["accessor"] == made["accessor"]
    own = hvac.Client(url=dev.url, token=made["client_token"])
    assert own.auth.token.lookup_self()["data"]["accessor"] == made["accessor"]
    assert own.auth.token.renew_self()["auth"]["renewable"] is True
    assert client.auth.token.revoke(made["client_token"]).status_code == 204
    assert not own.is_authenticated()


def test_revoking_takes_the_children(dev: DevServer, client: hvac.Client) -> None:
    parent = client.auth.token.create(policies=["root"])["auth"]["client_token"]
    as_parent = hvac.Client(url=dev.url, token=parent)
    child = as_parent.auth.token.create(policies=["default"])["auth"]
    orphan = as_parent.auth.token.create_orphan(policies=["default"])["auth"]
    client.auth.token.revoke(parent)
    assert not hvac.Client(url=dev.url, token=child["client_token"]).is_authenticated()
    assert hvac.Client(url=dev.url, token=orphan["client_token"]).is_authenticated()
    client.auth.token.revoke_accessor(orphan["accessor"])
    assert not hvac.Client(url=dev.url, token=orphan["client_token"]).is_authenticated()


def test_children_left_alone(dev: DevServer, client: hvac.Client) -> None:
    parent = client.auth.token.create(policies=["root"])["auth"]["client_token"]
    child = hvac.Client(url=dev.url, token=parent).auth.token.create(policies=["default"])["auth"]["client_token"]
    client.auth.token.revoke_and_orphan_children(parent)
    assert hvac.Client(url=dev.url, token=child).auth.token.lookup_self()["data"]["orphan"] is True


def test_token_roles(client: hvac.Client) -> None:
    token = client.auth.token
    token.create_or_update_role("ci", allowed_policies="default,dev", orphan=True, token_period="24h")
    assert token.read_role("ci")["data"]["orphan"] is True
    assert "ci" in token.list_roles()["data"]["keys"]
    made = token.create(role_name="ci", policies=["default"])["auth"]
    assert made["orphan"] is True and made["lease_duration"] == 86400
    token.delete_role("ci")
    with pytest.raises(hvac.exceptions.InvalidPath):
        token.read_role("ci")


def test_batch_tokens(dev: DevServer, client: hvac.Client) -> None:
    made = client.auth.token.create(policies=["default"], type="batch", ttl="1h")["auth"]
    assert made["client_token"].startswith("hvb.") and made["accessor"] == ""
    assert hvac.Client(url=dev.url, token=made["client_token"]).is_authenticated()
