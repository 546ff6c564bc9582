"""Logins with a name and a password: refusals first."""

from __future__ import annotations

import asyncio
import time

import pytest

from tests.plugins.userpass.conftest import Mount
from vaultlike.errors import Unavailable
from vaultlike.types import Secret
from vaultlike_userpass.passwords import MAX_WAITING, Passwords

REFUSED = ["invalid username or password"]


@pytest.mark.parametrize("password", ["wrong", "Right", " right", "right ", "right\x00", "r" * 73, "right" + "x" * 100])
async def test_another_password(mount: Mount, password: str) -> None:
    await mount.user()
    answer = await mount.login(password)
    assert (answer.status, answer.errors) == (400, REFUSED)


async def test_a_longer_text_that_begins_with_the_password(mount: Mount) -> None:
    await mount.post("users/ann", {"password": "p" * 72})
    assert (await mount.login("p" * 73)).errors == REFUSED
    assert (await mount.login("p" * 72)).status == 200


@pytest.mark.parametrize("body", [{}, {"password": ""}, {"password": None}, None])
async def test_no_password_at_all(mount: Mount, body: object) -> None:
    await mount.user()
    for name in ("ann", "nobody"):
        answer = await mount.server.post(f"auth/userpass/login/{name}", body, token="")
        assert (answer.status, answer.errors) == (400, ["missing password"])


async def test_nobody_is_answered_like_a_wrong_password_and_no_sooner(mount: Mount) -> None:
    await mount.post("users/ann", {"password": "right"})
    spans: dict[str, list[float]] = {"ann": [], "nobody": []}
    for _ in range(4):
        for name, taken in spans.items():
            began = time.perf_counter()
            answer = await mount.login("wrong", name)
            taken.append(time.perf_counter() - began)
            assert (answer.status, answer.errors) == (400, REFUSED)
    assert 0.4 < min(spans["nobody"]) / min(spans["ann"]) < 2.5


async def test_paths_below_login_need_no_token_to_be_told_that_they_are_none(mount: Mount) -> None:
    none = await mount.server.post("auth/userpass/login/ann/more", {"password": "x"}, token="")
    assert (none.status, none.errors) == (404, ["unsupported path"])
    assert (await mount.server.get("auth/userpass/login/ann", token="")).status == 405
    assert (await mount.server.post("auth/userpass/login", {"username": "ann"}, token="")).status == 403
    assert (await mount.server.get("auth/userpass/users/ann", token="")).status == 403


async def test_addresses_come_after_the_password(mount: Mount) -> None:
    await mount.user(token_bound_cidrs="10.0.0.0/8")
    assert (await mount.login("wrong")).status == 400
    assert (await mount.login()).status == 403
    await mount.user(token_bound_cidrs="127.0.0.0/8")
    assert (await mount.login()).status == 200


async def test_a_name_is_the_same_in_any_case(mount: Mount) -> None:
    await mount.user("Ann", token_policies="dev")
    first, second = await mount.login(name="ANN"), await mount.login(name="ann")
    assert first.auth["metadata"] == {"username": "ann"}
    assert first.auth["entity_id"] == second.auth["entity_id"]
    shown = await mount.server.get("auth/token/lookup-self", token=first.auth["client_token"])
    assert (shown.data["display_name"], shown.data["path"]) == ("userpass-ann", "auth/userpass/login/ANN")


async def test_a_renewal_needs_the_same_user_with_the_same_policies(mount: Mount) -> None:
    await mount.user(token_policies="a,b", token_ttl="10m", token_max_ttl="1h")
    token = (await mount.login()).auth["client_token"]
    renew = "auth/token/renew-self"
    await mount.user(token_policies="B, a,default", token_ttl="4m")
    assert (await mount.server.post(renew, token=token)).auth["lease_duration"] == 240
    await mount.user(token_policies="a")
    refused = await mount.server.post(renew, token=token)
    assert (refused.status, refused.errors) == (400, ["policies have changed, not renewing"])
    await mount.user(token_policies="a,b")
    await mount.server.delete("auth/userpass/users/ann")
    assert (await mount.server.post(renew, token=token)).status == 400
    assert (await mount.server.get("auth/token/lookup-self", token=token)).status == 200


async def test_a_token_outlives_a_change_of_the_password(mount: Mount) -> None:
    await mount.user()
    token = (await mount.login()).auth["client_token"]
    assert (await mount.post("users/Ann/password", {"password": "new"})).status == 204
    assert (await mount.login()).errors == REFUSED
    assert (await mount.login("new")).status == 200
    assert (await mount.server.get("auth/token/lookup-self", token=token)).status == 200


async def test_comparisons_are_bounded() -> None:
    passwords = Passwords()
    nobody = Secret("x")
    tasks = [asyncio.create_task(passwords.match(nobody, None)) for _ in range(MAX_WAITING)]
    await asyncio.sleep(0)
    with pytest.raises(Unavailable):
        await passwords.match(nobody, None)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert await passwords.match(nobody, None) is False
