"""Secret ids: what may be asked for, accessors, and cleaning up."""

from __future__ import annotations

import asyncio
import base64

import pytest

from tests.plugins.approle.conftest import Mount
from vaultlike.testing.server import TestServer


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"num_uses": -1}, "num_uses cannot be negative"),
        ({"num_uses": 0}, "num_uses cannot be higher than the role's secret_id_num_uses"),
        ({"num_uses": 6}, "num_uses cannot be higher than the role's secret_id_num_uses"),
        ({"ttl": 0}, "ttl cannot be longer than the role's secret_id_ttl"),
        ({"ttl": "61m"}, "ttl cannot be longer than the role's secret_id_ttl"),
        ({"cidr_list": "10.0.0.1"}, "failed to validate CIDR blocks: invalid CIDR address: 10.0.0.1"),
        ({"cidr_list": "192.168.0.0/16"}, "failed to verify subset relationship"),
        ({"token_bound_cidrs": "10.0.0.0/8"}, "failed to verify subset relationship"),
        ({"metadata": "no pairs"}, "failed to parse metadata: failed to parse the input: invalid <key,value> format"),
        ({"metadata": '{"n": 1}'}, "failed to parse metadata: failed to parse the input: invalid <key,value> format"),
        ({"metadata": "a=" + "x" * 70000}, "failed to parse metadata: longer than"),
    ],
)
async def test_what_the_role_does_not_allow(mount: Mount, fields: dict[str, object], text: str) -> None:
    await mount.role(
        secret_id_num_uses=5, secret_id_ttl="1h", secret_id_bound_cidrs="10.0.0.0/8", token_bound_cidrs="127.0.0.0/8"
    )
    answer = await mount.post("role/app/secret-id", fields)
    assert answer.status == 400
    assert answer.errors[0].startswith(text)
    assert (await mount.list("role/app/secret-id")).status == 404


async def test_roles_that_are_not_there(mount: Mount) -> None:
    text = ['role "none" does not exist']
    for path in ("secret-id", "custom-secret-id", "secret-id/lookup", "secret-id/destroy"):
        answer = await mount.post(f"role/none/{path}", {"secret_id": "x"})
        assert (answer.status, answer.errors) == (404, text)
    for path in ("lookup", "destroy"):
        answer = await mount.post(f"role/none/secret-id-accessor/{path}", {"secret_id_accessor": "x"})
        assert (answer.status, answer.errors) == (404, text)
    listed = await mount.list("role/none/secret-id")
    assert (listed.status, listed.errors) == (400, text)


async def test_a_secret_id_of_ones_own_is_taken_once(mount: Mount) -> None:
    await mount.role()
    answers = await asyncio.gather(
        *(mount.post("role/app/custom-secret-id", {"secret_id": "mine", "ttl": "10s"}) for _ in range(6))
    )
    assert sorted(a.status for a in answers) == [200, *[400] * 5]
    assert len((await mount.list("role/app/secret-id")).data["keys"]) == 1
    assert (await mount.login("mine")).status == 200
    mount.clock.advance(11)
    assert (await mount.post("role/app/custom-secret-id", {"secret_id": "mine"})).status == 200  # the old one is over
    assert (await mount.login("mine")).status == 200
    assert len((await mount.list("role/app/secret-id")).data["keys"]) == 1


@pytest.mark.parametrize("text", ["", "  ", "x" * 4097])
async def test_secret_ids_that_are_none(mount: Mount, text: str) -> None:
    await mount.role()
    assert (await mount.post("role/app/custom-secret-id", {"secret_id": text})).status == 400


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("", {}),
        ('{"a": "1", "b": "2"}', {"a": "1", "b": "2"}),
        ("a=1, b=2", {"a": "1", "b": "2"}),
        (base64.b64encode(b'{"a": "1"}').decode(), {"a": "1"}),
        (base64.b64encode(b"a=1").decode(), {"a": "1"}),
    ],
)
async def test_metadata(mount: Mount, text: str, pairs: dict[str, str]) -> None:
    await mount.role()
    secret = await mount.secret(metadata=text)
    shown = await mount.post("role/app/secret-id/lookup", {"secret_id": secret["secret_id"]})
    assert shown.data["metadata"] == pairs


async def test_an_accessor_of_another_role_tells_and_does_nothing(mount: Mount) -> None:
    await mount.role()
    await mount.role("other")
    secret = await mount.secret()
    body = {"secret_id_accessor": secret["secret_id_accessor"]}
    assert (await mount.post("role/other/secret-id-accessor/lookup", body)).status == 204
    refused = await mount.post("role/other/secret-id-accessor/destroy", body)
    assert (refused.status, refused.errors) == (403, ["invalid secret id accessor"])
    assert (await mount.login(secret["secret_id"])).status == 200
    assert (await mount.delete("role/app/secret-id-accessor/destroy", body)).status == 204
    assert (await mount.login(secret["secret_id"])).status == 400
    gone = await mount.post("role/app/secret-id-accessor/lookup", body)
    assert gone.status == 404
    assert "failed to find accessor entry" in gone.data["error"]
    assert (await mount.post("role/app/secret-id-accessor/destroy", body)).status == 404


