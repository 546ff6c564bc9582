"""`auth/token/roles/*` and `create/:role`: spec/vault-api.md 3.6."""

from __future__ import annotations

from typing import Any

from tests.api.core.conftest import House, policy
from vaultlike.testing.server import TestServer

REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"orphan": "perhaps"}, 'error converting input for field "orphan"'),
    ({"token_period": "often"}, 'time: invalid duration "often"'),
    ({"token_period": -1}, "cannot provide negative value '-1'"),
    ({"token_explicit_max_ttl": "-1h"}, "cannot provide negative value '-3600'"),
    ({"token_num_uses": -1}, "'token_num_uses' cannot be negative"),
    ({"token_num_uses": "many"}, "strconv.ParseInt"),
    ({"token_bound_cidrs": ["10.0.0.0/33"]}, "error parsing address"),
    ({"bound_cidrs": ["300.1.1.1"]}, "error parsing address"),
    ({"token_type": "paper"}, "invalid 'token_type' value \"paper\""),
    ({"token_type": ""}, "invalid 'token_type' value"),
    ({"path_suffix": "../upper"}, "path cannot contain parent references"),
    ({"path_suffix": "../up"}, "given role path suffix"),
    ({"token_type": None}, "Invalid 'token_type' value: null"),
    ({"path_suffix": "a..b"}, "path cannot contain parent references"),
    ({"path_suffix": "-"}, "path suffix"),
    ({"path_suffix": "v1"}, "path suffix"),
    ({"path_suffix": "abc//def"}, "path suffix"),
    ({"path_suffix": "a" * 257}, "path suffix"),
    ({"allowed_policies": {"a": 1}}, "1 error(s) decoding"),
    ({"allowed_policies": ["a"] * 1001}, "more than 1000 elements"),
    ({"token_type": "batch"}, "non-orphan tokens"),
    ({"token_type": "batch", "orphan": True}, "renewable tokens"),
    ({"token_type": "batch", "orphan": True, "renewable": False, "token_period": 9}, "periodic tokens"),
    ({"token_type": "batch", "orphan": True, "renewable": False, "token_explicit_max_ttl": 9}, "explicit max TTL"),
    ({"token_type": "batch", "orphan": True, "renewable": False, "token_num_uses": 9}, "limited use count"),
]
EMPTY: dict[str, Any] = {
    "name": "r", "orphan": False, "renewable": True, "path_suffix": "", "period": 0, "explicit_max_ttl": 0,
    "token_period": 0, "token_explicit_max_ttl": 0, "allowed_policies": [], "disallowed_policies": [],
    "allowed_policies_glob": [], "disallowed_policies_glob": [], "allowed_entity_aliases": None,
    "token_type": "default-service", "token_no_default_policy": False,
}  # fmt: skip


async def make(server: TestServer, body: dict[str, Any] | None = None, role: str = "r") -> Any:
    return await server.post(f"auth/token/create/{role}", body or {})


async def test_roles_that_are_refused_are_not_written(server: TestServer) -> None:
    for body, text in REFUSED:
        answer = await server.post("auth/token/roles/r", body)
        assert answer.status == 400, body
        assert text in answer.errors[0]
    assert (await server.get("auth/token/roles/r")).status == 404
    assert (await server.post("auth/token/roles/-r", {})).status == 404
    assert (await server.post("auth/token/roles/r/", {})).status == 400
    assert (await server.list("auth/token/roles")).status == 404


