"""`sys/auth`: enabling, reading, disabling, tuning and moving auth methods."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from vaultlike.testing.server import TestServer

REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("x", {}, "backend type must be specified as a string"),
    ("x", {"type": "none-such"}, "plugin not found in the catalog: none-such"),
    ("x", {"type": "kv"}, "plugin not found in the catalog: kv"),
    ("x", {"type": "token"}, "token credential backend cannot be instantiated"),
    ("x", {"type": "plugin"}, "plugin_name must be provided for plugin backend"),
    ("token", {"type": "people"}, "path is already in use at token/"),
    ("token/in", {"type": "people"}, "path is already in use at token/"),
    ("x", {"type": "people", "config": {"default_lease_ttl": "soon"}},
     'unable to parse default TTL of soon: time: invalid duration "soon"'),
    ("x", {"type": "people", "config": {"default_lease_ttl": "2h", "max_lease_ttl": "1h"}},
     "given default lease TTL greater than given max lease TTL"),
    ("x", {"type": "people", "config": {"default_lease_ttl": "9999h"}},
     "given default lease TTL greater than system max lease TTL of 2764800"),
    ("x", {"type": "people", "config": {"token_type": "odd"}}, "invalid value for 'token_type'"),
    ("x", {"type": "people", "config": {"listing_visibility": "all"}}, "invalid listing_visibility all"),
    ("x", {"type": "people", "config": {"user_lockout_config": {"lockout_threshold": "3"}}},
     "unable to convert given auth config information"),
    *(("x", {"type": "people", "config": {name: value}}, "unable to convert given auth config information")
      for name, value in (
          ("default_lease_ttl", True), ("max_lease_ttl", []), ("listing_visibility", False), ("token_type", {}),
          ("force_no_cache", "true"), ("force_no_cache", 1), ("audit_non_hmac_request_keys", 5),
          ("audit_non_hmac_response_keys", [1]), ("passthrough_request_headers", {}),
          ("allowed_response_headers", True),
      )),
    ("x", {"type": "people", "options": {"version": "2"}}, 'auth method "people" does not allow setting a version'),
    ("x" * 600, {"type": "people"}, "mount path is longer than 512 characters"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "body", "text"), REFUSED)
async def test_what_is_refused_mounts_nothing(server: TestServer, path: str, body: dict[str, Any], text: str) -> None:
    answer = await server.post(f"sys/auth/{path}", body)
    assert (answer.status, answer.errors) == (400, [text])
    assert list((await server.get("sys/auth")).data) == ["token/"]


async def test_neither_inside_nor_around_another(server: TestServer) -> None:
    assert (await server.post("sys/auth/a/b", {"type": "people"})).status == 204
    for path in ("a", "a/b", "a/b/c"):
        answer = await server.post(f"sys/auth/{path}", {"type": "people"})
        assert (answer.status, answer.errors) == (400, ["path is already in use at a/b/"])
    assert (await server.post("sys/auth/a/bc", {"type": "people"})).status == 204


async def test_of_many_racing_for_a_path_one_wins(server: TestServer) -> None:
    answers = await asyncio.gather(*(server.post("sys/auth/race", {"type": "people"}) for _ in range(8)))
    assert sorted(answer.status for answer in answers) == [204, *[400] * 7]


async def test_enabling_needs_sudo_and_update(server: TestServer) -> None:
    await server.post("sys/policies/acl/plain", {"policy": 'path "sys/auth/*" { capabilities = ["update"] }'})
    await server.post("sys/policies/acl/full", {"policy": 'path "sys/auth/*" { capabilities = ["update", "sudo"] }'})
    assert (await server.post("sys/auth/x", {"type": "people"}, token=await server.token("plain"))).status == 403
    assert (await server.post("sys/auth/x", {"type": "people"}, token="")).status == 403
    assert (await server.post("sys/auth/x", {"type": "people"}, token=await server.token("full"))).status == 204


async def test_the_token_method_stays(server: TestServer) -> None:
    assert (await server.delete("sys/auth/token")).errors == ["token credential backend cannot be disabled"]
    answer = await server.post("sys/remount", {"from": "auth/token", "to": "auth/x"})
    assert answer.errors == ['cannot remount "auth/token/"']


async def test_options_tell_absent_from_null(server: TestServer) -> None:
    await server.post("sys/auth/absent", {"type": "people"})
    await server.post("sys/auth/null", {"type": "people", "options": None})
    assert (await server.get("sys/auth/absent")).data["options"] == {}
    assert (await server.get("sys/auth/null")).data["options"] is None


async def test_reads_repeat_their_data_at_the_top(server: TestServer) -> None:
    await server.post("sys/auth/x", {"type": "people", "description": "d", "config": {"default_lease_ttl": 60}})
    answer = await server.get("sys/auth/x/")
    assert answer.body["description"] == answer.data["description"] == "d"
    assert answer.data["config"]["default_lease_ttl"] == 60
    assert answer.data["accessor"].startswith("auth_people_")


async def _login(server: TestServer, mount: str) -> dict[str, Any]:
    await server.post(f"auth/{mount}/users/bob", {"password": "pw", "token_policies": "maker"})
    auth: dict[str, Any] = (await server.post(f"auth/{mount}/login/bob", {"password": "pw"}, token="")).auth
    return auth


async def test_disabling_ends_tokens_their_children_and_what_was_stored(server: TestServer) -> None:
    maker = 'path "auth/token/create" { capabilities = ["update"] }'
    await server.post("sys/policies/acl/maker", {"policy": maker})
    for mount in ("gone", "stays"):
        await server.post(f"sys/auth/{mount}", {"type": "people"})
    token = (await _login(server, "gone"))["client_token"]
    other = (await _login(server, "stays"))["client_token"]
    child = (await server.post("auth/token/create", {}, token=token)).auth["client_token"]
    assert (await server.delete("sys/auth/gone")).status == 204
    for dead in (token, child):
        assert (await server.get("auth/token/lookup-self", token=dead)).status == 403
    assert (await server.get("auth/token/lookup-self", token=other)).status == 200
    assert (await server.delete("sys/auth/gone")).status == 204
    assert (await server.get("sys/auth/gone")).errors == ["No auth engine at gone/"]
    await server.post("sys/auth/gone", {"type": "people"})
    assert (await server.list("auth/gone/users")).status == 404


async def test_moving_keeps_users_and_accessor_and_ends_tokens(server: TestServer) -> None:
    await server.post("sys/auth/old", {"type": "people"})
    auth = await _login(server, "old")
    before = (await server.get("sys/auth/old")).data
    moved = await server.post("sys/remount", {"from": "auth/old", "to": "auth/new/place"})
    assert moved.status == 200
    assert (await server.get("auth/token/lookup-self", token=auth["client_token"])).status == 403
    after = (await server.get("sys/auth/new/place")).data
    assert (after["accessor"], after["uuid"]) == (before["accessor"], before["uuid"])
    again = await server.post("auth/new/place/login/bob", {"password": "pw"}, token="")
    assert again.auth["entity_id"] == auth["entity_id"]
    status = (await server.get(f"sys/remount/status/{moved.data['migration_id']}")).data["migration_info"]
    assert status == {"source_mount": "auth/old/", "target_mount": "auth/new/place/", "status": "success"}
    assert (await server.get("sys/remount/status/nonsense")).status == 404


@pytest.mark.parametrize(
    ("source", "target", "text"),
    [
        ("auth/none", "auth/x", 'no matching mount at "auth/none/"'),
        ("auth/m", "auth/m", 'path already in use at "auth/m/"'),
        ("auth/m", "auth/token/x", 'cannot remount to destination "auth/token/x/"'),
        ("auth/m", "m", 'cannot remount auth mount to non-auth mount "m/"'),
        ("kv", "auth/kv", 'cannot remount non-auth mount to auth mount "auth/kv/"'),
        ("sys", "x", 'cannot remount "sys/"'),
        ("auth/m", "", "both 'from' and 'to' path must be specified as a string"),
    ],
)
async def test_moves_that_are_refused(server: TestServer, source: str, target: str, text: str) -> None:
    await server.post("sys/auth/m", {"type": "people"})
    answer = await server.post("sys/remount", {"from": source, "to": target})
    assert (answer.status, answer.errors) == (400, [text])


async def test_tuning_changes_only_what_is_sent(server: TestServer) -> None:
    await server.post("sys/auth/m", {"type": "people", "description": "first"})
    assert (await server.post("sys/auth/m/tune", {"default_lease_ttl": "1h", "max_lease_ttl": 7200})).status == 204
    changes = {"listing_visibility": "unauth", "audit_non_hmac_request_keys": "a,b"}
    assert (await server.post("sys/mounts/auth/m/tune", changes)).status == 204
    expected = {
        "default_lease_ttl": 3600,
        "max_lease_ttl": 7200,
        "description": "first",
        "force_no_cache": False,
        "token_type": "default-service",
        "listing_visibility": "unauth",
        "audit_non_hmac_request_keys": ["a", "b"],
    }
    assert (await server.get("sys/auth/m/tune")).data == expected
    reset = {"default_lease_ttl": "system", "max_lease_ttl": "0", "listing_visibility": "", "description": ""}
    assert (await server.post("sys/auth/m/tune", reset | {"audit_non_hmac_request_keys": []})).status == 204
    assert (await server.get("sys/auth/m")).data["config"] == {
        "default_lease_ttl": 0,
        "max_lease_ttl": 0,
        "force_no_cache": False,
        "token_type": "default-service",
    }


@pytest.mark.parametrize(
    ("path", "body", "text"),
    [
        ("sys/auth/none/tune", {"description": "x"}, 'tune of path "auth/none/" failed: no mount entry found'),
        ("sys/auth/m/tune", {"default_lease_ttl": "soon"}, 'time: invalid duration "soon"'),
        ("sys/auth/m/tune", {"default_lease_ttl": "2h", "max_lease_ttl": "1h"},
         "backend max lease TTL of 3600 would be less than backend default lease TTL of 7200"),
        ("sys/auth/m/tune", {"default_lease_ttl": "9999h"},
         "backend max lease TTL of 2764800 would be less than backend default lease TTL of 35996400"),
        ("sys/auth/m/tune", {"token_type": "odd"}, "invalid value for 'token_type'"),
        ("sys/auth/token/tune", {"token_type": "batch"},
         "'token_type' cannot be set for 'token' or 'ns_token' auth mounts"),
        ("sys/mounts/sys/tune", {"default_lease_ttl": "1h"}, "cannot tune parameter default_lease_ttl of sys/"),
        ("sys/auth/m/tune", {"user_lockout_config": {"lockout_disable": True}},
         'tuning of user lockout configuration for auth type "people" not allowed'),
        ("sys/auth/u/tune", {"user_lockout_config": {"lockout_threshold": "many"}},
         'unable to parse user lockout threshold: strconv.ParseUint: parsing "many": invalid syntax'),
        *(("sys/auth/u/tune", {"user_lockout_config": {name: value}},
           "unable to convert given user lockout config information")
          for name, value in (("lockout_threshold", True), ("lockout_duration", []), ("lockout_disable", "true"),
                              ("lockout_disable", 1), ("lockout_counter_reset_duration", {}))),
    ],
)  # fmt: skip
async def test_tuning_that_is_refused(server: TestServer, path: str, body: dict[str, Any], text: str) -> None:
    await server.post("sys/auth/m", {"type": "people"})
    await server.post("sys/auth/u", {"type": "userpass"})
    answer = await server.post(path, body)
    assert (answer.status, answer.errors) == (400, [text])


async def test_lockout_settings_are_flat_in_one_place_and_nested_in_the_other(server: TestServer) -> None:
    await server.post("sys/auth/u", {"type": "userpass"})
    given = {"lockout_threshold": "3", "lockout_duration": "10m"}
    assert (await server.post("sys/auth/u/tune", {"user_lockout_config": given})).status == 204
    flat = (await server.get("sys/auth/u/tune")).data
    assert (flat["user_lockout_threshold"], flat["user_lockout_duration"]) == (3, 600)
    nested = (await server.get("sys/auth/u")).data["config"]["user_lockout_config"]
    assert nested["user_lockout_threshold"] == 3


async def test_a_tuned_lifetime_holds_at_the_next_login(server: TestServer) -> None:
    await server.post("sys/auth/m", {"type": "people"})
    assert (await _login(server, "m"))["lease_duration"] == 2764800
    await server.post("sys/auth/m/tune", {"default_lease_ttl": "20m", "max_lease_ttl": "40m"})
    assert (await _login(server, "m"))["lease_duration"] == 1200


async def test_wrong_verbs(server: TestServer) -> None:
    assert (await server.list("sys/auth")).status == 404
    assert (await server.list("sys/auth/x")).status == 405
    assert (await server.post("sys/auth", {"type": "people"})).status == 405
    for path in ("sys/auth/", "sys/auth/x/"):
        answer = await server.post(path, {"type": "people"})
        assert (answer.status, answer.errors) == (400, ["cannot write to a path ending in '/'"])