async def test_a_wrapped_secret_id_names_its_accessor(mount: Mount) -> None:
    await mount.role()
    made = await mount.server.post("auth/approle/role/app/secret-id", headers={"X-Vault-Wrap-TTL": "60"})
    info = made.body["wrap_info"]
    assert info["creation_path"] == "auth/approle/role/app/secret-id"
    assert [info["wrapped_accessor"]] == (await mount.list("role/app/secret-id")).data["keys"]


async def test_tidying_leaves_what_is_not_due(mount: Mount) -> None:
    await mount.role()
    for ttl in ("1s", "5s", "1h"):
        await mount.secret(ttl=ttl)
    for_ever = await mount.secret()
    backend = mount.server.server.core.router.at("auth/approle/").backend
    prefix = backend.ctx.storage
    mount.clock.advance(7)
    await backend.tick()
    assert len(await prefix.keys("secret/")) == 2
    assert len(await prefix.keys("accessor/")) == 2
    assert len(await prefix.keys("due/")) == 1
    assert (await mount.login(for_ever["secret_id"])).status == 200
    answer = await mount.post("tidy/secret-id")
    assert (answer.status, len(answer.body["warnings"])) == (202, 1)


async def test_a_deleted_role_leaves_nothing_behind(mount: Mount) -> None:
    await mount.role()
    for _ in range(3):
        await mount.secret(ttl="1h")
    await mount.delete("role/app")
    storage = mount.server.server.core.router.at("auth/approle/").backend.ctx.storage
    assert await storage.keys("") == ["key"]


async def test_lists_while_secret_ids_expire(mount: Mount) -> None:
    await mount.role()
    stay = [(await mount.secret())["secret_id_accessor"] for _ in range(5)]
    for _ in range(20):
        await mount.secret(ttl="1s")
    mount.clock.advance(3)
    lists = asyncio.gather(*(mount.list("role/app/secret-id") for _ in range(10)))
    tidied = asyncio.gather(*(mount.post("tidy/secret-id") for _ in range(5)))
    for answer in await lists:
        assert answer.data["keys"] == sorted(stay)
    assert {a.status for a in await tidied} <= {200, 202}


async def test_accessors_come_in_pages(mount: Mount) -> None:
    await mount.role()
    made = sorted([(await mount.secret())["secret_id_accessor"] for _ in range(5)])
    pages = []
    for query in ("limit=2", f"after={made[1]}&limit=2", f"after={made[3]}&limit=-1", "after=~"):
        pages.append(await mount.list(f"role/app/secret-id?{query}"))
    assert [page.data["keys"] for page in pages[:3]] == [made[:2], made[2:4], made[4:]]
    assert pages[3].status == 404
    assert (await mount.list("role/app/secret-id?limit=x")).status == 400


async def test_notes_are_shown_and_go_to_no_token(mount: Mount) -> None:
    await mount.role()
    too_many = {str(number): "" for number in range(257)}
    for notes in (too_many, {"a": "x" * 70_000}):
        assert (await mount.post("role/app/secret-id", {"notes": notes})).status == 400
    secret = await mount.secret(notes={"for": "the nightly job"}, metadata="a=1")
    shown = await mount.post("role/app/secret-id/lookup", {"secret_id": secret["secret_id"]})
    assert shown.data["notes"] == {"for": "the nightly job"}
    answer = await mount.login(secret["secret_id"])
    assert answer.auth["metadata"] == {"a": "1", "role_name": "app"}


@pytest.mark.parametrize(("limit", "logins"), [(0, 12), (20, 12), (12, None)])
async def test_every_login_is_counted_once_by_two_servers(mount: Mount, limit: int, logins: int | None) -> None:
    await mount.role()
    secret = await mount.secret(num_uses=limit)
    async with TestServer(path=mount.server.path, clock=mount.clock) as second:
        await second.server.unseal(mount.server.keys[0])
        servers = (mount.server, second)
        answers = await asyncio.gather(*(mount.login(secret["secret_id"], server=servers[n % 2]) for n in range(12)))
        assert {answer.status for answer in answers} == {200}
    listed = await mount.list("role/app/secret-id")
    if logins is None:
        assert listed.status == 404
        return
    (shown,) = listed.data["key_info"].values()
    assert (shown["logins"], shown["secret_id_num_uses"]) == (logins, limit and limit - logins)


async def test_strangers_from_elsewhere_lock_nobody_out(mount: Mount) -> None:
    await mount.role(secret_id_bound_cidrs="192.0.2.0/24")
    secret = await mount.secret()
    for _ in range(6):
        refused = await mount.login("wrong")
        assert (refused.status, refused.errors) == (400, ["invalid role or secret ID"])
    right = await mount.login(secret["secret_id"])
    assert right.errors == ['source address "127.0.0.1" unauthorized by CIDR restrictions on the role']
    await mount.post("role/app/secret-id-bound-cidrs", {"secret_id_bound_cidrs": "127.0.0.0/8"})
    assert (await mount.login(secret["secret_id"])).status == 200