async def test_write_read_update_delete(server: TestServer) -> None:
    path = "auth/token/roles/r"
    assert (await server.post(path, {})).status == 204
    assert (await server.get(path)).data == EMPTY
    body = {
        "allowed_policies": "B,a", "disallowed_policies": ["c"], "allowed_entity_aliases": ["Web-*", "db"],
        "orphan": True, "token_bound_cidrs": ["127.0.0.0/8", "10.1.2.3/32"], "token_num_uses": 7, "token_period": "1h",
    }  # fmt: skip
    assert (await server.post(path, body)).status == 204
    shown = {
        **EMPTY, "allowed_policies": ["a", "b"], "disallowed_policies": ["c"],
        "allowed_entity_aliases": ["db", "web-*"],
        "orphan": True, "token_bound_cidrs": ["127.0.0.0/8", "10.1.2.3"], "token_num_uses": 7, "token_period": 3600,
    }  # fmt: skip
    assert (await server.get(path)).data == shown
    assert (await server.post(path, {"token_num_uses": 9})).status == 204
    assert (await server.get(path)).data == {**shown, "token_num_uses": 9}
    cleared = {
        "allowed_policies": "", "disallowed_policies": [], "allowed_entity_aliases": [], "token_bound_cidrs": "",
        "token_num_uses": 0, "token_period": 0, "orphan": None,
    }  # fmt: skip
    assert (await server.post(path, cleared)).status == 204
    assert (await server.get(path)).data == {**EMPTY, "allowed_entity_aliases": []}
    for listing in (await server.list("auth/token/roles"), await server.get("auth/token/roles?list=true")):
        assert listing.data["keys"] == ["r"]
    assert (await server.delete(path)).status == 204
    assert (await server.delete(path)).status == 204
    assert (await server.get(path)).status == 404


async def test_deprecated_spellings(server: TestServer) -> None:
    path = "auth/token/roles/r"
    old = {"period": "30m", "explicit_max_ttl": 3600, "bound_cidrs": "127.0.0.1"}
    assert (await server.post(path, old)).status == 204
    used = {"period": 1800, "explicit_max_ttl": 3600, "bound_cidrs": ["127.0.0.1"]}
    used |= {f"token_{key}": value for key, value in used.items()}
    assert (await server.get(path)).data == {**EMPTY, **used}
    new = {"token_period": "10m", "token_explicit_max_ttl": 7200, "token_bound_cidrs": "127.0.0.0/8"}
    answer = await server.post(path, {**old, **new})
    assert sorted(answer.body["warnings"]) == [
        f"Both 'token_{key}' and deprecated '{key}' value supplied, ignoring the deprecated value"
        for key in ("bound_cidrs", "explicit_max_ttl", "period")
    ]
    kept = {"token_period": 600, "token_explicit_max_ttl": 7200, "token_bound_cidrs": ["127.0.0.0/8"]}
    assert (await server.get(path)).data == {**EMPTY, **kept}
    assert (await server.post(path, {"period": "5m"})).status == 204
    assert (await server.get(path)).data == {**EMPTY, **kept, "period": 300, "token_period": 300}


async def test_a_maximum_above_the_servers_is_taken_with_a_warning(server: TestServer) -> None:
    answer = await server.post("auth/token/roles/r", {"token_explicit_max_ttl": "1000h"})
    assert answer.body["warnings"][0].startswith("Given explicit max TTL of 3600000 is greater than")
    assert (await make(server, {"policies": ["default"]})).auth["lease_duration"] == 2_764_800


async def test_writing_needs_create_or_update(server: TestServer) -> None:
    await policy(server, "maker", **{"auth__token__roles__x-*": "create,read", "auth__token__roles": "list"})
    token = await server.token("maker")
    assert (await server.post("auth/token/roles/x-1", {"orphan": True}, token=token)).status == 204
    assert (await server.post("auth/token/roles/x-1", {"orphan": False}, token=token)).status == 403
    assert (await server.post("auth/token/roles/y", {}, token=token)).status == 403
    assert (await server.get("auth/token/roles/x-2", token=token)).status == 404
    assert (await server.list("auth/token/roles", token=token)).data["keys"] == ["x-1"]


async def test_no_role_no_token(server: TestServer) -> None:
    assert (await make(server)).errors == ["unknown role r"]
    assert (await server.post("auth/token/create/r", {}, token=await server.token("default"))).status == 403


