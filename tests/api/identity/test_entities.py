"""Entities and their aliases over HTTP (spec/vault-api.md 6.1)."""

from __future__ import annotations

import asyncio

import pytest

from tests.api.identity.conftest import ClubServer

NOBODY = "3c1b2f0e-0000-4000-8000-000000000000"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"id": NOBODY}, "entity not found from id"),
        ({"policies": ["a", " ROOT "]}, "policies cannot contain root"),
        ({"name": "x" * 513}, "invalid entity name: at most 512 printable characters"),
        ({"name": "a\nb"}, "invalid entity name: at most 512 printable characters"),
        ({"metadata": {str(n): "" for n in range(65)}}, "metadata has 65 keys, at most 64 are allowed"),
        ({"metadata": {"k": "v" * 513}}, "the value of metadata key 'k' is longer than 512 bytes"),
        ({"metadata": {"k" * 129: ""}}, "a metadata key must have 1 to 128 bytes"),
    ],
)
async def test_refused_writes_make_nothing(server: ClubServer, body: dict[str, object], text: str) -> None:
    answer = await server.post("identity/entity", body)
    assert (answer.status, answer.errors) == (400, [text])
    assert (await server.list("identity/entity/id")).status == 404


async def test_the_id_in_a_write_by_name_is_the_one_of_that_name(server: ClubServer) -> None:
    eve, ann = [(await server.post("identity/entity", {"name": name})).data["id"] for name in ("eve", "ann")]
    for name, body, text in (
        ("eve", {"id": NOBODY}, "entity not found from id"),
        ("new", {"id": NOBODY}, "entity not found from id"),
        ("eve", {"id": ann}, "entity name is already in use"),
        ("new", {"id": ann}, "the id is not the one of the entity with this name"),
    ):
        answer = await server.post(f"identity/entity/name/{name}", {"policies": "p", **body})
        assert (answer.status, answer.errors) == (400, [text])
    assert (await server.get(f"identity/entity/id/{ann}")).data["name"] == "ann"
    assert (await server.get("identity/entity/name/new")).status == 404
    for body in ({"id": eve}, {"id": ""}, {"id": None}):
        assert (await server.post("identity/entity/name/EVE", {"policies": "p", **body})).status == 204
    assert (await server.get(f"identity/entity/id/{eve}")).data["policies"] == ["p"]


async def test_custom_metadata_of_an_alias_say_something(server: ClubServer) -> None:
    body = {"name": "eve", "mount_accessor": server.club}
    for empty in ("", None):
        answer = await server.post("identity/entity-alias", {**body, "custom_metadata": {"k": empty}})
        text = 'custom_metadata validation failed: length of value for key "k" is 0 but must be 0 < len(value) <= 512'
        assert (answer.status, answer.errors) == (400, [text])
    assert (await server.list("identity/entity-alias/id")).status == 404
    assert (await server.post("identity/entity-alias", {**body, "custom_metadata": {}})).status == 200


async def test_racing_creations_of_one_name_make_one_entity(server: ClubServer) -> None:
    answers = await asyncio.gather(
        *(server.post("identity/entity", {"name": name, "policies": "p"}) for name in ("Eve", "eve", "EVE"))
    )
    assert sorted(answer.status for answer in answers) == [200, 204, 204]
    assert len((await server.list("identity/entity/id")).data["keys"]) == 1


async def test_concurrent_updates_of_different_fields_all_survive(server: ClubServer) -> None:
    entity = (await server.post("identity/entity", {"name": "eve"})).data["id"]
    changes = [{"policies": "p"}, {"metadata": {"a": "b"}}, {"disabled": True}, {"name": "Eve2"}]
    path = f"identity/entity/id/{entity}"
    assert {answer.status for answer in await asyncio.gather(*(server.post(path, c) for c in changes))} == {204}
    found = (await server.get(path)).data
    assert (found["policies"], found["metadata"], found["disabled"], found["name"]) == (["p"], {"a": "b"}, True, "Eve2")


