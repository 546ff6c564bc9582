"""What clients ask beside the main things: ui mounts, catalog, OpenAPI, keys, tools, settings, counts."""

from __future__ import annotations

import base64
import re
from typing import Any

import pytest

from vaultlike.testing.server import TestServer


async def test_without_a_token_only_public_mounts_are_shown(server: TestServer) -> None:
    await server.post("sys/auth/open", {"type": "people", "config": {"listing_visibility": "unauth"}})
    await server.post("sys/auth/closed", {"type": "people"})
    shown = await server.get("sys/internal/ui/mounts", token="")
    assert shown.data == {"auth": {"open/": {"type": "people", "description": "", "options": {}}}, "secret": {}}
    for path in ("sys/internal/ui/mounts", "sys/internal/ui/mounts/auth/open", "sys/internal/ui/namespaces"):
        answer = await server.get(path, token="garbage")
        assert (answer.status, answer.errors) == (403, ["permission denied"])
    assert (await server.get("sys/internal/ui/mounts/auth/open", token="")).status == 403


async def test_the_preflight_wants_some_access_below_the_mount(server: TestServer) -> None:
    await server.post("sys/mounts/kv", {"type": "kv-v2"})
    await server.post("sys/policies/acl/x", {"policy": 'path "kv/data/a" { capabilities = ["read"] }'})
    token = await server.token("x", no_default_policy=True)
    info = (await server.get("sys/internal/ui/mounts/kv/data/other", token=token)).data
    assert (info["path"], info["options"]) == ("kv/", {"version": "2"})
    assert list((await server.get("sys/internal/ui/mounts", token=token)).data["secret"]) == ["kv/"]
    stranger = await server.token("none", no_default_policy=True)
    for path, header in (("kv/a", stranger), ("nowhere", server.root_token)):
        refused = await server.get(f"sys/internal/ui/mounts/{path}", token=header)
        assert refused.status == 403
        assert refused.errors[0].endswith(f'access to path "{path}/"')


async def test_resultant_acl(server: TestServer) -> None:
    await server.post("sys/policies/acl/x", {"policy": 'path "a/*" { capabilities = ["read"] } path "b" {}'})
    token = await server.token("x")
    shown = (await server.get("sys/internal/ui/resultant-acl", token=token)).data
    assert shown["glob_paths"]["a/"] == {"capabilities": ["read"]}
    assert shown["exact_paths"]["b"] == {"capabilities": ["deny"]}
    assert (await server.get("sys/internal/ui/resultant-acl")).data["root"] is True


async def test_the_catalog_shows_what_is_installed(server: TestServer) -> None:
    catalog = (await server.get("sys/plugins/catalog")).data
    assert "people" in catalog["auth"]
    assert catalog["secret"] == ["kv", "transit"]
    assert (await server.get("sys/plugins/catalog/auth/people")).data["builtin"] is True
    assert (await server.get("sys/plugins/catalog/auth/none")).status == 404
    assert (await server.get("sys/plugins/catalog/secret/system")).status == 404
    assert (await server.list("sys/plugins/catalog/secret")).data["keys"] == ["kv", "transit"]
    assert (await server.call("PUT", "sys/plugins/catalog/auth/x", {})).errors == ["missing SHA-256 value"]
    for name, text in (("x", "no installed package"), ("people", "comes with the server")):
        refused = await server.call("PUT", f"sys/plugins/catalog/auth/{name}", {"sha256": "00", "command": "x"})
        assert refused.status == 400 and text in refused.errors[0]
    assert (await server.delete("sys/plugins/catalog/auth/x")).status == 204
    assert (await server.delete("sys/plugins/catalog/auth/people")).status == 204  # there is no registration
    assert (await server.get("sys/plugins/catalog/auth/people")).status == 200
    assert (await server.get("sys/plugins/catalog/odd/x")).status == 400


