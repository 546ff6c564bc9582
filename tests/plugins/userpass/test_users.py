"""Users and their passwords: refusals first."""

from __future__ import annotations

import sqlite3

import pytest

from tests.plugins.userpass.conftest import CHEAP, Mount

BOTH = "only one of password or password_hash may be provided"
NEITHER = "must provide either password or password_hash"
NO_HASH = "password_hash is not a valid bcrypt hash"


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({}, NEITHER),
        ({"password": ""}, NEITHER),
        ({"password": None}, NEITHER),
        ({"password": "a", "password_hash": CHEAP}, BOTH),
        ({"password_hash": "plain"}, NO_HASH),
        ({"password_hash": CHEAP[:-1]}, NO_HASH),
        ({"password_hash": CHEAP + "\n"}, NO_HASH),
        ({"password_hash": "$2x" + CHEAP[3:]}, NO_HASH),
        ({"password_hash": CHEAP[:4] + "04" + CHEAP[6:]}, "bcrypt cost of 4 is too low"),
        ({"password_hash": CHEAP[:4] + "31" + CHEAP[6:]}, "bcrypt cost of 31 is too high"),
        ({"password": "x" * 73}, "password is too long: at most 72 bytes"),
        ({"password": "ü" * 37}, "password is too long: at most 72 bytes"),
        ({"password": "a", "token_type": "hybrid"}, "invalid 'token_type' value \"hybrid\""),
    ],
)
async def test_users_that_are_refused(mount: Mount, fields: dict[str, object], text: str) -> None:
    answer = await mount.post("users/ann", fields)
    assert (answer.status, answer.errors) == (400, [text])
    assert (await mount.get("users/ann")).status == 404


async def test_a_field_of_the_wrong_type_is_not_quoted(mount: Mount) -> None:
    answer = await mount.post("users/ann", {"password": ["hunter2"]})
    assert answer.status == 400
    assert "hunter2" not in answer.errors[0]


@pytest.mark.parametrize("path", ["password", "policies"])
async def test_changes_of_nobody(mount: Mount, path: str) -> None:
    for body in ({"password": "x", "token_policies": "x"}, {}):
        answer = await mount.post(f"users/nobody/{path}", body)
        assert (answer.status, answer.errors) == (404, ["username does not exist"])
    assert (await mount.get("users/nobody")).status == 404


async def test_a_refused_password_leaves_the_old_one(mount: Mount) -> None:
    await mount.user()
    for body in ({}, {"password": ""}, {"password_hash": "x"}, {"password": "a", "password_hash": CHEAP}):
        assert (await mount.post("users/ann/password", body)).status == 400
        if body:
            assert (await mount.post("users/ann", body)).status == 400
    assert (await mount.login()).status == 200


async def test_an_update_keeps_what_is_not_sent(mount: Mount) -> None:
    await mount.user(token_policies=["B", "a"], token_ttl="10m")
    assert (await mount.post("users/ANN", {"token_ttl": "20m", "period": "1h"})).status == 204
    shown = (await mount.get("users/ann")).data
    assert (shown["token_policies"], shown["token_ttl"], shown["token_period"]) == (["B", "a"], 1200, 0)
    assert (await mount.login()).auth["policies"] == ["a", "b", "default"]


async def test_a_life_longer_than_the_mounts_is_cut_in_silence(mount: Mount) -> None:
    await mount.server.post("sys/auth/userpass/tune", {"max_lease_ttl": "40m"})
    await mount.user(token_ttl="2h", token_max_ttl="3h")
    assert (await mount.post("users/ann", {"token_ttl": "3h"})).status == 204
    assert (await mount.login()).auth["lease_duration"] == 2400


async def test_policies_by_their_own_path(mount: Mount) -> None:
    await mount.user(token_policies="first")
    assert (await mount.post("users/ann/policies", {"token_policies": ["Second", "third", "second"]})).status == 204
    assert (await mount.get("users/ann")).data["token_policies"] == ["second", "third"]
    assert (await mount.post("users/ann/policies", {})).status == 204
    assert (await mount.post("users/ann/policies", {"policies": "old"})).status == 204
    shown = (await mount.get("users/ann")).data
    assert (shown["policies"], shown["token_policies"]) == (["old"], ["old"])


async def test_no_read_and_no_row_shows_a_password_or_a_hash(mount: Mount) -> None:
    assert (await mount.post("users/ann", {"password": "canary-password"})).status == 204
    shown = (await mount.get("users/ann")).data
    assert not [name for name in shown if "password" in name]
    assert (await mount.login("canary-password")).status == 200
    with sqlite3.connect(f"file:{mount.server.path}?mode=ro", uri=True) as db:
        dump = "\n".join(db.iterdump())
    assert "canary-password" not in dump
    assert "$2b$" not in dump
    assert b"canary-password".hex() not in dump.lower()
    assert b"$2b$".hex() not in dump.lower()