async def test_policies_and_disabling_hold_at_the_next_request(server: ClubServer) -> None:
    token = await server.log_in("eve")
    entity = (await server.get("auth/token/lookup-self", token=token)).data["entity_id"]
    path = f"identity/entity/id/{entity}"
    await server.post(path, {"policies": "extra"})
    assert await server.policies_of(token) == ["extra"]
    await server.post(path, {"disabled": True})
    assert (await server.get("auth/token/lookup-self", token=token)).status == 403
    assert (await server.post("auth/club/login/eve", {}, token="")).status == 403
    await server.post(path, {"disabled": False})
    assert (await server.get("auth/token/lookup-self", token=token)).status == 200
    await server.delete(path)
    assert (await server.get("auth/token/lookup-self", token=token)).status == 403


async def test_an_alias_cannot_move_onto_anothers_place(server: ClubServer) -> None:
    first = (await server.post("identity/entity-alias", {"name": "a", "mount_accessor": server.club})).data
    second = (await server.post("identity/entity-alias", {"name": "b", "mount_accessor": server.club})).data
    taken = await server.post(f"identity/entity-alias/id/{second['id']}", {"name": "a"})
    assert (taken.status, taken.errors) == (400, ["alias name is already in use at this mount"])
    crowded = await server.post(f"identity/entity-alias/id/{second['id']}", {"canonical_id": first["canonical_id"]})
    assert crowded.status == 400
    assert (await server.get(f"identity/entity-alias/id/{second['id']}")).data["name"] == "b"


async def test_a_login_through_a_prepared_alias_is_that_entity(server: ClubServer) -> None:
    entity = (await server.post("identity/entity", {"name": "eve", "policies": "p"})).data["id"]
    await server.post("identity/entity-alias", {"name": "eve", "canonical_id": entity, "mount_accessor": server.club})
    token = await server.log_in("eve", metadata={"host": "one"})
    assert (await server.get("auth/token/lookup-self", token=token)).data["entity_id"] == entity
    (alias,) = (await server.get(f"identity/entity/id/{entity}")).data["aliases"]
    assert alias["metadata"] == {"host": "one"} and alias["mount_path"] == "auth/club/"


async def test_lists_come_in_pages(server: ClubServer) -> None:
    ids = sorted([(await server.post("identity/entity", {})).data["id"] for _ in range(5)])
    first = (await server.list("identity/entity/id?limit=2")).data["keys"]
    rest = (await server.list(f"identity/entity/id?after={first[-1]}")).data["keys"]
    assert first + rest == ids


async def test_a_merge_with_two_aliases_at_one_mount_must_say_which_stays(server: ClubServer) -> None:
    made = [(await server.post("identity/entity-alias", {"name": n, "mount_accessor": server.club})).data for n in "ab"]
    into, gone = made[0]["canonical_id"], made[1]["canonical_id"]
    group = (await server.post("identity/group", {"policies": "p", "member_entity_ids": [gone]})).data["id"]
    body = {"from_entity_ids": [gone], "to_entity_id": into}
    refused = await server.post("identity/entity/merge", body)
    assert refused.status == 400
    told = {(c["alias"], c["alias_id"], c["mount"], c["mount_accessor"], c["mount_path"]) for c in refused.data}
    mount = ("club", server.club, "auth/club/")
    assert told == {("a", made[0]["id"], *mount), ("b", made[1]["id"], *mount)}
    assert (await server.get(f"identity/entity/id/{gone}")).status == 200
    merged = await server.post("identity/entity/merge", {**body, "conflicting_alias_ids_to_keep": made[1]["id"]})
    assert merged.status == 204
    found = (await server.get(f"identity/entity/id/{into}")).data
    assert [alias["id"] for alias in found["aliases"]] == [made[1]["id"]]
    assert found["direct_group_ids"] == [group] and found["merged_entity_ids"] == [gone]
    assert await server.policies_of(await server.log_in("b")) == ["p"]
