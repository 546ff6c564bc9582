"""What one namespace has is nothing to another: tokens, identities, policies, sealed values."""

from __future__ import annotations

import sqlite3
from typing import Any

import pytest

from vaultlike.testing.server import TestServer

from .conftest import Space

ALL = "create,read,update,patch,delete,list,sudo"


async def admin(space: Space) -> str:
    """A token that may do everything in its namespace."""
    await space.policy("all", **{"*": ALL})
    return await space.token("all")


async def test_a_token_of_a_child_does_nothing_in_its_parent_or_beside(one: Space, two: Space, root: Space) -> None:
    token = await admin(one)
    for space in (root, two):
        for method, path in (("LIST", "auth/token/accessors"), ("GET", "sys/mounts"), ("LIST", "sys/policies/acl")):
            answer = await space.call(method, path, token=token)
            assert (answer.status, answer.errors) == (403, ["permission denied"]), (space.path, path)
        answer = await space.get("sys/internal/ui/mounts/sys", token=token)
        assert (answer.status, answer.errors) == (403, ["permission denied"])


async def test_nor_does_a_batch_token(one: Space, two: Space, root: Space) -> None:
    await one.policy("all", **{"*": ALL})
    token = await one.token("all", type="batch")
    assert (await one.get("auth/token/lookup-self", token=token)).status == 200
    for space in (root, two):
        assert (await space.get("sys/mounts", token=token)).status == 403
        shown = await space.get("auth/token/lookup-self", token=token)  # which is about nothing but itself
        assert (shown.status, shown.data["namespace_path"]) == (200, "ns1/")
    for forged in (token.rpartition(".")[0], token.rpartition(".")[0] + ".aaaaa", token + ".aaaaa"):
        assert (await one.get("auth/token/lookup-self", token=forged)).status == 403


async def test_an_inner_token_does_nothing_in_the_namespace_around(one: Space, inner: Space) -> None:
    token = await admin(inner)
    assert (await inner.get("sys/mounts", token=token)).status == 200
    assert (await one.get("sys/mounts", token=token)).status == 403


async def test_a_name_that_begins_alike_is_no_child(root: Space, one: Space) -> None:
    await root.post("sys/namespaces/ns1x")
    token = await admin(one)
    beside = Space(one.server, "ns1x")
    assert (await beside.get("sys/mounts", token=token)).status == 403
    await root.policy("p", **{"ns1/*": ALL})
    assert (await beside.get("sys/mounts", token=await root.token("p"))).status == 403


@pytest.mark.parametrize(("what", "status"), [("lookup", 403), ("renew", 400), ("revoke", 204)])
async def test_tokens_of_others_are_not_found(one: Space, two: Space, what: str, status: int) -> None:
    token = await admin(one)
    foreign = await two.token("default")
    assert (await one.post("auth/token/lookup", {"token": await one.token()}, token=token)).status == 200
    assert (await one.post(f"auth/token/{what}", {"token": foreign}, token=token)).status == status
    assert (await two.get("auth/token/lookup-self", token=foreign)).status == 200


async def test_accessors_and_capabilities_of_others_are_not_found(one: Space, two: Space, root: Space) -> None:
    token = await admin(one)
    for space in (two, root):
        made = (await space.post("auth/token/create", {"policies": ["default"]})).auth
        accessor = {"accessor": made["accessor"]}
        assert (await one.post("auth/token/lookup-accessor", accessor, token=token)).status == 400
        answer = await one.post("auth/token/revoke-accessor", accessor, token=token)
        assert answer.body["warnings"] == ["No token found with this accessor"]
        assert (await space.get("auth/token/lookup-self", token=made["client_token"])).status == 200
        capabilities = {"token": made["client_token"], "paths": ["a"]}
        assert (await one.post("sys/capabilities", capabilities, token=token)).status == 400
    keys = (await one.list("auth/token/accessors", token=token)).data["keys"]
    assert len(keys) == 1


async def test_wrapped_answers_of_others_cannot_be_taken(one: Space, two: Space) -> None:
    token = await admin(two)
    wrap = {"headers": {"X-Vault-Wrap-TTL": "60"}}
    wrapped = (await one.post("sys/wrapping/wrap", {"a": "b"}, **wrap)).body["wrap_info"]["token"]
    refused = "wrapping token is not valid or does not exist"
    for path in ("lookup", "unwrap", "rewrap"):
        answer = await two.post(f"sys/wrapping/{path}", {"token": wrapped}, token=token)
        assert (answer.status, answer.errors) == (400, [refused])
    assert (await one.post("sys/wrapping/unwrap", token=wrapped)).data == {"a": "b"}


