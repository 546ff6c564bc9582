"""`sys/policies/acl`, `sys/policy` and `sys/capabilities*`."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

import pytest

from vaultlike.testing.server import TestServer

TEXT = 'path "a/*" {\n  capabilities = ["read"]\n}\n'


@pytest.mark.parametrize(
    ("method", "path", "body", "text"),
    [
        ("POST", "sys/policies/acl/x", {}, "'policy' parameter not supplied or empty"),
        ("POST", "sys/policies/acl/root", {"policy": TEXT}, 'cannot update "root" policy'),
        ("POST", "sys/policies/acl/Root", {"policy": TEXT}, 'cannot update "root" policy'),
        ("POST", "sys/policy/response-wrapping", {"policy": TEXT}, 'cannot update "response-wrapping" policy'),
        ("DELETE", "sys/policies/acl/root", None, 'cannot delete "root" policy'),
        ("DELETE", "sys/policy/default", None, "cannot delete default policy"),
    ],
)
async def test_what_is_refused(server: TestServer, method: str, path: str, body: Any, text: str) -> None:
    answer = await server.call(method, path, body)
    assert (answer.status, answer.errors) == (400, [text])


async def test_a_text_that_is_no_policy_changes_nothing(server: TestServer) -> None:
    await server.post("sys/policies/acl/x", {"policy": TEXT})
    assert (await server.post("sys/policies/acl/x", {"policy": "nonsense {"})).status == 400
    assert (await server.get("sys/policies/acl/x")).data == {"name": "x", "policy": TEXT}


async def test_texts_come_back_byte_for_byte_and_base64_is_decoded(server: TestServer) -> None:
    await server.post("sys/policies/acl/x", {"policy": base64.b64encode(TEXT.encode()).decode()})
    assert (await server.get("sys/policies/acl/x")).data == {"name": "x", "policy": TEXT}
    assert (await server.get("sys/policy/x")).body["rules"] == TEXT


async def test_names_fold_and_lists_end_with_root(server: TestServer) -> None:
    answer = await server.post("sys/policies/acl/MiXed", {"policy": TEXT})
    assert (answer.status, answer.body["warnings"]) == (200, ["policy name was converted to mixed"])
    assert (await server.get("sys/policies/acl/MIXED")).data["name"] == "mixed"
    assert (await server.list("sys/policies/acl")).data["keys"] == ["default", "mixed", "root"]
    for method in ("GET", "LIST"):
        older = await server.call(method, "sys/policy")
        assert older.data["keys"] == older.body["policies"] == ["default", "mixed", "root"]
    assert (await server.get("sys/policies/acl")).status == 405


async def test_the_old_key_still_works_with_a_warning(server: TestServer) -> None:
    answer = await server.post("sys/policy/x", {"rules": TEXT})
    assert answer.body["warnings"] == ["'rules' is deprecated, please use 'policy' instead"]
    assert (await server.get("sys/policy/x")).data["rules"] == TEXT


async def test_deleting_is_repeatable_and_takes_odd_names(server: TestServer) -> None:
    for path in ("sys/policies/acl/x", "sys/policy/x", "sys/policy/%5B%27x%27%5D"):
        assert (await server.delete(path)).status == 204
        assert (await server.get(path)).status == 404


async def test_a_changed_policy_holds_at_the_next_request(server: TestServer) -> None:
    await server.post("sys/mounts/a", {"type": "kv"})
    await server.post("a/b", {"v": "1"})
    await server.post("sys/policies/acl/x", {"policy": TEXT})
    token = await server.token("x")
    assert (await server.get("a/b", token=token)).status == 200
    await server.post("sys/policies/acl/x", {"policy": 'path "a/*" { capabilities = ["deny"] }'})
    assert (await server.get("a/b", token=token)).status == 403
    await server.delete("sys/policies/acl/x")
    assert (await server.get("a/b", token=token)).status == 403


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("capabilities-self", {}, 400),
        ("capabilities-self", {"paths": []}, 400),
        ("capabilities-self", {"paths": [""]}, 400),
        ("capabilities-self", {"paths": ["x"] * 1001}, 400),
        ("capabilities", {"paths": ["x"]}, 400),
        ("capabilities", {"paths": ["x"], "token": "hvs.none"}, 400),
        ("capabilities-accessor", {"paths": ["x"]}, 400),
        ("capabilities-accessor", {"paths": ["x"], "accessor": "none"}, 400),
    ],
)
async def test_questions_about_rights_that_are_refused(
    server: TestServer, path: str, body: dict[str, Any], status: int
) -> None:
    assert (await server.post(f"sys/{path}", body)).status == status
    assert (await server.post(f"sys/{path}", body, token="")).status == 403


async def test_rights(server: TestServer) -> None:
    await server.post("sys/policies/acl/x", {"policy": TEXT})
    made = (await server.post("auth/token/create", {"policies": ["x"]})).auth
    token, accessor = made["client_token"], made["accessor"]
    one = await server.post("sys/capabilities-self", {"path": "a/b"}, token=token)
    assert one.data == {"a/b": ["read"], "capabilities": ["read"]}
    assert one.body["a/b"] == ["read"]
    two = await server.post("sys/capabilities", {"paths": "a/b,c", "token": token})
    assert two.data == {"a/b": ["read"], "c": ["deny"]}
    assert (await server.post("sys/capabilities-accessor", {"paths": "a/b", "accessor": accessor})).status == 200
    assert (await server.post("sys/capabilities-self", {"paths": ["any"]})).data["any"] == ["root"]
    assert (await server.post("sys/capabilities", {"paths": "a/b", "token": token}, token=token)).status == 403


MISMATCH = ["check-and-set parameter did not match the current version"]
REQUIRED = ["check-and-set parameter required for this call"]
ACL = "sys/policies/acl"


async def write(server: TestServer, name: str = "x", path: str = ACL, **more: object) -> list[str]:
    """The errors of a write, none when it was taken."""
    answer = await server.post(f"{path}/{name}", {"policy": TEXT, **more})
    return [] if answer.status == 204 else list(answer.errors)


async def test_a_policy_is_written_by_check_and_set(server: TestServer) -> None:
    assert await write(server, cas=1) == MISMATCH  # there is none
    assert (await server.get(f"{ACL}/x")).status == 404
    assert await write(server, cas=-1) == []
    assert await write(server, cas=-1) == await write(server, cas=0) == await write(server, cas=2) == MISMATCH
    assert await write(server, cas="x") != []
    assert await write(server, cas=1, policy="nonsense {") not in ([], MISMATCH)
    assert await write(server, cas=1) == []
    assert await write(server) == []  # nobody has to
    shown = {"name": "x", "policy": TEXT, "version": 3, "cas_required": False}
    assert (await server.get(f"{ACL}/x")).data == shown


async def test_check_and_set_may_be_required(server: TestServer) -> None:
    assert await write(server, cas_required=True) == []
    for path in (ACL, "sys/policy"):
        assert await write(server, path=path) == await write(server, path=path, cas_required=False) == REQUIRED
        assert await write(server, path=path, cas=7, cas_required=False) == MISMATCH
    assert await write(server, cas=1) == []  # still required: it was not said again
    assert (await server.get(f"{ACL}/x")).data["cas_required"] is True
    assert await write(server, cas=2, cas_required=False) == []
    assert await write(server) == []
    await write(server, cas_required=True)
    await server.delete(f"{ACL}/x")
    assert await write(server) == []  # another one of this name
    assert (await server.get(f"{ACL}/x")).data == {"name": "x", "policy": TEXT}


async def test_versions_of_policies_are_listed(server: TestServer) -> None:
    await write(server, "plain")
    await write(server, "plain")
    await write(server, "strict", cas_required=True)
    data = (await server.call("LIST", "sys/policies/detailed/acl")).data
    assert data["keys"] == ["default", "plain", "strict"]
    assert data["key_info"]["plain"] == {"version": 2, "cas_required": False}
    assert data["key_info"]["strict"] == {"version": 1, "cas_required": True}


ELAPSED = ["refusing to update policy as expiration time has already elapsed"]


async def test_an_end_that_is_none_or_over_is_refused(server: TestServer) -> None:
    both = await write(server, ttl="1h", expiration="2100-01-01T00:00:00Z")
    assert both == ["cannot supply both 'expiration' and 'ttl' for policies"]
    for over in (
        {"ttl": 0},
        {"ttl": ""},
        {"expiration": 1},
        {"expiration": "1"},
        {"expiration": "2001-01-01T00:00:00Z"},
    ):
        assert await write(server, **over) == ELAPSED
        assert await write(server, path="sys/policy", **over) == ELAPSED
    unreadable: list[tuple[str, object]] = [
        ("ttl", "soon"), ("ttl", -1), ("expiration", "soon"), ("expiration", True), ("expiration", []),
        ("expiration", 10**18), ("expiration", "2100-01-01T00:00:00"),
    ]  # fmt: skip
    for name, value in unreadable:
        answer = await server.post(f"{ACL}/x", {"policy": TEXT, name: value})
        assert (answer.status, len(answer.errors)) == (400, 1)
    assert (await server.get(f"{ACL}/x")).status == 404


async def test_a_policy_ends(server: TestServer) -> None:
    text = 'path "cubbyhole/*" { capabilities = ["deny"] } path "sys/mounts" { capabilities = ["read"] }'
    assert (await server.post(f"{ACL}/x", {"policy": text, "ttl": "1h"})).status == 204
    token = await server.token("x")
    assert (await server.get("sys/mounts", token=token)).status == 200
    assert (await server.get("cubbyhole/a", token=token)).status == 403
    shown = (await server.get(f"{ACL}/x")).data
    assert (shown["version"], shown["cas_required"]) == (1, False)
    assert shown["expiration"].endswith("Z")
    assert (await server.get("sys/policy/x")).data["expiration"] == shown["expiration"]
    detailed = (await server.call("LIST", "sys/policies/detailed/acl")).data["key_info"]
    assert detailed["x"]["expiration"] == shown["expiration"]
    server.clock.advance(3599)
    assert (await server.get("sys/mounts", token=token)).status == 200
    server.clock.advance(2)
    assert (await server.get("sys/mounts", token=token)).status == 403
    assert (await server.get("cubbyhole/a", token=token)).status == 404  # what the default policy says alone
    for path in (f"{ACL}/x", "sys/policy/x"):
        assert (await server.get(path)).status == 404
    assert "x" not in (await server.list(ACL)).data["keys"]
    assert "x" not in (await server.call("LIST", "sys/policies/detailed/acl")).data["keys"]


async def test_a_policy_that_ended_makes_room_for_another(server: TestServer) -> None:
    assert await write(server, ttl=60, cas=-1, cas_required=True) == []
    server.clock.advance(61)
    assert await write(server, cas=1) == MISMATCH  # there is none any more
    assert await write(server, cas=-1) == []
    assert "expiration" not in (await server.get(f"{ACL}/x")).data
    assert await write(server) == []
    server.clock.advance(10_000)
    assert (await server.get(f"{ACL}/x")).status == 200


async def test_writing_again_makes_a_policy_last(server: TestServer) -> None:
    assert await write(server, ttl=60) == []
    assert await write(server, ttl=None, expiration=None) == []
    server.clock.advance(61)
    assert "expiration" not in (await server.get(f"{ACL}/x")).data


async def test_one_of_many_writers_wins(server: TestServer) -> None:
    await write(server)
    found = await asyncio.gather(*(write(server, cas=1) for _ in range(20)))
    assert sorted(found) == [[], *[MISMATCH] * 19]
