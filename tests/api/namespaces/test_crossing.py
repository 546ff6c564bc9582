"""A mount moves from one namespace to another, with its documents, or stays where it is."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.api.namespaces.conftest import Space
from vaultlike.storage.engine import Op, PutDocument
from vaultlike.system.crossing import Crossing, Crossings
from vaultlike.testing.server import TestServer


async def move(space: Space, source: str, target: str, **facts: Any) -> int:
    return (await space.post("sys/remount", {"from": source, "to": target}, **facts)).status


@pytest.fixture
async def full(one: Space) -> Space:
    """`ns1`, with a kv of 120 keys at `secret` and a desk with a role."""
    await one.kv()
    for n in range(120):
        assert (await one.post(f"secret/k{n}", {"n": n})).status == 204
    await one.post("sys/auth/desk", {"type": "desk"})
    assert (await one.post("auth/desk/role/r", {"token_policies": "p"})).status == 204
    return one


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("ns1/secret", "ns2/auth/secret"),
        ("ns1/auth/desk", "ns2/desk"),
        ("ns1/secret", "ns2/sys/x"),
        ("ns1/secret", "ns2/identity"),
        ("ns1/cubbyhole", "ns2/c"),
        ("ns1/auth/token", "ns2/auth/t"),
        ("ns1/nothing", "ns2/x"),
        ("ns1", "ns2/x"),
        ("ns1/secret", "ns2"),
        ("ns1/secret", "ns2/taken"),
        ("ns1/secret", "ns2/taken/inside"),
        ("ns2/taken", "ns1/inner"),  # a namespace
    ],
)
async def test_moves_that_are_refused_change_nothing(
    server: TestServer, full: Space, root: Space, two: Space, source: str, target: str
) -> None:
    await two.kv("taken")
    before = [(await space.get("sys/mounts")).data for space in (full, two)]
    assert await move(root, source, target) == 400
    assert [(await space.get("sys/mounts")).data for space in (full, two)] == before
    assert (await full.get("secret/k1")).data == {"n": 1}
    assert await root_notes(server) == []


async def root_notes(server: TestServer) -> list[str]:
    core = server.server.core
    assert core is not None
    return await core.root_storage.keys("crossing/")


async def test_a_namespace_names_only_what_is_inside_it(full: Space, two: Space) -> None:
    admin = await full.token(await full.policy("admin", **{"*": "create,read,update,delete,list,sudo"}))
    for source, target in (("secret", "../ns2/x"), ("secret", "ns2/x"), ("ns2/secret", "x"), ("secret", "/ns2/x")):
        await move(full, source, target, token=admin)
    assert "x/" not in (await two.get("sys/mounts")).data


async def test_who_may_not(full: Space, root: Space) -> None:
    nosudo = await root.token(await root.policy("nosudo", sys__remount="update"))
    assert await move(root, "ns1/secret", "ns2/secret", token=nosudo) == 403


async def test_everything_arrives_and_nothing_is_left(
    server: TestServer, second: TestServer, full: Space, root: Space, two: Space
) -> None:
    accessor = (await full.get("sys/mounts")).data["secret/"]["accessor"]
    assert await move(root, "ns1/secret", "ns2/deep/secret") == 200
    for place in (server, second):
        there = Space(place, "ns2")
        assert len((await there.list("deep/secret")).data["keys"]) == 120
        assert (await there.get("deep/secret/k7")).data == {"n": 7}
        assert (await Space(place, "ns1").get("secret/k7")).status == 404
    assert (await two.get("sys/mounts")).data["deep/secret/"]["accessor"] == accessor
    core = server.server.core
    assert core is not None
    inner = (await server.get("sys/namespaces/ns1")).data["id"]
    uuid = (await two.get("sys/mounts")).data["deep/secret/"]["uuid"]
    assert await server.server.engine.keys(inner, f"core/mount/{uuid}/") == []
    assert await server.server.engine.keys(inner, f"mount/{uuid}/") == []
    assert await root_notes(server) == []
    assert await move(root, "ns2/deep/secret", "back") == 200
    assert (await root.get("back/k119")).data == {"n": 119}


async def test_an_auth_method_leaves_its_tokens_behind(full: Space, root: Space, inner: Space) -> None:
    login = await full.post("auth/desk/login", {"name": "ann", "role": "r"}, token="")
    token = login.auth["client_token"]
    answer = await full.post("sys/remount", {"from": "auth/desk", "to": "inner/auth/counter"})
    assert answer.status == 200
    status = await full.get(f"sys/remount/status/{answer.data['migration_id']}")
    assert status.data["migration_info"]["status"] == "success"
    assert (await full.get("auth/token/lookup-self", token=token)).status == 403
    assert (await full.post("auth/desk/login", {"name": "ann"}, token="")).status == 403
    again = await inner.post("auth/counter/login", {"name": "ann", "role": "r"}, token="")
    assert "p" in again.auth["token_policies"]
    assert (await inner.get("auth/token/lookup-self", token=again.auth["client_token"])).status == 200


async def test_within_one_namespace_from_outside(full: Space, root: Space) -> None:
    assert await move(root, "ns1/secret", "ns1/moved") == 200
    assert (await full.get("moved/k3")).data == {"n": 3}


async def test_a_move_that_was_cut_off_is_finished(server: TestServer, full: Space, root: Space, two: Space) -> None:
    engine, left = server.server.engine, [3]
    commit = engine.commit

    async def failing(ops: list[Op]) -> list[object]:
        if any(isinstance(op, PutDocument) and "mount/" in op.key for op in ops):
            left[0] -= 1
            if left[0] == 0:
                raise OSError("the machine is gone")
        return await commit(ops)

    engine.commit = failing  # type: ignore[method-assign,assignment]
    assert await move(root, "ns1/secret", "ns2/secret") == 500
    engine.commit = commit  # type: ignore[method-assign]
    assert (await full.get("secret/k1")).status == 404
    assert (await two.get("secret/k1")).status == 503
    assert await move(root, "ns2/secret", "ns1/elsewhere") == 400
    core = server.server.core
    assert core is not None
    assert await core.leader.run("mounts")
    assert await root_notes(server) == []
    assert [(await two.get(f"secret/k{n}")).data for n in range(120)] == [{"n": n} for n in range(120)]


async def test_a_write_that_was_under_way_comes_along(server: TestServer, full: Space, root: Space, two: Space) -> None:
    core = server.server.core
    assert core is not None
    namespace = core.namespaces.at("ns1/")
    assert namespace is not None
    uuid = (await full.get("sys/mounts")).data["secret/"]["uuid"]
    late = (await core.inside(namespace)).documents.below(f"mount/{uuid}/")
    keys = await late.keys()
    assert await move(root, "ns1/secret", "ns2/secret") == 200
    for key in (keys[0], "late"):
        await late.put(key, msgspec.json.encode({"late": 1}))
    there = core.namespaces.at("ns2/")
    assert there is not None
    arrived = (await core.inside(there)).documents.below(f"mount/{uuid}/")
    before = await arrived.get(keys[0])
    assert await late.move_to(arrived) >= 2
    assert await late.keys() == []
    assert await arrived.get(keys[0]) == before  # what is there is newer
    assert await arrived.get("late") is not None


async def test_forgotten_with_its_namespace(server: TestServer, full: Space, root: Space) -> None:
    core = server.server.core
    assert core is not None
    raw = {"entry": {"path": "x/", "kind": "kv", "uuid": "u", "accessor": "a"}, "source": "gone1", "target": "gone2",
           "placeholder": {"path": "y/", "kind": "moving", "uuid": "v", "accessor": "b"}}  # fmt: skip
    await core.root_storage.put("crossing/u", msgspec.json.encode(raw))
    await Crossings(core).resume()
    assert await root_notes(server) == []


async def test_cut_off_at_the_very_beginning(server: TestServer, full: Space, root: Space, two: Space) -> None:
    core = server.server.core
    assert core is not None
    source, target = core.namespaces.at("ns1/"), core.namespaces.at("ns2/")
    assert source is not None and target is not None
    entry = next(one for one in await (await core.inside(source)).table.load() if one.path == "secret/")
    arrival = await core.inside(target)
    for path in ("taken/", "free/"):
        crossing = Crossing(entry, source.id, target.id, arrival.table.new(path, "moving"))
        await core.root_storage.put(f"crossing/{entry.uuid}", msgspec.json.encode(crossing))
        if path == "taken/":
            await two.kv("taken")
            await Crossings(core).resume()
            assert (await full.get("secret/k1")).data == {"n": 1}
            assert await root_notes(server) == []
    await Crossings(core).resume()
    assert (await full.get("secret/k1")).status == 404
    assert (await two.get("free/k1")).data == {"n": 1}
    assert await root_notes(server) == []
