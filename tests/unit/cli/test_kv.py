"""kv: the preflight decides the version; tables and requests of both."""

from __future__ import annotations

import pytest

from .conftest import Cli, FakeServer

META: dict[str, object] = {
    "created_time": "2026-01-01T00:00:00Z",
    "custom_metadata": None,
    "deletion_time": "",
    "destroyed": False,
    "version": 2,
}


@pytest.fixture
def v2(server: FakeServer) -> FakeServer:
    for path in ("secret/app", "secret", "secret/gone"):
        server.enveloped("GET", f"sys/internal/ui/mounts/{path}", {"path": "secret/", "options": {"version": "2"}})
    server.enveloped("GET", "secret/data/app", {"data": {"password": "x", "user": "u"}, "metadata": META})
    server.enveloped("PUT", "secret/data/app", META)
    return server


@pytest.fixture
def v1(server: FakeServer) -> FakeServer:
    server.enveloped("GET", "sys/internal/ui/mounts/kv/app", {"path": "kv/", "options": None})
    server.enveloped("GET", "sys/internal/ui/mounts/kv", {"path": "kv/", "options": None})
    server.enveloped("GET", "kv/app", {"a": "1"}, lease_duration=2764800)
    return server


@pytest.mark.parametrize(
    "words",
    [
        ("get",),
        ("put", "secret/app"),
        ("patch", "secret/app"),
        ("patch", "-method=x", "secret/app", "a=1"),
        ("list",),
        ("undelete", "secret/app"),
        ("destroy", "-versions=x", "secret/app"),
        ("rollback", "secret/app"),
        ("metadata", "patch", "secret/app"),
    ],
)
def test_wrong_usage(cli: Cli, v2: FakeServer, words: tuple[str, ...]) -> None:
    assert cli("kv", *words).code == 1
    assert not [seen for seen in v2.seen if seen.method != "GET"]


def test_no_access_to_the_mount(cli: Cli, server: FakeServer) -> None:
    server.error("GET", "sys/internal/ui/mounts/secret/app", 403, "preflight capability check returned 403")
    result = cli("kv", "get", "secret/app")
    assert result.code == 2
    assert "preflight capability check" in result.err


@pytest.mark.parametrize(
    "words",
    [
        ("patch", "kv/app", "a=1"),
        ("undelete", "-versions=1", "kv/app"),
        ("metadata", "get", "kv/app"),
        ("rollback", "-version=1", "kv/app"),
        ("delete", "-versions=1", "kv/app"),
    ],
)
def test_a_version_one_engine_has_no_versions(cli: Cli, v1: FakeServer, words: tuple[str, ...]) -> None:
    result = cli("kv", *words)
    assert result.code == 1
    assert "version 1 engine" in result.err


def test_get_of_nothing(cli: Cli, v2: FakeServer) -> None:
    result = cli("kv", "get", "secret/gone")
    assert (result.code, result.err.split("\n")[0]) == (2, "No value found at secret/data/gone")


def test_get_of_a_deleted_version_shows_its_metadata(cli: Cli, v2: FakeServer) -> None:
    v2.enveloped("GET", "secret/data/gone", {"data": None, "metadata": {**META, "deletion_time": "t"}}, status=404)
    result = cli("kv", "get", "secret/gone")
    assert "deletion_time      t" in result.out
    assert "= Data =" not in result.out
    assert cli("kv", "get", "-field=password", "secret/gone").code == 1


def test_get_of_version_two(cli: Cli, v2: FakeServer) -> None:
    assert cli("kv", "get", "secret/app").out == (
        "= Secret Path =\nsecret/data/app\n\n"
        "======= Metadata =======\nKey                Value\n---                -----\n"
        "created_time       2026-01-01T00:00:00Z\ncustom_metadata    <nil>\ndeletion_time      n/a\n"
        "destroyed          false\nversion            2\n\n"
        "====== Data ======\nKey         Value\n---         -----\npassword    x\nuser        u\n"
    )
    assert cli("kv", "get", "-mount=secret", "-field=password", "app").out == "x"
    assert cli("kv", "get", "-field=data", "-format=json", "secret/app").json() == {"password": "x", "user": "u"}
    envelope = cli("kv", "get", "-format=json", "-version=2", "secret/app").json()
    assert isinstance(envelope, dict)
    assert envelope["data"]["data"]["user"] == "u"
    assert v2.seen[-1].query == {"version": ["2"]}


def test_get_of_version_one(cli: Cli, v1: FakeServer) -> None:
    assert cli("kv", "get", "kv/app").out == "== Data ==\nKey    Value\n---    -----\na      1\n"
    assert cli("kv", "get", "-mount=kv", "-field=a", "app").out == "1"


def test_an_old_server_without_preflight_means_version_one(cli: Cli, server: FakeServer) -> None:
    server.enveloped("GET", "kv/app", {"a": "1"})
    assert cli("kv", "get", "-field=a", "kv/app").out == "1"


def test_a_pasted_api_path_is_understood(cli: Cli, v2: FakeServer) -> None:
    v2.enveloped("GET", "sys/internal/ui/mounts/secret/data/app", {"path": "secret/", "options": {"version": "2"}})
    assert cli("kv", "get", "-field=user", "secret/data/app").out == "u"


