"""auth and secrets: what is sent to sys/auth and sys/mounts, and what is shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import Cli, FakeServer

MOUNTS: dict[str, object] = {
    "token/": {
        "type": "token",
        "accessor": "auth_token_1",
        "description": "token based credentials",
        "plugin_version": "",
        "local": False,
        "config": {"default_lease_ttl": 0, "max_lease_ttl": 0, "token_type": "default-service"},
    },
    "azure/": {
        "type": "azure",
        "accessor": "auth_azure_2",
        "description": "",
        "plugin_version": "v1",
        "local": True,
        "uuid": "u-2",
        "options": {"a": "b"},
        "config": {"default_lease_ttl": 3600, "max_lease_ttl": 7200, "token_type": "batch"},
    },
}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("auth", "enable"), "Not enough arguments"),
        (("auth", "enable", "azure", "extra"), "Too many arguments"),
        (("auth", "enable", "-default-lease-ttl=soon", "azure"), "invalid duration"),
        (("auth", "enable", "-options=x", "azure"), "must be key=value"),
        (("auth", "tune", "azure"), "Nothing to tune"),
        (("auth", "move", "a"), "Not enough arguments"),
    ],
)
def test_wrong_usage(cli: Cli, server: FakeServer, words: tuple[str, ...], message: str) -> None:
    result = cli(*words)
    assert result.code == 1
    assert message in result.err
    assert server.seen == []


def test_an_unknown_type_points_to_the_list_of_plugins(cli: Cli, server: FakeServer) -> None:
    server.error("POST", "sys/auth/azur", 400, "plugin not found in the catalog: azur")
    result = cli("auth", "enable", "azur")
    assert result.code == 2
    assert result.err.startswith("Error enabling azur auth method: Error making API request.")
    assert "vaultlike plugin list auth" in result.err


def test_auth_enable(cli: Cli, server: FakeServer) -> None:
    server.on("POST", "sys/auth/azure-prod")
    words = (
        "-path=azure-prod",
        "-default-lease-ttl=1h",
        "-token-type=batch",
        "-description=x",
        "-listing-visibility=unauth",
    )
    result = cli("auth", "enable", *words, "azure")
    assert (result.code, result.out) == (0, "Success! Enabled azure auth method at: azure-prod/\n")
    assert server.seen[0].body == {
        "type": "azure",
        "description": "x",
        "config": {
            "default_lease_ttl": "3600s",
            "max_lease_ttl": "0s",
            "token_type": "batch",
            "listing_visibility": "unauth",
            "force_no_cache": False,
        },
        "local": False,
        "seal_wrap": False,
        "external_entropy_access": False,
        "options": None,
    }


def test_secrets_enable_with_a_version(cli: Cli, server: FakeServer) -> None:
    server.on("POST", "sys/mounts/secret")
    result = cli("secrets", "enable", "-version=2", "-path=secret", "kv")
    assert result.out == "Success! Enabled the kv secrets engine at: secret/\n"
    assert server.seen[0].body is not None
    assert server.seen[0].body["options"] == {"version": "2"}


def test_disable(cli: Cli, server: FakeServer) -> None:
    server.on("DELETE", "sys/auth/azure")
    server.on("DELETE", "sys/mounts/kv")
    assert cli("auth", "disable", "azure/").out == "Success! Disabled the auth method (if it existed) at: azure/\n"
    assert cli("secrets", "disable", "kv").out == "Success! Disabled the secrets engine (if it existed) at: kv/\n"


def test_tune_sends_only_what_was_given(cli: Cli, server: FakeServer) -> None:
    server.on("POST", "sys/mounts/auth/azure/tune")
    server.on("POST", "sys/mounts/kv/tune")
    assert cli("auth", "tune", "-max-lease-ttl=2h", "azure/").out == "Success! Tuned the auth method at: azure/\n"
    assert server.seen[-1].body == {"max_lease_ttl": "7200s"}
    cli("auth", "tune", "-user-lockout-threshold=3", "-user-lockout-duration=10m", "-user-lockout-disable", "azure")
    assert server.seen[-1].body == {
        "user_lockout_config": {"lockout_threshold": "3", "lockout_duration": "600s", "lockout_disable": True}
    }
    cli("auth", "tune", "-description=", "-audit-non-hmac-request-keys=a,b", "azure")
    assert server.seen[-1].body == {"description": "", "audit_non_hmac_request_keys": ["a", "b"]}
    assert cli("secrets", "tune", "-version=2", "kv").out == "Success! Tuned the secrets engine at: kv/\n"
    assert server.seen[-1].body == {"options": {"version": "2"}}


def test_auth_list(cli: Cli, server: FakeServer) -> None:
    server.enveloped("GET", "sys/auth", MOUNTS)
    assert cli("auth", "list").out.split("\n")[:4] == [
        "Path      Type     Accessor        Description                Version",
        "----      ----     --------        -----------                -------",
        "azure/    azure    auth_azure_2    n/a                        v1",
        "token/    token    auth_token_1    token based credentials    n/a",
    ]
    assert cli("auth", "list", "-format=json").json() == MOUNTS


def test_detailed_lists(cli: Cli, server: FakeServer) -> None:
    server.enveloped("GET", "sys/auth", MOUNTS)
    server.enveloped("GET", "sys/mounts", {"kv/": {"type": "kv", "config": {"force_no_cache": True}}})
    lines = cli("auth", "list", "-detailed").out.split("\n")
    assert lines[2].split()[:8] == ["azure/", "azure", "auth_azure_2", "1h", "2h", "batch", "local", "false"]
    assert lines[3].split()[3:7] == ["system", "system", "default-service", "replicated"]
    assert cli("secrets", "list", "-detailed").out.split("\n")[2].split()[:7] == [
        *("kv/", "kv", "n/a", "system", "system", "true", "replicated")
    ]


def test_secrets_list(cli: Cli, server: FakeServer) -> None:
    server.enveloped("GET", "sys/mounts", {"kv/": {"type": "kv", "accessor": "kv_1", "description": "d"}})
    assert cli("secrets", "list").out == (
        "Path    Type    Accessor    Description\n"
        "----    ----    --------    -----------\n"
        "kv/     kv      kv_1        d\n"
    )


def test_a_move_waits_for_its_end(cli: Cli, server: FakeServer) -> None:
    server.enveloped("POST", "sys/remount", {"migration_id": "m-1"})
    server.enveloped("GET", "sys/remount/status/m-1", {"migration_info": {"status": "in-progress"}})
    server.enveloped("GET", "sys/remount/status/m-1", {"migration_info": {"status": "success"}})
    result = cli("auth", "move", "azure", "azure2/")
    assert result.out == (
        "Started moving auth method azure/ to azure2/, with migration ID m-1\n"
        "Success! Finished moving auth method azure/ to azure2/, with migration ID m-1\n"
    )
    assert server.seen[0].body == {"from": "auth/azure/", "to": "auth/azure2/"}
    assert len(result.waits) == 1


def test_a_move_that_fails(cli: Cli, server: FakeServer) -> None:
    server.enveloped("POST", "sys/remount", {"migration_id": "m-1"})
    server.enveloped("GET", "sys/remount/status/m-1", {"migration_info": {"status": "failure"}})
    result = cli("secrets", "move", "a", "b")
    assert result.code == 2
    assert server.seen[0].body == {"from": "a/", "to": "b/"}


def test_auth_help_by_type_and_by_path(cli: Cli, server: FakeServer) -> None:
    server.enveloped("GET", "sys/auth", {"cloud/": {"type": "azure"}})
    server.on("GET", "auth/cloud", {"help": "server's words"})
    by_path = cli("auth", "help", "cloud/")
    assert "vaultlike login -method=azure role=dev-role" in by_path.out
    assert by_path.out.endswith("server's words\n")
    assert "vaultlike login -method=userpass" in cli("auth", "help", "userpass").out
    assert cli("auth", "help", "nosuch").code == 1


def test_auth_help_needs_no_permission_for_known_methods(cli: Cli, server: FakeServer) -> None:
    server.error("GET", "sys/auth", 403, "permission denied")
    assert cli("auth", "help", "azure").code == 0
    assert cli("auth", "help", "nosuch").code == 2


def test_policies(cli: Cli, server: FakeServer, tmp_path: Path) -> None:
    file = tmp_path / "p.hcl"
    file.write_text('path "x" {}\n')
    server.enveloped("GET", "sys/policies/acl", {"keys": ["default", "root"]})
    server.enveloped("GET", "sys/policies/acl/dev", {"name": "dev", "policy": 'path "x" {}\n'})
    server.on("PUT", "sys/policies/acl/dev")
    server.on("DELETE", "sys/policies/acl/dev")
    missing = cli("policy", "read", "nope")
    assert (missing.code, missing.err) == (2, "No policy named: nope\n")
    assert cli("policy", "write", "dev", "/no/such").code == 1
    assert cli("policy", "list").out == "default\nroot\n"
    assert cli("policy", "list", "-format=json").json() == ["default", "root"]
    assert cli("policy", "read", "Dev").out == 'path "x" {}\n'
    assert cli("policy", "write", "dev", str(file)).out == "Success! Uploaded policy: dev\n"
    assert server.seen[-1].body == {"policy": 'path "x" {}\n'}
    cli("policy", "write", "dev", "-", stdin="text")
    assert server.seen[-1].body == {"policy": "text"}
    assert cli("policy", "delete", "dev").out == "Success! Deleted policy: dev\n"


def test_audit(cli: Cli, server: FakeServer) -> None:
    server.enveloped("GET", "sys/audit", {})
    server.enveloped("GET", "sys/audit", {"file/": {"type": "file", "description": "", "options": {"file_path": "x"}}})
    server.on("PUT", "sys/audit/main")
    server.on("DELETE", "sys/audit/main")
    none = cli("audit", "list")
    assert (none.code, none.out, none.err) == (2, "No audit devices are enabled.\n", "")
    assert (
        cli("audit", "list").out == "Path     Type    Description\n----     ----    -----------\nfile/    file    n/a\n"
    )
    assert cli("audit", "list", "-detailed").out.split("\n")[2].split()[-2:] == ["replicated", "file_path=x"]
    enabled = cli("audit", "enable", "-path=main", "file", "file_path=/tmp/a.log")
    assert enabled.out == "Success! Enabled the file audit device at: main/\n"
    assert server.seen[-1].body == {
        "type": "file",
        "description": "",
        "options": {"file_path": "/tmp/a.log"},
        "local": False,
    }
    assert cli("audit", "disable", "main").out == "Success! Disabled audit device (if it was enabled) at: main/\n"


def test_leases(cli: Cli, server: FakeServer) -> None:
    server.enveloped("PUT", "sys/leases/lookup", {"id": "a/b/1", "ttl": 60, "renewable": True})
    server.enveloped("PUT", "sys/leases/renew", None, lease_id="a/b/1", lease_duration=90, renewable=True)
    for path in ("sys/leases/revoke", "sys/leases/revoke-prefix/a/b", "sys/leases/revoke-force/a/b"):
        server.on("PUT", path)
    assert cli("lease", "revoke", "-force", "a/b").code == 1
    assert "ttl          1m" in cli("lease", "lookup", "a/b/1").out
    assert "lease_duration     1m30s" in cli("lease", "renew", "-increment=90s", "a/b/1").out
    assert server.seen[-1].body == {"lease_id": "a/b/1", "increment": 90}
    assert cli("lease", "revoke", "a/b/1").out == "All revocation operations queued successfully!\n"
    assert server.seen[-1].body == {"lease_id": "a/b/1", "sync": False}
    assert cli("lease", "revoke", "-sync", "a/b/1").out == "Success! Revoked lease: a/b/1\n"
    assert cli("lease", "revoke", "-prefix", "-sync", "a/b").out == "Success! Revoked any leases with prefix: a/b\n"
    assert (
        cli("lease", "revoke", "-prefix", "-force", "a/b").out == "Success! Force revoked any leases with prefix: a/b\n"
    )


def test_plugins(cli: Cli, server: FakeServer) -> None:
    detailed = [
        {"type": "secret", "name": "kv", "version": "v1", "deprecation_status": "supported"},
        {"type": "auth", "name": "azure", "version": "v2", "deprecation_status": "supported"},
    ]
    server.enveloped("GET", "sys/plugins/catalog", {"auth": ["azure"], "secret": ["kv"], "detailed": detailed})
    server.enveloped("GET", "sys/plugins/catalog/auth/azure", {"name": "azure", "builtin": True})
    assert cli("plugin", "list", "nosuch").code == 1
    assert cli("plugin", "info", "auth", "nosuch").code == 2
    lines = cli("plugin", "list").out.split("\n")
    assert [line.split() for line in lines[2:4]] == [["azure", "auth", "v2"], ["kv", "secret", "v1"]]
    assert cli("plugin", "list", "-format=json", "auth").json() == ["azure"]
    assert "builtin    true" in cli("plugin", "info", "auth", "azure").out