async def test_reloading_a_plugin_keeps_its_mounts(server: TestServer) -> None:
    await server.post("sys/auth/m", {"type": "people"})
    await server.post("auth/m/users/bob", {"password": "pw"})
    assert (await server.post("sys/plugins/reload/backend", {})).status == 400
    assert (await server.post("sys/plugins/reload/backend", {"mounts": "auth/none"})).status == 400
    unknown = await server.post("sys/plugins/reload/backend", {"plugin": "none"})
    assert (unknown.status, unknown.errors) == (400, ['plugin not found in the catalog: "none"'])
    assert (await server.post("sys/plugins/reload/backend", {"plugin": "people"})).data["reload_id"]
    assert (await server.post("auth/m/login/bob", {"password": "pw"}, token="")).status == 200


@pytest.mark.parametrize("query", ["", "?generic_mount_paths=true"])
async def test_the_openapi_document_is_sound(server: TestServer, query: str) -> None:
    await server.post("sys/auth/a", {"type": "people"})
    await server.post("sys/auth/b", {"type": "people"})
    document: dict[str, Any] = (await server.get(f"sys/internal/specs/openapi{query}")).body
    assert document["openapi"] == "3.0.2"
    assert ("/auth/a/login/{name}" in document["paths"]) == (not query)
    identities: list[str] = []
    for path, item in document["paths"].items():
        declared = [p["name"] for p in item.get("parameters", [])]
        assert sorted(declared) == sorted(re.findall(r"\{(\w+)\}", path)), path
        for method, operation in item.items():
            if method == "parameters":
                continue
            identities.append(operation["operationId"])
            assert operation["responses"], path
            assert operation["summary"], path
            names = [p["name"] for p in operation.get("parameters", [])]
            assert len(names) == len(set(names)), path
            assert not set(names) & set(declared), path
    assert len(identities) == len(set(identities))


async def test_the_openapi_document_shows_strangers_little(server: TestServer) -> None:
    await server.post("sys/auth/hidden", {"type": "people"})
    open_paths = (await server.get("sys/internal/specs/openapi", token="")).body["paths"]
    assert "/sys/health" in open_paths
    assert not any(path.startswith(("/auth/", "/sys/mounts")) for path in open_paths)
    stranger = await server.token("none", no_default_policy=True)
    assert (await server.get("sys/internal/specs/openapi", token=stranger)).body["paths"] == {}
    assert (await server.get("sys/internal/specs/openapi", token="garbage")).status == 403


async def test_rotation(server: TestServer) -> None:
    before = (await server.get("sys/key-status")).body["term"]
    await server.post("sys/policies/acl/x", {"policy": 'path "sys/rotate" { capabilities = ["update"] }'})
    assert (await server.post("sys/rotate", token=await server.token("x"))).status == 403
    assert (await server.post("sys/rotate")).status == 204
    assert (await server.get("sys/key-status")).data["term"] == before + 1
    assert (await server.post("sys/rotate/config", {"max_operations": 5})).status == 400
    assert (await server.post("sys/rotate/config", {"interval": "72h"})).status == 204
    config = (await server.get("sys/rotate/config")).data
    assert (config["interval"], config["enabled"]) == ("72h0m0s", True)


async def test_a_root_token_from_the_holders(server: TestServer) -> None:
    assert (await server.get("sys/generate-root/attempt", token="")).body["started"] is False
    assert (await server.post("sys/generate-root/update", {"key": "00" * 32, "nonce": "x"}, token="")).status == 400
    begun = (await server.call("PUT", "sys/generate-root/attempt", {}, token="")).body
    assert (await server.call("PUT", "sys/generate-root/attempt", {}, token="")).status == 400
    wrong = {"key": base64.b64encode(bytes(32)).decode(), "nonce": begun["nonce"]}
    assert (await server.post("sys/generate-root/update", wrong, token="")).status == 400
    share = {"key": server.keys[0], "nonce": begun["nonce"]}
    done = (await server.post("sys/generate-root/update", share, token="")).body
    assert done["complete"] is True
    decoded = await server.post(
        "sys/decode-token", {"encoded_token": done["encoded_token"], "otp": begun["otp"]}, token=""
    )
    token = decoded.data["token"]
    assert (await server.get("auth/token/lookup-self", token=token)).data["policies"] == ["root"]
    assert (await server.delete("sys/generate-root/attempt", token="")).status == 204
    assert (await server.get("sys/generate-root/update", token="")).status == 405


