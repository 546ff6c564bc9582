"""Groups over HTTP: policies flow to members at once; external groups follow logins and renewals (6.2)."""

from __future__ import annotations

import asyncio
import itertools

import pytest

from tests.api.identity.conftest import ClubServer

NOBODY = "3c1b2f0e-0000-4000-8000-000000000000"


async def external(server: ClubServer, name: str, policies: str) -> tuple[str, str]:
    """An external group with an alias of the same name at the club: their ids."""
    group = (await server.post("identity/group", {"name": name, "type": "external", "policies": policies})).data["id"]
    body = {"name": name, "mount_accessor": server.club, "canonical_id": group}
    return group, (await server.post("identity/group-alias", body)).data["id"]


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"member_entity_ids": [NOBODY]}, f'invalid entity ID "{NOBODY}"'),
        ({"member_group_ids": [NOBODY]}, f'invalid group ID "{NOBODY}"'),
        ({"type": "EXTERNAL"}, 'invalid group type "EXTERNAL"'),
        ({"policies": "Root"}, "policies cannot contain root"),
        ({"metadata": {"k": "v" * 513}}, "the value of metadata key 'k' is longer than 512 bytes"),
        ({"id": NOBODY}, "invalid group ID"),
    ],
)
async def test_refused_writes_make_nothing(server: ClubServer, body: dict[str, object], text: str) -> None:
    answer = await server.post("identity/group", {"name": "g", **body})
    assert (answer.status, answer.errors) == (400, [text])
    assert (await server.list("identity/group/id")).status == 404


async def test_an_update_says_which_group_before_all_else(server: ClubServer) -> None:
    for body in ({"name": ""}, {"policies": "root"}, {"member_entity_ids": [NOBODY]}):
        assert (await server.post(f"identity/group/id/{NOBODY}", body)).errors == ["invalid group ID"]
    for body in ({}, {"name": ""}, {"mount_accessor": "nope"}):
        assert (await server.post(f"identity/group-alias/id/{NOBODY}", body)).errors == ["invalid group alias ID"]
    for empty in ("", None):
        assert (await server.post("identity/group", {"name": "g", "id": empty})).errors == ["empty group ID"]
    assert (await server.list("identity/group/id")).status == 404


async def test_a_name_in_the_body_that_the_path_replaces_is_told_unless_it_is_null(server: ClubServer) -> None:
    told = await server.post("identity/group/name/g", {"name": "other"})
    path = "Endpoint replaced the value of these parameters with the values captured from the endpoint's path: [name]"
    assert (told.status, told.data["name"], told.body["warnings"]) == (200, "g", [path])
    assert (await server.post("identity/group/name/h", {"name": None})).body["warnings"] is None


async def test_the_type_of_a_group_stays(server: ClubServer) -> None:
    for nothing in ("", None):
        await server.post("identity/group", {"name": "g", "type": nothing})
        assert (await server.get("identity/group/name/g")).data["type"] == "internal"
        answer = await server.post("identity/group/name/g", {"type": nothing, "policies": "p"})
        assert (answer.status, answer.errors) == (400, ["group type cannot be changed"])
        await server.delete("identity/group/name/g")
    await server.post("identity/group", {"name": "g"})
    assert (await server.post("identity/group/name/g", {"type": "internal", "policies": "p"})).status == 204


async def test_a_group_with_other_parents_was_modified(server: ClubServer) -> None:
    a, b = [(await server.post("identity/group", {"name": n})).data["id"] for n in "ab"]
    outer = (await server.post("identity/group", {"name": "outer", "member_group_ids": [a]})).data["id"]

    async def seen() -> list[int]:
        return [(await server.get(f"identity/group/id/{one}")).data["modify_index"] for one in (a, b, outer)]

    assert await seen() == [2, 1, 1]
    time = (await server.get(f"identity/group/id/{a}")).data["last_update_time"]
    for inner, indexes in (([a], [2, 1, 2]), ([a, b], [2, 2, 3]), ([b], [3, 2, 4]), ([], [3, 3, 5]), ([b], [3, 4, 6])):
        await server.post(f"identity/group/id/{outer}", {"member_group_ids": inner})
        assert await seen() == indexes
    assert (await server.get(f"identity/group/id/{a}")).data["last_update_time"] == time
    await server.delete(f"identity/group/id/{b}")
    left = (await server.get(f"identity/group/id/{outer}")).data
    assert (left["modify_index"], left["member_group_ids"]) == (6, None)


async def test_long_circles_are_refused(server: ClubServer) -> None:
    ids = [(await server.post("identity/group", {"name": f"g{n}"})).data["id"] for n in range(4)]
    for outer, inner in itertools.pairwise(ids):
        assert (await server.post(f"identity/group/id/{outer}", {"member_group_ids": [inner]})).status == 204
    answer = await server.post(f"identity/group/id/{ids[-1]}", {"member_group_ids": [ids[0]]})
    assert answer.errors == [f'cyclic relationship detected for member group ID "{ids[0]}"']


async def test_racing_circles_are_refused(server: ClubServer) -> None:
    a, b = [(await server.post("identity/group", {"name": n})).data["id"] for n in "ab"]
    answers = await asyncio.gather(
        server.post(f"identity/group/id/{a}", {"member_group_ids": [b]}),
        server.post(f"identity/group/id/{b}", {"member_group_ids": [a]}),
    )
    assert sorted(answer.status for answer in answers) == [204, 400]


async def test_a_deleted_group_gives_and_holds_nothing(server: ClubServer) -> None:
    token = await server.log_in("eve")
    entity = (await server.get("auth/token/lookup-self", token=token)).data["entity_id"]
    inner = (await server.post("identity/group", {"policies": "in", "member_entity_ids": [entity]})).data["id"]
    outer = (await server.post("identity/group", {"policies": "out", "member_group_ids": [inner]})).data["id"]
    assert await server.policies_of(token) == ["in", "out"]
    await server.delete(f"identity/group/id/{inner}")
    assert await server.policies_of(token) == []
    assert (await server.get(f"identity/group/id/{outer}")).data["member_group_ids"] is None


