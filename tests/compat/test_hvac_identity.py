"""The basics of hvac's `client.secrets.identity`, unmodified; hvac's own suite has the rest (hvac.sh)."""

from __future__ import annotations

import hvac
import pytest


def test_entities_and_aliases(client: hvac.Client) -> None:
    identity = client.secrets.identity
    with pytest.raises(hvac.exceptions.InvalidPath):
        identity.read_entity("00000000-0000-0000-0000-000000000000")
    made = identity.create_or_update_entity("worker", metadata={"team": "blue"}, policies=["dev"])["data"]
    assert identity.read_entity(made["id"])["data"]["metadata"] == {"team": "blue"}
    assert identity.read_entity_by_name("WORKER")["data"]["id"] == made["id"]
    client.sys.enable_auth_method("azure", path="people")
    accessor = client.sys.list_auth_methods()["data"]["people/"]["accessor"]
    alias = identity.create_or_update_entity_alias("oid-1", made["id"], accessor)["data"]
    found = identity.lookup_entity(alias_name="oid-1", alias_mount_accessor=accessor)["data"]
    assert found["id"] == made["id"] and found["aliases"][0]["id"] == alias["id"]
    assert made["id"] in identity.list_entities()["data"]["keys"]
    assert identity.list_entities_by_name()["data"]["keys"] == ["worker"]
    identity.update_entity(made["id"], disabled=True)
    assert identity.read_entity(made["id"])["data"]["disabled"] is True
    identity.delete_entity_alias(alias["id"])
    identity.delete_entity(made["id"])
    with pytest.raises(hvac.exceptions.InvalidPath):
        identity.read_entity(made["id"])
    client.sys.disable_auth_method("people")
