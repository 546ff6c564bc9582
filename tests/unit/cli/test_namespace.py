"""namespace: what is sent to sys/namespaces, and what is shown."""

from __future__ import annotations

import pytest

from .conftest import Cli, FakeServer

TEAM = {"id": "abc12", "path": "team/", "custom_metadata": {"a": "1"}, "uuid": "u", "tainted": False, "locked": False}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("create",), "Not enough arguments"),
        (("create", "a", "b"), "Too many arguments"),
        (("create", "/"), "the path of the namespace is empty"),
        (("create", "-custom-metadata=x", "a"), "must be key=value"),
        (("patch", "a"), "Nothing to change"),
        (("delete",), "Not enough arguments"),
        (("lookup",), "Not enough arguments"),
    ],
)
def test_wrong_usage(cli: Cli, server: FakeServer, words: tuple[str, ...], message: str) -> None:
    result = cli("namespace", *words)
    assert result.code == 1
    assert message in result.err
    assert server.seen == []


def test_nothing_there(cli: Cli, server: FakeServer) -> None:
    listed = cli("namespace", "list")
    assert (listed.code, listed.out) == (2, "")
    assert "No namespaces found" in listed.err
    assert "Namespace not found: team/" in cli("namespace", "lookup", "team").err
    assert cli("namespace", "list", "-format=json").json() == []


def test_a_parent_is_not_deleted(cli: Cli, server: FakeServer) -> None:
    server.error("DELETE", "sys/namespaces/team", 400, "it contains child namespaces")
    result = cli("namespace", "delete", "team/")
    assert result.code == 2
    assert "Error deleting namespace team/" in result.err


def test_a_lock_needs_its_key(cli: Cli, server: FakeServer) -> None:
    server.error("PUT", "sys/namespaces/api-lock/unlock", 400, "unlock_key is required")
    result = cli("namespace", "unlock")
    assert result.code == 2
    assert "unlock_key is required" in result.err


def test_create(cli: Cli, server: FakeServer) -> None:
    server.enveloped("PUT", "sys/namespaces/team", TEAM)
    result = cli("namespace", "create", "-namespace=outer", "-custom-metadata=a=1", "team/")
    assert result.code == 0
    assert "abc12" in result.out
    sent = server.last("PUT")
    assert sent.body == {"custom_metadata": {"a": "1"}}
    assert sent.headers["x-vault-namespace"] == "outer"


def test_list_lookup_patch_and_delete(cli: Cli, server: FakeServer) -> None:
    server.enveloped("GET", "sys/namespaces", {"keys": ["team/"], "key_info": {"team/": TEAM}})
    assert cli("namespace", "list").out.split() == ["Keys", "----", "team/"]
    assert cli("namespace", "list", "-format=json").json() == ["team/"]
    detailed = cli("namespace", "list", "-detailed")
    assert detailed.out.splitlines()[2].split() == ["team/", "abc12", "a=1"]
    assert cli("namespace", "list", "-detailed", "-format=json").json() == {"team/": TEAM}
    server.enveloped("GET", "sys/namespaces/team", TEAM)
    assert cli("namespace", "lookup", "-field=id", "team").out == "abc12"
    server.enveloped("PATCH", "sys/namespaces/team", TEAM)
    words = ("-custom-metadata=b=2", "-remove-custom-metadata=a", "team")
    assert cli("namespace", "patch", *words).code == 0
    sent = server.last("PATCH")
    assert sent.body == {"custom_metadata": {"b": "2", "a": None}}
    assert sent.headers["content-type"] == "application/merge-patch+json"
    server.on("DELETE", "sys/namespaces/team")
    assert cli("namespace", "delete", "team").out == "Success! Namespace deleted at: team/\n"


def test_lock_and_unlock(cli: Cli, server: FakeServer) -> None:
    server.enveloped("PUT", "sys/namespaces/api-lock/lock/team", {"unlock_key": "K3Y"})
    assert "K3Y" in cli("namespace", "lock", "team/").out
    server.enveloped("PUT", "sys/namespaces/api-lock/lock", {"unlock_key": "0THER"})
    assert cli("namespace", "lock", "-namespace=team", "-field=unlock_key").out.strip() == "0THER"
    server.on("PUT", "sys/namespaces/api-lock/unlock/team", status=204)
    result = cli("namespace", "unlock", "-unlock-key=K3Y", "team")
    assert (result.code, server.last("PUT").body) == (0, {"unlock_key": "K3Y"})
    server.on("PUT", "sys/namespaces/api-lock/unlock", status=204)
    assert cli("namespace", "unlock").code == 0
    assert server.last("PUT").body in ({}, None)