async def test_new_unseal_keys(server: TestServer) -> None:
    assert (await server.get("sys/rekey/backup")).errors == ["no backed-up keys found"]
    assert (await server.get("sys/rekey/backup", token="")).status == 403
    order = {"secret_shares": 3, "secret_threshold": 2, "pgp_keys": None}
    begun = (await server.call("PUT", "sys/rekey/init", order, token="")).body
    assert (begun["started"], begun["required"]) == (True, 1)
    share = {"key": server.keys[0], "nonce": begun["nonce"]}
    done = (await server.call("PUT", "sys/rekey/update", share, token="")).body
    assert (done["complete"], len(done["keys"])) == (True, 3)
    assert (await server.get("sys/seal-status", token="")).body["n"] == 3


@pytest.mark.parametrize(
    ("path", "body", "text"),
    [
        ("random", {"bytes": 0}, "'bytes' cannot be less than 1"),
        ("random", {"bytes": 10**6}, "'bytes' should be less than 131072"),
        ("random", {"format": "x"}, 'unsupported encoding format "x"; must be "hex" or "base64"'),
        ("random/abc", {}, 'error parsing url-set byte count: strconv.Atoi: parsing "abc": invalid syntax'),
        ("hash", {"input": "!"}, "unable to decode input as base64: illegal base64 data at input byte 0"),
        ("hash/md5", {"input": ""}, "unsupported algorithm md5"),
        ("hash", {"format": "x"}, 'unsupported encoding format x; must be "hex" or "base64"'),
    ],
)
async def test_tools_refuse(server: TestServer, path: str, body: dict[str, Any], text: str) -> None:
    answer = await server.post(f"sys/tools/{path}", body)
    assert (answer.status, answer.errors) == (400, [text])


async def test_tools(server: TestServer) -> None:
    assert len(bytes.fromhex((await server.post("sys/tools/random/16", {"format": "hex"})).data["random_bytes"])) == 16
    assert len(base64.b64decode((await server.post("sys/tools/random/all/8", {})).data["random_bytes"])) == 8
    hello = {"input": base64.b64encode(b"hello").decode()}
    digest = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"  # sha256 of "hello"
    assert (await server.post("sys/tools/hash", hello)).data == {"sum": digest}
    assert (await server.post("sys/tools/hash/sha3-256", hello)).data["sum"].startswith("3338be694f50c5f3")


async def test_page_headers(server: TestServer) -> None:
    assert (await server.post("sys/config/ui/headers/X-Vault-A", {"values": ["x"]})).status == 400
    assert (await server.post("sys/config/ui/headers/X-A", {"values": []})).status == 400
    assert (await server.post("sys/config/ui/headers/X-A", {"values": ["a\r\nb"]})).status == 400
    assert (await server.list("sys/config/ui/headers")).status == 404
    assert (await server.post("sys/config/ui/headers/x-a", {"values": ["1", "2"]})).status == 200
    assert (await server.get("sys/config/ui/headers/X-A")).data == {"value": "1"}
    assert (await server.get("sys/config/ui/headers/X-A?multivalue=true")).data == {"values": ["1", "2"]}
    assert (await server.delete("sys/config/ui/headers/X-a")).status == 204
    assert (await server.get("sys/config/ui/headers/X-A")).status == 404


