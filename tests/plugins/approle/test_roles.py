"""Roles and the paths of their single fields."""

from __future__ import annotations

import asyncio

import pytest

from tests.plugins.approle.conftest import Mount


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"bind_secret_id": False}, "at least one constraint should be enabled on the role"),
        ({"role_id": ""}, "invalid role_id supplied, or failed to generate a role_id"),
        ({"role_id": "a\nb"}, "role_id is longer than 512 characters or unprintable"),
        ({"role_id": "x" * 513}, "role_id is longer than 512 characters or unprintable"),
        ({"secret_id_num_uses": -1}, "secret_id_num_uses cannot be negative"),
        ({"secret_id_bound_cidrs": "10.0.0.1"}, "failed to validate CIDR blocks: invalid CIDR address: 10.0.0.1"),
        ({"period": "9999h"}, 'period of "9999h0m0s" is greater than the backend\'s maximum lease TTL of "768h0m0s"'),
        ({"token_ttl": "2h", "token_max_ttl": "1h"}, "'token_ttl' cannot be greater than 'token_max_ttl'"),
        ({"token_type": "hybrid"}, "invalid 'token_type' value \"hybrid\""),
        ({"role_id": "taken-id"}, "role_id already in use"),
    ],
)
async def test_roles_that_are_refused(mount: Mount, fields: dict[str, object], text: str) -> None:
    await mount.role("taken")
    answer = await mount.post("role/app", fields)
    assert (answer.status, answer.errors) == (400, [text])
    assert (await mount.get("role/app")).status == 404
    assert (await mount.list("role")).data["keys"] == ["taken"]


async def test_a_role_id_has_one_role_under_a_race(mount: Mount) -> None:
    answers = await asyncio.gather(*(mount.post(f"role/r{i}", {"role_id": "wanted"}) for i in range(8)))
    assert sorted(a.status for a in answers) == [204, *[400] * 7]
    assert len((await mount.list("role")).data["keys"]) == 1


async def test_a_new_role_id_ends_the_old_one_and_keeps_the_secret_ids(mount: Mount) -> None:
    await mount.role()
    secret = (await mount.secret())["secret_id"]
    assert (await mount.post("role/app/role-id", {"role_id": "new"})).status == 204
    assert (await mount.login(secret)).status == 400
    assert (await mount.login(secret, "new")).status == 200
    await mount.role("other", role_id="app-id")  # the old one is free again
    assert (await mount.login(secret)).status == 400


async def test_a_role_made_again_has_none_of_the_old_secret_ids(mount: Mount) -> None:
    await mount.role()
    secret = await mount.secret(ttl="1h")
    await mount.delete("role/app")
    await mount.role()
    assert (await mount.login(secret["secret_id"])).status == 400
    looked = await mount.post(
        "role/app/secret-id-accessor/lookup", {"secret_id_accessor": secret["secret_id_accessor"]}
    )
    assert looked.status == 404
    assert (await mount.list("role/app/secret-id")).status == 404


async def test_names_fold(mount: Mount) -> None:
    await mount.role("MyApp", role_id="x")
    assert (await mount.list("role")).data["keys"] == ["myapp"]
    secret = await mount.secret("MYAPP")
    assert (await mount.login(secret["secret_id"], "x")).auth["metadata"] == {"role_name": "myapp"}


@pytest.mark.parametrize(
    ("path", "body", "read"),
    [
        ("policies", {"token_policies": ["b", "A", "b"]}, {"token_policies": ["a", "b"]}),
        ("policies", {"policies": "y,x"}, {"token_policies": ["x", "y"], "policies": ["x", "y"]}),
        ("period", {"token_period": "3m"}, {"token_period": 180}),
        ("period", {"period": "3m"}, {"token_period": 180, "period": 180}),
        ("token-ttl", {"token_ttl": "10m"}, {"token_ttl": 600}),
        ("token-max-ttl", {"token_max_ttl": 7200}, {"token_max_ttl": 7200}),
        ("token-num-uses", {"token_num_uses": "6"}, {"token_num_uses": 6}),
        ("token-bound-cidrs", {"token_bound_cidrs": "127.0.0.1/32"}, {"token_bound_cidrs": ["127.0.0.1"]}),
        ("secret-id-num-uses", {"secret_id_num_uses": 9}, {"secret_id_num_uses": 9}),
        ("secret-id-ttl", {"secret_id_ttl": "2h"}, {"secret_id_ttl": 7200}),
        ("secret-id-bound-cidrs", {"secret_id_bound_cidrs": ["10.0.0.0/8"]}, {"secret_id_bound_cidrs": ["10.0.0.0/8"]}),
        ("bind-secret-id", {"bind_secret_id": False}, {"bind_secret_id": False}),
    ],
)
async def test_single_fields(mount: Mount, path: str, body: dict[str, object], read: dict[str, object]) -> None:
    assert (await mount.get(f"role/app/{path}")).status == 404
    assert (await mount.post(f"role/app/{path}", body)).errors == ["1 error occurred:\n\t* unsupported path\n\n"]
    assert (await mount.delete(f"role/app/{path}")).status == 204
    await mount.role(secret_id_bound_cidrs="127.0.0.0/8")
    fresh = (await mount.get(f"role/app/{path}")).data
    if "cidrs" in path:
        assert (await mount.post(f"role/app/{path}", {})).status == 204
        assert (await mount.get(f"role/app/{path}")).data == fresh
    else:
        called = "period" if path == "period" else next(iter(read))
        assert (await mount.post(f"role/app/{path}", {})).errors == [f"missing {called}"]
    assert (await mount.post(f"role/app/{path}", body)).status == 204
    assert (await mount.get(f"role/app/{path}")).data == read
    assert (await mount.delete(f"role/app/{path}")).status == 204
    again = (await mount.get(f"role/app/{path}")).data
    assert again == ({"secret_id_bound_cidrs": None} if path == "secret-id-bound-cidrs" else fresh)