async def test_entities_of_others_are_not_found(one: Space, two: Space, root: Space) -> None:
    made = (await two.post("identity/entity", {"name": "ann"})).data["id"]
    for space in (one, root):
        assert (await space.get(f"identity/entity/id/{made}")).status == 404
        assert (await space.get("identity/entity/name/ann")).status == 404
        assert (await space.post("identity/lookup/entity", {"id": made})).status == 204
        assert (await space.post(f"identity/entity/id/{made}", {"policies": ["x"]})).status == 400
        assert (await space.delete(f"identity/entity/id/{made}")).status == 204
        assert (await space.post("identity/entity/batch-delete", {"entity_ids": [made]})).status == 204
        answer = await space.post("identity/group", {"member_entity_ids": [made]})
        assert answer.status == 400
        merge = {"from_entity_ids": [made], "to_entity_id": made[:-1] + "0"}
        assert (await space.post("identity/entity/merge", merge)).status == 400
    shown = (await two.get(f"identity/entity/id/{made}")).data
    assert (shown["name"], shown["disabled"]) == ("ann", False)
    assert not shown["policies"]
    assert shown["namespace_id"] == (await root.get("sys/namespaces/ns2")).data["id"]


async def test_aliases_of_others_are_not_found(one: Space, two: Space, root: Space) -> None:
    await two.post("sys/auth/desk", {"type": "desk"})
    await two.post("auth/desk/login", {"name": "ann"}, token="")
    (alias,) = (await two.list("identity/entity-alias/id")).data["keys"]
    for space in (one, root):
        assert (await space.get(f"identity/entity-alias/id/{alias}")).status == 404
        assert (await space.delete(f"identity/entity-alias/id/{alias}")).status == 204
        assert (await space.post(f"identity/entity-alias/id/{alias}", {"name": "eve"})).status == 400
        assert (await space.list("identity/entity-alias/id")).status == 404
    assert (await two.get(f"identity/entity-alias/id/{alias}")).data["name"] == "ann"


async def test_policies_and_mounts_of_one_name_are_different_ones(one: Space, two: Space) -> None:
    for space, rights in ((one, "read"), (two, "deny")):
        await space.kv()
        await space.policy("p", **{"secret/*": rights})
        assert (await space.post("secret/a", {"from": space.path})).status == 204
    token = await one.token("p")
    assert (await one.get("secret/a", token=token)).data == {"from": "ns1"}
    assert (await two.get("secret/a", token=await two.token("p"))).status == 403
    assert (await two.get("secret/a")).data == {"from": "ns2"}


async def test_no_root_token_and_no_chosen_text_in_a_child(one: Space) -> None:
    answer = await one.post("auth/token/create", {"policies": ["root"]})
    assert (answer.status, answer.errors) == (400, ["root tokens may not be created from a non-root namespace"])
    answer = await one.post("auth/token/create", {"policies": ["default"], "id": "mine"})
    assert answer.errors == ["token IDs can only be manually specified in the root namespace"]
    made = (await one.post("auth/token/create")).auth
    assert made["token_policies"] == ["default"]  # the names of the caller's policies mean others in here
    assert made["entity_id"] == ""


async def test_names_of_the_parents_policies_are_worth_nothing_inside(root: Space, one: Space) -> None:
    """Who may create tokens in a child gets no policy of the child for carrying one of that name."""
    await one.policy("strong", **{"*": ALL})
    await root.policy("strong", **{"ns1/auth/token/create": "update"})
    token = await root.token("strong")
    answer = await one.post("auth/token/create", {"policies": ["strong"]}, token=token)
    assert (answer.status, answer.errors) == (400, ["child policies must be subset of parent"])
    assert (await one.post("auth/token/create", token=token)).auth["token_policies"] == ["default"]


async def test_a_childs_tokens_end_with_their_parents(root: Space, one: Space) -> None:
    await root.policy("maker", **{"ns1/auth/token/create": "update,sudo"})
    maker = await root.token("maker")
    text = (await one.post("auth/token/create", {"policies": ["default"]}, token=maker)).auth["client_token"]
    assert (await one.get("auth/token/lookup-self", token=text)).status == 200
    await root.post("auth/token/revoke-self", token=maker)
    assert (await one.get("auth/token/lookup-self", token=text)).status == 403


def _sql(server: TestServer, sql: str, *values: Any) -> list[Any]:
    with sqlite3.connect(server.path) as db:
        return db.execute(sql, values).fetchall()


async def test_sealed_values_do_not_open_in_another_namespace(
    server: TestServer, second: TestServer, one: Space, two: Space, root: Space
) -> None:
    """Whoever can write the database, but has no keys, cannot move a document, a token or an entity across."""
    for space in (one, two):
        await space.policy("p", **{"*": "read"})
    ids = {path: (await root.get(f"sys/namespaces/{path}")).data["id"] for path in ("ns1", "ns2")}
    entity = (await one.post("identity/entity", {"name": "ann"})).data["id"]
    token = await one.token("default")
    moved = "UPDATE documents SET value = (SELECT value FROM documents WHERE namespace = ? AND path = 'policy/p') "
    _sql(server, moved + "WHERE namespace = ? AND path = 'policy/p'", ids["ns1"], ids["ns2"])
    _sql(server, "UPDATE entities SET namespace = ?", ids["ns2"])
    _sql(server, "UPDATE scopes SET namespace = '' WHERE namespace = ?", ids["ns1"])
    _sql(server, "UPDATE generation SET value = value + 1")
    for face in (server, second):
        there = Space(face, "ns2")
        assert (await there.get("sys/policies/acl/p")).status == 500
        assert (await there.get(f"identity/entity/id/{entity}")).status == 500
        assert (await face.get("auth/token/lookup-self", token=token)).status == 500
