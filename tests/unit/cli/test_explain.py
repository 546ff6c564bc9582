"""explain: kept and simulated explanations."""

from __future__ import annotations

from .conftest import Cli, FakeServer

FOUND = {
    "request_id": "req-1",
    "time": "2026-01-01T00:00:00Z",
    "path": "auth/azure/login",
    "mount_type": "azure",
    "role": "dev-role",
    "outcome": "refused",
    "reason": "service principal not authorized",
    "checks": [
        {"name": "signature", "expected": "valid", "received": "valid", "ok": True},
        {"name": "bound_service_principal_ids", "expected": ["a", "b"], "received": "c", "ok": False},
    ],
}


def test_an_unknown_request(cli: Cli, server: FakeServer) -> None:
    result = cli("explain", "req-9")
    assert (result.code, "req-9" in result.err) == (2, True)


def test_no_permission(cli: Cli, server: FakeServer) -> None:
    server.error("GET", "sys/explain/req-1", 403, "permission denied")
    assert cli("explain", "req-1").code == 2


def test_a_path_that_is_no_auth_method(cli: Cli, server: FakeServer) -> None:
    assert cli("explain", "-role=r", "azure").code == 1
    assert cli("explain").code == 1
    assert server.seen == []


def test_an_explanation(cli: Cli, server: FakeServer) -> None:
    server.enveloped("GET", "sys/explain/req-1", FOUND)
    result = cli("explain", "req-1")
    assert result.code == 0
    assert "outcome       refused" in result.out
    assert "✔    signature                      valid       valid" in result.out
    assert "✘    bound_service_principal_ids    a           c\n" + 36 * " " + "b\n" in result.out
    assert "Reason: service principal not authorized" in result.out
    assert "stopped at `bound_service_principal_ids`: expected a, b, received c." in result.out
    assert cli("explain", "-format=json", "req-1").json() == FOUND
    assert cli("explain", "-field=role", "req-1").out == "dev-role"


def test_a_long_list_does_not_widen_the_table(cli: Cli, server: FakeServer) -> None:
    ids = [f"{number:08d}-0000-0000-0000-000000000000" for number in range(30)]
    check = {"name": "bound", "expected": ids, "received": "x" * 90, "ok": False}
    server.enveloped("GET", "sys/explain/req-1", {**FOUND, "checks": [check], "reason": f"expected {ids}"})
    result = cli("explain", "req-1")
    assert max(map(len, result.out.splitlines())) <= 100
    assert ids[19] in result.out and "(10 more)" in result.out
    assert "expected one of 30 values" in result.out
    assert cli("explain", "-format=json", "req-1").json()["checks"] == [check]


def test_a_simulated_refusal_is_two(cli: Cli, server: FakeServer) -> None:
    server.enveloped("POST", "sys/explain/simulate/auth/azure/login", FOUND)
    result = cli("explain", "-role=dev-role", "-jwt=-", "auth/azure", "vm_name=v", stdin="jwt\n")
    assert result.code == 2
    assert server.seen[0].body == {"role": "dev-role", "jwt": "jwt", "vm_name": "v"}


def test_a_simulated_success_is_zero(cli: Cli, server: FakeServer) -> None:
    server.enveloped("POST", "sys/explain/simulate/auth/azure/login", {**FOUND, "outcome": "accepted", "checks": []})
    assert cli("explain", "-role=r", "-jwt=x", "auth/azure/login").code == 0