def test_put(cli: Cli, v2: FakeServer, v1: FakeServer) -> None:
    v1.on("PUT", "kv/app")
    out = cli("kv", "put", "-cas=1", "secret/app", "a=1", "b=@/dev/null").out
    assert out.startswith("= Secret Path =\nsecret/data/app\n\n======= Metadata =======\n")
    assert v2.last("PUT").body == {"data": {"a": "1", "b": ""}, "options": {"cas": 1}}
    assert cli("kv", "put", "-field=version", "secret/app", "a=1").out == "2"
    assert v2.last("PUT").body == {"data": {"a": "1"}, "options": {}}
    assert cli("kv", "put", "kv/app", "a=1").out == "Success! Data written to: kv/app\n"
    assert v1.last("PUT").body == {"a": "1"}


def test_patch_by_patch(cli: Cli, v2: FakeServer) -> None:
    v2.enveloped("PATCH", "secret/data/app", META)
    assert cli("kv", "patch", "secret/app", "user=v").code == 0
    assert v2.last("PATCH").body == {"data": {"user": "v"}, "options": {}}
    assert v2.last("PATCH").headers["content-type"] == "application/merge-patch+json"


def test_patch_falls_back_to_read_and_write(cli: Cli, v2: FakeServer) -> None:
    v2.error("PATCH", "secret/data/app", 403, "permission denied")
    assert cli("kv", "patch", "secret/app", "user=v").code == 0
    assert v2.last("PUT").body == {"data": {"password": "x", "user": "v"}, "options": {"cas": 2}}
    assert cli("kv", "patch", "-method=patch", "secret/app", "user=v").code == 2
    assert cli("kv", "patch", "-method=rw", "-cas=1", "secret/app", "user=v").code == 2


def test_list(cli: Cli, v2: FakeServer, v1: FakeServer) -> None:
    v2.enveloped("GET", "secret/metadata/", {"keys": ["app", "d/"]})
    v1.enveloped("GET", "kv/", {"keys": ["app"]})
    assert cli("kv", "list", "secret").out == "Keys\n----\napp\nd/\n"
    assert cli("kv", "list", "-mount=secret").code == 0
    assert cli("kv", "list", "-format=json", "kv/").json() == ["app"]
    assert cli("kv", "list", "secret/app").code == 2


def test_versions(cli: Cli, v2: FakeServer) -> None:
    v2.on("DELETE", "secret/data/app")
    for part in ("delete", "undelete", "destroy"):
        v2.on("PUT", f"secret/{part}/app")
    assert cli("kv", "delete", "secret/app").out == "Success! Data deleted (if it existed) at: secret/data/app\n"
    assert cli("kv", "delete", "-versions=1,2", "secret/app").out.endswith("at: secret/data/app\n")
    assert (v2.seen[-1].path, v2.seen[-1].body) == ("secret/delete/app", {"versions": [1, 2]})
    assert cli("kv", "undelete", "-versions=1", "-mount=secret", "app").out.endswith("to: secret/undelete/app\n")
    assert cli("kv", "destroy", "-versions=1", "-versions=3", "secret/app").code == 0
    assert v2.seen[-1].body == {"versions": [1, 3]}


def test_rollback(cli: Cli, v2: FakeServer) -> None:
    v2.enveloped("GET", "secret/metadata/app", {"current_version": 7})
    assert cli("kv", "rollback", "-version=2", "secret/app").code == 0
    assert v2.last("PUT").body == {"data": {"password": "x", "user": "u"}, "options": {"cas": 7}}
    assert cli("kv", "rollback", "-version=2", "secret/gone").code == 2


def test_metadata(cli: Cli, v2: FakeServer) -> None:
    versions = {str(n): {"created_time": "t", "deletion_time": "", "destroyed": False} for n in (10, 9)}
    v2.enveloped(
        "GET", "secret/metadata/app", {"current_version": 10, "delete_version_after": "0s", "versions": versions}
    )
    for method in ("POST", "PATCH", "DELETE"):
        v2.on(method, "secret/metadata/app")
    out = cli("kv", "metadata", "get", "secret/app").out
    assert out.startswith("== Metadata Path ==\nsecret/metadata/app\n\n========== Metadata ==========\nKey ")
    assert out.index("Version 9") < out.index("Version 10")
    words = ("-max-versions=3", "-cas-required", "-delete-version-after=1h", "-custom-metadata=a=b")
    assert cli("kv", "metadata", "put", *words, "secret/app").out == "Success! Data written to: secret/metadata/app\n"
    assert v2.seen[-1].body == {
        "max_versions": 3,
        "cas_required": True,
        "delete_version_after": "3600s",
        "custom_metadata": {"a": "b"},
    }
    cli("kv", "metadata", "patch", "-remove-custom-metadata=a", "secret/app")
    assert v2.seen[-1].body == {"custom_metadata": {"a": None}}
    assert cli("kv", "metadata", "delete", "secret/app").code == 0


def test_enable_versioning(cli: Cli, server: FakeServer) -> None:
    server.on("POST", "sys/mounts/kv/tune")
    assert cli("kv", "enable-versioning", "kv/").out == "Success! Tuned the secrets engine at: kv/\n"
    assert server.seen[0].body == {"options": {"version": "2"}}
