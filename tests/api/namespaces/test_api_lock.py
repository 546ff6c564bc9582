"""A locked namespace answers nobody, on any server, until it is unlocked with its key or by a root token."""

from __future__ import annotations

import pytest

from tests.api.namespaces.conftest import Space
from vaultlike.testing.server import TestServer

LOCK, UNLOCK = "sys/namespaces/api-lock/lock", "sys/namespaces/api-lock/unlock"
CLOSED = 'API access to this namespace has been locked by an administrator - "ns1/" must be unlocked to gain access.'


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (LOCK, None),  # the root namespace
        (UNLOCK, {"unlock_key": "x"}),
        (f"{LOCK}/nothing", None),
        (f"{UNLOCK}/nothing", {"unlock_key": "x"}),
        (f"{UNLOCK}/ns1", {"unlock_key": "x"}),  # not locked
        (f"{LOCK}/inner", None),  # is in ns1
        (f"{LOCK}/..", None),
    ],
)
async def test_what_cannot_be_locked_or_unlocked(server: TestServer, path: str, body: object) -> None:
    assert (await server.post(path, body)).status in (400, 307)
    assert (await server.get("ns1/sys/mounts")).status == 200


async def test_who_may_not(server: TestServer, one: Space, two: Space) -> None:
    key = (await server.post(f"{LOCK}/ns2")).data["unlock_key"]
    nobody = await one.token("default")
    for path in (LOCK, f"{LOCK}/inner"):
        assert (await one.post(path, token=nobody)).status == 403
        assert (await one.post(path, token="")).status == 403
    for token in (nobody, ""):
        assert (await two.post(UNLOCK, {"unlock_key": key}, token=token)).status == 403
    assert (await two.get("sys/mounts")).status == 503


async def test_a_lock_holds_everywhere_and_for_everybody(server: TestServer, second: TestServer, one: Space) -> None:
    admin = await one.token(await one.policy("admin", **{"*": "create,read,update,delete,list,sudo"}))
    await one.post("sys/auth/desk", {"type": "desk"})
    answer = await one.post(LOCK, token=admin)
    assert answer.status == 200
    assert len(answer.data["unlock_key"]) >= 16
    for place in (server, second):
        here = Space(place, "ns1")
        for token in ("root", admin, ""):
            for refused in (
                await here.get("sys/mounts", token=token),
                await place.get("ns1/sys/mounts", token=token),
                await place.get("ns1/inner/sys/mounts", token=token),
                await Space(place, "ns1/inner").post("auth/token/create", token=token),
                await here.post("auth/desk/login", {"name": "ann"}, token=token),
                await here.post(LOCK, token=token),
            ):
                assert (refused.status, refused.errors) == (503, [CLOSED])
        assert (await here.get("sys/health", token="")).status == 200
        assert (await place.get("ns2/sys/mounts")).status == 200
        assert (await place.get("sys/namespaces/ns1")).data["locked"] is True


async def test_only_the_key_opens(server: TestServer, second: TestServer, one: Space) -> None:
    admin = await one.token(await one.policy("admin", **{"sys__namespaces__*": "update"}))
    key = (await one.post(LOCK, token=admin)).data["unlock_key"]
    for body in ({}, {"unlock_key": ""}, {"unlock_key": key + "x"}, {"unlock_key": key[:-1]}, {"unlock_key": 1}, None):
        assert (await one.post(UNLOCK, body, token=admin)).status == 400
    assert (await server.post(f"{UNLOCK}/ns1", {"unlock_key": "wrong"})).status == 400  # also for root
    assert (await Space(second, "ns1").post(UNLOCK, {"unlock_key": key}, token=admin)).status == 204
    assert (await one.get("sys/mounts")).status == 200
    assert (await one.post(UNLOCK, {"unlock_key": key}, token=admin)).status == 400
    assert (await server.get("sys/namespaces/ns1")).data["locked"] is False


async def test_a_parent_unlocks_and_a_root_token_needs_no_key(server: TestServer, root: Space, inner: Space) -> None:
    assert (await server.post(f"{LOCK}/ns1/inner")).status == 200
    assert (await inner.get("sys/mounts")).status == 503
    operator = await root.token(await root.policy("unlocking", **{"sys__namespaces__api-lock__unlock__*": "update"}))
    assert (await server.post(f"{UNLOCK}/ns1/inner", token=operator)).status == 400
    assert (await server.post(f"{UNLOCK}/ns1/inner")).status == 204
    key = (await server.post(f"ns1/{LOCK}/inner")).data["unlock_key"]
    assert (await server.post(f"{UNLOCK}/ns1/inner", {"unlock_key": key}, token=operator)).status == 204
    assert (await inner.get("sys/mounts")).status == 200


async def test_a_lock_survives_changes_and_restarts(server: TestServer, one: Space) -> None:
    key = (await one.post(LOCK)).data["unlock_key"]
    patch = {"Content-Type": "application/merge-patch+json"}
    body = {"custom_metadata": {"a": "b"}}
    assert (await server.call("PATCH", "sys/namespaces/ns1", body, headers=patch)).status == 200
    assert (await server.post("sys/namespaces/ns1", body)).data["locked"] is True
    await server.post("sys/seal")
    await server.server.unseal(server.keys[0])
    assert (await one.get("sys/mounts")).status == 503
    assert (await one.post(UNLOCK, {"unlock_key": key})).status == 204


async def test_scan_lists_the_inner_ones_too(server: TestServer, one: Space) -> None:
    assert (await server.list("sys/namespaces")).data["keys"] == ["ns1/", "ns2/"]
    found = await server.call("SCAN", "sys/namespaces")
    assert found.data["keys"] == ["ns1/", "ns1/inner/", "ns2/"]
    assert list(found.data["key_info"]) == found.data["keys"]
    assert (await one.call("SCAN", "sys/namespaces")).data["keys"] == ["inner/"]