async def test_what_a_role_gives(server: TestServer) -> None:
    body = {
        "allowed_policies": "default,x", "path_suffix": "rev-1", "orphan": True, "token_num_uses": 5,
        "token_bound_cidrs": "127.0.0.1",
    }  # fmt: skip
    await server.post("auth/token/roles/r", body)
    auth = (await make(server, {"num_uses": 9, "ttl": "1h"})).auth
    assert (auth["orphan"], auth["num_uses"], auth["policies"]) == (True, 5, ["default", "x"])
    looked = (await server.get("auth/token/lookup-self", token=auth["client_token"])).data
    assert (looked["path"], looked["role"]) == ("auth/token/create/r/rev-1", "r")
    assert (looked["bound_cidrs"], looked["ttl"]) == (["127.0.0.1"], 3600)
    assert "period" not in looked
    assert (await make(server, {"num_uses": 2})).auth["num_uses"] == 2
    # the role decides about orphans, not the caller
    await server.post("auth/token/roles/r", {"orphan": False})
    answer = await make(server, {"no_parent": True, "role_name": "other"})
    assert answer.auth["orphan"] is False
    assert answer.body["warnings"][-1].endswith("values captured from the endpoint's path: [role_name]")


async def test_a_role_without_lists_gives_what_the_caller_has(server: TestServer) -> None:
    await server.post("auth/token/roles/r", {})
    await policy(server, "caller", auth__token__create__r="update")
    await policy(server, "boss", auth__token__create__r="update,sudo")
    caller, boss = await server.token("caller"), await server.token("boss")
    path = "auth/token/create/r"
    assert (await server.post(path, {}, token=caller)).auth["policies"] == ["caller", "default"]
    assert (await server.post(path, {"policies": ["x"]}, token=caller)).errors == [
        "child policies must be subset of parent"
    ]
    assert (await server.post(path, {"policies": ["x"]}, token=boss)).auth["policies"] == ["default", "x"]
    assert (await server.post("auth/token/create", {}, token=caller)).status == 403


async def test_no_role_gives_root_away(server: TestServer) -> None:
    await policy(server, "caller", auth__token__create__r="update,sudo")
    caller = await server.token("caller")
    roles: list[dict[str, str]] = [
        {"disallowed_policies": "x"},
        {"allowed_policies": "root"},
        {"allowed_policies_glob": "*"},
    ]
    for role in roles:
        await server.post("auth/token/roles/r", {"disallowed_policies": "", "allowed_policies": "", **role})
        answer = await server.post("auth/token/create/r", {"policies": ["root"]}, token=caller)
        assert answer.errors == ["root tokens may not be created without parent token being root"]
    await server.post("auth/token/roles/r", {"allowed_policies": "response-wrapping", "allowed_policies_glob": ""})
    assert (await make(server)).errors == ['cannot assign policy "response-wrapping"']


async def test_the_lesser_of_role_and_request(server: TestServer) -> None:
    await server.post("auth/token/roles/p", {"token_period": "20m"})
    await server.post("auth/token/roles/m", {"token_explicit_max_ttl": "30m", "renewable": False})
    cases: list[tuple[str, dict[str, Any], int, str]] = [
        ("p", {}, 1200, ""),
        ("p", {"period": "10m"}, 600, "Period specified both during creation call and in role; using the lesser value"),
        ("p", {"period": "30m"}, 1200, "Period specified both"),
        ("m", {"ttl": "2h"}, 1800, 'TTL of "2h" exceeded the effective max_ttl of "30m"'),
        ("m", {"explicit_max_ttl": "5m"}, 300, "Explicit max TTL specified both"),
        ("m", {"explicit_max_ttl": "50m"}, 1800, "using the lesser value of 1800 seconds"),
        ("m", {"ttl": "1m", "renewable": True}, 60, ""),
    ]
    for role, body, ttl, warning in cases:
        answer = await make(server, {"policies": ["default"], **body}, role)
        assert answer.auth["lease_duration"] == ttl, (role, body)
        assert warning in "".join(answer.body["warnings"] or [])
        assert answer.auth["renewable"] is (role == "p")


