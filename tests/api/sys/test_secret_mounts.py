"""`sys/mounts`: engines."""

from __future__ import annotations

from typing import Any

import pytest

from vaultlike.testing.server import TestServer


@pytest.mark.parametrize(
    ("path", "body", "text"),
    [
        ("x", {}, "backend type must be specified as a string"),
        ("x", {"type": "people"}, "plugin not found in the catalog: people"),
        ("x", {"type": "cubbyhole"}, 'mount type of "cubbyhole" is not mountable'),
        ("sys", {"type": "kv"}, 'cannot mount "sys/"'),
        ("auth/x", {"type": "kv"}, 'cannot mount "auth/x/"'),
        ("identity/x", {"type": "kv"}, 'cannot mount "identity/x/"'),
        ("x", {"type": "kv", "options": {"version": "3"}}, 'nil backend of type "kv" returned from factory'),
        ("x", {"type": "generic", "options": {"version": "2"}},
         'secrets engine "generic" does not allow setting a version'),
        ("x", {"type": "kv", "config": {"max_lease_ttl": "1x"}},
         'unable to parse max TTL of 1x: time: unknown unit "x" in duration "1x"'),
    ],
)  # fmt: skip
async def test_what_is_refused(server: TestServer, path: str, body: dict[str, Any], text: str) -> None:
    answer = await server.post(f"sys/mounts/{path}", body)
    assert (answer.status, answer.errors) == (400, [text])


@pytest.mark.parametrize("path", ["sys", "identity", "cubbyhole/", "auth/token"])
async def test_mounts_that_stay(server: TestServer, path: str) -> None:
    answer = await server.delete(f"sys/mounts/{path}")
    assert (answer.status, answer.errors) == (400, [f'cannot unmount "{path.rstrip("/")}/"'])


@pytest.mark.parametrize(
    ("body", "kind", "options"),
    [
        ({"type": "kv"}, "kv", {}),
        ({"type": "kv-v1"}, "kv", {"version": "1"}),
        ({"type": "kv-v2"}, "kv", {"version": "2"}),
        ({"type": "kv", "options": {"version": 2}}, "kv", {"version": "2"}),
        ({"type": "generic"}, "generic", {}),
    ],
)
async def test_kinds_of_kv(server: TestServer, body: dict[str, Any], kind: str, options: dict[str, str]) -> None:
    assert (await server.post("sys/mounts/x", body)).status == 204
    info = (await server.get("sys/mounts/x")).data
    assert (info["type"], info["options"]) == (kind, options)
    assert "token_type" not in info["config"]


async def test_unmounting_deletes_what_was_stored(server: TestServer) -> None:
    await server.post("sys/mounts/x", {"type": "kv"})
    await server.post("x/secret", {"v": "1"})
    assert (await server.delete("sys/mounts/x")).status == 204
    assert (await server.delete("sys/mounts/x")).status == 204
    assert (await server.get("x/secret")).status == 404
    await server.post("sys/mounts/x", {"type": "kv"})
    assert (await server.get("x/secret")).status == 404


async def test_a_moved_engine_keeps_its_data(server: TestServer) -> None:
    await server.post("sys/mounts/a", {"type": "kv"})
    await server.post("a/secret", {"v": "1"})
    assert (await server.post("sys/remount", {"from": "a", "to": "b"})).status == 200
    assert (await server.get("b/secret")).data == {"v": "1"}
    assert (await server.get("a/secret")).status == 404


async def test_kv_goes_up_not_down(server: TestServer) -> None:
    await server.post("sys/mounts/x", {"type": "kv", "options": {"version": "1"}})
    assert (await server.post("sys/mounts/x/tune", {"options": {"version": "2"}})).body["warnings"]
    assert (await server.get("sys/mounts/x")).data["options"] == {"version": "2"}
    answer = await server.post("sys/mounts/x/tune", {"options": {"version": "1"}})
    assert answer.errors == ["cannot downgrade mount from version 2"]
    assert (await server.post("sys/mounts/x/tune", {"options": {"version": "7"}})).status == 400
    assert (await server.post("sys/mounts/x/tune", {"token_type": "batch"})).status == 400


async def test_the_default_table(server: TestServer) -> None:
    mounts = (await server.get("sys/mounts")).data
    assert sorted(mounts) == ["cubbyhole/", "identity/", "sys/"]
    assert mounts["cubbyhole/"]["local"] is True
    assert "deprecation_status" not in mounts["sys/"]
    assert (await server.get("sys/mounts/none")).errors == ["No secret engine mount at none/"]