async def test_other_origins(server: TestServer) -> None:
    evil, good = {"Origin": "http://evil.example"}, {"Origin": "http://good.example"}
    assert (await server.get("sys/health", headers=evil)).status == 200  # off by default
    for origins in ([], ["*", "http://good.example"]):
        assert (await server.post("sys/config/cors", {"allowed_origins": origins})).status == 400
    assert (await server.post("sys/config/cors", {"allowed_origins": "http://good.example"})).status == 204
    refused = await server.get("sys/auth", headers=evil)
    assert (refused.status, refused.errors) == (403, ["origin not allowed"])
    assert "Access-Control-Allow-Origin" not in refused.headers
    allowed = await server.get("sys/auth", headers=good)
    assert allowed.headers["Access-Control-Allow-Origin"] == "http://good.example"
    assert (await server.get("sys/none", headers=good)).headers["Vary"] == "Origin"
    assert "Vary" not in (await server.get("sys/none")).headers
    preflight = await server.call("OPTIONS", "sys/auth", headers=good | {"Access-Control-Request-Method": "PUT"})
    assert preflight.status == 200
    assert "X-Vault-Token" in preflight.headers["Access-Control-Allow-Headers"]
    odd = await server.call("OPTIONS", "sys/auth", headers=good | {"Access-Control-Request-Method": "PATCH"})
    assert odd.status == 405
    await server.delete("sys/config/cors")
    assert (await server.get("sys/config/cors")).data == {"enabled": False}


async def test_counts(server: TestServer) -> None:
    await server.token("default")
    tokens = (await server.get("sys/internal/counters/tokens")).data["counters"]["service_tokens"]["total"]
    assert tokens == 2
    gauges = {one["Name"]: one["Value"] for one in (await server.get("sys/metrics")).body["Gauges"]}
    assert gauges["vault.token.count"] == 2
    text = (await server.get("sys/metrics?format=prometheus")).body.decode()
    assert "vault_token_count 2\n" in text
    assert (await server.get("sys/metrics?format=x")).status == 400


async def test_facts_need_a_token(server: TestServer) -> None:
    for path in ("sys/host-info", "sys/ha-status", "sys/config/state/sanitized", "sys/in-flight-req", "sys/metrics"):
        assert (await server.get(path, token="")).status == 403
        assert (await server.get(path)).status == 200
    assert (await server.list("sys/version-history", token="")).status == 403
    assert len((await server.list("sys/version-history")).data["keys"]) == 1
    assert (await server.get("sys/replication/status", token="")).data == {"mode": "disabled"}


async def test_wrong_methods_on_bare_paths_need_no_token(server: TestServer) -> None:
    for method, path in (("POST", "sys/health"), ("GET", "sys/seal"), ("DELETE", "sys/init"), ("GET", "sys/unseal")):
        answer = await server.call(method, path, token="")
        assert (answer.status, answer.body) == (405, {"errors": []})


async def test_why_a_login_failed(server: TestServer) -> None:
    await server.post("sys/auth/m", {"type": "people"})
    await server.post("auth/m/users/bob", {"password": "pw"})
    refused = await server.post("auth/m/login/bob", {"password": "no"}, token="")
    request = refused.headers["X-Request-Id"]
    shown = (await server.get(f"sys/explain/{request}")).data
    assert (shown["outcome"], shown["path"]) == ("refused", "auth/m/login/bob")
    assert (await server.get(f"sys/explain/{request}", token=await server.token())).status == 403
    assert (await server.get("sys/explain/none")).status == 404
    for password, outcome in (("no", "refused"), ("pw", "accepted")):
        trial = await server.post("sys/explain/simulate/auth/m/login/bob", {"password": password})
        assert (trial.data["outcome"], trial.data["simulated"]) == (outcome, True)
    assert (await server.list("sys/leases/lookup/auth/m")).status == 404


async def test_a_source_of_random_bytes_is_named_by_the_path_alone(server: TestServer) -> None:
    for path in ("sys/tools/random", "sys/tools/random/4"):
        for source in ("seal", "nonsense", 5, ["a"]):
            answer = await server.post(path, {"source": source})
            assert answer.status == 200
            assert answer.body["warnings"] == [
                "Endpoint replaced the value of these parameters with the values captured from the endpoint's path: "
                "[source]"
            ]
    assert (await server.post("sys/tools/random/nonsense/4", {})).status == 400
