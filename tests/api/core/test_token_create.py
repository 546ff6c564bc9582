"""`auth/token/create*`: spec/vault-api.md 3.2, spec/surprises.md 15-22."""

from __future__ import annotations

from typing import Any

from tests.api.core.conftest import policy
from vaultlike.testing.server import TestServer

LONG = 2_764_800

REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"num_uses": -1}, "number of uses cannot be negative"),
    ({"num_uses": 1.5}, "strconv.ParseInt"),
    ({"ttl": "-1h"}, "ttl must be positive"),
    ({"lease": -5}, "lease must be positive"),
    ({"ttl": "soon"}, 'time: invalid duration "soon"'),
    ({"period": -10}, "period must be positive"),
    ({"explicit_max_ttl": -5}, "explicit_max_ttl must be positive"),
    ({"type": "paper"}, "invalid 'token_type' value"),
    ({"id": "hvs.mine"}, "custom token ID cannot have the 'hvs.' prefix"),
    ({"id": "s.mine"}, "custom token ID cannot have the 's.' prefix"),
    ({"id": "my.own"}, "custom token ID cannot have a '.' in the value"),
    ({"id": "x" * 1025}, "too long"),
    ({"id": "root"}, "cannot create a token with a duplicate ID"),
    ({"type": "batch", "num_uses": 1}, 'batch tokens cannot have "num_uses" set'),
    ({"type": "batch", "period": "1m"}, 'batch tokens cannot have "period" set'),
    ({"type": "batch", "explicit_max_ttl": "1m"}, 'batch tokens cannot have "explicit_max_ttl" set'),
    ({"type": "batch", "policies": ["root"]}, "batch tokens cannot be root tokens"),
    ({"policies": ["response-wrapping"]}, 'cannot assign policy "response-wrapping"'),
    ({"policies": ["Control-Group"]}, 'cannot assign policy "control-group"'),
    ({"policies": {"a": 1}}, 'error converting input for field "policies"'),
    ({"meta": "nothing"}, 'invalid key pair "nothing"'),
    ({"entity_alias": "x"}, "'entity_alias' is only allowed in combination with token role"),
    ({"no_parent": "perhaps"}, "strconv.ParseBool"),
]


async def test_requests_that_root_is_refused(server: TestServer) -> None:
    before = (await server.list("auth/token/accessors")).data["keys"]
    for body, text in REFUSED:
        answer = await server.post("auth/token/create", body)
        assert answer.status == 400, body
        assert text in answer.errors[0]
    assert (await server.list("auth/token/accessors")).data["keys"] == before


GRANTED: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({}, {"policies": ["root"], "lease_duration": 0, "renewable": False, "metadata": None, "orphan": False}),
    ({"policies": []}, {"policies": ["root"]}),
    ({"policies": None}, {"policies": ["root"]}),
    ({"policies": ["b", " A ", "a", ""]}, {"policies": ["a", "b", "default"], "lease_duration": LONG}),
    ({"policies": "a,b"}, {"policies": ["a,b", "default"]}),
    ({"policies": ["x", "root"], "ttl": "1m"}, {"policies": ["root"], "lease_duration": 60, "renewable": True}),
    ({"policies": ["root"], "explicit_max_ttl": "3m"}, {"lease_duration": 180, "renewable": True}),
    ({"policies": ["a", "default"], "no_default_policy": True}, {"policies": ["a"]}),
    ({"policies": ["d"], "meta": {}}, {"metadata": {}}),
    ({"policies": ["d"], "meta": None}, {"metadata": None}),
    ({"policies": ["d"], "meta": ["a=1", "b=x=y"]}, {"metadata": {"a": "1", "b": "x=y"}}),
    ({"policies": ["d"], "renewable": None}, {"renewable": False}),
    ({"policies": ["d"], "no_parent": True}, {"orphan": True}),
    ({"policies": ["d"], "no_parent": None}, {"orphan": False}),
    ({"policies": ["d"], "ttl": "5m"}, {"lease_duration": 300}),
    ({"policies": ["d"], "ttl": 300}, {"lease_duration": 300}),
    ({"policies": ["d"], "ttl": True}, {"lease_duration": 1}),
    ({"policies": ["d"], "lease": "5m"}, {"lease_duration": 300}),
    ({"policies": ["d"], "lease": "5m", "ttl": "6m"}, {"lease_duration": 360}),
    ({"policies": ["d"], "period": "20m", "ttl": "2h"}, {"lease_duration": 1200}),
    ({"policies": ["d"], "num_uses": "2"}, {"num_uses": 2}),
    ({"policies": ["d"], "id": "mine"}, {"client_token": "mine"}),
    ({"policies": ["d"], "type": "batch"}, {"token_type": "batch", "accessor": "", "renewable": False}),
    ({"policies": ["d"], "type": "service", "color": "red"}, {"token_type": "service"}),
]


async def test_what_root_can_ask_for(server: TestServer) -> None:
    for body, expected in GRANTED:
        answer = await server.post("auth/token/create", body)
        assert answer.status == 200
        assert {key: answer.auth[key] for key in expected} == expected, body
        looked = await server.get("auth/token/lookup-self", token=answer.auth["client_token"])
        if "default" in answer.auth["policies"] or "root" in answer.auth["policies"]:
            assert looked.status == 200
            assert looked.data["meta"] == answer.auth["metadata"]
            assert looked.data["orphan"] == answer.auth["orphan"]
            assert looked.data["num_uses"] == (answer.auth["num_uses"] - 1 if answer.auth["num_uses"] else 0)


