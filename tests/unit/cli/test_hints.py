"""Every known failure says what to do next."""

from __future__ import annotations

import pytest

from vaultlike.cli import hints
from vaultlike.cli.failures import TransportError
from vaultlike.cli.options import DEFAULT_ADDRESS
from vaultlike.cli.session import Session

from .conftest import Cli, FakeServer

MOUNTS = {"auth": {"azure/": {"type": "azure"}, "token/": {"type": "token"}}, "secret": {"kv/": {"type": "kv"}}}


@pytest.mark.parametrize("status", [403, 404])
def test_a_missing_auth_prefix(cli: Cli, server: FakeServer, status: int) -> None:
    server.error("PUT", "azure/config", status, "no")
    server.enveloped("GET", "sys/internal/ui/mounts", MOUNTS)
    result = cli("write", "azure/config", "tenant_id=x")
    assert (result.code, "did you mean auth/azure/config?" in result.err) == (2, True)


def test_a_missing_auth_prefix_on_reading(cli: Cli, server: FakeServer) -> None:
    server.enveloped("GET", "sys/internal/ui/mounts", MOUNTS)
    assert "did you mean auth/azure/config?" in cli("read", "azure/config").err
    assert "did you mean" not in cli("read", "kv/config").err
    assert "did you mean" not in cli("read", "auth/azure/nothing").err


def test_a_name_that_is_no_path_is_not_taken_for_one(cli: Cli, server: FakeServer) -> None:
    server.enveloped("GET", "sys/internal/ui/mounts", MOUNTS)
    assert cli("policy", "read", "azure").err == "No policy named: azure\n"


def test_a_missing_prefix_of_a_method_that_is_not_enabled(cli: Cli, server: FakeServer) -> None:
    server.error("PUT", "azure/config", 404, "no handler")
    assert "vaultlike auth enable azure" in cli("write", "azure/config", "a=b").err


def test_a_secrets_engine_of_that_name_is_left_alone(cli: Cli, server: FakeServer) -> None:
    server.error("PUT", "kv/config", 403, "permission denied")
    server.enveloped("GET", "sys/internal/ui/mounts", {"auth": {"kv/": {"type": "kv"}}, "secret": {"kv/": {}}})
    assert "did you mean" not in cli("write", "kv/config", "a=b").err


def test_no_token(cli: Cli, server: FakeServer) -> None:
    server.error("GET", "sys/auth", 403, "permission denied")
    server.error("GET", "sys/mounts", 400, "missing client token")
    for noun in ("auth", "secrets"):
        assert "vaultlike login" in cli(noun, "list", token="").err


def test_permission_denied_names_the_path_and_the_request(cli: Cli, server: FakeServer) -> None:
    server.error("GET", "sys/auth", 403, "permission denied", request_id="req-5")
    result = cli("auth", "list")
    assert "vaultlike token capabilities sys/auth" in result.err
    assert "req-5" in result.err
    assert "vaultlike explain" not in result.err


def test_a_login_by_write_points_to_explain(cli: Cli, server: FakeServer) -> None:
    server.error("PUT", "auth/azure/login", 400, "refused", request_id="req-6")
    assert "vaultlike explain req-6" in cli("write", "auth/azure/login", "role=x").err


@pytest.mark.parametrize(("address", "named"), [(DEFAULT_ADDRESS, True), ("https://vault.example:8200", False)])
def test_the_default_address_is_named_when_nothing_was_set(session: Session, address: str, named: bool) -> None:
    hint = hints.of(TransportError("refused", address, "connection refused"), session)
    assert ("no VAULT_ADDR or -address was given" in hint) is named
    assert f"at {address}?" in hint


def test_a_tls_listener_that_answers_in_plain_text(cli: Cli, server: FakeServer) -> None:
    server.on("GET", "sys/auth", "Client sent an HTTP request to an HTTPS server.\n", 400)
    assert f"export VAULT_ADDR={server.url.replace('http://', 'https://')}" in cli("auth", "list").err


def test_an_unknown_host(cli: Cli) -> None:
    result = cli("status", env={"VAULT_ADDR": "http://no-such-host.invalid:8200", "VAULT_MAX_RETRIES": "0"})
    assert (result.code, "VAULT_ADDR" in result.err) == (2, True)
