"""read, write, list, delete, patch, unwrap, path-help, print token, version."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .conftest import Cli, FakeServer


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("read",), "Not enough arguments (expected 1, got 0)"),
        (("list", "a", "b"), "Too many arguments (expected 1, got 2)"),
        (("write", "a/b"), "Must supply data or use -force"),
        (("patch", "a/b"), "Must supply data or use -force"),
        (("write", "a/b", "novalue"), "format must be key=value"),
        (("read", "-format=xml", "a/b"), "Invalid output format: xml"),
        (("list", "a", "-nosuch"), "-nosuch is no flag"),
    ],
)
def test_wrong_usage_is_one(cli: Cli, server: FakeServer, words: tuple[str, ...], message: str) -> None:
    server.enveloped("GET", "a/b", {"k": "v"})
    result = cli(*words)
    assert result.code == 1
    assert message in result.err
    assert result.out == ""


@pytest.mark.parametrize("command", ["read", "list"])
def test_nothing_there_is_two(cli: Cli, server: FakeServer, command: str) -> None:
    result = cli(command, "a/b")
    assert result.code == 2
    assert result.err.startswith("No value found at a/b")


def test_no_mount_there_says_what_the_server_said(cli: Cli, server: FakeServer) -> None:
    server.error("GET", "a/b", 404, 'no handler for route "a/b". route entry not found.')
    assert "no handler for route" in cli("read", "a/b").err


def test_a_missing_field(cli: Cli, server: FakeServer) -> None:
    server.enveloped("GET", "a/b", {"k": "v"})
    result = cli("read", "-field=nope", "a/b")
    assert (result.code, result.out, result.err) == (1, "", 'Field "nope" not present in secret\n')


def test_read_as_table(cli: Cli, server: FakeServer) -> None:
    server.enveloped("GET", "kv/x", {"b": "2", "a": 1}, lease_duration=2764800)
    assert cli("read", "kv/x").out == (
        "Key                 Value\n---                 -----\nrefresh_interval    768h\n"
        "a                   1\nb                   2\n"
    )


def test_read_with_a_query(cli: Cli, server: FakeServer) -> None:
    server.enveloped("GET", "a/b", {"k": "v"})
    cli("read", "a/b", "version=2", "x=1", "x=2")
    assert server.seen[0].query == {"version": ["2"], "x": ["1", "2"]}


def test_read_as_json_keeps_the_envelope_and_big_numbers(cli: Cli, server: FakeServer) -> None:
    server.enveloped("GET", "a/b", {"n": 12345678901234567890, "t": "ä<b>"}, warnings=["careful"])
    result = cli("read", "-format=json", "a/b")
    assert list(json.loads(result.out)) == ["request_id", "lease_id", "lease_duration", "renewable", "data", "warnings"]
    assert '"n": 12345678901234567890' in result.out
    assert '"t": "ä<b>"' in result.out
    assert result.err == ""


def test_read_as_yaml_raw_and_one_field(cli: Cli, server: FakeServer) -> None:
    server.enveloped("GET", "a/b", {"k": ["v", "w"], "o": {"x": 1}})
    assert "data:\n  k:\n  - v\n  - w\n" in cli("read", "a/b", env={"VAULT_FORMAT": "yaml"}).out
    assert json.loads(cli("read", "-format=raw", "a/b").out)["data"] == {"k": ["v", "w"], "o": {"x": 1}}
    assert cli("read", "-field=k", "a/b").out == "[v w]"
    assert json.loads(cli("read", "-field=o", "-format=json", "a/b").out) == {"x": 1}


def test_a_bare_body_is_shown_as_it_is(cli: Cli, server: FakeServer) -> None:
    server.on("GET", "sys/leader", {"ha_enabled": False})
    assert cli("read", "sys/leader").out.split("\n")[2].split() == ["ha_enabled", "false"]
    assert cli("read", "-format=json", "sys/leader").json() == {"ha_enabled": False}


def test_warnings_go_to_stderr(cli: Cli, server: FakeServer) -> None:
    server.enveloped("PUT", "a/b", None, warnings=['Policy "x" does not exist'])
    result = cli("write", "a/b", "k=v")
    assert result.out == "Success! Data written to: a/b\n"
    assert '  * Policy "x" does not exist' in result.err


def test_write_without_an_answer(cli: Cli, server: FakeServer) -> None:
    server.on("PUT", "auth/azure/role/dev")
    result = cli("write", "auth/azure/role/dev", "policies=a", "policies=b", "ttl=1h")
    assert (result.code, result.out) == (0, "Success! Data written to: auth/azure/role/dev\n")
    assert server.seen[0].body == {"policies": ["a", "b"], "ttl": "1h"}
    assert cli("write", "-format=json", "auth/azure/role/dev", "a=b").out == ""


def test_write_with_force_sends_no_body(cli: Cli, server: FakeServer) -> None:
    server.enveloped("PUT", "auth/approle/role/r/secret-id", {"secret_id": "s", "secret_id_ttl": 0})
    result = cli("write", "-f", "-field=secret_id", "auth/approle/role/r/secret-id")
    assert result.out == "s"
    assert server.seen[0].body is None


def test_a_login_by_write_shows_the_token(cli: Cli, server: FakeServer) -> None:
    auth = {
        "client_token": "hvs.new",
        "accessor": "a",
        "lease_duration": 60,
        "renewable": True,
        "policies": ["default"],
    }
    server.enveloped("PUT", "auth/azure/login", None, auth=auth)
    result = cli("write", "auth/azure/login", "role=dev", "jwt=-", stdin="token")
    assert "token                hvs.new" in result.out
    assert cli("write", "-field=token", "auth/azure/login", "role=dev").out == "hvs.new"
    assert cli("write", "-field=policies", "-format=json", "auth/azure/login", "a=b").json() == ["default"]


def test_a_wrapped_answer(cli: Cli, server: FakeServer) -> None:
    wrap = {"token": "hvs.w", "accessor": "wa", "ttl": 300, "creation_time": "t", "creation_path": "a/b"}
    server.enveloped("GET", "a/b", None, wrap_info=wrap)
    result = cli("read", "-wrap-ttl=5m", "a/b")
    assert "wrapping_token:                  hvs.w" in result.out
    assert "wrapping_token_ttl:              5m" in result.out
    assert cli("read", "-wrap-ttl=5m", "-field=wrapping_token", "a/b").out == "hvs.w"


def test_list(cli: Cli, server: FakeServer) -> None:
    server.enveloped("GET", "auth/azure/role/", {"keys": ["a", "b/"]})
    assert cli("list", "auth/azure/role").out == "Keys\n----\na\nb/\n"
    assert server.seen[0].query == {"list": ["true"]}
    assert cli("list", "-format=json", "auth/azure/role/").json() == ["a", "b/"]


def test_delete_and_patch(cli: Cli, server: FakeServer) -> None:
    server.on("DELETE", "a/b")
    server.on("PATCH", "a/b")
    assert cli("delete", "a/b").out == "Success! Data deleted (if it existed) at: a/b\n"
    assert cli("patch", "a/b", "k=v").out == "Success! Data written to: a/b\n"
    assert server.seen[-1].headers["content-type"] == "application/merge-patch+json"


def test_no_print_prints_nothing(cli: Cli, server: FakeServer) -> None:
    server.enveloped("GET", "a/b", {"k": "v"})
    server.on("PUT", "a/b")
    assert cli("read", "-no-print", "a/b").out == ""
    assert cli("write", "-no-print", "a/b", "k=v").out == ""


def test_unwrap_with_and_without_an_own_token(cli: Cli, server: FakeServer) -> None:
    server.enveloped("PUT", "sys/wrapping/unwrap", {"secret_id": "s"})
    assert cli("unwrap", "-field=secret_id", "hvs.w").out == "s"
    assert (server.seen[-1].body, server.seen[-1].headers["x-vault-token"]) == ({"token": "hvs.w"}, "hvs.caller")
    assert cli("unwrap", "-field=secret_id", "hvs.w", token="").out == "s"
    assert (server.seen[-1].body, server.seen[-1].headers["x-vault-token"]) == (None, "hvs.w")


def test_unwrap_of_a_used_token(cli: Cli, server: FakeServer) -> None:
    server.error("PUT", "sys/wrapping/unwrap", 400, "wrapping token is not valid or does not exist")
    assert cli("unwrap", "hvs.w").code == 2


def test_path_help(cli: Cli, server: FakeServer) -> None:
    server.on("GET", "auth/azure/role/x", {"help": "Request: role/x", "see_also": None, "openapi": None})
    assert cli("path-help", "auth/azure/role/x").out == "Request: role/x\n"
    assert server.seen[0].query == {"help": ["1"]}


def test_print_token_prefers_flag_then_environment_then_file(cli: Cli, tmp_path: Path) -> None:
    assert cli("print", "token", token="").code == 2
    (tmp_path / ".vault-token").write_text("hvs.file\n")
    assert cli("print", "token", token="").out == "hvs.file\n"
    assert cli("print", "token").out == "hvs.caller\n"
    assert cli("print", "token", "-token=hvs.flag").out == "hvs.flag\n"


@pytest.mark.parametrize("words", [("version",), ("-version",), ("--version",), ("-v",)])
def test_version(cli: Cli, words: tuple[str, ...]) -> None:
    assert cli(*words).out.startswith("vaultlike v")
