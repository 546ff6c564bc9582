"""Parameters of a path beyond those of the operation itself; lists and scans: spec/vault-api.md 1.2, 1.6, 1.10."""

from __future__ import annotations

import pytest

from vaultlike.testing.server import TestServer

IGNORED = "Endpoint ignored these unrecognized parameters: "


@pytest.mark.parametrize(
    ("method", "path", "field"),
    [
        ("GET", "auth/m/role/r?token_ttl=soon", "token_ttl"),
        ("DELETE", "auth/m/role/r?token_num_uses=many", "token_num_uses"),
        ("GET", "auth/m/role/r/token-ttl?token_ttl=soon", "token_ttl"),
        ("LIST", "auth/m/role/r/secret-id?num_uses=many", "num_uses"),
        ("LIST", "auth/m/role?limit=many", "limit"),
        ("DELETE", "secret/data/a?version=x", "version"),
    ],
)
async def test_a_field_of_another_operation_must_fit_too(
    server: TestServer, method: str, path: str, field: str
) -> None:
    await server.post("sys/auth/m", {"type": "approle"})
    await server.post("sys/mounts/secret", {"type": "kv", "options": {"version": "2"}})
    await server.post("auth/m/role/r", {})
    answer = await server.call(method, path)
    assert answer.status == 400
    assert answer.errors[0].startswith(f'Field validation failed: error converting input for field "{field}": ')
    assert (await server.get("auth/m/role/r")).status == 200


async def test_a_field_of_another_operation_is_known(server: TestServer) -> None:
    await server.post("sys/auth/m", {"type": "approle"})
    await server.post("auth/m/role/r", {})
    assert (await server.get("auth/m/role/r?token_ttl=5")).body["warnings"] is None
    assert (await server.get("auth/m/role/r?token_ttl=5&odd=1")).body["warnings"] == [f"{IGNORED}[odd]"]


async def test_what_reads_and_lists_of_plain_values_do_not_know(server: TestServer) -> None:
    await server.post("sys/mounts/kv", {"type": "kv"})
    for mount in ("kv", "cubbyhole"):
        await server.post(f"{mount}/a", {"odd": 1})
        for method, path, names in (
            ("GET", f"{mount}/a?version=1", "version"),
            ("GET", f"{mount}/a?list=", "list"),
            ("GET", f"{mount}/a?list=false", "list"),
            ("LIST", f"{mount}/?after=a&limit=1", "after limit"),
        ):
            answer = await server.call(method, path)
            assert (answer.status, answer.body["warnings"]) == (200, [f"{IGNORED}[{names}]"]), path


async def test_an_empty_list_with_a_warning_is_an_answer(server: TestServer) -> None:
    await server.post("sys/auth/m", {"type": "userpass"})
    assert (await server.list("auth/m/users")).status == 404
    answer = await server.list("auth/m/users?odd=1")
    assert (answer.status, answer.data, answer.body["warnings"]) == (200, {}, [f"{IGNORED}[odd]"])


async def test_scan_is_for_trees(server: TestServer) -> None:
    await server.post("sys/auth/m", {"type": "userpass"})
    await server.post("sys/mounts/kv", {"type": "kv"})
    await server.post("kv/dir/a", {"v": 1})
    await server.post("cubbyhole/dir/a", {"v": 1})
    assert (await server.call("SCAN", "kv/")).data == {"keys": ["dir/a"]}
    nothing = await server.call("SCAN", "kv/none")
    assert (nothing.status, nothing.data) == (200, {})
    for path in ("auth/m/users", "cubbyhole/", "sys/policies/acl"):
        assert (await server.call("SCAN", path)).status == 405, path
    assert (await server.get("kv/?list=true&scan=true")).status == 400


async def test_paths_that_may_end_in_a_slash(server: TestServer) -> None:
    await server.post("sys/auth/m", {"type": "approle"})
    for path in ("secret-id/lookup", "secret-id/destroy", "secret-id-accessor/lookup", "secret-id-accessor/destroy"):
        assert (await server.list(f"auth/m/role/r/{path}")).status == 405, path
    assert (await server.list("auth/m/role/r/role-id")).status == 404