async def test_types(server: TestServer) -> None:
    batch = {"token_type": "batch", "orphan": True, "renewable": False}
    for role, asked, kind in [
        ({"token_type": "service"}, "batch", "service"),
        ({"token_type": "default-service"}, "batch", "batch"),
        ({"token_type": "default-service"}, "", "service"),
        ({"token_type": "default-batch"}, "", "batch"),
        ({"token_type": "default-batch"}, "service", "service"),
        (batch, "service", "batch"),
    ]:
        await server.delete("auth/token/roles/r")
        await server.post("auth/token/roles/r", role)
        auth = (await make(server, {"policies": ["default"], "type": asked})).auth
        assert auth["token_type"] == kind
    assert (await make(server, {"num_uses": 3})).errors == ['batch tokens cannot have "num_uses" set']
    await server.delete("auth/token/roles/r")
    await server.post("auth/token/roles/r", {"token_type": "default-batch", "token_period": "1h"})
    assert (await make(server)).errors == ['batch tokens cannot have "period" set']


async def test_renewals_follow_todays_role(server: TestServer) -> None:
    await server.post("auth/token/roles/r", {"token_period": "20m"})
    token = (await make(server, {"policies": ["default"]})).auth["client_token"]
    own = (await make(server, {"policies": ["default"], "period": "10m"})).auth["client_token"]
    await server.post("auth/token/roles/r", {"token_period": "5m"})
    for one in (token, own):
        assert (await server.post("auth/token/renew-self", token=one)).auth["lease_duration"] == 300
    await server.post("auth/token/roles/r", {"token_period": "1h", "token_explicit_max_ttl": "30m"})
    assert (await server.post("auth/token/renew-self", token=own)).auth["lease_duration"] == 600
    server.clock.advance(240)
    assert (await server.post("auth/token/renew-self", token=token)).auth["lease_duration"] == 1560
    await server.delete("auth/token/roles/r")
    answer = await server.post("auth/token/renew-self", token=token)
    assert (answer.status, "could not be found" in answer.errors[0]) == (400, True)
    assert (await server.get("auth/token/lookup-self", token=token)).data["ttl"] == 1560


async def test_entity_aliases(server: TestServer) -> None:
    await server.post("auth/token/roles/r", {"allowed_entity_aliases": "web-*", "allowed_policies": "default"})
    for alias in ("other", "web", "web-\n", "web-" + "x" * 600):
        assert (await make(server, {"entity_alias": alias})).errors == ["invalid 'entity_alias' value"], alias
    unallowed = await make(server, {"entity_alias": "db-1", "policies": ["other"]})
    assert unallowed.errors == ["invalid 'entity_alias' value"]
    first = (await make(server, {"entity_alias": "web-1"})).auth
    again = (await make(server, {"entity_alias": "web-1"})).auth
    other = (await make(server, {"entity_alias": "web-2"})).auth
    assert first["entity_id"] and first["entity_id"] == again["entity_id"] != other["entity_id"]
    assert (await make(server, {"entity_alias": ""})).auth["entity_id"] == ""
    await server.post(f"identity/entity/id/{first['entity_id']}", {"disabled": True})
    answer = await make(server, {"entity_alias": "web-1"})
    assert (answer.status, answer.errors) == (403, ["entity from given entity alias is disabled"])


async def test_another_server_knows_a_role_at_once(house: House) -> None:
    first, second = house.first, await house.another()
    await first.post("auth/token/roles/r", {"allowed_policies": "a"})
    assert (await second.post("auth/token/create/r", {})).auth["policies"] == ["a", "default"]
    await first.post("auth/token/roles/r", {"allowed_policies": "b"})
    assert (await second.post("auth/token/create/r", {})).auth["policies"] == ["b", "default"]
    await first.delete("auth/token/roles/r")
    assert (await second.post("auth/token/create/r", {})).errors == ["unknown role r"]