async def test_group_templates_follow_membership(server: ClubServer) -> None:
    path = "cubbyhole/{{identity.groups.names.ops.metadata.room}}"
    await server.post("sys/policies/acl/room", {"policy": f'path "{path}" {{ capabilities = ["sudo"] }}'})
    token = await server.log_in("eve")
    entity = (await server.get("auth/token/lookup-self", token=token)).data["entity_id"]
    await server.post(f"identity/entity/id/{entity}", {"policies": "room"})
    probe = {"paths": ["cubbyhole/r1"]}
    before = (await server.post("sys/capabilities-self", probe, token=token)).data["capabilities"]
    body = {"name": "ops", "metadata": {"room": "r1"}, "member_entity_ids": entity}
    await server.post("identity/group", body)
    after = (await server.post("sys/capabilities-self", probe, token=token)).data["capabilities"]
    assert "sudo" not in before and "sudo" in after


async def test_external_groups_follow_logins(server: ClubServer) -> None:
    group, _ = await external(server, "Staff", "staff")
    await external(server, "night", "night")
    token = await server.log_in("eve", ("STAFF", "unknown"))
    assert await server.policies_of(token) == ["staff"]
    entity = (await server.get("auth/token/lookup-self", token=token)).data["entity_id"]
    assert (await server.get(f"identity/group/id/{group}")).data["member_entity_ids"] == [entity]
    other = await server.log_in("eve", ("night",))
    assert await server.policies_of(token) == await server.policies_of(other) == ["night"]
    assert (await server.get(f"identity/group/id/{group}")).data["member_entity_ids"] == []
    await server.log_in("eve")
    assert await server.policies_of(token) == []


async def test_a_renewal_says_the_groups_again(server: ClubServer) -> None:
    token = await server.log_in("eve", ("staff",))
    assert await server.policies_of(token) == []
    await external(server, "staff", "staff")
    renewed = await server.post("auth/token/renew-self", token=token)
    assert renewed.auth["identity_policies"] == ["staff"]


async def test_a_login_answers_with_its_new_groups(server: ClubServer) -> None:
    await external(server, "staff", "staff")
    for _ in range(2):  # the first makes the entity, the second finds it
        answer = await server.post("auth/club/login/eve", {"groups": "staff"}, token="")
        assert answer.auth["identity_policies"] == ["staff"]


async def test_without_alias_or_mount_an_external_group_has_nobody(server: ClubServer) -> None:
    _, alias = await external(server, "staff", "staff")
    await server.post("sys/auth/club2", {"type": "club"})
    token = await server.log_in("eve", ("staff",))
    entity = (await server.get("auth/token/lookup-self", token=token)).data["entity_id"]
    accessor = (await server.get("sys/auth/club2")).data["accessor"]
    await server.post("identity/entity-alias", {"name": "eve", "mount_accessor": accessor, "canonical_id": entity})
    other = (await server.post("auth/club2/login/eve", {}, token="")).auth["client_token"]
    assert await server.policies_of(other) == ["staff"]  # what another mount said stays
    await server.delete("sys/auth/club")
    assert await server.policies_of(other) == []
    await server.delete(f"identity/group-alias/id/{alias}")
    assert (await server.get(f"identity/group-alias/id/{alias}")).status == 404


async def test_members_of_external_groups_are_not_set_by_hand(server: ClubServer) -> None:
    entity = (await server.post("identity/entity", {})).data["id"]
    group, _ = await external(server, "staff", "staff")
    answer = await server.post(f"identity/group/id/{group}", {"member_entity_ids": [entity]})
    assert answer.errors == ["member entities can't be set manually for external groups"]


async def test_a_group_alias_name_is_unique_at_its_mount(server: ClubServer) -> None:
    await external(server, "staff", "a")
    group = (await server.post("identity/group", {"name": "other", "type": "external"})).data["id"]
    body = {"name": "STAFF", "mount_accessor": server.club, "canonical_id": group}
    answer = await server.post("identity/group-alias", body)
    assert answer.errors == ["combination of mount and group alias name is already in use"]


async def test_a_merge_takes_over_the_groups_of_logins(server: ClubServer) -> None:
    group, _ = await external(server, "staff", "staff")
    token = await server.log_in("eve", ("staff",))
    eve = (await server.get("auth/token/lookup-self", token=token)).data["entity_id"]
    into = (await server.post("identity/entity", {"name": "into"})).data["id"]
    await server.post("identity/entity/merge", {"from_entity_ids": eve, "to_entity_id": into})
    assert (await server.get(f"identity/entity/id/{into}")).data["direct_group_ids"] == [group]
    assert (await server.get(f"identity/group/id/{group}")).data["member_entity_ids"] == [into]
    renewed = await server.post("auth/token/renew-self", token=token)  # the token stands for the other entity now
    assert renewed.auth["identity_policies"] == ["staff"]
    await server.post(f"identity/entity/id/{into}", {"disabled": True})
    assert (await server.get("auth/token/lookup-self", token=token)).status == 403


async def test_a_login_of_many_at_once_loses_nobody(server: ClubServer) -> None:
    group, _ = await external(server, "staff", "staff")
    tokens = await asyncio.gather(*(server.log_in(f"user{n % 5}", ("staff",)) for n in range(20)))
    assert all([await server.policies_of(token) == ["staff"] for token in tokens])
    assert len((await server.get(f"identity/group/id/{group}")).data["member_entity_ids"]) == 5