async def test_no_policies_at_all(server: TestServer) -> None:
    answer = await server.post("auth/token/create", {"policies": ["default"], "no_default_policy": True})
    assert answer.auth["policies"] == []
    assert "token_policies" not in answer.auth
    looked = await server.post("auth/token/lookup", {"token": answer.auth["client_token"]})
    assert looked.data["policies"] is None
    assert (await server.get("auth/token/lookup-self", token=answer.auth["client_token"])).status == 403


async def test_warnings(server: TestServer) -> None:
    body = {"policies": ["default", "nope"], "id": "own", "ttl": "30m", "explicit_max_ttl": "5m"}
    answer = await server.post("auth/token/create", body)
    first, second, third = answer.body["warnings"]
    assert first.startswith("Supplying a custom ID")
    assert second.startswith('TTL of "30m" exceeded the effective max_ttl of "5m"')
    assert third == 'Policy "nope" does not exist'
    assert (await server.post("auth/token/create", {"policies": ["default"]})).body["warnings"] is None


async def test_display_names(server: TestServer) -> None:
    for sent, shown in {
        "": "token",
        "Ann O'Hara/ops_1.": "token-Ann-O-Hara-ops-1",
        "x": "token-x",
        "ü": "token-",
    }.items():
        token = await server.token("default", display_name=sent)
        assert (await server.get("auth/token/lookup-self", token=token)).data["display_name"] == shown


async def test_a_caller_without_sudo_hands_on_only_what_it_has(server: TestServer) -> None:
    await policy(server, "make", **{"auth__token__create*": "update"})
    await policy(server, "a", secret__a="read")
    parent = await server.token("make", "a")
    lean = await server.token("make", "a", no_default_policy=True)
    for token, body, text in [
        (parent, {"policies": ["other"]}, "child policies must be subset of parent"),
        (parent, {"policies": ["a", "other"]}, "child policies must be subset of parent"),
        (parent, {"policies": ["ROOT"]}, "child policies must be subset of parent"),
        (lean, {"policies": ["default"]}, "child policies must be subset of parent"),
        (parent, {"no_parent": True}, "root or sudo privileges required to create orphan token"),
        (parent, {"period": "30m"}, "root or sudo privileges required to create periodic token"),
        (parent, {"period": "30m", "type": "batch"}, 'batch tokens cannot have "period" set'),
        (parent, {"id": "mine"}, "root or sudo privileges required to specify token id"),
    ]:
        answer = await server.post("auth/token/create", body, token=token)
        assert (answer.status, answer.errors) == (400, [text])
    for token, body, names in [
        (parent, {}, ["a", "default", "make"]),
        (parent, {"policies": ["A"]}, ["a", "default"]),
        (parent, {"policies": ["a"], "no_default_policy": True}, ["a"]),
        (parent, {"no_default_policy": True}, ["a", "make"]),
        (lean, {"policies": ["a"]}, ["a"]),
        (parent, {"period": 0}, ["a", "default", "make"]),
    ]:
        answer = await server.post("auth/token/create", body, token=token)
        assert (answer.status, answer.auth["policies"]) == (200, names)


async def test_sudo_gives_any_policy_but_root(server: TestServer) -> None:
    await policy(server, "boss", auth__token__create="update,sudo")
    boss = await server.token("boss")
    answer = await server.post("auth/token/create", {"policies": ["other"], "period": "1m"}, token=boss)
    assert answer.auth["policies"] == ["default", "other"]
    answer = await server.post("auth/token/create", {"policies": ["root"]}, token=boss)
    assert answer.errors == ["root tokens may not be created without parent token being root"]


async def test_a_mortal_root_makes_no_immortal_one(server: TestServer) -> None:
    mortal = await server.token("root", ttl="1h")
    answer = await server.post("auth/token/create", {}, token=mortal)
    assert answer.errors == ["expiring root tokens cannot create non-expiring root tokens"]
    assert (await server.post("auth/token/create", {"ttl": "30m"}, token=mortal)).auth["policies"] == ["root"]


async def test_who_cannot_have_children(server: TestServer) -> None:
    await policy(server, "make", auth__token__create="update")
    counted = await server.token("make", num_uses=5)
    batch = await server.token("make", type="batch")
    assert (await server.post("auth/token/create", {}, token=counted)).errors == [
        "restricted use token cannot generate child tokens"
    ]
    assert (await server.post("auth/token/create", {}, token=batch)).errors == [
        "batch tokens cannot create more tokens"
    ]


async def test_the_paths_of_orphans(server: TestServer) -> None:
    answer = await server.post("auth/token/create-orphan", {"policies": ["default"]})
    assert answer.auth["orphan"] is True
    looked = await server.post("auth/token/lookup", {"token": answer.auth["client_token"]})
    assert looked.data["path"] == "auth/token/create-orphan"
    await policy(server, "orphans", **{"auth__token__create-orphan": "update"})
    token = await server.token("orphans")
    answer = await server.post("auth/token/create-orphan", {}, token=token)
    assert answer.auth["orphan"] is True  # the path needs no sudo, only the flag does
    answer = await server.post("auth/token/create-orphan", {"no_parent": True}, token=token)
    assert (answer.status, answer.errors) == (400, ["root or sudo privileges required to create orphan token"])


async def test_children_are_bound_to_the_addresses_of_their_parent(server: TestServer) -> None:
    await policy(server, "make", **{"auth__token__create*": "update"})
    await server.post("auth/token/roles/here", {"token_bound_cidrs": "127.0.0.1/32"})
    await server.post("auth/token/roles/free", {})
    parent = (await server.post("auth/token/create/here", {"policies": ["make"]})).auth["client_token"]
    for path in ("create", "create-orphan", "create/free"):
        child = (await server.post(f"auth/token/{path}", {}, token=parent)).auth["client_token"]
        looked = await server.post("auth/token/lookup", {"token": child})
        assert looked.data["bound_cidrs"] == ["127.0.0.1"]
