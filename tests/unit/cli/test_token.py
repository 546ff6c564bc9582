"""token create, lookup, renew, revoke, capabilities."""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import Cli, FakeServer

AUTH = {"client_token": "hvs.new", "accessor": "acc", "lease_duration": 3600, "renewable": True, "policies": ["dev"]}


@pytest.mark.parametrize(
    "words",
    [
        ("create", "-orphan", "-role=r"),
        ("create", "-ttl=x"),
        ("lookup", "-accessor"),
        ("renew", "-accessor"),
        ("revoke",),
        ("revoke", "-self", "hvs.x"),
        ("revoke", "-mode=nuke", "hvs.x"),
        ("revoke", "-accessor", "-mode=orphan", "a"),
        ("capabilities", "-accessor", "a/b"),
        ("capabilities",),
    ],
)
def test_wrong_usage(cli: Cli, server: FakeServer, words: tuple[str, ...]) -> None:
    assert cli("token", *words).code == 1
    assert server.seen == []


def test_create(cli: Cli, server: FakeServer) -> None:
    server.enveloped("POST", "auth/token/create", None, auth=AUTH)
    words = ("-policy=a", "-policy=b", "-ttl=1h", "-use-limit=3", "-metadata=k=v", "-display-name=job", "-period=1m")
    assert "token                hvs.new" in cli("token", "create", *words).out
    assert server.seen[0].body == {
        "policies": ["a", "b"],
        "meta": {"k": "v"},
        "num_uses": 3,
        "renewable": True,
        "no_default_policy": False,
        "display_name": "job",
        "ttl": "3600s",
        "period": "60s",
    }
    assert cli("token", "create", "-field=token").out == "hvs.new"


@pytest.mark.parametrize(
    ("flag", "path"), [("-orphan", "auth/token/create-orphan"), ("-role=r", "auth/token/create/r")]
)
def test_create_elsewhere(cli: Cli, server: FakeServer, flag: str, path: str) -> None:
    server.enveloped("POST", path, None, auth=AUTH)
    assert cli("token", "create", flag).code == 0


def test_a_batch_token_is_not_asked_to_be_renewable(cli: Cli, server: FakeServer) -> None:
    server.enveloped("POST", "auth/token/create", None, auth=AUTH)
    cli("token", "create", "-type=batch")
    assert server.seen[0].body is not None
    assert (server.seen[0].body["type"], server.seen[0].body["renewable"]) == ("batch", False)


def test_lookup(cli: Cli, server: FakeServer) -> None:
    data = {"id": "hvs.x", "ttl": 3600, "creation_ttl": 2764800, "policies": ["default"], "meta": None}
    for method, path in (("GET", "lookup-self"), ("POST", "lookup"), ("POST", "lookup-accessor")):
        server.enveloped(method, f"auth/token/{path}", data)
    out = cli("token", "lookup").out
    assert "creation_ttl    768h" in out
    assert "meta            <nil>" in out
    cli("token", "lookup", "hvs.x")
    assert server.seen[-1].body == {"token": "hvs.x"}
    cli("token", "lookup", "-accessor", "acc")
    assert server.seen[-1].body == {"accessor": "acc"}


def test_renew(cli: Cli, server: FakeServer) -> None:
    for path in ("renew", "renew-self", "renew-accessor"):
        server.enveloped("PUT", f"auth/token/{path}", None, auth=AUTH)
    cli("token", "renew", "-increment=30m")
    assert (server.seen[-1].path, server.seen[-1].body) == ("auth/token/renew-self", {"increment": 1800})
    cli("token", "renew", "hvs.x")
    assert server.seen[-1].body == {"token": "hvs.x", "increment": 0}
    cli("token", "renew", "-accessor", "acc")
    assert server.seen[-1].body == {"accessor": "acc", "increment": 0}


def test_revoke(cli: Cli, server: FakeServer) -> None:
    for path in ("auth/token/revoke", "auth/token/revoke-orphan", "auth/token/revoke-self"):
        server.on("PUT", path)
    server.on("PUT", "sys/leases/revoke-prefix/auth/azure")
    server.enveloped("PUT", "auth/token/revoke-accessor", None, warnings=["No token found with this accessor"])
    assert cli("token", "revoke", "hvs.x").out == "Success! Revoked token (if it existed)\n"
    assert cli("token", "revoke", "-mode=orphan", "hvs.x").code == 0
    assert cli("token", "revoke", "-mode=path", "auth/azure/").code == 0
    result = cli("token", "revoke", "-accessor", "acc")
    assert "No token found with this accessor" in result.err


def test_revoking_the_own_stored_token_forgets_it(cli: Cli, server: FakeServer, tmp_path: Path) -> None:
    server.on("PUT", "auth/token/revoke-self")
    file = tmp_path / ".vault-token"
    file.write_text("hvs.file")
    assert cli("token", "revoke", "-self").code == 0
    assert file.exists()
    assert cli("token", "revoke", "-self", token="").code == 0
    assert not file.exists()


def test_capabilities(cli: Cli, server: FakeServer) -> None:
    data = {"a/b": ["update", "read"], "capabilities": ["update", "read"]}
    for path in ("capabilities-self", "capabilities", "capabilities-accessor"):
        server.enveloped("POST", f"sys/{path}", data)
    assert cli("token", "capabilities", "a/b").out == "read, update\n"
    assert cli("token", "capabilities", "-format=json", "a/b").json() == ["read", "update"]
    cli("token", "capabilities", "hvs.x", "a/b")
    assert server.seen[-1].body == {"token": "hvs.x", "paths": ["a/b"]}
    cli("token", "capabilities", "-accessor", "acc", "a/b")
    assert server.seen[-1].body == {"accessor": "acc", "paths": ["a/b"]}