async def test_single_fields_that_contradict_the_role(mount: Mount) -> None:
    await mount.role(token_ttl="10m", token_max_ttl="20m", bind_secret_id=False, secret_id_bound_cidrs="127.0.0.0/8")
    for path, body, text in (
        ("token-ttl", {"token_ttl": "21m"}, "token_ttl should not be greater than token_max_ttl"),
        ("token-max-ttl", {"token_max_ttl": "1m"}, "token_max_ttl should be greater than or equal to token_ttl"),
        ("token-num-uses", {"token_num_uses": -1}, "'token_num_uses' cannot be negative"),
        ("secret-id-num-uses", {"secret_id_num_uses": -1}, "secret_id_num_uses cannot be negative"),
    ):
        assert (await mount.post(f"role/app/{path}", body)).errors == [text]
    last = await mount.delete("role/app/secret-id-bound-cidrs")
    assert (last.status, last.errors) == (400, ["at least one constraint should be enabled on the role"])


@pytest.mark.parametrize("value", [None, "", [], {}])
async def test_networks_that_are_said_must_be_some(mount: Mount, value: object) -> None:
    for path, name in (("secret-id-bound-cidrs", "secret_id_bound_cidrs"), ("bound-cidr-list", "bound_cidr_list")):
        assert (await mount.post(f"role/app/{path}", {name: value})).status == 404
    await mount.role(secret_id_bound_cidrs="127.0.0.0/8")
    for path, name in (("secret-id-bound-cidrs", "secret_id_bound_cidrs"), ("bound-cidr-list", "bound_cidr_list")):
        assert (await mount.post(f"role/app/{path}", {name: value})).errors == ["missing bound_cidr_list"]
        assert (await mount.post(f"role/app/{path}", {})).status == 204
    assert (await mount.get("role/app")).data["secret_id_bound_cidrs"] == ["127.0.0.0/8"]


async def test_the_old_name_of_networks_can_clear_them_with_the_role(mount: Mount) -> None:
    await mount.role(bound_cidr_list=None)
    assert (await mount.get("role/app")).data["secret_id_bound_cidrs"] == []


async def test_what_older_clients_send(mount: Mount) -> None:
    await mount.role(bound_cidr_list="127.0.0.0/8", ttl="5m", bound_cidrs="10.0.0.0/8")
    shown = (await mount.get("role/app")).data
    assert (shown["secret_id_bound_cidrs"], shown["token_ttl"], shown["token_bound_cidrs"]) == (["127.0.0.0/8"], 0, [])
    old = await mount.get("role/app/bound-cidr-list")
    assert old.data == {"bound_cidr_list": None}
    assert old.body["warnings"]
    adjusted = await mount.post("role/app", {"token_type": "default-batch"})
    assert adjusted.body["warnings"] == ["default-batch has no useful meaning; adjusting to batch"]
    assert (await mount.get("role/app")).data["token_type"] == "batch"


async def test_whether_secret_ids_are_local_is_said_once(mount: Mount) -> None:
    await mount.role(local_secret_ids=True)
    assert (await mount.get("role/app/local-secret-ids")).data == {"local_secret_ids": True}
    again = await mount.post("role/app", {"local_secret_ids": True})
    assert again.errors == ["local_secret_ids can only be modified during role creation"]
    assert (await mount.post("role/app/local-secret-ids", {"local_secret_ids": False})).status == 405


async def test_roles_come_in_pages(mount: Mount) -> None:
    for name in ("Ann", "bob", "cid"):
        await mount.role(name)
    assert (await mount.list("role?limit=2")).data["keys"] == ["ann", "bob"]
    assert (await mount.server.get("auth/approle/role?list=true&after=bob&limit=2")).data["keys"] == ["cid"]
    assert (await mount.list("role?after=cid")).status == 404
    assert (await mount.list("role?limit=two")).status == 400


async def test_only_who_writes_the_whole_role_is_warned_of_its_lifetimes(mount: Mount) -> None:
    await mount.role()
    assert (await mount.post("role/app/token-max-ttl", {"token_max_ttl": "9999h"})).status == 204
    assert (await mount.post("role/app/token-num-uses", {"token_num_uses": 3})).status == 204
    whole = await mount.post("role/app", {"token_num_uses": 0})
    assert (whole.status, len(whole.body["warnings"])) == (200, 1)


async def test_a_page_begins_behind_the_name_as_it_was_sent(mount: Mount) -> None:
    for name in ("a", "b"):
        await mount.role(name)
    assert (await mount.list("role?after=A")).data["keys"] == ["a", "b"]
    assert (await mount.list("role?after=a")).data["keys"] == ["b"]
