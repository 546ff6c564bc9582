"""`sys/namespaces`, and how a request finds its namespace."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
import pytest

from vaultlike.testing.server import TestServer

from .conftest import Space

ALL = "create,read,update,patch,delete,list,sudo"
PATCH = {"Content-Type": "application/merge-patch+json"}


@pytest.mark.parametrize(
    "header", ["nope", "ns", "ns1/nope", "inner", "ns1x", "root/ns1", "../ns1", "ns1//inner", "NS1"]
)
async def test_unknown_namespaces(server: TestServer, header: str) -> None:
    for token in (None, "", "bad"):
        answer = await server.get("sys/mounts", token=token, headers={"X-Vault-Namespace": header})
        assert (answer.status, answer.errors) == (404, ["namespace not found"])


@pytest.mark.parametrize(
    ("name", "text"),
    [
        *(
            (name, f'"{name}/" is a reserved path')
            for name in ("root", "sys", "auth", "audit", "cubbyhole", "identity")
        ),
        ("a b", '"a b" contains space characters that cannot be used in a namespace name'),
        ("a*", "\"a*\" contains wildcard characters that cannot be used in a namespace name: '*'"),
        ("+", "\"+\" contains wildcard characters that cannot be used in a namespace name: '+'"),
        ("ns1/b", "namespace name cannot contain /"),
        ("x" * 129, "a namespace needs a name of 1 to 128 printable characters"),
    ],
)
async def test_names_that_cannot_be(server: TestServer, name: str, text: str) -> None:
    answer = await server.post(f"sys/namespaces/{name.replace(' ', '%20')}")
    assert (answer.status, text in answer.errors[0]) == (400, True)
    assert (await server.list("sys/namespaces")).data["keys"] == ["ns1/", "ns2/"]


async def test_nobody_asks_about_the_servers_own_words(server: TestServer) -> None:
    for verb in ("GET", "DELETE", "PATCH"):
        answer = await server.call(verb, "sys/namespaces/sys", {} if verb == "PATCH" else None, headers=PATCH)
        assert (answer.status, "is a reserved path" in answer.errors[0]) == (400, True), verb


async def test_a_namespace_is_reached_in_its_parent_alone(server: TestServer) -> None:
    await server.post("sys/namespaces/inner", headers={"X-Vault-Namespace": "ns1"})
    for verb in ("GET", "DELETE", "PATCH"):
        kind = {"Content-Type": "application/merge-patch+json"} if verb == "PATCH" else {}
        answer = await server.call(verb, "sys/namespaces/ns1/inner", {} if verb == "PATCH" else None, headers=kind)
        assert (answer.status, answer.errors) == (400, ["namespace name cannot contain /"])
    assert (await server.get("sys/namespaces/inner", headers={"X-Vault-Namespace": "ns1"})).status == 200
    assert (await server.delete("sys/namespaces/inner", headers={"X-Vault-Namespace": "ns1"})).data == {
        "status": "in-progress"
    }


async def test_a_path_means_one_thing(server: TestServer) -> None:
    await server.post("sys/mounts/taken", {"type": "kv"})
    await server.post("sys/mounts/deep/kv", {"type": "kv"})
    for name in ("taken", "deep"):
        assert (await server.post(f"sys/namespaces/{name}")).status == 400
    for path in ("ns1", "ns1/kv"):
        answer = await server.post(f"sys/mounts/{path}", {"type": "kv"})
        assert (answer.status, answer.errors) == (400, ["path is already in use at ns1/"])
    moved = await server.post("sys/remount", {"from": "taken", "to": "ns1"})
    assert (moved.status, moved.errors) == (400, ['path already in use at "ns1/"'])


async def test_metadata_are_checked(server: TestServer) -> None:
    big = {"custom_metadata": {"k": "v" * 513}}
    assert (await server.post("sys/namespaces/new", big)).status == 400
    assert (await server.call("PATCH", "sys/namespaces/ns1", big, headers=PATCH)).status == 400
    for value in (1, None, True, ["a"]):
        answer = await server.post("sys/namespaces/new", {"custom_metadata": {"k": value}})
        assert (answer.status, answer.errors) == (400, ["custom_metadata values must be strings"])
    assert (await server.post("sys/namespaces/new", {"custom_metadata": "k=v"})).status == 400
    for name, wrong, text in (
        ("ns1", {"k": [1]}, "metadata patch can only have string or null values, got []interface {}"),
        ("nope", {"k": 1}, "metadata patch can only have string or null values, got json.Number"),
        ("nope", {}, "namespace not found"),
    ):
        refused = await server.call("PATCH", f"sys/namespaces/{name}", {"custom_metadata": wrong}, headers=PATCH)
        assert (refused.status, refused.errors) == (400, [text])
    assert (await server.get("sys/namespaces/nope")).status == 404
    assert (await server.get("sys/namespaces/inner")).status == 404


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "sys/seal"), ("PUT", "sys/unseal"), ("GET", "sys/init"), ("PUT", "sys/init"), ("PUT", "sys/step-down"),
        ("GET", "sys/generate-root/attempt"), ("PUT", "sys/generate-root/update"), ("GET", "sys/rekey/init"),
        ("GET", "sys/rekey-recovery-key/init"), ("GET", "sys/metrics"), ("GET", "sys/host-info"),
        ("GET", "sys/in-flight-req"), ("GET", "sys/pprof/heap"), ("POST", "sys/decode-token"),
    ],
)  # fmt: skip
async def test_what_is_the_whole_servers(one: Space, server: TestServer, method: str, path: str) -> None:
    for token in (None, ""):
        answer = await one.call(method, path, token=token)
        assert (answer.status, answer.errors) == (400, ["operation unavailable in namespaces"])
        answer = await server.call(method, f"ns1/{path}", token=token)
        assert (answer.status, answer.errors) == (400, ["operation unavailable in namespaces"])
    assert (await server.get("sys/seal-status")).body["sealed"] is False


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "sys/rotate"), ("POST", "sys/rotate/config"), ("GET", "sys/key-status"), ("GET", "sys/audit"),
        ("POST", "sys/audit/file"), ("POST", "sys/audit-hash/file"), ("GET", "sys/config/cors"),
        ("GET", "sys/config/auditing/request-headers"), ("LIST", "sys/config/ui/headers"),
        ("GET", "sys/config/state/sanitized"), ("GET", "sys/quotas/config"), ("POST", "sys/quotas/rate-limit/x"),
        ("POST", "sys/plugins/catalog/auth/x"), ("GET", "sys/loggers"), ("GET", "sys/internal/counters/tokens"),
        ("LIST", "sys/raw"), ("GET", "sys/explain/x"), ("GET", "sys/replication/status"),
        ("LIST", "sys/version-history"), ("DELETE", "sys/plugins/catalog/auth/x"),
    ],
)  # fmt: skip
async def test_what_only_the_root_namespace_has(one: Space, method: str, path: str) -> None:
    answer = await one.call(method, path)
    assert (answer.status, answer.errors) == (400, ["operation only available in root namespace"])


async def test_parents_are_not_deleted(server: TestServer, one: Space) -> None:
    answer = await server.delete("sys/namespaces/ns1")
    assert answer.status == 400
    assert answer.errors == ['cannot delete namespace "ns1/": it contains child namespaces']
    assert (await one.get("sys/mounts")).status == 200


async def test_who_may_not_manage_them(one: Space, root: Space) -> None:
    token = await root.token("default")
    for method in ("GET", "POST", "DELETE", "LIST"):
        assert (await root.call(method, "sys/namespaces/ns2", token=token)).status == 403
    await one.policy("all", **{"*": ALL})
    inside = await one.token("all")
    assert (await root.list("sys/namespaces", token=inside)).status == 403
    assert (await one.list("sys/namespaces", token=inside)).data["keys"] == ["inner/"]
    assert (await one.delete("sys/namespaces/inner", token=inside)).status == 200


# What works


async def test_reading_listing_and_patching(server: TestServer, one: Space) -> None:
    made = (await server.post("sys/namespaces/team", {"custom_metadata": {"a": "1", "b": "2"}})).data
    assert made["path"] == "team/"
    assert len(made["id"]) == 5
    assert (made["custom_metadata"], made["tainted"], made["locked"]) == ({"a": "1", "b": "2"}, False, False)
    assert (await server.get("sys/namespaces/team")).data == made
    assert (await server.get("sys/namespaces/team/")).data == made
    patched = await server.call(
        "PATCH", "sys/namespaces/team", {"custom_metadata": {"a": None, "c": "3"}}, headers=PATCH
    )
    assert patched.data == {**made, "custom_metadata": {"b": "2", "c": "3"}}
    again = (await server.post("sys/namespaces/team", {"custom_metadata": {}})).data
    assert again == {**made, "custom_metadata": {}}
    listed = (await server.list("sys/namespaces")).data
    assert listed["keys"] == ["ns1/", "ns2/", "team/"]
    assert listed["key_info"]["team/"] == again
    inner = (await one.list("sys/namespaces")).data
    assert (inner["keys"], inner["key_info"]["inner/"]["path"]) == (["inner/"], "ns1/inner/")
    assert (await Space(server, "ns2").list("sys/namespaces")).status == 404


async def test_header_and_path_come_together(server: TestServer, inner: Space) -> None:
    await inner.kv()
    assert (await inner.post("secret/a", {"x": "y"})).status == 204
    for header, path in (
        ("ns1/inner", "secret/a"), ("/ns1/inner/", "secret/a"), ("ns1", "inner/secret/a"), ("", "ns1/inner/secret/a"),
        ("root", "ns1/inner/secret/a"), ("ns1/", "inner/secret/a"),
    ):  # fmt: skip
        answer = await server.get(path, headers={"X-Vault-Namespace": header})
        assert answer.data == {"x": "y"}, (header, path)
        assert answer.headers["X-Vault-Namespace"] == header
    assert (await server.get("ns2/inner/secret/a")).status == 404
    assert (await server.get("inner/secret/a")).status == 404
    assert "X-Vault-Namespace" not in (await server.get("sys/health")).headers


async def test_each_has_its_own_mounts(one: Space, server: TestServer) -> None:
    ours, theirs = (await one.get("sys/mounts")).data, (await server.get("sys/mounts")).data
    assert sorted(ours) == ["cubbyhole/", "identity/", "sys/"]
    assert ours["sys/"]["accessor"] != theirs["sys/"]["accessor"]
    assert list((await one.get("sys/auth")).data) == ["token/"]
    assert (await one.list("sys/policies/acl")).data["keys"] == ["default", "root"]
    assert (await one.get("sys/internal/ui/namespaces")).data["keys"] == ["inner/"]
    assert (await server.get("sys/internal/ui/namespaces")).data["keys"] == ["ns1/", "ns2/"]
    assert "azure" in (await one.get("sys/plugins/catalog")).data["auth"]
    for path in ("sys/health", "sys/seal-status", "sys/leader"):
        assert (await one.get(path)).status == 200


async def test_tokens_say_where_they_are_from(one: Space, inner: Space, server: TestServer, root: Space) -> None:
    for space in (one, inner):
        name = space.path.rpartition("/")[2]
        around = Space(server, space.path.rpartition("/")[0])
        identity = (await around.get(f"sys/namespaces/{name}")).data["id"]
        for kind, prefix in (("service", "hvs."), ("batch", "hvb.")):
            token = await space.token("default", type=kind)
            assert token.startswith(prefix)
            assert token.endswith("." + identity)
            shown = (await space.get("auth/token/lookup-self", token=token)).data
            assert (shown["id"], shown["namespace_path"]) == (token, space.path + "/")
    shown = (await root.get("auth/token/lookup-self")).data
    assert "namespace_path" not in shown


async def test_a_token_is_asked_about_itself_from_anywhere(one: Space, two: Space, root: Space) -> None:
    token = await one.token("default")
    for space in (root, two, one):
        shown = await space.get("auth/token/lookup-self", token=token)
        assert (shown.status, shown.data["namespace_path"]) == (200, "ns1/")
        assert (await space.post("auth/token/renew-self", {}, token=token)).status == 200
        assert (await space.get("cubbyhole/x", token=token)).status == (404 if space is one else 403)
    barred = await one.token(await one.policy("barred", **{"auth/token/lookup-self": "deny"}))
    assert (await root.get("auth/token/lookup-self", token=barred)).status == 403
    assert (await two.post("auth/token/revoke-self", {}, token=token)).status == 204
    assert (await one.get("auth/token/lookup-self", token=token)).status == 403


async def test_a_parents_token_does_what_its_policies_say_about_the_whole_path(
    root: Space, one: Space, inner: Space, two: Space
) -> None:
    for space in (one, inner, two):
        await space.kv()
        await space.post("secret/a", {"x": space.path})
    await root.policy("p", **{"ns1/secret/*": "read,list", "+/inner/secret/a": "read"})
    token = await root.token("p")
    assert (await one.get("secret/a", token=token)).data == {"x": "ns1"}
    assert (await root.get("ns1/secret/a", token=token)).data == {"x": "ns1"}
    assert (await inner.get("secret/a", token=token)).data == {"x": "ns1/inner"}
    assert (await two.get("secret/a", token=token)).status == 403
    assert (await one.post("secret/a", {"x": "y"}, token=token)).status == 403
    await one.policy("q", **{"inner/secret/*": "read"})
    middle = await one.token("q")
    assert (await inner.get("secret/a", token=middle)).data == {"x": "ns1/inner"}
    assert (await one.get("secret/a", token=middle)).status == 403
    asked = {"paths": ["secret/a", "secret/b", "sys/mounts"]}
    await root.policy("p", **{"ns1/secret/*": "read,list", "ns1/sys/capabilities-self": "update"})
    shown = (await one.post("sys/capabilities-self", asked, token=token)).data
    assert {path: shown[path] for path in asked["paths"]} == {
        "secret/a": ["list", "read"], "secret/b": ["list", "read"], "sys/mounts": ["deny"],
    }  # fmt: skip


async def test_logins_identities_and_templates_are_the_namespaces_own(root: Space, one: Space, two: Space) -> None:
    ids = set()
    for space in (root, one, two):
        assert (await space.post("sys/auth/desk", {"type": "desk"})).status == 204
        await space.kv()
        await space.policy("own", **{"secret/{{identity.entity.name}}": "read,create,update"})
        entity = (await space.post("identity/entity", {"name": "of-ann", "policies": ["own"]})).data["id"]
        accessor = (await space.get("sys/auth")).data["desk/"]["accessor"]
        alias = {"name": "ann", "canonical_id": entity, "mount_accessor": accessor}
        assert (await space.post("identity/entity-alias", alias)).status == 200
        auth = (await space.post("auth/desk/login", {"name": "ann"}, token="")).auth
        assert (auth["entity_id"], auth["identity_policies"]) == (entity, ["own"])
        ids.add(entity)
        token = auth["client_token"]
        assert (await space.post("secret/of-ann", {"a": "b"}, token=token)).status == 204
        assert (await space.post("secret/of-eve", {"a": "b"}, token=token)).status == 403
        assert (await space.post("auth/token/renew-self", token=token)).status == 200
        shown = (await space.get("auth/token/lookup-self", token=token)).data
        assert shown["identity_policies"] == ["own"]
    assert len(ids) == 3


async def test_the_entity_of_a_parents_token_fills_templates_in_a_child(root: Space, one: Space) -> None:
    await root.post("sys/auth/desk", {"type": "desk"})
    await one.kv()
    auth = (await root.post("auth/desk/login", {"name": "ann"}, token="")).auth
    await root.post(f"identity/entity/id/{auth['entity_id']}", {"name": "ann", "policies": ["own"]})
    await root.policy("own", **{"ns1/secret/{{identity.entity.name}}": "read,create,update"})
    token = auth["client_token"]
    assert (await one.post("secret/ann", {"a": "b"}, token=token)).status == 204
    assert (await one.post("secret/eve", {"a": "b"}, token=token)).status == 403
    await root.post(f"identity/entity/id/{auth['entity_id']}", {"disabled": True})
    assert (await one.get("secret/ann", token=token)).status == 403


async def test_a_parent_sees_and_ends_tokens_of_a_child(root: Space, one: Space) -> None:
    token = await one.token("default")
    shown = (await root.post("auth/token/lookup", {"token": token})).data
    assert shown["namespace_path"] == "ns1/"
    assert (await root.post("auth/token/renew", {"token": token})).status == 200
    assert (await root.post("auth/token/revoke", {"token": token})).status == 204
    assert (await one.get("auth/token/lookup-self", token=token)).status == 403


async def test_deleting_leaves_nothing(server: TestServer, second: TestServer, two: Space) -> None:
    """A namespace of the same name that is made afterwards is another one."""
    await two.kv()
    await two.post("secret/a", {"x": "y"})
    await two.post("sys/auth/desk", {"type": "desk"})
    text = (await two.post("auth/desk/login", {"name": "ann"}, token="")).auth["client_token"]
    other = Space(second, "ns2")
    assert (await other.get("auth/token/lookup-self", token=text)).status == 200
    old = (await server.get("sys/namespaces/ns2")).data["id"]
    gone = await server.delete("sys/namespaces/ns2")
    assert (gone.status, gone.data) == (200, {"status": "in-progress"})  # a client that finds no body fails
    again = await server.delete("sys/namespaces/ns2")
    assert (again.status, again.body["warnings"]) == (200, ["requested namespace does not exist"])
    for space in (two, other):
        for token in (None, text):
            assert (await space.get("secret/a", token=token)).errors == ["namespace not found"]
    engine = server.server.engine
    assert await engine.keys(old, "") == []
    assert await engine.entities(old) == []
    assert await engine.aliases(old) == []
    assert await engine.count_tokens(namespace=old) == 0
    assert (await server.post("sys/namespaces/ns2")).data["id"] != old
    assert (await two.get("auth/token/lookup-self", token=text)).status == 403
    assert (await two.list("identity/entity/id")).status == 404
    assert sorted((await two.get("sys/mounts")).data) == ["cubbyhole/", "identity/", "sys/"]


async def test_other_servers_follow(server: TestServer, second: TestServer) -> None:
    assert (await second.post("sys/namespaces/late")).status == 200
    there, here = Space(second, "late"), Space(server, "late")
    assert (await here.get("sys/mounts")).status == 200
    await there.kv()
    await there.policy("p", **{"secret/*": "read"})
    await there.post("secret/a", {"x": "y"})
    token = await there.token("p")
    assert (await here.get("secret/a", token=token)).data == {"x": "y"}
    await here.policy("p", **{"secret/b": "read"})
    assert (await there.get("secret/a", token=token)).status == 403


async def test_racing_creations_make_one(server: TestServer, second: TestServer) -> None:
    faces = [server, second] * 5
    answers = await asyncio.gather(*(face.post("sys/namespaces/race") for face in faces))
    assert {answer.status for answer in answers} == {200}
    assert len({answer.data["id"] for answer in answers}) == 1
    mounts = await asyncio.gather(*(Space(face, "race").get("sys/mounts") for face in faces))
    assert len({answer.data["sys/"]["uuid"] for answer in mounts}) == 1


async def test_a_restart_finds_everything(server: TestServer, one: Space) -> None:
    await one.kv()
    await one.post("secret/a", {"x": "y"})
    token = await one.token("default")
    await server.server.seal()
    assert (await one.get("secret/a")).status == 503
    await server.server.unseal(server.keys[0])
    assert (await one.get("secret/a")).data == {"x": "y"}
    assert (await one.get("auth/token/lookup-self", token=token)).status == 200


async def test_rate_limits_name_the_whole_path(server: TestServer, one: Space, two: Space) -> None:
    assert (await server.post("sys/quotas/rate-limit/r", {"path": "ns1/", "rate": 1, "interval": "1m"})).status == 204
    assert [(await one.get("sys/mounts")).status for _ in range(2)] == [200, 429]
    assert [(await two.get("sys/mounts")).status for _ in range(2)] == [200, 200]


async def test_leases_of_one_namespace(one: Space, two: Space) -> None:
    for space in (one, two):
        await space.post("sys/auth/desk", {"type": "desk"})
    texts = [
        (await space.post("auth/desk/login", {"name": "ann"}, token="")).auth["client_token"] for space in (one, two)
    ]
    assert len((await one.list("sys/leases/lookup/auth/desk/login")).data["keys"]) == 1
    assert (await one.post("sys/leases/revoke-prefix/auth/desk")).status == 204
    assert (await one.get("auth/token/lookup-self", token=texts[0])).status == 403
    assert (await two.get("auth/token/lookup-self", token=texts[1])).status == 200
    assert (await two.delete("sys/auth/desk")).status == 204
    assert (await two.get("auth/token/lookup-self", token=texts[1])).status == 403


async def test_audit_names_the_namespace(server: TestServer, inner: Space, tmp_path: Path) -> None:
    file = tmp_path / "audit.log"
    assert (await server.post("sys/audit/f", {"type": "file", "options": {"file_path": str(file)}})).status == 204
    await inner.get("sys/mounts")
    await server.get("ns1/inner/sys/mounts")
    await server.get("sys/mounts")
    seen = [msgspec.json.decode(line)["request"] for line in file.read_bytes().splitlines()]
    identity = (await Space(server, "ns1").get("sys/namespaces/inner")).data["id"]
    found = [entry["namespace"] for entry in seen if entry["path"] == "sys/mounts"]
    assert found == [{"id": identity, "path": "ns1/inner/"}] * 4 + [{"id": "root"}] * 2


async def test_periodic_work_reaches_every_namespace(server: TestServer, one: Space) -> None:
    core = server.server.core
    assert core is not None
    assert [found.namespace.path async for found in core.branches.every(complete=True)] == [
        "", "ns1/", "ns1/inner/", "ns2/",
    ]  # fmt: skip


async def test_a_deletion_that_was_cut_off_can_be_repeated(server: TestServer, two: Space) -> None:
    """Half-deleted is gone for everybody, but not free yet."""
    core = server.server.core
    assert core is not None
    found = core.namespaces.at("ns2/")
    assert found is not None
    token = await two.token("default")
    await core.namespaces.taint(found)
    assert (await two.get("auth/token/lookup-self", token=token)).errors == ["namespace not found"]
    assert (await server.get("ns2/sys/mounts")).status == 404
    assert (await server.get("sys/namespaces/ns2")).data["tainted"] is True
    assert (await server.post("sys/namespaces/ns2")).errors == ["namespace is being deleted"]
    assert (await server.call("PATCH", "sys/namespaces/ns2", {}, headers=PATCH)).status == 404
    assert (await server.delete("sys/namespaces/ns2")).status == 200
    assert (await server.get("sys/namespaces/ns2")).status == 404
    assert await server.server.engine.count_tokens(namespace=found.id) == 0


async def test_users_locked_out_in_a_namespace(root: Space, one: Space, two: Space, inner: Space) -> None:
    for space in (one, inner):
        await space.post("sys/auth/userpass", {"type": "userpass"})
        await space.post("auth/userpass/users/bob", {"password": "right"})
        for _ in range(5):
            await space.post("auth/userpass/login/bob", {"password": "wrong"}, token="")
        assert (await space.post("auth/userpass/login/bob", {"password": "right"}, token="")).status == 403

    async def counts(space: Space) -> dict[str, int]:
        data = (await space.get("sys/locked-users")).data
        found = {each["namespace_path"]: each["counts"] for each in data["by_namespace"]}
        assert sum(found.values()) == data["total"]
        return found

    assert await counts(root) == {"ns1/": 1, "ns1/inner/": 1}
    assert (await counts(one), await counts(inner), await counts(two)) == (
        {"ns1/": 1, "ns1/inner/": 1}, {"ns1/inner/": 1}, {},
    )  # fmt: skip
    accessor = (await one.get("sys/auth")).data["userpass/"]["accessor"]
    for space in (root, two):
        assert (await space.post(f"sys/locked-users/{accessor}/unlock/bob")).status == 400
    assert (await one.post(f"sys/locked-users/{accessor}/unlock/bob")).status == 204
    assert (await one.post("auth/userpass/login/bob", {"password": "right"}, token="")).status == 200
    assert await counts(root) == {"ns1/inner/": 1}
